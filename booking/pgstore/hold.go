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

// Hold writes many visitors' holds in one transaction of one round trip, and says which were granted. A seat that is sold,
// blocked, booked or held by another refuses its whole request.
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
	var b pgx.Batch
	b.Queue(query("hold_users"), users)
	b.Queue(query("hold_seats"), numbers, tickets, owners, until).Query(func(rows pgx.Rows) error {
		got, err := pgx.CollectRows(rows, pgx.RowTo[int])
		for _, i := range got {
			granted[i] = true
		}
		return err
	})
	if err := s.pool.SendBatch(ctx, &b).Close(); err != nil {
		return nil, fmt.Errorf("hold seats: %w", away(err))
	}
	return granted, nil
}

// HoldRelease is one visitor's return of seats.
type HoldRelease struct {
	Owner   id.Visitor
	Tickets []id.Ticket
}

// ReleaseHolds takes back the held seats of many visitors; what is booked or another's stays.
func (s *Store) ReleaseHolds(ctx context.Context, releases []HoldRelease) error {
	var tickets []int64
	var owners [][16]byte
	for _, r := range releases {
		for _, t := range r.Tickets {
			tickets, owners = append(tickets, int64(t)), append(owners, r.Owner)
		}
	}
	if _, err := s.pool.Exec(ctx, query("hold_release"), tickets, owners); err != nil {
		return fmt.Errorf("release holds: %w", away(err))
	}
	return nil
}

// SeatTruth is what Postgres says about a seat.
type SeatTruth struct {
	Ticket  id.Ticket
	Version int
	State   booking.SeatState
	Holder  id.Visitor // who holds it or has booked it; zero: nobody
	Until   time.Time  // end of the hold or the reservation
}

// Seats reads what Postgres says about some seats.
func (s *Store) Seats(ctx context.Context, tickets []id.Ticket) ([]SeatTruth, error) {
	rows, err := s.pool.Query(ctx, query("hold_truth"), int64s(tickets))
	return seatTruths(rows, err)
}

// SeatMap reads what Postgres says about all seats of an event, in seat order. A seat without a row is an error.
func (s *Store) SeatMap(ctx context.Context, e id.Event) ([]SeatTruth, error) {
	from, to := e.Tickets()
	rows, err := s.pool.Query(ctx, query("hold_map"), int64(from), int64(to), int64(e))
	seats, err := seatTruths(rows, err)
	if err != nil {
		return nil, fmt.Errorf("seat map of %s: %w", e, err)
	}
	for i, t := range seats {
		if t.Ticket.Seat() != i {
			return nil, fmt.Errorf("seat map of %s: seat %d is missing", e, i)
		}
	}
	return seats, nil
}

func seatTruths(rows pgx.Rows, err error) ([]SeatTruth, error) {
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
