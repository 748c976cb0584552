package desk

import (
	"context"

	"golang.org/x/sync/singleflight"

	"usher/booking"
	"usher/booking/pgstore"
	"usher/catalog/layout"
	"usher/internal/id"
)

// maxPlans bounds the plans in memory, half of it: one of 500 seats takes a few kilobytes, one of a stadium 200.
const maxPlans = 2000

// plans remembers layouts and prices: they do not change once tickets exist.
type plans struct {
	store *pgstore.Store
	reads singleflight.Group
	known *recent[id.Event, *layout.Plan]
}

func newPlans(store *pgstore.Store) *plans {
	return &plans{store: store, known: newRecent[id.Event, *layout.Plan](maxPlans)}
}

// onSale returns the plan of an event whose tickets exist. booking.ErrEventNotFound, ErrTicketNotFound.
func (p *plans) onSale(ctx context.Context, e id.Event) (*layout.Plan, error) {
	plan, open, err := p.plan(ctx, e)
	if err == nil && !open {
		err = booking.ErrTicketNotFound
	}
	return plan, err
}

// plan returns an event's plan, and whether its tickets exist. booking.ErrEventNotFound.
func (p *plans) plan(ctx context.Context, e id.Event) (plan *layout.Plan, open bool, err error) {
	if plan, ok := p.known.get(e); ok {
		return plan, true, nil
	}
	type answer struct {
		plan *layout.Plan
		open bool
	}
	got, err, _ := p.reads.Do(e.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
		defer cancel()
		plan, open, err := p.store.Plan(ctx, e)
		if err == nil && open { // until then prices may change
			p.known.put(e, plan)
		}
		return answer{plan, open}, err
	})
	if err != nil {
		return nil, false, err
	}
	a, _ := got.(answer)
	return a.plan, a.open, nil
}
