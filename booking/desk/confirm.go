package desk

import (
	"context"
	"errors"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/sale"
	"usher/internal/id"
)

// Confirm pays for a reserved booking. It returns the booking as Confirmed, or as Paying when the payment takes longer than a call
// may; a repeat while it is paying or confirmed returns the current state and charges nothing. *booking.DeclinedError,
// booking.ErrPaymentDetailsInvalid, ErrBookingNotFound, ErrBookingNotPayable, ErrBookingExpired.
func (d *Desk) Confirm(ctx context.Context, owner id.Visitor, b id.Booking, p booking.Payment, key string) (out booking.Booking, err error) {
	if !d.ValidPayment(p) {
		return out, booking.ErrPaymentDetailsInvalid
	}
	end, err := d.begin()
	if err != nil {
		return out, err
	}
	defer end()
	out, err = d.Booking(ctx, owner, b)
	if err != nil {
		return out, err
	}
	if err := payable(out, time.Now()); err != nil || out.Status != booking.Reserved {
		return out, err
	}
	ctx, cancel := context.WithTimeout(ctx, d.Wait)
	defer cancel()
	begin := commandID(owner, "confirm/"+b.String(), key)
	attempt := command.AttemptKey(begin)
	settled, release := d.waiters.register(command.SettleKey(attempt)) // before the payment can begin
	defer release()
	now := time.Now().UTC()
	r, ok, err := d.decide(ctx, command.Command{
		ID: begin, Kind: command.BeginPayment, Event: b.Event, Booking: b.Key, Owner: owner, Attempt: attempt, Payment: p,
		IssuedAt: now, Deadline: now.Add(d.Wait + deadlineSlack), Until: out.ExpirationTime.Add(sale.MaxExtension),
	})
	switch {
	case err != nil:
		return out, err
	case !ok: // it may begin yet: what is known is the booking as it was
		return d.afterwards(ctx, owner, b, out)
	case r.Outcome != command.Done:
		return out, notBegun(r)
	case r.Attempt != attempt: // another call's payment is under way or done
		return d.afterwards(ctx, owner, b, out)
	}
	if s, ok := settled.result(ctx); ok {
		return d.settled(ctx, owner, s)
	}
	return d.afterwards(ctx, owner, b, out)
}

// payable says why a booking cannot be paid. One that is being paid, or is, is no error: the caller returns its state.
func payable(b booking.Booking, now time.Time) error {
	switch b.Status {
	case booking.Paying, booking.Confirmed:
		return nil
	case booking.Reserved:
		if now.Before(b.ExpirationTime) {
			return nil
		}
		return booking.ErrBookingExpired
	case booking.Expired:
		return booking.ErrBookingExpired
	default:
		return booking.ErrBookingNotPayable
	}
}

func notBegun(r command.Result) error {
	switch r.Outcome {
	case command.NoSuchBooking:
		return booking.ErrBookingNotFound
	case command.TooLate:
		if r.Status == "" {
			return booking.ErrStoreUnavailable // the command itself came too late
		}
		return booking.ErrBookingExpired
	case command.WrongState:
		if r.Status == booking.Expired {
			return booking.ErrBookingExpired
		}
		return booking.ErrBookingNotPayable
	default:
		return booking.ErrStoreUnavailable
	}
}

// settled words how an attempt ended.
func (d *Desk) settled(ctx context.Context, owner id.Visitor, s command.Result) (booking.Booking, error) {
	out, err := d.fromResult(context.WithoutCancel(ctx), owner, s)
	if err != nil || s.Outcome != command.Done || s.Settlement == command.Captured {
		return out, err
	}
	if s.Status == booking.Expired {
		return out, booking.ErrBookingExpired
	}
	return out, &booking.DeclinedError{Reason: s.Reason, Until: s.ExpirationTime}
}

// afterwards reads where the booking stands when waiting brought no result in time: paying, most likely.
func (d *Desk) afterwards(ctx context.Context, owner id.Visitor, b id.Booking, before booking.Booking) (booking.Booking, error) {
	now, err := d.Booking(context.WithoutCancel(ctx), owner, b)
	if err != nil {
		return before, err
	}
	if now.Status == booking.Reserved { // payment has not begun, or was declined this instant
		return now, errors.Join(booking.ErrStoreUnavailable, ctx.Err())
	}
	return now, nil
}
