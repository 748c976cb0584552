package desk

import (
	"context"
	"sync"

	"golang.org/x/sync/singleflight"

	"usher/booking"
	"usher/booking/pgstore"
	"usher/catalog/layout"
	"usher/internal/id"
)

// maxPlans bounds the plans in memory; a plan of 500 seats takes a few kilobytes.
const maxPlans = 5000

// plans remembers layouts and prices: they do not change once tickets exist.
type plans struct {
	store *pgstore.Store
	loads singleflight.Group // of seat maps, by event
	mu    sync.Mutex         // guards known
	known map[id.Event]*layout.Plan
}

func newPlans(store *pgstore.Store) *plans {
	return &plans{store: store, known: map[id.Event]*layout.Plan{}}
}

// onSale returns the plan of an event whose tickets exist. booking.ErrEventNotFound, ErrTicketNotFound.
func (p *plans) onSale(ctx context.Context, e id.Event) (*layout.Plan, error) {
	p.mu.Lock()
	plan := p.known[e]
	p.mu.Unlock()
	if plan != nil {
		return plan, nil
	}
	plan, open, err := p.store.Plan(ctx, e)
	if err != nil {
		return nil, err
	}
	if !open {
		return nil, booking.ErrTicketNotFound
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxPlans {
		clear(p.known) // rare, and they are cheap to read again
	}
	p.known[e] = plan
	return plan, nil
}
