package desk

import (
	"context"
	"errors"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/hold"
	"usher/internal/id"
)

// begin takes a place among the calls under way. booking.ErrOverloaded.
func (d *Desk) begin() (end func(), err error) {
	select {
	case d.inFlight <- struct{}{}:
		return func() { <-d.inFlight }, nil
	default:
		return nil, booking.ErrOverloaded
	}
}

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
	end, err := d.begin()
	if err != nil {
		return b, err
	}
	defer end()
	e := tickets[0].Event()
	for _, t := range tickets {
		if t.Event() != e {
			return b, booking.ErrTicketsSpanEvents
		}
	}
	c := command.Command{
		ID: commandID(o.Visitor, "book", key), Kind: command.Book, Event: e, Owner: o.Visitor, Session: o.Session,
	}
	c.Booking = c.ID
	if key != "" { // the first try may have had its effect while its answer was lost
		if r, known := d.known(ctx, c.ID); known {
			return d.booked(ctx, o.Visitor, c, r)
		}
	}
	if err := d.checkout(ctx, o.Visitor, &c, tickets); err != nil {
		return b, err
	}
	r, ok, err := d.decide(ctx, c)
	if err != nil {
		return b, err
	}
	if !ok {
		return d.pending.add(c, d.total(ctx, c)), nil
	}
	return d.booked(ctx, o.Visitor, c, r)
}

// checkout checks the holds and keeps them until the reservation's end, which goes into the command.
func (d *Desk) checkout(ctx context.Context, visitor id.Visitor, c *command.Command, tickets []id.Ticket) error {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	plan, err := d.plans.onSale(ctx, c.Event)
	if err != nil {
		return err
	}
	if c.Seats, err = seatsOf(plan, tickets); err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Millisecond) // as exact as Redis keeps it
	c.IssuedAt, c.Deadline, c.Until = now, now.Add(d.Wait+deadlineSlack), now.Add(d.Checkout)
	err = d.loaded(ctx, c.Event, func() error { return d.holds.Checkout(ctx, c.Event, visitor, c.Seats, c.Until) })
	var missing *hold.MissingError
	if errors.As(err, &missing) {
		return &booking.HoldRequiredError{Tickets: ticketsOf(c.Event, missing.Seats)}
	}
	return err
}

// decide appends a command and waits for its result; ok is false when none came in time.
func (d *Desk) decide(ctx context.Context, c command.Command) (r command.Result, ok bool, err error) {
	wait, release := d.waiters.register(c.ID)
	defer release()
	ctx, cancel := context.WithTimeout(ctx, d.Wait)
	defer cancel()
	c.ReplyTo = d.Node
	if err := d.Append(ctx, c); err != nil {
		// It may be in the log or not. Waiting on answers that; a command that never came is not accepted.
		if r, ok := wait.result(ctx); ok {
			return r, true, nil
		}
		return r, false, errors.Join(booking.ErrStoreUnavailable, err)
	}
	r, ok = wait.result(ctx)
	return r, ok, nil
}

// known looks a command's result up.
func (d *Desk) known(ctx context.Context, k id.Key) (r command.Result, known bool) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	found, err := d.store.Results(ctx, []id.Key{k})
	if err != nil {
		return r, false // the worker drops the repeat
	}
	r, known = found[k]
	return r, known
}

// booked words the worker's decision on a Book.
func (d *Desk) booked(ctx context.Context, visitor id.Visitor, c command.Command, r command.Result) (b booking.Booking, err error) {
	switch r.Outcome {
	case command.Done:
		return d.fromResult(ctx, visitor, r)
	case command.SeatsTaken:
		plan, err := d.plans.onSale(ctx, c.Event)
		if err != nil {
			return b, err
		}
		if err := d.repair(ctx, plan, r.Taken); err != nil {
			d.Log.Warn("the seat map is not repaired", "event", c.Event, "err", err)
		}
		return b, d.unavailable(ctx, plan, r.Taken)
	case command.NoSuchSeat:
		return b, booking.ErrTicketNotFound
	default: // too late, fenced, malformed: no effect
		return b, booking.ErrStoreUnavailable
	}
}

// fromResult makes a booking of a result: everything but the tickets' words is in it.
func (d *Desk) fromResult(ctx context.Context, owner id.Visitor, r command.Result) (b booking.Booking, err error) {
	plan, err := d.plans.onSale(ctx, r.Event)
	if err != nil {
		return b, err
	}
	b = booking.Booking{
		ID: r.ID(), Owner: owner, Status: r.Status, Total: r.Total, Currency: r.Currency, ExpirationTime: r.ExpirationTime,
		ConfirmationID: r.ConfirmationID, Session: r.Session, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Attempt: r.Attempt,
	}
	for _, seat := range r.Seats {
		t := ticket(plan, seat)
		switch r.Status {
		case booking.Reserved:
			t.Held, t.HoldExpiry = true, r.ExpirationTime
		case booking.Paying:
			t.Status = booking.PaymentProcessing
		case booking.Confirmed:
			t.Status = booking.Booked
		}
		b.Seats = append(b.Seats, t)
	}
	return b, nil
}

