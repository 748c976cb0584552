package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/sale"
	"usher/internal/id"
)

var confirmSeconds = metrics.NewHistogram(`usher_desk_call_seconds{call="confirm"}`)

// Confirm pays for a reserved booking. It returns the booking as Confirmed, or as Paying when the payment takes longer than a call
// may; a repeat while it is paying or confirmed returns the current state and charges nothing. *booking.DeclinedError,
// booking.ErrPaymentDetailsInvalid, ErrBookingNotFound, ErrBookingNotPayable, ErrBookingExpired, ErrOverloaded, ErrStoreUnavailable.
func (d *Desk) Confirm(ctx context.Context, owner id.Visitor, b id.Booking, p booking.Payment, key string) (out booking.Booking, err error) {
	defer timed(confirmSeconds)()
	if !d.ValidPayment(p) {
		return out, booking.ErrPaymentDetailsInvalid
	}
	leave, err := d.enter(d.inFlight, true)
	if err != nil {
		return out, err
	}
	defer leave()
	out, err = d.Booking(ctx, owner, b)
	if err != nil {
		return out, err
	}
	if err := payable(out); err != nil || out.Status != booking.Reserved {
		return out, err
	}
	begin := commandID(owner, "confirm/"+b.String(), key)
	attempt := command.AttemptKey(begin)
	settled, release := d.waiters.register(command.SettleKey(attempt)) // before the payment can begin
	defer release()
	waiting, cancel := context.WithTimeout(ctx, d.Wait)
	defer cancel()
	now := time.Now().UTC()
	r, ok, err := d.decide(waiting, command.Command{
		ID: begin, Kind: command.BeginPayment, Event: b.Event, Booking: b.Key, Owner: owner, Attempt: attempt, Payment: p,
		IssuedAt: now, Deadline: now.Add(d.Wait + deadlineSlack), Until: out.ExpirationTime.Add(sale.MaxExtension),
	})
	switch {
	case err != nil:
		return out, err
	case ok && r.Outcome != command.Done:
		return out, notBegun(r)
	case ok && r.Attempt == attempt: // otherwise it has not begun yet, or another call's payment is under way or done
		if s, ok := settled.result(waiting); ok {
			return d.settled(ctx, owner, s)
		}
	}
	return d.afterwards(ctx, owner, b, attempt)
}

// payable says why a booking cannot be paid. One that is being paid, or is, is no error: the caller returns its state. Nor is a reservation whose end has come: a payment that
// began before may be in the log, undecided, so only the log can tell that it has expired.
func payable(b booking.Booking) error {
	switch b.Status {
	case booking.Paying, booking.Confirmed, booking.Reserved:
		return nil
	case booking.Expired:
		return booking.ErrBookingExpired
	default:
		return booking.ErrBookingNotPayable
	}
}

// notBegun words the worker's refusal to begin a payment.
func notBegun(r command.Result) error {
	switch {
	case r.Outcome == command.NoSuchBooking:
		return booking.ErrBookingNotFound
	case r.Status == booking.Expired || r.Outcome == command.TooLate && r.Status == booking.Reserved:
		return booking.ErrBookingExpired
	case r.Outcome == command.WrongState:
		return booking.ErrBookingNotPayable
	default: // the command itself came too late
		return fmt.Errorf("%w: payment was %s", booking.ErrStoreUnavailable, r.Outcome)
	}
}

// settled words how an attempt ended.
func (d *Desk) settled(ctx context.Context, owner id.Visitor, s command.Result) (booking.Booking, error) {
	if s.Outcome != command.Done {
		return d.Booking(ctx, owner, s.ID())
	}
	plan, err := d.plans.onSale(ctx, s.Event)
	if err != nil {
		return booking.Booking{}, err
	}
	out := fromResult(plan, owner, s)
	switch {
	case s.Settlement == command.Captured:
		return out, nil
	case s.Status == booking.Expired:
		return out, booking.ErrBookingExpired
	default:
		return out, &booking.DeclinedError{Reason: s.Reason, Until: s.ExpirationTime}
	}
}

// afterwards reads where the booking stands when waiting brought no end in time: paying, most likely.
func (d *Desk) afterwards(ctx context.Context, owner id.Visitor, b id.Booking, attempt id.Key) (booking.Booking, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	out, err := d.Booking(ctx, owner, b)
	if err != nil || out.Status == booking.Paying || out.Status == booking.Confirmed {
		return out, err
	}
	if s, known := d.result(ctx, command.SettleKey(attempt)); known { // declined this instant
		return d.settled(ctx, owner, s)
	}
	if err := payable(out); err != nil {
		return out, err
	}
	return out, fmt.Errorf("%w: the payment has not begun in time", booking.ErrStoreUnavailable)
}
