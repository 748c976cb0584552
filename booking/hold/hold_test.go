package hold

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/guard"
	"usher/internal/id"
)

func TestAHoldIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := onSale(t, s, 20)
	hold(t, s, e, 1, 5)
	before := snapshot(t, s, e)
	_, err := s.Hold(t.Context(), e, visitor(2), []int{4, 5, 6})
	var taken *TakenError
	if !errors.As(err, &taken) || !reflect.DeepEqual(taken.Seats, []int{5}) {
		t.Fatalf("a hold over a held seat: %v", err)
	}
	after := snapshot(t, s, e)
	if !after.Free(4) || !after.Free(6) || after.Version != before.Version {
		t.Error("a refused hold left something behind")
	}
	if _, err := s.Hold(t.Context(), e, visitor(2), []int{19, 20}); !errors.Is(err, booking.ErrTicketNotFound) {
		t.Errorf("a seat that is not there: %v", err)
	}
}

func TestHoldsOfOneVisitorShareOneClock(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := onSale(t, s, 20)
	first := hold(t, s, e, 1, 3)
	if d := time.Until(first.Ends); d < rules.For-5*time.Second || d > rules.For+5*time.Second || !reflect.DeepEqual(first.New, []int{3}) {
		t.Fatalf("first hold: %+v", first)
	}
	eventually(t, "the clock to move on", func() bool { return snapshot(t, s, e).Now.After(first.Ends.Add(-rules.For)) })
	second := hold(t, s, e, 1, 7, 8)
	if !second.Ends.Equal(first.Ends) {
		t.Errorf("the second hold ends at %s, the first at %s", second.Ends, first.Ends)
	}
	again := hold(t, s, e, 1, 7, 3)
	if len(again.New) != 0 || !again.Ends.Equal(first.Ends) {
		t.Errorf("what was his already: %+v", again)
	}
	seats, ends, err := s.Mine(t.Context(), e, visitor(1))
	if err != nil || !reflect.DeepEqual(seats, []int{3, 7, 8}) || !ends.Equal(first.Ends) {
		t.Errorf("mine %v until %s, %v", seats, ends, err)
	}
}

func TestTheLimitCountsWhatIsBookedToo(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := onSale(t, s, 20)
	until := time.Now().Add(time.Hour)
	if err := s.Repair(t.Context(), e, []Seat{reserved(0, 1, 1, until), {Index: 1, State: booking.SeatBooked, Version: 1, Owner: visitor(1)}}); err != nil {
		t.Fatal(err)
	}
	hold(t, s, e, 1, 2, 3)
	var limit *booking.HoldLimitError
	if _, err := s.Hold(t.Context(), e, visitor(1), []int{4}); !errors.As(err, &limit) || limit.Limit != rules.Limit {
		t.Errorf("a fifth seat: %v", err)
	}
	hold(t, s, e, 1, 2) // his already: no new seat
	if _, err := s.Release(t.Context(), e, visitor(1), []int{3}); err != nil {
		t.Fatal(err)
	}
	hold(t, s, e, 1, 4)
	// His reservation runs out: the seat counts no more.
	if err := s.Repair(t.Context(), e, []Seat{{Index: 0, Version: 2}}); err != nil {
		t.Fatal(err)
	}
	hold(t, s, e, 1, 5)
}

func TestOfManyBlocksTheFirstFreeOneIsHeld(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := onSale(t, s, 20)
	hold(t, s, e, 1, 1)
	hold(t, s, e, 2, 4)
	g, err := s.Hold(t.Context(), e, visitor(3), []int{0, 1}, []int{3, 4}, []int{5, 6}, []int{7, 8})
	if err != nil || !reflect.DeepEqual(g.Seats, []int{5, 6}) || !reflect.DeepEqual(g.New, []int{5, 6}) {
		t.Errorf("granted %+v, %v", g, err)
	}
	var taken *TakenError
	if _, err := s.Hold(t.Context(), e, visitor(4), []int{0, 1}, []int{5, 6}); !errors.As(err, &taken) || !reflect.DeepEqual(taken.Seats, []int{1}) {
		t.Errorf("no block free: %v", err)
	}
}