func (d *Desk) total(ctx context.Context, c command.Command) (b booking.Booking) {
	b = booking.Booking{ID: id.Booking{Event: c.Event, Key: c.Booking}, Owner: c.Owner, Status: booking.Pending, Session: c.Session,
		CreatedAt: c.IssuedAt, UpdatedAt: c.IssuedAt}
	plan, err := d.plans.onSale(ctx, c.Event)
	if err != nil {
		return b
	}
	b.Currency = plan.Currency
	for _, seat := range c.Seats {
		t := ticket(plan, seat)
		t.Held, t.HoldExpiry = true, c.Until
		b.Seats, b.Total = append(b.Seats, t), b.Total+int64(t.Price)
	}
	return b
}

// Cancel gives a reserved booking up. booking.ErrBookingNotFound, ErrBookingNotCancellable.
func (d *Desk) Cancel(ctx context.Context, owner id.Visitor, b id.Booking, key string) (out booking.Booking, err error) {
	end, err := d.begin()
	if err != nil {
		return out, err
	}
	defer end()
	now := time.Now().UTC()
	r, ok, err := d.decide(ctx, command.Command{
		ID: commandID(owner, "cancel/"+b.String(), key), Kind: command.Cancel, Event: b.Event, Booking: b.Key, Owner: owner,
		IssuedAt: now, Deadline: now.Add(d.Wait + deadlineSlack),
	})
	switch {
	case err != nil:
		return out, err
	case !ok:
		return out, booking.ErrStoreUnavailable
	}
	switch r.Outcome {
	case command.Done:
		return d.fromResult(ctx, owner, r)
	case command.NoSuchBooking:
		return out, booking.ErrBookingNotFound
	case command.WrongState:
		return out, booking.ErrBookingNotCancellable
	default:
		return out, booking.ErrStoreUnavailable
	}
}

// Booking returns the visitor's booking. One whose command has no result yet is Pending; when it is overdue, a fence is appended,
// so that it comes to a definite end. booking.ErrBookingNotFound.
func (d *Desk) Booking(ctx context.Context, owner id.Visitor, b id.Booking) (booking.Booking, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	out, err := d.store.Booking(ctx, b)
	if errors.Is(err, booking.ErrBookingNotFound) {
		return d.undecided(ctx, owner, b)
	}
	if err != nil {
		return out, err
	}
	if out.Owner != owner {
		return booking.Booking{}, booking.ErrBookingNotFound
	}
	d.pending.forget(b)
	plan, err := d.plans.onSale(ctx, b.Event)
	if err != nil {
		return out, err
	}
	for i, t := range out.Seats {
		seat := plan.Seat(t.ID.Seat())
		out.Seats[i].Section, out.Seats[i].Row = seat.Section, seat.Row
	}
	if out.Status == booking.Paying {
		out.Action, err = d.Action(ctx, out.Attempt)
	}
	return out, err
}

// undecided answers for a booking that has no row: it was refused, is on its way, or never was.
func (d *Desk) undecided(ctx context.Context, owner id.Visitor, b id.Booking) (booking.Booking, error) {
	waiting, overdue, ok := d.pending.get(b)
	if !ok || waiting.Owner != owner {
		return booking.Booking{}, booking.ErrBookingNotFound
	}
	if r, known := d.known(ctx, b.Key); known && r.Outcome != command.Done {
		waiting.Status, waiting.Failure, waiting.UpdatedAt = booking.Failed, failure(r.Outcome), time.Now().UTC()
		return waiting, nil
	}
	if overdue {
		err := d.Append(ctx, command.Command{
			ID: command.KeyOf(owner, "fence", b.String()), Kind: command.Fence, Event: b.Event, Booking: b.Key, Fenced: b.Key,
			IssuedAt: time.Now().UTC(),
		})
		if err != nil {
			d.Log.Warn("an overdue booking is not fenced; the next question will", "err", err)
		}
	}
	return waiting, nil
}

// failure is the problem slug of a refused booking.
func failure(o command.Outcome) string {
	switch o {
	case command.SeatsTaken:
		return "ticket-unavailable"
	case command.NoSuchSeat:
		return "ticket-not-found"
	default:
		return "store-unavailable"
	}
}
