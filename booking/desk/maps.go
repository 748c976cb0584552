package desk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"usher/booking"
	"usher/booking/hold"
	"usher/booking/pgstore"
	"usher/internal/id"
)

const (
	loadTime  = 10 * time.Second // for a stadium, when Postgres is busy
	loadPause = 20 * time.Millisecond
	maxLoads  = 8  // at once: after a loss of Redis every event wants one
	maxMaps   = 64 // snapshots in memory, half of them: 8 bytes a seat, so 100 MB if all were stadiums
)

// maps brings seat maps to Redis when they are lost, and keeps snapshots of them for advice.
type maps struct {
	holds   *hold.Store
	store   *pgstore.Store
	loads   singleflight.Group
	reads   singleflight.Group
	loading chan struct{} // one place a load
	known   *recent[id.Event, *view]
}

// view is a snapshot, and what was worked out from it.
type view struct {
	hold.Snapshot
	at   time.Time
	once sync.Once
	runs []run
}

func newMaps(holds *hold.Store, store *pgstore.Store) *maps {
	return &maps{holds: holds, store: store, loading: make(chan struct{}, maxLoads), known: newRecent[id.Event, *view](maxMaps)}
}

// with runs a call on an event's seat map. If the map is lost, it is loaded and the call runs once more. A call that finds the map
// lost again is told that the store is away.
func (m *maps) with(ctx context.Context, e id.Event, call func() error) error {
	err := call()
	for range 3 {
		if !errors.Is(err, hold.ErrLost) {
			return err
		}
		if err := m.load(ctx, e); err != nil {
			return err
		}
		err = call()
	}
	if errors.Is(err, hold.ErrLost) {
		return fmt.Errorf("%w: the seat map of %s is lost again and again", booking.ErrStoreUnavailable, e)
	}
	return err
}

// load fills a map from Postgres, or waits until another call or process has. A caller that goes away leaves the load to the others.
func (m *maps) load(ctx context.Context, e id.Event) error {
	done := m.loads.DoChan(e.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
		defer cancel()
		select {
		case m.loading <- struct{}{}:
			defer func() { <-m.loading }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return nil, m.loadNow(ctx, e)
	})
	select {
	case r := <-done:
		return fault(r.Err)
	case <-ctx.Done():
		return fmt.Errorf("%w: the seat map of %s is being loaded", booking.ErrStoreUnavailable, e)
	}
}

func (m *maps) loadNow(ctx context.Context, e id.Event) error {
	for {
		err := m.holds.Load(ctx, e, func(ctx context.Context) ([]hold.Seat, error) {
			truth, err := m.store.SeatMap(ctx, e)
			if err == nil && len(truth) == 0 { // an empty map would stay when the sale opens
				err = booking.ErrTicketNotFound
			}
			return seatsOfTruth(truth), err
		})
		if !errors.Is(err, hold.ErrLoading) && !errors.Is(err, hold.ErrOvertaken) && !errors.Is(err, hold.ErrLost) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(loadPause):
		}
	}
}

func seatsOfTruth(truth []pgstore.SeatTruth) []hold.Seat {
	seats := make([]hold.Seat, len(truth))
	for i, t := range truth {
		seats[i] = hold.Seat{Index: t.Ticket.Seat(), State: t.State, Version: t.Version, Owner: t.Holder, Ends: t.Until}
	}
	return seats
}

// snapshot returns an event's map that is at most so old, give or take a round trip: callers that ask at once share one.
func (m *maps) snapshot(ctx context.Context, e id.Event, age time.Duration) (*view, error) {
	if v, ok := m.known.get(e); ok && time.Since(v.at) < age {
		return v, nil
	}
	got, err, _ := m.reads.Do(e.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
		defer cancel()
		return m.refresh(ctx, e)
	})
	if err != nil {
		return nil, err
	}
	return got.(*view), nil
}

func (m *maps) refresh(ctx context.Context, e id.Event) (*view, error) {
	v := &view{at: time.Now()}
	old, known := m.known.get(e)
	have := int64(0)
	if known {
		have = old.Version
	}
	err := m.with(ctx, e, func() (err error) { v.Snapshot, err = m.holds.Snapshot(ctx, e, have); return err })
	if err != nil {
		return nil, err
	}
	if v.Same {
		v.Snapshot = old.At(v.Now)
	}
	m.known.put(e, v)
	return v, nil
}
