package hold

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
)

// unpaidKey is the key that prelude.lua makes.
func unpaidKey(e id.Event, v id.Visitor) string { return fmt.Sprintf("usher:{%s}:unpaid:%x", e, v[:]) }

// impatient are rules under which holds run out while a test waits, and not while a busy machine comes to the test's next step.
func impatient(unpaid int) Config {
	return Config{For: 2 * time.Second, Cap: 10 * time.Second, Limit: 4, Unpaid: unpaid, Cool: time.Minute}
}

// lapse holds a seat and waits until it has run out.
func lapse(t *testing.T, s *Store, e id.Event, who byte, seats ...int) {
	t.Helper()
	hold(t, s, e, who, seats...)
	eventually(t, "the hold's end", func() bool {
		mine, _, err := s.Mine(t.Context(), e, visitor(who))
		return err == nil && len(mine) == 0
	})
}

// cools returns when the wait of a visitor who asks for a seat ends; zero: he has it.
func cools(t *testing.T, s *Store, e id.Event, who byte, seat int) time.Time {
	t.Helper()
	_, err := s.Hold(t.Context(), e, visitor(who), []int{seat})
	var cool *booking.CoolDownError
	if err != nil && !errors.As(err, &cool) {
		t.Fatal(err)
	}
	if cool == nil {
		return time.Time{}
	}
	return cool.Until
}

func TestWhoLetsHoldsGoUnpaidWaits(t *testing.T) {
	t.Parallel()
	s := open(t, impatient(2))
	e := onSale(t, s, 20)
	began := time.Now()
	lapse(t, s, e, 1, 0, 1, 2) // three seats of one clock count once
	lapse(t, s, e, 1, 3)       // after one he does not wait
	until := cools(t, s, e, 1, 4)
	if until.IsZero() || until.Before(began.Add(time.Minute)) {
		t.Errorf("after two unpaid holds the wait ends at %s", until)
	}
	if again := cools(t, s, e, 1, 4); !again.Equal(until) {
		t.Errorf("asking again moves the end from %s to %s", until, again)
	}
	var taken *TakenError
	hold(t, s, e, 2, 4) // nobody else waits
	if err := s.Repair(t.Context(), e, []Seat{reserved(4, 1, 2, time.Now().Add(time.Hour))}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Hold(t.Context(), e, visitor(1), []int{4}); !errors.As(err, &taken) {
		t.Errorf("a seat that is taken: %v", err)
	}
	if other := onSale(t, s, 2); !cools(t, s, other, 1, 0).IsZero() {
		t.Error("he waits at another event")
	}
	// What he has paid for makes it forgotten.
	if err := s.Repair(t.Context(), e, []Seat{{Index: 9, State: booking.SeatBooked, Version: 1, Owner: visitor(1)}}); err != nil {
		t.Fatal(err)
	}
	if !cools(t, s, e, 1, 5).IsZero() {
		t.Error("he waits although he has paid")
	}
}

// Another visitor has taken the seats before he asked again: they count all the same.
func TestAnUnpaidHoldThatAnotherTookCounts(t *testing.T) {
	t.Parallel()
	s := open(t, impatient(1))
	e := onSale(t, s, 20)
	lapse(t, s, e, 1, 0, 1)
	hold(t, s, e, 2, 0, 1)
	if cools(t, s, e, 1, 3).IsZero() {
		t.Error("he does not wait")
	}
}

func TestAReservationThatRanOutCountsAndACancelledOneDoesNot(t *testing.T) {
	t.Parallel()
	s := open(t, impatient(1))
	e := onSale(t, s, 20)
	hold(t, s, e, 9, 19) // from the first hold on the map knows the rule
	reserve := func(who byte, seat int, ends time.Time) {
		t.Helper()
		if err := s.Repair(t.Context(), e, []Seat{reserved(seat, 1, who, ends)}); err != nil {
			t.Fatal(err)
		}
		if ends.Before(time.Now().Add(time.Minute)) {
			eventually(t, "the reservation's end", func() bool { return time.Now().After(ends) })
		}
		if err := s.Repair(t.Context(), e, []Seat{{Index: seat, Version: 2}}); err != nil {
			t.Fatal(err)
		}
	}
	reserve(1, 0, time.Now().Add(50*time.Millisecond))
	reserve(2, 1, time.Now().Add(time.Hour))
	if cools(t, s, e, 1, 3).IsZero() {
		t.Error("after a reservation that ran out he does not wait")
	}
	if !cools(t, s, e, 2, 4).IsZero() {
		t.Error("after a reservation that he gave up he waits")
	}
}

func TestWhoGivesBackOrPaysDoesNotWait(t *testing.T) {
	t.Parallel()
	s := open(t, impatient(1))
	e := onSale(t, s, 20)
	for seat := range 3 {
		hold(t, s, e, 1, seat)
		if _, err := s.Release(t.Context(), e, visitor(1), []int{seat}); err != nil {
			t.Fatal(err)
		}
	}
	if !cools(t, s, e, 1, 3).IsZero() {
		t.Error("he waits after holds that he gave back")
	}
	// Of two seats he books one, and lets the other go.
	hold(t, s, e, 2, 10, 11)
	if err := s.Repair(t.Context(), e, []Seat{{Index: 10, State: booking.SeatPaying, Version: 1, Owner: visitor(2)}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other's end", func() bool { return snapshot(t, s, e).Free(11) })
	if !cools(t, s, e, 2, 12).IsZero() {
		t.Error("he waits while he pays")
	}
}

// Without the rule nobody waits, and nothing is kept.
func TestControlWithoutTheRuleNobodyWaits(t *testing.T) {
	t.Parallel()
	s := open(t, impatient(0))
	e := onSale(t, s, 20)
	for seat := range 3 {
		lapse(t, s, e, 1, seat)
	}
	if !cools(t, s, e, 1, 3).IsZero() {
		t.Error("he waits")
	}
	if kept, err := s.rdb.Exists(t.Context(), unpaidKey(e, visitor(1))).Result(); err != nil || kept != 0 {
		t.Errorf("%d keys are kept, %v", kept, err)
	}
}

// What is remembered of a visitor goes by itself.
func TestUnpaidHoldsAreForgotten(t *testing.T) {
	t.Parallel()
	c := impatient(1)
	c.Cool = 200 * time.Millisecond
	s := open(t, c)
	e := onSale(t, s, 20)
	lapse(t, s, e, 1, 0)
	hold(t, s, e, 2, 0)
	if left, err := s.rdb.PTTL(t.Context(), unpaidKey(e, visitor(1))).Result(); err != nil || left <= 0 || left > c.Cool+2*c.For {
		t.Errorf("it is remembered for %s, %v", left, err)
	}
	eventually(t, "the wait's end", func() bool { return cools(t, s, e, 1, 3).IsZero() })
}
