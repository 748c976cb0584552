package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking"
	"usher/internal/id"
)

// HoldRequest is one visitor's hold of seats, all or none.
type HoldRequest struct {
	Owner   id.Visitor
	Tickets []id.Ticket
	Until   time.Time
}

// Hold writes many visitors' holds in one statement and says which were granted. A seat that is sold, blocked, booked or
// held by another refuses its whole request.
func (s *Store) Hold(ctx context.Context, requests []HoldRequest) (granted []bool, err error) {
	var numbers []int
	var tickets []int64
	var owners, users [][16]byte
	var until []time.Time
	for i, r := range requests {
		users = append(users, r.Owner)
		for _, t := range r.Tickets {
			numbers, tickets = append(numbers, i), append(tickets, int64(t))
			owners, until = append(owners, r.Owner), append(until, r.Until)
		}
	}
	granted = make([]bool, len(requests))
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var b pgx.Batch
		b.Queue(query("hold_users"), users)
		b.Queue(query("hold_seats"), numbers, tickets, owners, until).Query(func(rows pgx.Rows) error {
			got, err := pgx.CollectRows(rows, pgx.RowTo[int])
			for _, i := range got {
				granted[i] = true
			}
			return err
		})
		return tx.SendBatch(ctx, &b).Close()
	})
	if err != nil {
		return nil, fmt.Errorf("hold seats: %w", away(err))
	}
	return granted, nil
}

// ReleaseHolds gives a visitor's held seats back; what is booked or another's stays.
func (s *Store) ReleaseHolds(ctx context.Context, owner id.Visitor, tickets []id.Ticket) error {
	_, err := s.pool.Exec(ctx, query("hold_release"), int64s(tickets), [16]byte(owner))
	if err != nil {
		return fmt.Errorf("release holds: %w", away(err))
	}
	return nil
}

// SeatTruth is what Postgres says about a seat.
type SeatTruth struct {
	Ticket  id.Ticket
	Version int
	State   booking.SeatState
	Holder  id.Visitor // zero: nobody
	Until   time.Time
}

// Seats reads what Postgres says about some seats.
func (s *Store) Seats(ctx context.Context, tickets []id.Ticket) ([]SeatTruth, error) {
	rows, err := s.pool.Query(ctx, query("hold_truth"), int64s(tickets))
	if err != nil {
		return nil, fmt.Errorf("seats: %w", away(err))
	}
	seats, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t SeatTruth, err error) {
		var ticket int64
		var status string
		var blocked, owned bool
		var holder *[16]byte
		var until *time.Time
		err = row.Scan(&ticket, &t.Version, &status, &blocked, &owned, &holder, &until)
		t.Ticket, t.State = id.Ticket(ticket), booking.StateOf(booking.TicketStatus(status), owned, blocked)
		t.Holder, t.Until = id.Visitor(key(holder)), value(until)
		return t, err
	})
	return seats, away(err)
}

func int64s(tickets []id.Ticket) []int64 {
	out := make([]int64, len(tickets))
	for i, t := range tickets {
		out[i] = int64(t)
	}
	return out
}
