package catalog

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"usher/booking"
	"usher/internal/guard"
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
	if guard.Off(guard.FreshSeats) && last != nil && v.Now().Sub(last.Now) < 3*time.Second {
		return last, nil
	}
	if v.away.after(v.Now()) {
		return nil, ErrMapAway
	}
	ctx, cancel := context.WithTimeout(ctx, mapTime)
	defer cancel()
	have := int64(0)
	if last != nil {
		have = last.onMap
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
		seats.Version, seats.States, seats.Holds, seats.onMap = last.Version, last.States, last.Holds, last.onMap
		return &seats, nil
	}
	seats.onMap = seats.Version
	if last != nil && seats.Version <= last.Version {
		seats.Version = v.after(last.Version)
	}
	return &seats, nil
}

// after is a version of our own: above the last one, and one that no seat map and no other gateway has given to other seats. A map counts
// single changes from the microsecond of its loading on, so that the clock is ahead of it.
func (v *Views) after(last int64) int64 { return max(last+1, v.Now().UnixMicro()) }

// fromTruth reads the tickets and says how long that took. Tickets have no common version, so a difference gets one of our own (see after).
// When the map is there again and its own count is behind that, because Redis was cut off and not lost, we go on counting by ourselves:
// the version never goes back, and one version never means two different sets of seats.
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
		seats.Version = v.after(0)
	case slices.Equal(seats.States, last.States) && maps.EqualFunc(seats.Holds, last.Holds, time.Time.Equal):
		seats.Version, seats.onMap = last.Version, last.onMap
	default:
		seats.Version = v.after(last.Version)
	}
	return &seats, v.Now().Sub(began), nil
}
