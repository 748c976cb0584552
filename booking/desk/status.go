package desk

import (
	"context"
	"errors"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/booking/command"
	"usher/internal/id"
)

var fencesTotal = metrics.NewCounter("usher_desk_fences_total")

// Booking returns the visitor's booking. One whose command has no result yet is Pending; when it is overdue, a fence is appended,
// so that it comes to a definite end. booking.ErrBookingNotFound, ErrStoreUnavailable.
func (d *Desk) Booking(ctx context.Context, owner id.Visitor, b id.Booking) (booking.Booking, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	out, err := d.store.Booking(ctx, b)
	if errors.Is(err, booking.ErrBookingNotFound) {
		return d.underway(ctx, owner, b)
	}
	if err != nil {
		return out, err
	}
	if out.Owner != owner {
		return booking.Booking{}, booking.ErrBookingNotFound
	}
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

// Purchase is Booking with who buys, and why the latest payment came to nothing: what a checkout shows. Errors as of Booking.
func (d *Desk) Purchase(ctx context.Context, owner id.Visitor, b id.Booking) (booking.Booking, error) {
	out, err := d.Booking(ctx, owner, b)
	if err != nil || out.Status == booking.Pending || out.Status == booking.Failed {
		return out, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	var decline string
	out.Buyer, decline, err = d.store.Buyer(ctx, b)
	if out.Status == booking.Reserved {
		out.LastDecline = decline
	}
	return out, err
}

// SetBuyer keeps who buys a booking; it is durable when this returns. booking.ErrBookingNotPayable: the booking is another's, paid, or over.
func (d *Desk) SetBuyer(ctx context.Context, owner id.Visitor, b id.Booking, buyer booking.Buyer) error {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	return d.store.SetBuyer(ctx, owner, b, buyer)
}

// underway answers for a booking that has no row: it was refused, is on its way, or never was.
func (d *Desk) underway(ctx context.Context, owner id.Visitor, b id.Booking) (booking.Booking, error) {
	u, ok, err := d.pending.get(ctx, b)
	if err != nil {
		return booking.Booking{}, err
	}
	if !ok || u.Booking.Owner != owner {
		return booking.Booking{}, booking.ErrBookingNotFound
	}
	if r, known := d.result(ctx, b.Key); known && r.Outcome != command.Done {
		u.Booking.Status, u.Booking.Failure, u.Booking.UpdatedAt = booking.Failed, failure(r.Outcome), u.Overdue
		for i := range u.Booking.Seats {
			u.Booking.Seats[i].Held, u.Booking.Seats[i].HoldExpiry = false, time.Time{}
		}
		return u.Booking, nil
	}
	if time.Now().After(u.Overdue) && d.pending.fence(b) {
		d.fence(ctx, b)
	}
	return u.Booking, nil
}

// fence gives an overdue Book a definite end: if it has none when the fence is decided, a later copy of it must fail.
func (d *Desk) fence(ctx context.Context, b id.Booking) {
	fencesTotal.Inc()
	err := d.Append(ctx, command.Command{
		ID: command.KeyOf(id.Visitor{}, "fence", b.String()), Kind: command.Fence, Event: b.Event, Booking: b.Key, Fenced: b.Key,
		IssuedAt: time.Now().UTC(), ReplyTo: d.Node,
	})
	if err != nil {
		d.Log.Warn("an overdue booking is not fenced; the next question will", "booking", b, "err", err)
	}
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

// noBooking words the absence of an event or of its tickets for a call about a booking.
func noBooking(err error) error {
	if errors.Is(err, booking.ErrEventNotFound) || errors.Is(err, booking.ErrTicketNotFound) {
		return booking.ErrBookingNotFound
	}
	return err
}
