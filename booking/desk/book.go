package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/booking/command"
	"usher/catalog/layout"
	"usher/internal/batch"
	"usher/internal/id"
)

var (
	bookSeconds  = metrics.NewHistogram(`usher_desk_call_seconds{call="book"}`)
	pendingTotal = metrics.NewCounter("usher_desk_pending_total")
)

// commandID is derived from the idempotency key, so that a repeated call is the same command, or drawn.
func commandID(owner id.Visitor, route, key string) id.Key {
	if key == "" {
		return id.NewKey()
	}
	return command.KeyOf(owner, route, key)
}

// Book reserves tickets that the visitor holds. It returns the booking as Reserved, or as Pending when no result came in time;
// then the log decides, and the status call tells. *booking.HoldRequiredError, *booking.UnavailableError,
// booking.ErrTicketsSpanEvents, ErrTicketNotFound, ErrOverloaded, ErrStoreUnavailable.
func (d *Desk) Book(ctx context.Context, o booking.Owner, tickets []id.Ticket, key string) (b booking.Booking, err error) {
	defer timed(bookSeconds)()
	leave, err := d.enter(d.inFlight, false)
	if err != nil {
		return b, err
	}
	defer leave()
	if len(tickets) == 0 {
		return b, booking.ErrTicketNotFound
	}
	e := tickets[0].Event()
	for _, t := range tickets {
		if t.Event() != e {
			return b, booking.ErrTicketsSpanEvents
		}
	}
	plan, err := d.plans.onSale(ctx, e)
	if errors.Is(err, booking.ErrEventNotFound) {
		err = booking.ErrTicketNotFound
	}
	if err != nil {
		return b, err
	}
	c := command.Command{ID: commandID(o.Visitor, "book", key), Kind: command.Book, Event: e, Owner: o.Visitor, Session: o.Session}
	c.Booking = c.ID
	if c.Seats, err = seatsOf(plan, tickets); err != nil {
		return b, err
	}
	if err := d.checkout(ctx, &c); err != nil {
		if r, known := d.repeated(ctx, c, key); known { // its seats are booked, no longer held: by this very command
			return d.booked(ctx, plan, o.Visitor, r)
		}
		return b, err
	}
	r, ok, err := d.decide(ctx, c)
	if err != nil {
		return b, err
	}
	if !ok {
		return d.undecided(ctx, plan, c), nil
	}
	return d.booked(ctx, plan, o.Visitor, r)
}

// repeated looks up whether a call with this key was decided before: the first try may have had its effect while its answer was lost.
func (d *Desk) repeated(ctx context.Context, c command.Command, key string) (r command.Result, known bool) {
	if key == "" {
		return r, false
	}
	return d.result(ctx, c.ID)
}

// result looks a command's result up.
func (d *Desk) result(ctx context.Context, k id.Key) (r command.Result, known bool) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	found, err := d.store.Results(ctx, []id.Key{k})
	if err != nil {
		return r, false
	}
	r, known = found[k]
	return r, known
}

// decide appends a command and waits for its result; ok is false when none came in time.
func (d *Desk) decide(ctx context.Context, c command.Command) (r command.Result, ok bool, err error) {
	wait, release := d.waiters.register(c.ID)
	defer release()
	ctx, cancel := context.WithTimeout(ctx, d.Wait)
	defer cancel()
	c.ReplyTo = d.Node
	began := time.Now()
	defer func() {
		now := time.Now()
		d.inFlight.Took(began, now)
		d.load.decided.Add(1)
		d.load.took.Add(int64(now.Sub(began)))
		if !ok {
			d.load.late.Add(1)
		}
	}()
	err = d.Append(ctx, c)
	if errors.Is(err, batch.ErrFull) {
		return r, false, booking.ErrOverloaded
	}
	// After another error it may be in the log or not, and only waiting tells.
	if r, ok = wait.result(ctx); ok || err == nil {
		return r, ok, nil
	}
	return r, false, fmt.Errorf("%w: append %s: %w", booking.ErrStoreUnavailable, c.Kind, err)
}

// booked words the worker's decision on a Book.
func (d *Desk) booked(ctx context.Context, plan *layout.Plan, owner id.Visitor, r command.Result) (b booking.Booking, err error) {
	switch r.Outcome {
	case command.Done:
		return fromResult(plan, owner, r), nil
	case command.SeatsTaken:
		d.yield(ctx, owner, plan.Event, r.Taken)
		return b, d.unavailable(ctx, plan, r.Taken)
	case command.NoSuchSeat:
		return b, booking.ErrTicketNotFound
	default: // too late, fenced, malformed: no effect
		return b, fmt.Errorf("%w: book was %s", booking.ErrStoreUnavailable, r.Outcome)
	}
}

// fromResult makes a booking of a result: everything but the tickets' words is in it.
func fromResult(plan *layout.Plan, owner id.Visitor, r command.Result) booking.Booking {
	b := booking.Booking{
		ID: r.ID(), Owner: owner, Status: r.Status, Total: r.Total, Currency: r.Currency, ExpirationTime: r.ExpirationTime,
		ConfirmationID: r.ConfirmationID, Session: r.Session, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Attempt: r.Attempt, Extended: r.Extended,
	}
	for _, seat := range r.Seats {
		t := ticket(plan, seat)
		switch r.Status {
		case booking.Reserved:
			t = held(plan, seat, r.ExpirationTime)
		case booking.Paying:
			t.Status = booking.PaymentProcessing
		case booking.Confirmed:
			t.Status = booking.Booked
		}
		b.Seats = append(b.Seats, t)
	}
	return b
}

// undecided is the answer for a booking that the log has and nobody has decided in time.
func (d *Desk) undecided(ctx context.Context, plan *layout.Plan, c command.Command) booking.Booking {
	pendingTotal.Inc()
	b := booking.Booking{
		ID: id.Booking{Event: c.Event, Key: c.Booking}, Owner: c.Owner, Status: booking.Pending, Session: c.Session, Currency: plan.Currency,
		CreatedAt: c.IssuedAt, UpdatedAt: c.IssuedAt,
	}
	for _, seat := range c.Seats {
		t := held(plan, seat, c.Until)
		b.Seats, b.Total = append(b.Seats, t), b.Total+int64(t.Price)
	}
	if err := d.pending.add(ctx, underway{Booking: b, Overdue: c.Deadline}); err != nil {
		d.Log.Warn("only this process knows of a pending booking", "booking", b.ID, "err", err)
	}
	return b
}