func TestReleaseTakesOnlyWhatIsHisAndHeld(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := onSale(t, s, 20)
	hold(t, s, e, 1, 0, 1, 2)
	hold(t, s, e, 2, 3)
	if err := s.Repair(t.Context(), e, []Seat{reserved(2, 1, 1, time.Now().Add(time.Hour))}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Release(t.Context(), e, visitor(1), []int{0, 2, 3, 9})
	if err != nil || !reflect.DeepEqual(got, []int{0}) {
		t.Errorf("released %v, %v, want seat 0", got, err)
	}
	snap := snapshot(t, s, e)
	for seat, free := range map[int]bool{0: true, 1: false, 2: false, 3: false, 9: true} {
		if snap.Free(seat) != free {
			t.Errorf("seat %d free: %t", seat, snap.Free(seat))
		}
	}
	hold(t, s, e, 3, 0)
}

func TestExtendMovesAllHoldsUpToTheCap(t *testing.T) {
	t.Parallel()
	s := open(t, Config{For: 3 * time.Second, Cap: 5 * time.Second, Limit: 4})
	e := onSale(t, s, 20)
	first := hold(t, s, e, 1, 2, 3)
	var ends time.Time
	eventually(t, "an extension", func() bool {
		seats, later, err := s.Extend(t.Context(), e, visitor(1))
		ends = later
		return err == nil && reflect.DeepEqual(seats, []int{2, 3}) && later.After(first.Ends)
	})
	limit := first.Ends.Add(s.Cap - s.For)
	eventually(t, "the cap", func() bool {
		_, later, err := s.Extend(t.Context(), e, visitor(1))
		if err == nil {
			ends = later
		}
		return errors.Is(err, booking.ErrHoldCapReached)
	})
	if ends.After(limit) {
		t.Errorf("extended to %s, the cap is %s", ends, limit)
	}
	eventually(t, "the end", func() bool {
		_, _, err := s.Extend(t.Context(), e, visitor(1))
		return errors.Is(err, ErrNone)
	})
	if late := snapshot(t, s, e).Now.Sub(limit); late < 0 {
		t.Errorf("it ended %s before the cap", -late)
	}
}

func TestAHoldEndsByTheClockOfRedis(t *testing.T) {
	t.Parallel()
	s := open(t, Config{For: 2 * time.Second, Cap: 10 * time.Second, Limit: 4})
	e := onSale(t, s, 20)
	g := hold(t, s, e, 1, 2)
	if snap := snapshot(t, s, e); snap.Free(2) || !snap.Holds()[2].Equal(g.Ends) || len(snap.Holds()) != 1 || !snap.HeldUntil(2).Equal(g.Ends) {
		t.Errorf("free %t, holds %v, held until %s, want %s", snap.Free(2), snap.Holds(), snap.HeldUntil(2), g.Ends)
	}
	var other Grant
	var refused time.Time // when somebody asked last in vain
	eventually(t, "the seat", func() (ok bool) {
		asked := time.Now()
		var err error
		if other, err = s.Hold(t.Context(), e, visitor(2), []int{2}); err != nil {
			refused = asked
		}
		return err == nil
	})
	if began := other.Ends.Add(-s.For); began.Before(g.Ends) || refused.After(g.Ends.Add(time.Second)) {
		t.Errorf("the next hold began at %s, was refused at %s, and the first ended at %s", began, refused, g.Ends)
	}
	if n := s.rdb.HLen(t.Context(), ownersKey(e)).Val(); n != 1 {
		t.Errorf("%d visitors are remembered, want the one who holds", n)
	}
	if _, _, err := s.Checkout(t.Context(), e, visitor(1), []int{2}, time.Minute); err == nil {
		t.Error("a hold that ran out was checked out")
	}
}

func TestCheckoutKeepsSeatsAndNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := onSale(t, s, 20)
	hold(t, s, e, 1, 2, 3)
	hold(t, s, e, 2, 4)
	var missing *MissingError
	if _, _, err := s.Checkout(t.Context(), e, visitor(1), []int{2, 4, 5}, time.Hour); !errors.As(err, &missing) || !reflect.DeepEqual(missing.Seats, []int{4, 5}) {
		t.Errorf("checkout of seats that are not his: %v", err)
	}
	now, until, err := s.Checkout(t.Context(), e, visitor(1), []int{2}, time.Hour)
	if err != nil || until.Sub(now) != time.Hour {
		t.Fatalf("checkout from %s to %s, %v", now, until, err)
	}
	snap := snapshot(t, s, e)
	if !snap.HeldUntil(2).Equal(until) || !snap.HeldUntil(3).Before(until) {
		t.Errorf("held until %s and %s, checkout ends at %s", snap.HeldUntil(2), snap.HeldUntil(3), until)
	}
	if _, later, err := s.Checkout(t.Context(), e, visitor(1), []int{2}, time.Minute); err != nil || !snapshot(t, s, e).HeldUntil(2).Equal(until) {
		t.Errorf("a shorter checkout to %s shortened the hold: %v", later, err)
	}
}

func TestTwoHundredVisitorsRaceForFiftySeats(t *testing.T) {
	t.Parallel()
	if twice, held := race(t, open(t, rules)); twice > 0 || held != 50 {
		t.Errorf("%d seats were held twice, %d of 50 once", twice, held)
	}
}

func TestControlWithoutTheOwnerCheckSeatsAreHeldTwice(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	s.off = map[guard.Guard]bool{guard.HoldOwner: true}
	if twice, _ := race(t, s); twice == 0 {
		t.Error("strangers' holds did not count, and no seat was held twice: the race proves nothing")
	}
}

// race lets 200 visitors hold seats, one and two at a time, and counts those that were granted to more than one.
func race(t *testing.T, s *Store) (twice, held int) {
	e := onSale(t, s, 50)
	granted := make([][]id.Visitor, 50)
	var mu sync.Mutex // guards granted
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			who := visitor(byte(n))
			for i := range 50 {
				seats := []int{(n*7 + i) % 50}
				if n%2 == 0 && seats[0] < 49 {
					seats = append(seats, seats[0]+1)
				}
				g, err := s.Hold(t.Context(), e, who, seats)
				if err != nil {
					continue
				}
				mu.Lock()
				for _, seat := range g.New {
					granted[seat] = append(granted[seat], who)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for _, owners := range granted {
		slices.SortFunc(owners, func(a, b id.Visitor) int { return int(a[0]) - int(b[0]) })
		switch n := len(slices.Compact(owners)); {
		case n > 1:
			twice++
		case n == 1:
			held++
		}
	}
	return twice, held
}
