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
	if plan, ok := p.known.get(e); ok {
		return plan, nil
	}
	got, err, _ := p.reads.Do(e.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
		defer cancel()
		plan, open, err := p.store.Plan(ctx, e)
		if err == nil && !open {
			err = booking.ErrTicketNotFound
		}
		if err == nil {
			p.known.put(e, plan)
		}
		return plan, err
	})
	if err != nil {
		return nil, err
	}
	return got.(*layout.Plan), nil
}
