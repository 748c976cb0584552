// Package seatmap shows the booking core's seat maps in Redis to the catalog.
package seatmap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"usher/booking/hold"
	"usher/catalog"
	"usher/internal/id"
)

// lookTime is for one look: a Redis that hangs costs a view no more. A look takes 0.2 ms, at a stadium 2 ms.
const lookTime = 250 * time.Millisecond

// Map is the seat maps of one Redis.
type Map struct {
	holds *hold.Store
	load  func(ctx context.Context, e id.Event) error
}

// New returns the maps of holds. load fills the map of an event that is not in Redis (any more) from Postgres.
func New(holds *hold.Store, load func(ctx context.Context, e id.Event) error) *Map {
	return &Map{holds: holds, load: load}
}

// Snapshot reads how an event's seats stand, loading its map first when it is lost. catalog.ErrMapAway.
func (m *Map) Snapshot(ctx context.Context, e id.Event, have int64) (catalog.Seats, error) {
	snap, err := m.look(ctx, e, have)
	if errors.Is(err, hold.ErrLost) {
		if err := m.load(ctx, e); err != nil {
			return catalog.Seats{}, err
		}
		snap, err = m.look(ctx, e, have)
	}
	if err != nil {
		return catalog.Seats{}, err
	}
	seats := catalog.Seats{Version: snap.Version, Now: snap.Now, Same: snap.Same}
	if snap.Same {
		return seats, nil
	}
	seats.States, seats.Holds = snap.States(), map[int]time.Time{}
	for seat := range seats.States {
		if end := snap.HeldUntil(seat); !end.IsZero() {
			seats.Holds[seat] = end
		}
	}
	return seats, nil
}

func (m *Map) look(ctx context.Context, e id.Event, have int64) (hold.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	snap, err := m.holds.Snapshot(ctx, e, have)
	if err != nil && !errors.Is(err, hold.ErrLost) {
		err = fmt.Errorf("%w: %w", catalog.ErrMapAway, err)
	}
	return snap, err
}
