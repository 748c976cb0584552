package desk

import (
	"context"
	"fmt"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/internal/id"
)

// Cancel gives a reserved booking up. booking.ErrBookingNotFound, ErrBookingNotCancellable, ErrOverloaded, ErrStoreUnavailable.
func (d *Desk) Cancel(ctx context.Context, owner id.Visitor, b id.Booking, key string) (out booking.Booking, err error) {
	out, r, err := d.change(ctx, command.Command{Kind: command.Cancel, Owner: owner}, b, key)
	if err == nil && r.Outcome == command.WrongState {
		err = booking.ErrBookingNotCancellable
	}
	return out, err
}

// Extend moves the end of a reservation by the length of a checkout, once. It adds to the end and not to now: whoever asks early loses
// nothing, and nobody gets more than whoever asks in the last second. booking.ErrBookingNotFound, ErrBookingExpired, ErrExtensionNotAllowed,
// ErrOverloaded, ErrStoreUnavailable.
func (d *Desk) Extend(ctx context.Context, owner id.Visitor, b id.Booking, key string) (out booking.Booking, err error) {
	now, err := d.Booking(ctx, owner, b)
	if err != nil {
		return out, err
	}
	if now.Status == booking.Pending || now.Status == booking.Failed { // there is no reservation whose end could be moved
		return out, booking.ErrExtensionNotAllowed
	}
	c := command.Command{Kind: command.Extend, Owner: owner, Until: now.ExpirationTime.Add(d.Checkout)}
	out, r, err := d.change(ctx, c, b, key)
	switch {
	case err != nil:
		return out, err
	case r.Outcome == command.TooLate && r.ExpirationTime.After(time.Now()): // a declined payment has moved the end further meanwhile
		return out, booking.ErrExtensionNotAllowed
	case r.Outcome == command.TooLate || r.Outcome == command.WrongState && r.Status == booking.Expired:
		return out, booking.ErrBookingExpired
	case r.Outcome == command.WrongState:
		return out, booking.ErrExtensionNotAllowed
	}
	return out, nil
}

// change sends a command about a booking that there is and waits for its result. What the result refuses beyond a booking that is not there
// is the caller's to word.
func (d *Desk) change(ctx context.Context, c command.Command, b id.Booking, key string) (out booking.Booking, r command.Result, err error) {
	leave, err := d.enter(d.inFlight, true)
	if err != nil {
		return out, r, err
	}
	defer leave()
	plan, err := d.plans.onSale(ctx, b.Event)
	if err != nil {
		return out, r, noBooking(err)
	}
	now := time.Now().UTC()
	c.ID, c.Event, c.Booking = commandID(c.Owner, string(c.Kind)+"/"+b.String(), key), b.Event, b.Key
	c.IssuedAt, c.Deadline = now, now.Add(d.Wait+deadlineSlack)
	r, ok, err := d.decide(ctx, c)
	switch {
	case err != nil:
		return out, r, err
	case !ok:
		return out, r, fmt.Errorf("%w: no worker has decided in time", booking.ErrStoreUnavailable)
	}
	switch r.Outcome {
	case command.NoSuchBooking:
		return out, r, booking.ErrBookingNotFound
	case command.Done:
		return fromResult(plan, c.Owner, r), r, nil
	case command.WrongState:
		return out, r, nil
	case command.TooLate:
		if r.Status == booking.Reserved { // the reservation has run out; a command that came too late itself has no state
			return out, r, nil
		}
	}
	return out, r, fmt.Errorf("%w: %s was %s", booking.ErrStoreUnavailable, c.Kind, r.Outcome)
}
