package desk

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/internal/id"
)

func card(token string) booking.Payment { return booking.Payment{Method: "sandbox", Token: token} }

func TestConfirm(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	me := fan(1).Visitor
	b := r.book(d, 1, e, 3, 4)
	for _, p := range []booking.Payment{card("4242424242424242"), card(""), {Method: "cash", Token: "tok_ok"}} {
		if _, err := d.Confirm(t.Context(), me, b.ID, p, ""); !errors.Is(err, booking.ErrPaymentDetailsInvalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if _, err := d.Confirm(t.Context(), fan(2).Visitor, b.ID, card("tok_ok"), ""); !errors.Is(err, booking.ErrBookingNotFound) {
		t.Errorf("a stranger pays: %v", err)
	}
	_, err := d.Confirm(t.Context(), me, b.ID, card("tok_insufficient_funds"), "first card")
	var declined *booking.DeclinedError
	if !errors.As(err, &declined) || declined.Reason != "insufficient_funds" || !declined.Until.After(time.Now()) {
		t.Fatalf("declined: %v", err)
	}
	if _, err := d.Confirm(t.Context(), me, b.ID, card("tok_insufficient_funds"), "first card"); !errors.As(err, &declined) {
		t.Errorf("the same try again: %v", err)
	}
	if got, err := d.Booking(t.Context(), me, b.ID); err != nil || got.Status != booking.Reserved {
		t.Errorf("after the decline %s, %v", got.Status, err)
	}
	got, err := d.Confirm(t.Context(), me, b.ID, card("tok_ok"), "")
	if err != nil || got.Status != booking.Confirmed || got.ConfirmationID == "" || got.Seats[0].Status != booking.Booked {
		t.Fatalf("confirm %+v, %v", got, err)
	}
	again, err := d.Confirm(t.Context(), me, b.ID, card("tok_declined"), "")
	if err != nil || again.Status != booking.Confirmed || again.ConfirmationID != got.ConfirmationID {
		t.Errorf("a repeat %+v, %v", again, err)
	}
	if n := r.count(`SELECT count(*) FROM sandbox_ledger WHERE captured_at IS NOT NULL`); n != 1 {
		t.Errorf("%d charges", n)
	}
}

func TestParallelConfirmsChargeOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	a, z, e := r.desk("a"), r.desk("z"), r.event(40)
	b := r.book(a, 1, e, 3)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			key := ""
			if n%3 == 0 {
				key = "shared"
			}
			var got booking.Booking
			err := booking.ErrStoreUnavailable
			for end := time.Now().Add(patience); errors.Is(err, booking.ErrStoreUnavailable) && time.Now().Before(end); { // then who pays asks again
				got, err = []*Desk{a, z}[n%2].Confirm(t.Context(), fan(1).Visitor, b.ID, card("tok_ok"), key)
			}
			if err != nil || got.Status != booking.Confirmed && got.Status != booking.Paying {
				t.Errorf("confirm %s, %v", got.Status, err)
			}
		})
	}
	all.Wait()
	r.eventually("the confirmation", func() bool {
		got, err := a.Booking(t.Context(), fan(1).Visitor, b.ID)
		return err == nil && got.Status == booking.Confirmed
	})
	if n := r.count(`SELECT count(*) FROM sandbox_ledger`); n != 1 {
		t.Errorf("%d attempts reached the provider", n)
	}
}

