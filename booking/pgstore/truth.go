package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking/event"
	"usher/internal/id"
)

// Count is an event's seats by state, in one snapshot.
type Count struct {
	Event id.Event
	event.Stock
	Owned int // live rows of booking_seats
}

// Difference is how many seats do not add up; it must be zero. free + reserved + paying + booked + blocked = capacity, and each seat
// that is reserved, being paid or booked has one live owner.
func (c Count) Difference() int {
	return distance(c.Free+c.Reserved+c.Paying+c.Booked+c.Blocked, c.Capacity) + distance(c.Reserved+c.Paying+c.Booked, c.Owned)
}

func distance(a, b int) int { return max(a-b, b-a) }

// Stock counts the seats of one event, whose sale may not have opened yet: then there are none. It reads all its tickets, as Truth does.
func (s *Store) Stock(ctx context.Context, e id.Event) (t event.Stock, err error) {
	from, to := e.Tickets()
	row := s.pool.QueryRow(ctx, query("stock"), int64(from), int64(to))
	if err := row.Scan(&t.Capacity, &t.Free, &t.Reserved, &t.Paying, &t.Booked, &t.Blocked, &t.Version); err != nil {
		return t, fmt.Errorf("count the seats of %s: %w", e, away(err))
	}
	return t, nil
}

// Truth counts the seats of the events that a command has named within the given time. It reads all their tickets: tens of
// milliseconds for a stadium, so ask every few seconds, from one process.
func (s *Store) Truth(ctx context.Context, within time.Duration) ([]Count, error) {
	rows, err := s.pool.Query(ctx, query("truth"), within.Seconds())
	if err != nil {
		return nil, fmt.Errorf("count seats: %w", away(err))
	}
	counts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Count, err error) {
		var e int64
		err = row.Scan(&e, &c.Capacity, &c.Free, &c.Reserved, &c.Paying, &c.Booked, &c.Blocked, &c.Owned)
		c.Event = id.Event(e)
		return c, err
	})
	return counts, away(err)
}
