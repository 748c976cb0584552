package desk

import (
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
	durableSeconds = metrics.NewHistogram("usher_desk_durable_hold_seconds")
	refusedTotal   = metrics.NewCounter("usher_desk_holds_refused_by_postgres_total")
)

// claim lets Redis decide and Postgres remember. What was the visitor's already is written too: he may ask again because the process
// that held it for him died before Postgres had it. *hold.TakenError, *hold.AloneError.
func (d *Desk) claim(ctx context.Context, visitor id.Visitor, plan *layout.Plan, c hold.Claim) (g hold.Grant, err error) {
	err = d.maps.with(ctx, plan.Event, func() (err error) {
		g, err = d.holds.Claim(ctx, plan.Event, visitor, c)
		return err
	})
	if err != nil || guard.Off(guard.DurableHold) || d.off[guard.DurableHold] {
		return g, err
	}
	began := time.Now()
	granted, err := d.durable.Do(ctx, pgstore.HoldRequest{Owner: visitor, Tickets: ticketsOf(plan.Event, g.Seats), Until: g.Ends})
	durableSeconds.UpdateDuration(began)
	d.holding.Took(began, time.Now())
	if err == nil && granted {
		return g, nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if err != nil {
		d.load.late.Add(1)
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
