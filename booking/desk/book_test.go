package desk

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/pgstore/pgtest"
	"usher/internal/batch"
	"usher/internal/id"
)

// book books seats that the fan holds, or ends the test. Who is told that a store is away asks again, under the same key.
func (r *rig) book(d *Desk, who byte, e id.Event, seats ...int) booking.Booking {
	r.t.Helper()
	r.take(d, who, e, seats...)
	var b booking.Booking
	key := id.NewKey().String()
	r.eventually("a booking", func() bool {
		var err error
		b, err = d.Book(context.Background(), fan(who), tickets(e, seats...), key)
		if err != nil && !errors.Is(err, booking.ErrStoreUnavailable) || err == nil && b.Status != booking.Reserved {
			r.t.Fatalf("fan %d books %v: %s, %v", who, seats, b.Status, err)
		}
		return err == nil
	})
	return b
}

func TestABookingIsReservedAndRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	r.take(d, 1, e, 3, 4, 5)
	owner := fan(1)
	owner.Session = booking.Session{Room: "final", JTI: "s1"}
	before := time.Now()
	b, err := d.Book(t.Context(), owner, tickets(e, 4, 3), "")
	after := time.Now()
	if err != nil || b.Status != booking.Reserved || b.Total != 2*pgtest.Price || b.ID.Event != e || b.Session != owner.Session {
		t.Fatalf("book %+v, %v", b, err)
	}
	const skew = time.Second // of the clock of Redis, and of what is cut off
	if b.ExpirationTime.Before(before.Add(d.Checkout-skew)) || b.ExpirationTime.After(after.Add(d.Checkout+skew)) {
		t.Errorf("booked between %s and %s until %s", before, after, b.ExpirationTime)
	}
	if s := b.Seats[1]; len(b.Seats) != 2 || s.ID != e.Ticket(4) || s.SeatNumber != "Stalls-1-5" || !s.Held || s.Status != booking.Available || !s.HoldExpiry.Equal(b.ExpirationTime) {
		t.Errorf("tickets %+v", b.Seats)
	}
	read, err := d.Booking(t.Context(), owner.Visitor, b.ID)
	if err != nil || text(t, read) != text(t, b) {
		t.Errorf("read   %s, %v\nbooked %s", text(t, read), err, text(t, b))
	}
	if _, err := d.Booking(t.Context(), fan(2).Visitor, b.ID); !errors.Is(err, booking.ErrBookingNotFound) {
		t.Errorf("a stranger reads it: %v", err)
	}
	r.eventually("the seat map", func() bool { // the reservation has left his holds, seat 5 has not
		h, err := d.Holds(t.Context(), fan(1), e)
		return err == nil && reflect.DeepEqual(seatsHeld(h), []int{5})
	})
	if err := d.Release(t.Context(), owner, e, tickets(e, 3)); !errors.Is(err, booking.ErrHoldNotFound) {
		t.Errorf("a reserved seat was released: %v", err)
	}
}

