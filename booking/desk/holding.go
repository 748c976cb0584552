package desk

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/booking/hold"
	"usher/booking/pgstore"
	"usher/internal/id"
)

var holdSeconds = metrics.NewHistogram(`usher_desk_call_seconds{call="hold"}`)

// Hold claims the given tickets of one event, all or none, and returns when Redis and Postgres have them. fresh is false when all were
// the visitor's already. *booking.UnavailableError, *booking.StrandedSeatError, *booking.HoldLimitError, booking.ErrEventNotFound,
// ErrTicketNotFound, ErrOverloaded, ErrStoreUnavailable.
func (d *Desk) Hold(ctx context.Context, o booking.Owner, e id.Event, tickets []id.Ticket) (h booking.Holds, fresh bool, err error) {
	defer timed(holdSeconds)()
	leave, err := d.enter(d.holding, false)
	if err != nil {
		return h, false, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	plan, err := d.plans.onSale(ctx, e)
	if err != nil {
		return h, false, err
	}
	seats, err := seatsOf(plan, tickets)
	if err != nil {
		return h, false, err
	}
	g, err := d.claimKindly(ctx, o.Visitor, plan, seats)
	var taken *hold.TakenError
	if errors.As(err, &taken) {
		err = d.unavailable(ctx, plan, taken.Seats)
	}
	if err != nil {
		return h, false, err
	}
	return holdsOf(plan, g.Seats, g.Ends), len(g.New) > 0, nil
}

// Holds returns what the visitor holds on the event and has not booked.
func (d *Desk) Holds(ctx context.Context, o booking.Owner, e id.Event) (h booking.Holds, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	plan, open, err := d.plans.plan(ctx, e)
	if err != nil {
		return h, err
	}
	var seats []int
	var ends time.Time
	if open {
		err = d.maps.with(ctx, e, func() (err error) {
			seats, ends, err = d.holds.Mine(ctx, e, o.Visitor)
			return err
		})
	}
	return holdsOf(plan, seats, ends), err
}

// Release gives tickets back; without tickets, all that the visitor holds on the event. Postgres forgets first: a seat that
// Redis shows free must not be refused by Postgres. booking.ErrHoldNotFound: a named ticket is somebody else's, or is booked.
func (d *Desk) Release(ctx context.Context, o booking.Owner, e id.Event, tickets []id.Ticket) error {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	plan, open, err := d.plans.plan(ctx, e)
	if err != nil {
		return err
	}
	asked, err := seatsOf(plan, tickets)
	if err != nil || !open && len(asked) > 0 {
		return booking.ErrHoldNotFound
	}
	if !open {
		return nil
	}
	return d.maps.with(ctx, e, func() error {
		give, _, err := d.holds.Mine(ctx, e, o.Visitor)
		if err != nil {
			return err
		}
		if len(asked) > 0 {
			var rest []int
			if give, rest = split(asked, give); len(rest) > 0 {
				if err := d.nobodys(ctx, o.Visitor, e, rest); err != nil {
					return err
				}
			}
		}
		if len(give) == 0 {
			return nil
		}
		if _, err := d.returns.Do(ctx, pgstore.HoldRelease{Owner: o.Visitor, Tickets: ticketsOf(e, give)}); err != nil {
			return fault(err)
		}
		_, err = d.holds.Release(ctx, e, o.Visitor, give)
		return err
	})
}

// nobodys tells a repeated release, which is fine, from one of seats that are booked or another's. booking.ErrHoldNotFound.
func (d *Desk) nobodys(ctx context.Context, visitor id.Visitor, e id.Event, seats []int) error {
	truth, err := d.store.Seats(ctx, ticketsOf(e, seats))
	if err != nil {
		return err
	}
	now := time.Now()
	for _, t := range truth {
		if t.State != booking.SeatFree || t.Until.After(now) && t.Holder != visitor {
			return booking.ErrHoldNotFound
		}
	}
	return nil
}

// ExtendHolds moves the end of the visitor's holds on the event, up to the cap. booking.ErrHoldNotFound, ErrHoldCapReached.
func (d *Desk) ExtendHolds(ctx context.Context, o booking.Owner, e id.Event) (ends time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	if _, open, err := d.plans.plan(ctx, e); err != nil || !open {
		return ends, cmp.Or(err, booking.ErrHoldNotFound)
	}
	var seats []int
	err = d.maps.with(ctx, e, func() (err error) {
		seats, ends, err = d.holds.Extend(ctx, e, o.Visitor)
		return err
	})
	if errors.Is(err, hold.ErrNone) {
		return ends, booking.ErrHoldNotFound
	}
	if err != nil {
		return ends, err
	}
	granted, err := d.durable.Do(ctx, pgstore.HoldRequest{Owner: o.Visitor, Tickets: ticketsOf(e, seats), Until: ends})
	if err == nil && !granted { // Postgres has given one of them away
		d.yield(ctx, o.Visitor, e, seats)
		err = booking.ErrHoldNotFound
	}
	return ends, fault(err)
}
