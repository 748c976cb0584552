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
	"usher/catalog/layout"
	"usher/internal/guard"
	"usher/internal/id"
)

var (
	holdSeconds    = metrics.NewHistogram(`usher_desk_call_seconds{call="hold"}`)
	durableSeconds = metrics.NewHistogram("usher_desk_durable_hold_seconds")
	refusedTotal   = metrics.NewCounter("usher_desk_holds_refused_by_postgres_total")
)

// Hold claims the given tickets of one event, all or none, and returns when Redis and Postgres have them. fresh is false when all were
// the visitor's already. *booking.UnavailableError, *booking.HoldLimitError, booking.ErrEventNotFound, ErrTicketNotFound,
// ErrOverloaded, ErrStoreUnavailable.
func (d *Desk) Hold(ctx context.Context, o booking.Owner, e id.Event, tickets []id.Ticket) (h booking.Holds, fresh bool, err error) {
	defer timed(holdSeconds)()
	leave, err := d.holding.enter()
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
	g, err := d.claim(ctx, o.Visitor, plan, seats)
	var taken *hold.TakenError
	if errors.As(err, &taken) {
		err = d.unavailable(ctx, plan, taken.Seats)
	}
	if err != nil {
		return h, false, err
	}
	return holdsOf(plan, g.Seats, g.Ends), len(g.New) > 0, nil
}

// claim lets Redis decide and Postgres remember. What was the visitor's already is written too: he may ask again because the process
// that held it for him died before Postgres had it. *hold.TakenError.
func (d *Desk) claim(ctx context.Context, visitor id.Visitor, plan *layout.Plan, blocks ...[]int) (g hold.Grant, err error) {
	err = d.maps.with(ctx, plan.Event, func() (err error) {
		g, err = d.holds.Hold(ctx, plan.Event, visitor, blocks...)
		return err
	})
	if err != nil || guard.Off(guard.DurableHold) || d.off[guard.DurableHold] {
		return g, err
	}
	began := time.Now()
	granted, err := d.durable.Do(ctx, pgstore.HoldRequest{Owner: visitor, Tickets: ticketsOf(plan.Event, g.Seats), Until: g.Ends})
	durableSeconds.UpdateDuration(began)
	if err == nil && granted {
		return g, nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if err != nil {
		d.giveBack(after, visitor, plan.Event, g.New)
		return g, fault(err)
	}
	refusedTotal.Inc()
	return g, &hold.TakenError{Seats: d.yield(after, visitor, plan.Event, g.Seats)}
}

// giveBack undoes a hold of which nobody knows whether Postgres has it. What fails here runs out by itself.
func (d *Desk) giveBack(ctx context.Context, visitor id.Visitor, e id.Event, seats []int) {
	_, err1 := d.returns.Do(ctx, pgstore.HoldRelease{Owner: visitor, Tickets: ticketsOf(e, seats)})
	_, err2 := d.holds.Release(ctx, e, visitor, seats)
	if err := errors.Join(err1, err2); err != nil {
		d.Log.Warn("a hold that was not acknowledged stays until it runs out", "event", e, "err", err)
	}
}

// yield corrects a map that granted what Postgres refuses, and returns the seats that are not the visitor's.
func (d *Desk) yield(ctx context.Context, visitor id.Visitor, e id.Event, seats []int) []int {
	truth, err := d.store.Seats(ctx, ticketsOf(e, seats))
	if err != nil {
		d.giveBack(ctx, visitor, e, seats)
		return seats
	}
	var others []int
	now := time.Now()
	for _, t := range truth {
		if held := t.Until.After(now); t.State != booking.SeatFree || held && t.Holder != visitor {
			others = append(others, t.Ticket.Seat())
		}
	}
	if len(others) == 0 { // it has become free since
		others = seats
	}
	if _, err = d.holds.Release(ctx, e, visitor, seats); err == nil {
		err = d.holds.Repair(ctx, e, seatsOfTruth(truth)) // brings back what of them is his
	}
	if err != nil {
		d.Log.Warn("a seat map is not repaired", "event", e, "err", err)
	}
	return others
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