func text(t *testing.T, b booking.Booking) string {
	t.Helper()
	out, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestBookRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e, other := r.desk("a"), r.event(40), r.event(40)
	r.take(d, 1, e, 3)
	r.take(d, 1, other, 3)
	r.take(d, 2, e, 4)
	_, err := d.Book(t.Context(), fan(1), tickets(e, 3, 4, 5), "")
	var required *booking.HoldRequiredError
	if !errors.As(err, &required) || !reflect.DeepEqual(required.Tickets, tickets(e, 4, 5)) {
		t.Errorf("seats that are not held: %v", err)
	}
	f := func(what string, want error, tickets ...id.Ticket) {
		t.Helper()
		if _, err := d.Book(t.Context(), fan(1), tickets, ""); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	f("two events", booking.ErrTicketsSpanEvents, e.Ticket(3), other.Ticket(3))
	f("no seat", booking.ErrTicketNotFound)
	f("a seat that is not there", booking.ErrTicketNotFound, e.Ticket(40))
	f("an event that is not there", booking.ErrTicketNotFound, (e + 1<<20).Ticket(0))
	d.Wait = 50 * time.Millisecond // it may be in the log in spite of the error
	f("no log", booking.ErrStoreUnavailable, e.Ticket(3))
	r.on(func(command.Command) error { return batch.ErrFull })
	f("a full queue", booking.ErrOverloaded, e.Ticket(3))
	for range maxInFlight {
		if _, err := d.inFlight.enter(true); err != nil {
			t.Fatal(err)
		}
	}
	before := d.Load()
	f("too many calls", booking.ErrOverloaded, e.Ticket(3))
	if after := d.Load(); after.Calls != before.Calls+1 || after.Late != before.Late+1 {
		t.Errorf("a call that was refused: %+v after %+v", after, before)
	}
}

// Whatever the worker says comes out as the error that the edge knows.
func TestResultsBecomeErrors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(40)
	r.take(d, 1, e, 3)
	f := func(o command.Outcome, want error) {
		t.Helper()
		r.on(func(c command.Command) error {
			d.Results([]command.Result{{Command: c.ID, Event: c.Event, Booking: c.Booking, Kind: c.Kind, Outcome: o}})
			return errSwallowed
		})
		if _, err := d.Book(t.Context(), fan(1), tickets(e, 3), ""); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", o, err, want)
		}
	}
	f(command.NoSuchSeat, booking.ErrTicketNotFound)
	f(command.TooLate, booking.ErrStoreUnavailable)
	f(command.Malformed, booking.ErrStoreUnavailable)
	// The worker finds the seat taken: the map did not know. It is repaired, and the fan is told what is near.
	if _, err := r.store.Pool().Exec(t.Context(), `UPDATE tickets SET blocked = true, version = 5, hold_user_id = NULL, hold_expiry = NULL WHERE id = $1`, int64(e.Ticket(3))); err != nil {
		t.Fatal(err)
	}
	r.on(func(c command.Command) error {
		d.Results([]command.Result{{Command: c.ID, Event: c.Event, Kind: c.Kind, Outcome: command.SeatsTaken, Taken: []int{3}}})
		return errSwallowed
	})
	_, err := d.Book(t.Context(), fan(1), tickets(e, 3), "")
	var taken *booking.UnavailableError
	if !errors.As(err, &taken) || !reflect.DeepEqual(taken.Tickets, tickets(e, 3)) || len(taken.Alternatives) != maxAlternatives {
		t.Errorf("taken: %v", err)
	}
	if _, _, err := d.Hold(t.Context(), fan(2), e, tickets(e, 3)); !errors.As(err, &taken) {
		t.Errorf("the blocked seat is still for sale: %v", err)
	}
}

// The same key is the same command: one booking, whoever asks, however often, at whatever moment.
func TestTheSameKeyIsTheSameBooking(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	a, b, e := r.desk("a"), r.desk("b"), r.event(40)
	r.take(a, 1, e, 3, 4)
	first, err := a.Book(t.Context(), fan(1), tickets(e, 3, 4), "key")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			again, err := []*Desk{a, b}[n%2].Book(t.Context(), fan(1), tickets(e, 3, 4), "key")
			if err != nil || again.ID != first.ID || again.Status != booking.Reserved {
				t.Errorf("again: %+v, %v", again.ID, err)
			}
		})
	}
	all.Wait()
	if n := r.count(`SELECT count(*) FROM bookings`); n != 1 {
		t.Errorf("%d bookings", n)
	}
	r.eventually("the seat map", func() bool { // the seats are not held any more, so the stored result must answer
		h, err := a.Holds(t.Context(), fan(1), e)
		return err == nil && len(h.Tickets) == 0
	})
	if again, err := b.Book(t.Context(), fan(1), tickets(e, 3, 4), "key"); err != nil || again.ID != first.ID {
		t.Errorf("much later: %+v, %v", again.ID, err)
	}
	if _, err := b.Book(t.Context(), fan(1), tickets(e, 3, 4), "another"); err == nil {
		t.Error("another key booked the same seats")
	}
}

