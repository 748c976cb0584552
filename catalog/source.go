package catalog

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"usher/booking"
	"usher/internal/id"
)

// moment is a point in time that many goroutines read and set.
type moment struct{ nanos atomic.Int64 }

func (m *moment) set(t time.Time)        { m.nanos.Store(t.UnixNano()) }
func (m *moment) after(t time.Time) bool { return m.nanos.Load() > t.UnixNano() }

// seats returns how the seats of an event stand: from the seat map, or from Postgres while the map is away.
func (v *Views) seats(ctx context.Context, e id.Event, facts *Facts, old, next *state) (*Seats, error) {
	if !facts.OnSale { // there are no tickets yet
		if old != nil && old.err == nil && old.drawn.facts == facts {
			return old.drawn.seats, nil
		}
		return &Seats{Now: v.Now()}, nil
	}
	var last *Seats
	if old != nil && old.err == nil && old.drawn.facts.OnSale {
		last = old.drawn.seats
	}
	seats, err := v.fromMap(ctx, e, last)
	if err == nil {
		return seats, nil
	}
	seats, cost, fallbackErr := v.fromTruth(ctx, e, last)
	if fallbackErr != nil {
		return nil, errors.Join(booking.ErrStoreUnavailable, err, fallbackErr)
	}
	next.checkAt = v.Now().Add(min(max(seatsEvery, 5*cost), fallbackMax)) // a stadium is read less often than a hall
	return seats, nil
}

// ErrMapAway reports that the seat map cannot be reached, whatever the event.
var ErrMapAway = errors.New("the seat map is away")

// fromMap asks the seat map. When that is away it is not asked again for a moment, so that not every event waits for it.
func (v *Views) fromMap(ctx context.Context, e id.Event, last *Seats) (*Seats, error) {
	if v.away.after(v.Now()) {
		return nil, ErrMapAway
	}
	ctx, cancel := context.WithTimeout(ctx, mapTime)
	defer cancel()
	have := int64(0)
	if last != nil {
		have = last.Version
	}
	seats, err := v.Map.Snapshot(ctx, e, have)
	if err != nil {
		if errors.Is(err, ErrMapAway) {
			v.away.set(v.Now().Add(mapPause))
		}
		v.warn("an event's seat map is not to be had", err)
		return nil, err
	}
	if seats.Same {
		seats.States, seats.Holds = last.States, last.Holds
	}
	return &seats, nil
}

// fromTruth reads the tickets and says how long that took. The version is our own, one above the last for each difference seen: it stays
// below that of the seat map, which counts from a time in microseconds, so that the version does not go back when the map is there again.
func (v *Views) fromTruth(ctx context.Context, e id.Event, last *Seats) (*Seats, time.Duration, error) {
	fallbacksTotal.Inc()
	ctx, cancel := context.WithTimeout(ctx, truthTime)
	defer cancel()
	began := v.Now()
	seats, err := v.Truth.Seats(ctx, e)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case last == nil:
		seats.Version = 1
	case slices.Equal(seats.States, last.States) && maps.EqualFunc(seats.Holds, last.Holds, time.Time.Equal):
		seats.Version = last.Version
	default:
		seats.Version = last.Version + 1
	}
	return &seats, v.Now().Sub(began), nil
}
