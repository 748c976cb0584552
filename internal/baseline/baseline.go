// Package baseline is the usual designs, to measure ours against: every API process books by itself, no log and no worker. One locks the seats with
// SELECT … FOR UPDATE and writes in the same transaction; one compares and sets in a single statement. They serve no user; `make bench` puts them behind the
// same HTTP handler as the real desk. Answers, rows and the memory of repeated requests are the same, so the comparison is of the commit alone.
package baseline

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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
	//go:embed keep_key.sql
	keepKey string
	//go:embed book_at_once.sql
	bookAtOnce string
	//go:embed count.sql
	count string
)

// Books books in one of the usual ways. Currency is that of every event of the benchmark.
type Books struct {
	Pool     *pgxpool.Pool
	Currency string
	Checkout time.Duration
	AtOnce   bool // in one statement, without locking first
}

// Book reserves the tickets for the owner, or answers *booking.UnavailableError.
func (b *Books) Book(ctx context.Context, o booking.Owner, tickets []id.Ticket, key string) (booking.Booking, error) {
	tickets = slices.Sorted(slices.Values(tickets))
	now := time.Now().UTC()
	made := booking.Booking{
		ID: id.Booking{Event: tickets[0].Event(), Key: id.NewKey()}, Owner: o.Visitor, Status: booking.Reserved,
		Currency: b.Currency, ExpirationTime: now.Add(b.Checkout), CreatedAt: now, UpdatedAt: now,
	}
	if key == "" {
		key = made.ID.Key.String()
	}
	request := sha256.Sum256(fmt.Append(nil, tickets))
	scope := sha256.Sum256(fmt.Append(nil, o.Visitor, key))
	answer := []byte(made.ID.Key.String())
	if b.AtOnce {
		err := b.Pool.QueryRow(ctx, bookAtOnce, tickets, o.Visitor, made.ID.Key, made.ExpirationTime, made.ID.Event, b.Currency, scope[:], request[:], answer).Scan(&made.Total)
		if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == divisionByZero {
			return made, &booking.UnavailableError{Tickets: tickets}
		}
		if err != nil {
			return made, fmt.Errorf("book at once: %w", err)
		}
		return made, nil
	}
	err := pgx.BeginFunc(ctx, b.Pool, func(tx pgx.Tx) (err error) {
		if made.Total, err = b.lock(ctx, tx, o.Visitor, tickets); err != nil {
			return err
		}
		var rest pgx.Batch // one round trip for what needs no answer
		rest.Queue(takeSeats, tickets, o.Visitor, made.ID.Key, made.ExpirationTime)
		rest.Queue(insertBooking, made.ID.Event, made.ID.Key, o.Visitor, made.Total, b.Currency, made.ExpirationTime)
		rest.Queue(insertSeats, tickets, made.ID.Key)
		rest.Queue(keepKey, scope[:], request[:], answer)
		return tx.SendBatch(ctx, &rest).Close()
	})
	return made, err
}

const divisionByZero = "22012"

// Count counts what was booked by any design: bookings, seats that have one, and live owners of seats.
func (b *Books) Count(ctx context.Context) (bookings, seats, owners int64, err error) {
	if err = b.Pool.QueryRow(ctx, count).Scan(&bookings, &seats, &owners); err != nil {
		err = fmt.Errorf("count bookings: %w", err)
	}
	return bookings, seats, owners, err
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