// overdue lets a desk believe that a pending booking is overdue from then on.
func (r *rig) overdue(d *Desk, b id.Booking, from time.Time) {
	r.t.Helper()
	u, _, err := d.pending.get(context.Background(), b)
	if err != nil {
		r.t.Fatal(err)
	}
	u.Overdue = from
	d.pending.known.put(b, u)
}

// No worker answers in time: the fan is told "pending", every gateway knows, and asking brings it to a definite end.
func TestAPendingBookingComesToItsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.wait = 50 * time.Millisecond
	a, b, e := r.desk("a"), r.desk("b"), r.event(40)
	r.take(a, 1, e, 3)
	r.take(a, 1, e, 4)
	var kept command.Command
	r.on(func(c command.Command) error { kept = c; return errSwallowed })
	decided, err := a.Book(t.Context(), fan(1), tickets(e, 3), "")
	if err != nil || decided.Status != booking.Pending || decided.Total != pgtest.Price || len(decided.Seats) != 1 {
		t.Fatalf("book %+v, %v", decided, err)
	}
	first := kept
	first.Deadline = time.Time{} // how soon the worker will be back is not what this is about
	for _, d := range []*Desk{a, b} {
		r.overdue(d, decided.ID, time.Now().Add(time.Hour))
	}
	fenced, err := a.Book(t.Context(), fan(1), tickets(e, 4), "")
	if err != nil || fenced.Status != booking.Pending {
		t.Fatalf("book %+v, %v", fenced, err)
	}
	late := kept
	for _, d := range []*Desk{a, b} {
		got, err := d.Booking(t.Context(), fan(1).Visitor, decided.ID)
		if err != nil || got.Status != booking.Pending || got.ID != decided.ID || len(got.Seats) != 1 || !got.CreatedAt.Equal(decided.CreatedAt) {
			t.Errorf("status %+v, %v", got, err)
		}
		if _, err := d.Booking(t.Context(), fan(2).Visitor, decided.ID); !errors.Is(err, booking.ErrBookingNotFound) {
			t.Errorf("a stranger reads it: %v", err)
		}
	}
	r.core() // the worker is back
	r.on(nil)
	if err := r.log(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	r.eventually("the first booking", func() bool {
		got, err := b.Booking(t.Context(), fan(1).Visitor, decided.ID)
		return err == nil && got.Status == booking.Reserved
	})
	// The second never reaches the log: it is overdue, so asking appends a fence, and a late copy of it fails.
	for _, d := range []*Desk{a, b} {
		r.overdue(d, fenced.ID, time.Now())
	}
	r.eventually("the fence", func() bool {
		got, err := b.Booking(t.Context(), fan(1).Visitor, fenced.ID)
		return err == nil && got.Status == booking.Failed && got.Failure == "store-unavailable" && !got.Seats[0].Held
	})
	late.Deadline, late.Until = time.Time{}, time.Now().Add(time.Hour)
	if err := r.log(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	marker := command.Command{ID: id.NewKey(), Kind: command.Block, Event: e, Seats: []int{39}, IssuedAt: time.Now()}
	if err := r.log(t.Context(), marker); err != nil {
		t.Fatal(err)
	}
	r.eventually("the late copy", func() bool {
		got, err := r.store.Results(t.Context(), []id.Key{marker.ID})
		return err == nil && len(got) == 1
	})
	if n := r.count(`SELECT count(*) FROM bookings`); n != 1 {
		t.Errorf("%d bookings, want the first", n)
	}
	if n := r.count(`SELECT count(*) FROM command_results WHERE result->>'kind' = 'fence'`); n != 1 {
		t.Errorf("%d fences, want one for all questions", n)
	}
}

// A hold that was written to Postgres while Redis was being loaded is missing in the map. Its owner can book it all the same.
func TestAHoldThatOnlyPostgresKnowsCanBeBooked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	r.take(d, 1, e, 3, 4)
	if _, err := r.holds().Release(t.Context(), e, fan(1).Visitor, []int{3}); err != nil {
		t.Fatal(err)
	}
	if b, err := d.Book(t.Context(), fan(1), tickets(e, 3, 4), ""); err != nil || b.Status != booking.Reserved {
		t.Errorf("book %+v, %v", b, err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.core()
	d, e := r.desk("a"), r.event(40)
	b := r.book(d, 1, e, 3)
	f := func(what string, who byte, of id.Booking, want error) {
		t.Helper()
		got, err := d.Cancel(t.Context(), fan(who).Visitor, of, "")
		if !errors.Is(err, want) || err == nil && (got.Status != booking.Cancelled || got.ID != b.ID || len(got.Seats) != 1 || got.Seats[0].Held) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	f("a stranger's", 2, b.ID, booking.ErrBookingNotFound)
	f("one that is not there", 1, id.Booking{Event: e, Key: id.NewKey()}, booking.ErrBookingNotFound)
	f("of an event that is not there", 1, id.Booking{Event: e + 1<<20, Key: id.NewKey()}, booking.ErrBookingNotFound)
	f("mine", 1, b.ID, nil)
	f("again", 1, b.ID, nil)
	r.eventually("the seat", func() bool {
		_, _, err := d.Hold(t.Context(), fan(2), e, tickets(e, 3))
		return err == nil
	})
	paid := r.book(d, 1, e, 7)
	if got, err := d.Confirm(t.Context(), fan(1).Visitor, paid.ID, card("tok_ok"), ""); err != nil || got.Status != booking.Confirmed {
		t.Fatalf("confirm %+v, %v", got, err)
	}
	f("what is paid", 1, paid.ID, booking.ErrBookingNotCancellable)
	r.on(func(command.Command) error { return errSwallowed })
	d.Wait = 20 * time.Millisecond
	f("without an answer", 1, paid.ID, booking.ErrStoreUnavailable)
}

// Decisions that take long let fewer calls in at once; what a payer waits for beyond them does not.
func TestSlowDecisionsLetFewerIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(40)
	d.inFlight = newGate("slow", 20*time.Millisecond)
	r.take(d, 1, e, 3)
	answers := func(after time.Duration) {
		r.on(func(c command.Command) error {
			time.AfterFunc(after, func() {
				d.Results([]command.Result{{Command: c.ID, Event: c.Event, Booking: c.Booking, Kind: c.Kind, Outcome: command.Malformed}})
			})
			return nil
		})
		if _, err := d.Book(t.Context(), fan(1), tickets(e, 3), ""); !errors.Is(err, booking.ErrStoreUnavailable) {
			t.Errorf("book: %v", err)
		}
	}
	if _, most := d.inFlight.Now(); most != maxInFlight {
		t.Errorf("the limit begins at %d, want %d", most, maxInFlight)
	}
	before := d.Load()
	answers(100 * time.Millisecond)
	after := d.Load()
	if after.Calls != before.Calls+1 || after.Late != before.Late || after.Decided != before.Decided+1 || after.Took-before.Took < 100*time.Millisecond {
		t.Errorf("a call that was decided after 100 ms: %+v after %+v", after, before)
	}
	if n, most := d.inFlight.Now(); n != 0 || most != maxInFlight {
		t.Errorf("after one slow decision %d calls of %d are under way, want 0 of %d", n, most, maxInFlight)
	}
	const others = minInFlight + 8
	for range others {
		if _, err := d.inFlight.enter(true); err != nil {
			t.Fatal(err)
		}
	}
	answers(100 * time.Millisecond)
	if n, most := d.inFlight.Now(); n != others || most != minInFlight {
		t.Errorf("after a slow decision among many %d calls of %d are under way, want %d of %d", n, most, others, minInFlight)
	}
}
