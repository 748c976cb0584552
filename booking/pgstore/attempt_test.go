package pgstore_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
)

// attempts commits n bookings that are being paid, and returns the attempts in the order in which they became due.
func attempts(t *testing.T, s *pgstore.Store, n int) (ids []id.Key) {
	t.Helper()
	e := pgtest.Event(t, s, n)
	memory, err := s.Sale(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for seat := range n {
		k, attempt, owner := id.NewKey(), id.NewKey(), id.NewVisitor()
		b := &pgstore.Batch{}
		for _, c := range []command.Command{
			{ID: k, Kind: command.Book, Seats: []int{seat}, Until: now.Add(time.Hour)},
			{ID: id.NewKey(), Kind: command.BeginPayment, Attempt: attempt, Payment: booking.Payment{Method: "sandbox", Token: "tok_ok"}},
		} {
			c.Event, c.Booking, c.Owner, c.IssuedAt = e, k, owner, now
			d := memory.Decide(c, now)
			b.Results = append(b.Results, d.Result)
			if d.Attempt != nil {
				b.Attempts = append(b.Attempts, pgstore.AttemptRow{Event: e, Currency: memory.Currency, Attempt: *d.Attempt})
			}
		}
		b.Sales = []pgstore.SaleWrites{{Event: e, Currency: memory.Currency, Writes: memory.Flush()}}
		if err := s.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, attempt)
	}
	return ids
}

func claim(t *testing.T, s *pgstore.Store, n int, lease time.Duration) []payment.Attempt {
	t.Helper()
	got, err := s.ClaimAttempts(t.Context(), n, lease)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// save saves and returns whether it counted, and whether the booking waits for the attempt.
func save(t *testing.T, s *pgstore.Store, a payment.Attempt, c payment.Change) (paying, ok bool) {
	t.Helper()
	paying, ok, err := s.SaveAttempt(t.Context(), a, c)
	if err != nil {
		t.Fatal(err)
	}
	return paying, ok
}

func TestClaimsAtOnceShareNothing(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 8)
	ids := attempts(t, s, 60)
	var mu sync.Mutex // guards seen
	seen := map[id.Key]int{}
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 20 {
				got, err := s.ClaimAttempts(context.Background(), 5, time.Minute)
				if err != nil || len(got) > 5 {
					t.Errorf("%d of 5 claimed, %v", len(got), err)
				}
				mu.Lock()
				for _, a := range got {
					seen[a.Attempt]++
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	for _, k := range ids {
		if seen[k] != 1 {
			t.Errorf("an attempt was claimed %d times", seen[k])
		}
	}
}

func TestAClaimTellsTheAttempt(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 2)
	k := attempts(t, s, 1)[0]
	got := claim(t, s, 10, time.Minute)
	if len(got) != 1 {
		t.Fatalf("%d claimed", len(got))
	}
	a := got[0]
	if a.Attempt != k || a.Amount != pgtest.Price || a.Currency != pgtest.Currency || a.Token != "tok_ok" || a.Method != "sandbox" ||
		a.Status != payment.StatusCreated || a.Tries != 1 || !a.Paying || a.Age < 0 || a.Age > time.Minute || a.Booking.Event == 0 {
		t.Errorf("claimed %+v", a)
	}
}

func TestALeaseRunsOutAndItsOwnerWritesNoMore(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 2)
	attempts(t, s, 1)
	first := claim(t, s, 1, time.Millisecond)[0]
	var second []payment.Attempt
	for len(second) == 0 { // the test's own deadline ends it
		second = claim(t, s, 1, time.Minute)
	}
	if second[0].Tries != 2 {
		t.Errorf("tries %d", second[0].Tries)
	}
	if _, ok := save(t, s, first, payment.Change{Status: payment.StatusAuthorised}); ok {
		t.Error("the first owner wrote after the second had claimed")
	}
	if paying, ok := save(t, s, second[0], payment.Change{Status: payment.StatusAuthorised, Lease: time.Minute}); !ok || !paying {
		t.Error("the second owner could not write")
	}
	if _, ok := save(t, s, second[0], payment.Change{Status: payment.StatusAuthorised}); ok {
		t.Error("a write from a status that has passed")
	}
}

func TestAWakeUpIsNotLost(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 2)
	k := attempts(t, s, 1)[0]
	wake := func() {
		if err := s.WakeAttempt(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	a := claim(t, s, 1, time.Minute)[0]
	wake() // while it is claimed: nobody else gets it
	if n := len(claim(t, s, 1, time.Minute)); n != 0 {
		t.Fatal("a wake-up broke a lease")
	}
	save(t, s, a, payment.Change{Status: payment.StatusCreated, ActionURL: "/here", After: time.Hour})
	if action, err := s.Action(t.Context(), k); err != nil || action == nil || action.URL != "/here" || action.Type != "redirect" {
		t.Errorf("action %+v, %v", action, err)
	}
	a = claim(t, s, 1, time.Minute)[0] // due at once, although it was put off
	save(t, s, a, payment.Change{Status: payment.StatusCreated, After: time.Hour})
	if n := len(claim(t, s, 1, time.Minute)); n != 0 {
		t.Fatal("one wake-up, two turns")
	}
	wake()
	a = claim(t, s, 1, time.Minute)[0]
	save(t, s, a, payment.Change{Status: payment.StatusDeclined, After: time.Hour})
	wake() // its provider is done with it
	if n := len(claim(t, s, 1, time.Minute)); n != 0 {
		t.Fatal("woken after its end")
	}
	if action, err := s.Action(t.Context(), k); err != nil || action != nil {
		t.Errorf("action %+v, %v", action, err)
	}
}

func TestASettledAttemptIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 2)
	attempts(t, s, 1)
	a := claim(t, s, 1, time.Minute)[0]
	if _, ok := save(t, s, a, payment.Change{Status: payment.StatusVoided, Settled: true}); !ok {
		t.Fatal("not saved")
	}
	a.Status = payment.StatusVoided
	if _, ok := save(t, s, a, payment.Change{Status: payment.StatusCreated}); ok {
		t.Error("written after it was settled")
	}
	if n := len(claim(t, s, 1, time.Minute)); n != 0 {
		t.Error("claimed after it was settled")
	}
}
