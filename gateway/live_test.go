package gateway

import (
	"context"
	"sync"
	"time"

	"usher/booking"
	"usher/catalog"
	"usher/catalog/layout"
	"usher/internal/id"
)

// liveSeats are the stores of one event whose seats a test changes.
type liveSeats struct {
	mu      sync.Mutex // guards the rest
	plan    layout.Layout
	version int64
	states  []booking.SeatState
	holds   map[int]time.Time
	away    bool
}

func newLiveSeats(l *layout.Layout) *liveSeats {
	return &liveSeats{plan: *l, version: 100, states: make([]booking.SeatState, l.Capacity()), holds: map[int]time.Time{}}
}

// change does something to the seats and returns their version after it.
func (l *liveSeats) change(do func()) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	l.version++
	return l.version
}

// book makes seats booked.
func (l *liveSeats) book(seats ...int) int64 {
	return l.change(func() {
		for _, seat := range seats {
			l.states[seat] = booking.SeatBooked
		}
	})
}

func (l *liveSeats) Facts(_ context.Context, e id.Event) (*catalog.Facts, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.away:
		return nil, booking.ErrStoreUnavailable
	case e != guarded && e != unguarded:
		return nil, booking.ErrEventNotFound
	}
	return &catalog.Facts{Plan: &layout.Plan{Event: e, Currency: "USD", Prices: map[string]int{"A": 4200, "B": 2100}, Layout: &l.plan},
		Start: noon, End: noon.Add(2 * time.Hour), Venue: catalog.Venue{ID: 1, Zone: time.UTC}, OnSale: true, Version: 1}, nil
}

func (l *liveSeats) FactsVersion(context.Context, id.Event) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return 0, booking.ErrStoreUnavailable
	}
	return 1, nil
}

func (l *liveSeats) Seats(ctx context.Context, e id.Event) (catalog.Seats, error) {
	return l.Snapshot(ctx, e, 0)
}

func (l *liveSeats) Snapshot(_ context.Context, _ id.Event, have int64) (catalog.Seats, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return catalog.Seats{}, catalog.ErrMapAway
	}
	out := catalog.Seats{Version: l.version, Now: time.Now(), Same: have == l.version, Holds: map[int]time.Time{}}
	if !out.Same {
		out.States = append(out.States, l.states...)
		for seat, end := range l.holds {
			out.Holds[seat] = end
		}
	}
	return out, nil
}
