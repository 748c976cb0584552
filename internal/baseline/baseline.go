// Package baseline is the usual design, to measure ours against: every API process books by itself with
// SELECT … FOR UPDATE in one transaction, no log and no worker. It serves no user; `make bench` puts it behind the
// same HTTP handler as the real desk. Its answers and its rows are the same, so the comparison is of the commit alone.
package baseline

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/booking"
	"usher/internal/id"
)

var (
	//go:embed lock_seats.sql
	lockSeats string
	//go:embed take_seats.sql
	takeSeats string
	//go:embed insert_booking.sql
	insertBooking string
	//go:embed insert_seats.sql
	insertSeats string
)

// Books books with row locks. Currency is that of every event of the benchmark.
type Books struct {
	Pool     *pgxpool.Pool
	Currency string
	Checkout time.Duration
}

// Book reserves the tickets for the owner, or answers *booking.UnavailableError.
func (b *Books) Book(ctx context.Context, o booking.Owner, tickets []id.Ticket) (booking.Booking, error) {
	tickets = slices.Sorted(slices.Values(tickets))
	made := booking.Booking{
		ID: id.Booking{Event: tickets[0].Event(), Key: id.NewKey()}, Owner: o.Visitor, Status: booking.Reserved,
		Currency: b.Currency, ExpirationTime: time.Now().Add(b.Checkout).UTC(), CreatedAt: time.Now().UTC(), UpdatedAt: time.Now().UTC(),
	}
	err := pgx.BeginFunc(ctx, b.Pool, func(tx pgx.Tx) error {
		total, err := b.lock(ctx, tx, o.Visitor, tickets)
		if err != nil {
			return err
		}
		made.Total = total
		if _, err := tx.Exec(ctx, takeSeats, tickets, o.Visitor, made.ID.Key, made.ExpirationTime); err != nil {
			return fmt.Errorf("take seats: %w", err)
		}
		if _, err := tx.Exec(ctx, insertBooking, made.ID.Event, made.ID.Key, o.Visitor, total, b.Currency, made.ExpirationTime); err != nil {
			return fmt.Errorf("insert booking: %w", err)
		}
		_, err = tx.Exec(ctx, insertSeats, tickets, made.ID.Key)
		return err
	})
	return made, err
}

// lock waits for the rows and returns their price, or says which cannot be had.
func (b *Books) lock(ctx context.Context, tx pgx.Tx, owner id.Visitor, tickets []id.Ticket) (total int64, err error) {
	rows, err := tx.Query(ctx, lockSeats, tickets, owner)
	if err != nil {
		return 0, fmt.Errorf("lock seats: %w", err)
	}
	defer rows.Close()
	var taken []id.Ticket
	found := 0
	for rows.Next() {
		var ticket id.Ticket
		var free bool
		var price int64
		if err := rows.Scan(&ticket, &free, &price); err != nil {
			return 0, err
		}
		found++
		total += price
		if !free {
			taken = append(taken, ticket)
		}
	}
	if err := rows.Err(); err != nil {
		return 0, fmt.Errorf("lock seats: %w", err)
	}
	if found < len(tickets) {
		return 0, booking.ErrTicketNotFound
	}
	if len(taken) > 0 {
		return 0, &booking.UnavailableError{Tickets: taken}
	}
	return total, nil
}