func TestAPaymentThatTakesLongIsPaying(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	b := r.book(d, 1, e, 3)
	d.Wait = 500 * time.Millisecond
	var got booking.Booking
	var err error
	r.eventually("a payment that has begun", func() bool { // a busy machine needs more than one call's patience
		got, err = d.Confirm(t.Context(), fan(1).Visitor, b.ID, card("tok_action"), "")
		return !errors.Is(err, booking.ErrStoreUnavailable)
	})
	if err != nil || got.Status != booking.Paying || got.Seats[0].Status != booking.PaymentProcessing {
		t.Fatalf("confirm %+v, %v", got, err)
	}
	r.eventually("what the payer must do", func() bool {
		got, err = d.Confirm(t.Context(), fan(1).Visitor, b.ID, card("tok_ok"), "")
		return err == nil && got.Status == booking.Paying && got.Action != nil && got.Action.URL != ""
	})
	d.Wait = patience
	if _, err := d.Cancel(t.Context(), fan(1).Visitor, b.ID, ""); !errors.Is(err, booking.ErrBookingNotCancellable) {
		t.Errorf("cancelled while it is paid: %v", err)
	}
	if n := r.count(`SELECT count(*) FROM payment_attempts`); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

// bookBriefly books a seat for a second or two. A busy machine comes to the command after the end that it asks for, and refuses it: then for longer.
func (r *rig) bookBriefly(d *Desk, who byte, e id.Event, seat int) booking.Booking {
	r.t.Helper()
	for d.Checkout = 1500 * time.Millisecond; d.Checkout < patience; d.Checkout *= 2 {
		r.take(d, who, e, seat)
		if b, err := d.Book(context.Background(), fan(who), tickets(e, seat), ""); err == nil && b.Status == booking.Reserved {
			return b
		} else if err != nil && !errors.Is(err, booking.ErrStoreUnavailable) {
			r.t.Fatal(err)
		}
	}
	r.t.Fatal("no booking came about")
	return booking.Booking{}
}

func TestWhatCannotBePaid(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	f := func(what string, of id.Booking, want error) {
		t.Helper()
		if got, err := d.Confirm(t.Context(), fan(1).Visitor, of, card("tok_ok"), ""); !errors.Is(err, want) {
			t.Errorf("%s: %+v, %v, want %v", what, got.Status, err, want)
		}
	}
	f("a booking that is not there", id.Booking{Event: e, Key: id.NewKey()}, booking.ErrBookingNotFound)
	cancelled := r.book(d, 1, e, 3)
	if _, err := d.Cancel(t.Context(), fan(1).Visitor, cancelled.ID, ""); err != nil {
		t.Fatal(err)
	}
	f("a cancelled one", cancelled.ID, booking.ErrBookingNotPayable)
	expired := r.bookBriefly(d, 1, e, 5).ID
	r.eventually("the end of the reservation", func() bool {
		_, err := d.Confirm(t.Context(), fan(2).Visitor, expired, card("tok_ok"), "") // not his: nothing happens
		return errors.Is(err, booking.ErrBookingNotFound) && time.Now().After(r.expiry(expired))
	})
	f("one that has run out", expired, booking.ErrBookingExpired)
	r.eventually("the sweeper", func() bool {
		got, err := d.Booking(t.Context(), fan(1).Visitor, expired)
		return err == nil && got.Status == booking.Expired
	})
	f("an expired one", expired, booking.ErrBookingExpired)
	d.Checkout = 10 * time.Minute
	alive := r.book(d, 1, e, 7)
	r.on(func(c command.Command) error { return errSwallowed })
	d.Wait = 20 * time.Millisecond
	f("one whose payment does not begin", alive.ID, booking.ErrStoreUnavailable)
}

// Whether a payment came before the end of its reservation is for the log to say: nobody is told that his booking has expired while a payment of it is undecided, and may yet be taken.
func TestOnlyTheLogTellsThatABookingHasExpired(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	b := r.book(d, 1, e, 3)
	if _, err := r.store.Pool().Exec(t.Context(), `UPDATE bookings SET expiration_time = now() - interval '1 second'`); err != nil { // by the clock of whoever reads it; the worker knows better
		t.Fatal(err)
	}
	r.on(func(c command.Command) error { return errSwallowed })
	d.Wait = 50 * time.Millisecond
	if got, err := d.Confirm(t.Context(), fan(1).Visitor, b.ID, card("tok_ok"), ""); !errors.Is(err, booking.ErrStoreUnavailable) {
		t.Errorf("while nothing is decided: %s, %v", got.Status, err)
	}
	r.on(nil)
	d.Wait = patience
	if got, err := d.Confirm(t.Context(), fan(1).Visitor, b.ID, card("tok_ok"), ""); err != nil || got.Status != booking.Confirmed {
		t.Errorf("as the worker decides: %s, %v", got.Status, err)
	}
}

func TestNotBegun(t *testing.T) {
	t.Parallel()
	f := func(o command.Outcome, s booking.Status, want error) {
		t.Helper()
		if err := notBegun(command.Result{Outcome: o, Status: s}); !errors.Is(err, want) {
			t.Errorf("%s, %s: %v, want %v", o, s, err, want)
		}
	}
	f(command.NoSuchBooking, "", booking.ErrBookingNotFound)
	f(command.WrongState, booking.Cancelled, booking.ErrBookingNotPayable)
	f(command.WrongState, booking.Failed, booking.ErrBookingNotPayable)
	f(command.WrongState, booking.Expired, booking.ErrBookingExpired)
	f(command.TooLate, booking.Reserved, booking.ErrBookingExpired)
	f(command.TooLate, "", booking.ErrStoreUnavailable)
	f(command.Malformed, "", booking.ErrStoreUnavailable)
}
