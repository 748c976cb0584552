package worker

import (
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/pgstore/pgtest"
	"usher/internal/guard"
	"usher/internal/id"
	"usher/internal/testenv"
)

func TestASaleFromHoldToConfirmation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 40)
	testenv.Running(r.t, r.worker("w").Run)
	b, attempt := book(e, id.Visitor{1}, 3, 4), id.NewKey()
	r.append(b)
	if got := r.results(b)[b.ID]; got.Outcome != command.Done || got.Status != booking.Reserved || got.Total != 2*pgtest.Price || got.Currency != pgtest.Currency {
		t.Fatalf("book: %+v", got)
	}
	p, s := pay(b, attempt), settle(b, attempt, command.Captured)
	r.append(p)
	if got := r.results(p)[p.ID]; got.Status != booking.Paying || got.Attempt != attempt {
		t.Fatalf("pay: %+v", got)
	}
	if n := r.count(`SELECT count(*) FROM tickets WHERE status = 'payment_processing'`); n != 2 {
		t.Errorf("%d tickets are being paid, want 2", n)
	}
	r.append(s)
	if got := r.results(s)[s.ID]; got.Status != booking.Confirmed || got.ConfirmationID == "" {
		t.Fatalf("settle: %+v", got)
	}
	got, err := r.store.Booking(t.Context(), id.Booking{Event: e, Key: b.ID})
	if err != nil || got.Status != booking.Confirmed || len(got.Seats) != 2 || got.Seats[0].Status != booking.Booked || got.Seats[0].SeatNumber != "Stalls-1-4" {
		t.Errorf("booking %+v, %v", got, err)
	}
	if n := r.count(`SELECT count(*) FROM outbox`); n != 3 {
		t.Errorf("%d rows for the world, want 3", n)
	}
	if n := r.count(`SELECT count(*) FROM payment_attempts WHERE settled AND NOT live`); n != 1 {
		t.Errorf("%d settled attempts, want 1", n)
	}
	r.eventually("hints", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.told["gateway"][b.ID].Outcome == command.Done && r.told["gateway"][p.ID].Status == booking.Paying
	})
}

// repeated sells 100 seats by commands that come twice in one tick, cancels the bookings, lets the commands come once more, and returns
// how many were then told something else than the first time.
func repeated(t *testing.T, r *rig, w *Worker) (changed int) {
	t.Helper()
	e := pgtest.Event(t, r.store, 101)
	w.Lease = 10 * time.Second // it is alone: what it loses on a busy machine it would have to read again
	var all, cancels []command.Command
	for i := range 100 {
		b := book(e, id.Visitor{byte(i), 1}, i)
		all = append(all, b)
		cancels = append(cancels, command.Command{ID: id.NewKey(), Kind: command.Cancel, Event: e, Booking: b.ID, Owner: b.Owner, IssuedAt: b.IssuedAt})
	}
	r.append(all...)
	r.append(all...)
	r.append(cancels...)
	testenv.Running(r.t, w.Run)
	told := func(k id.Key) command.Result {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.told["gateway"][k]
	}
	end := func(b command.Command) { // of the same partition as all others: told after them
		t.Helper()
		r.append(b)
		r.eventually("a hint", func() bool { return told(b.ID).Outcome != "" })
	}
	one, two := book(e, id.Visitor{9}, 100), book(e, id.Visitor{9}, 100)
	end(one)
	r.append(all...)
	end(two)
	for _, c := range all {
		if got := told(c.ID); got.Outcome != command.Done || got.Status != booking.Reserved {
			changed++
		}
	}
	return changed
}

// The control: without stored results a repeat is told what its booking has come to.
func TestControlWithoutStoredResultsAnswersChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.worker("w")
	w.off = map[guard.Guard]bool{guard.Dedupe: true}
	if changed := repeated(t, r, w); changed != 100 {
		t.Errorf("no results are stored, and only %d answers of 100 changed: the proof proves nothing", changed)
	}
}

func TestRepeatsHaveOneEffectAndOneAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if changed := repeated(t, r, r.worker("w")); changed != 0 {
		t.Errorf("%d repeats were told something else", changed)
	}
	f := func(what string, want int, sql string) {
		t.Helper()
		if n := r.count(sql); n != want {
			t.Errorf("%d %s, want %d", n, what, want)
		}
	}
	f("bookings", 101, `SELECT count(*) FROM bookings`)
	f("owned seats", 1, `SELECT count(*) FROM booking_seats WHERE live`)
	f("outbox rows", 201, `SELECT count(*) FROM outbox`)
	f("seats of version 2", 100, `SELECT count(*) FROM tickets WHERE version = 2`)
}
