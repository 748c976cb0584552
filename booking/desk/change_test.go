package desk

import (
	"errors"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/internal/id"
)

func TestAReservationIsExtendedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	me := fan(1).Visitor
	b := r.book(d, 1, e, 3, 4)
	if !b.Extendable() {
		t.Errorf("a fresh booking cannot be extended: %+v", b)
	}
	if _, err := d.Extend(t.Context(), fan(2).Visitor, b.ID, ""); !errors.Is(err, booking.ErrBookingNotFound) {
		t.Errorf("a stranger extends: %v", err)
	}
	got, err := d.Extend(t.Context(), me, b.ID, "more time")
	if want := b.ExpirationTime.Add(d.Checkout); err != nil || !got.ExpirationTime.Equal(want) || got.Extendable() || !r.expiry(b.ID).Equal(want) {
		t.Fatalf("extended to %s, want %s: %+v, %v", got.ExpirationTime, want, got, err)
	}
	again, err := d.Extend(t.Context(), me, b.ID, "more time")
	if err != nil || !again.ExpirationTime.Equal(got.ExpirationTime) {
		t.Errorf("the same try again: %+v, %v", again, err)
	}
	if _, err := d.Extend(t.Context(), me, b.ID, ""); !errors.Is(err, booking.ErrExtensionNotAllowed) {
		t.Errorf("a second time: %v", err)
	}
	r.eventually("the seat map has the new end", func() bool {
		snap, err := d.holds.Snapshot(t.Context(), e, 0)
		return err == nil && snap.HeldUntil(3).Equal(got.ExpirationTime.Truncate(time.Millisecond))
	})
	if paid, err := d.Confirm(t.Context(), me, b.ID, card("tok_ok"), ""); err != nil || paid.Status != booking.Confirmed {
		t.Fatalf("confirm %+v, %v", paid, err)
	}
	if _, err := d.Extend(t.Context(), me, b.ID, ""); !errors.Is(err, booking.ErrExtensionNotAllowed) {
		t.Errorf("a paid one: %v", err)
	}
}

// What is no reservation has no end to move, and an end that stands further out already is not moved back: neither is told as expired.
func TestWhatCannotBeExtended(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	me := fan(1).Visitor
	b := r.book(d, 1, e, 3)
	r.on(func(c command.Command) error { // between the question and the command, a payment begins, extends and is declined
		if c.Kind == command.Extend {
			r.on(nil)
			var declined *booking.DeclinedError
			if _, err := d.Confirm(t.Context(), me, b.ID, card("tok_declined"), ""); !errors.As(err, &declined) {
				t.Errorf("the payment between: %v", err)
			}
		}
		return nil
	})
	d.Checkout = time.Minute
	if _, err := d.Extend(t.Context(), me, b.ID, ""); !errors.Is(err, booking.ErrExtensionNotAllowed) {
		t.Errorf("by less than the end has moved: %v", err)
	}
	if got, err := d.Extend(t.Context(), me, b.ID, ""); err != nil || got.Extendable() { // it was not used up
		t.Errorf("afterwards: %+v, %v", got, err)
	}
	if _, err := d.Extend(t.Context(), me, id.Booking{Event: e, Key: id.NewKey()}, ""); !errors.Is(err, booking.ErrBookingNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	r.take(d, 2, e, 7)
	r.on(func(command.Command) error { return errSwallowed })
	d.Wait = 20 * time.Millisecond
	pending, err := d.Book(t.Context(), fan(2), tickets(e, 7), "")
	if err != nil || pending.Status != booking.Pending {
		t.Fatalf("book %s, %v", pending.Status, err)
	}
	if _, err := d.Extend(t.Context(), fan(2).Visitor, pending.ID, ""); !errors.Is(err, booking.ErrExtensionNotAllowed) {
		t.Errorf("one that nobody has decided: %v", err)
	}
}

// Who buys stands with the booking and lasts; a decline is told as long as the booking waits for another try.
func TestABookingKnowsItsBuyerAndItsLastDecline(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	me := fan(1).Visitor
	first, second := r.book(d, 1, e, 3), r.book(d, 1, e, 5)
	ada, bob := booking.Buyer{Name: "Ada", Email: "ada@example.org"}, booking.Buyer{Name: "Bob", Email: "bob@example.org"}
	for b, buyer := range map[booking.Buyer]booking.Booking{ada: first, bob: second} {
		if err := d.SetBuyer(t.Context(), me, buyer.ID, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SetBuyer(t.Context(), fan(2).Visitor, first.ID, bob); !errors.Is(err, booking.ErrBookingNotFound) {
		t.Errorf("a stranger: %v", err)
	}
	f := func(b booking.Booking, buyer booking.Buyer, decline string) {
		t.Helper()
		got, err := d.Purchase(t.Context(), me, b.ID)
		if err != nil || got.Buyer != buyer || got.LastDecline != decline {
			t.Errorf("%+v, %v; want %v, %q", got, err, buyer, decline)
		}
	}
	f(first, ada, "")
	_, err := d.Confirm(t.Context(), me, first.ID, card("tok_insufficient_funds"), "")
	var declined *booking.DeclinedError
	if !errors.As(err, &declined) {
		t.Fatal(err)
	}
	f(first, ada, "insufficient_funds")
	f(second, bob, "")
	if _, err := d.Confirm(t.Context(), me, first.ID, card("tok_ok"), ""); err != nil {
		t.Fatal(err)
	}
	f(first, ada, "")
	if err := d.SetBuyer(t.Context(), me, first.ID, bob); !errors.Is(err, booking.ErrBookingNotPayable) {
		t.Errorf("the name on a ticket changes: %v", err)
	}
	if _, err := d.Purchase(t.Context(), fan(2).Visitor, first.ID); !errors.Is(err, booking.ErrBookingNotFound) {
		t.Errorf("a stranger looks: %v", err)
	}
}
