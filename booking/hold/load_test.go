package hold

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/event"
	"usher/internal/guard"
	"usher/internal/id"
	"usher/internal/testenv"
)

func changed(e id.Event, owner byte, changes ...event.SeatChange) []event.Event {
	return []event.Event{{Event: e, Owner: visitor(owner), Seats: changes, ExpirationTime: time.Now().Add(time.Hour)}}
}

func apply(t testing.TB, s *Store, events []event.Event) {
	t.Helper()
	if err := patiently(t, func() error { return s.Apply(t.Context(), events) }); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsLoadedIsThere(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := newEvent(t, s)
	until := time.Now().Add(5 * time.Minute).Truncate(time.Millisecond).UTC()
	load(t, s, e,
		Seat{},
		Seat{Owner: visitor(1), Ends: until},
		Seat{Owner: visitor(2), Ends: time.Now().Add(-time.Minute)},
		reserved(3, 70000, 1, until),
		Seat{State: booking.SeatBooked, Version: 3, Owner: visitor(1)},
		Seat{State: booking.SeatBlocked, Version: 1},
	)
	snap := snapshot(t, s, e)
	var free []int
	for seat := range snap.Seats() {
		if snap.Free(seat) {
			free = append(free, seat)
		}
	}
	if !reflect.DeepEqual(free, []int{0, 2}) || !snap.HeldUntil(1).Equal(until) || !snap.HeldUntil(3).Equal(until) || snap.State(4) != booking.SeatBooked {
		t.Errorf("free %v, held until %s and %s", free, snap.HeldUntil(1), snap.HeldUntil(3))
	}
	if seats, ends, err := s.Mine(t.Context(), e, visitor(1)); err != nil || !reflect.DeepEqual(seats, []int{1}) || !ends.Equal(until) {
		t.Errorf("mine %v until %s, %v", seats, ends, err)
	}
	var limit *booking.HoldLimitError
	if _, err := s.Hold(t.Context(), e, visitor(1), []int{0, 2}); !errors.As(err, &limit) {
		t.Errorf("the limit does not know what was loaded: %v", err)
	}
}

func TestOnlyTheNewestChangeOfASeatCounts(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := onSale(t, s, 10)
	hold(t, s, e, 1, 2)
	reservedNow := event.SeatChange{Seat: 2, Version: 1, State: booking.SeatReserved}
	paying := event.SeatChange{Seat: 2, Version: 2, State: booking.SeatPaying}
	booked := event.SeatChange{Seat: 2, Version: 3, State: booking.SeatBooked}
	apply(t, s, changed(e, 1, booked))
	version := snapshot(t, s, e).Version
	apply(t, s, changed(e, 1, reservedNow, paying)) // late
	apply(t, s, changed(e, 1, booked))              // a repeat
	snap := snapshot(t, s, e)
	if snap.State(2) != booking.SeatBooked || snap.Version != version {
		t.Errorf("state %d, version %d, want booked and %d", snap.State(2), snap.Version, version)
	}
	same, err := s.Snapshot(t.Context(), e, version)
	if err != nil || !same.Same {
		t.Errorf("the current version: %+v, %v", same, err)
	}
	apply(t, s, changed(e, 1, event.SeatChange{Seat: 2, Version: 4}))
	if snap := snapshot(t, s, e); !snap.Free(2) || snap.Version <= version {
		t.Error("a freed seat is not free")
	}
	if n := s.rdb.HLen(t.Context(), ownersKey(e)).Val(); n != 0 {
		t.Errorf("%d visitors are remembered for nothing", n)
	}
}

func TestAppliedInAnyOrderTheMapIsTheSame(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	a, b := onSale(t, s, 3000), onSale(t, s, 3000)
	var events []event.Event
	for seat := range 2500 { // more than one call
		for version := 1; version <= 3; version++ {
			for _, e := range []id.Event{a, b} {
				events = append(events, changed(e, byte(seat), event.SeatChange{Seat: seat, Version: version, State: booking.SeatState(version)})...)
			}
		}
	}
	if err := s.rdb.ScriptFlush(t.Context()).Err(); err != nil { // a pipeline meets a Redis without our scripts
		t.Fatal(err)
	}
	apply(t, s, events)
	for _, e := range []id.Event{a, b} {
		snap := snapshot(t, s, e)
		for seat := range snap.Seats() {
			if booked := snap.State(seat) == booking.SeatBooked; booked != (seat < 2500) {
				t.Fatalf("seat %d has state %d", seat, snap.State(seat))
			}
		}
	}
}

// A change that is committed while the map is loaded may be missing in what was read. It must not be lost, and it must not keep
// the load from coming to its end.
func TestChangesDuringALoadAreKept(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := newEvent(t, s)
	loads := 0
	err := s.Load(t.Context(), e, func(context.Context) ([]Seat, error) {
		loads++
		apply(t, s, changed(e, 1, event.SeatChange{Seat: 1, Version: 2, State: booking.SeatPaying}))
		apply(t, s, changed(e, 1, event.SeatChange{Seat: 1, Version: 1, State: booking.SeatReserved})) // out of order
		apply(t, s, changed(e, 2, event.SeatChange{Seat: 2, Version: 1, State: booking.SeatReserved}))
		apply(t, s, changed(e, 3, event.SeatChange{Seat: 3, Version: 4}))
		return []Seat{{}, {}, reserved(2, 3, 9, time.Now().Add(time.Hour)), reserved(3, 3, 3, time.Now().Add(time.Hour))}, nil
	})
	if err != nil || loads != 1 {
		t.Fatalf("load: %v after %d reads", err, loads)
	}
	snap := snapshot(t, s, e)
	if snap.State(0) != booking.SeatFree || snap.State(1) != booking.SeatPaying || snap.State(2) != booking.SeatReserved || !snap.Free(3) {
		t.Errorf("states %d %d %d %d", snap.State(0), snap.State(1), snap.State(2), snap.State(3))
	}
	if n := s.rdb.Exists(t.Context(), lateKey(e)).Val(); n != 0 {
		t.Error("the changes still wait")
	}
	hold(t, s, e, 4, 0, 3)
}

func TestOneLoadsAndTheOthersWait(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := newEvent(t, s)
	err := s.Load(t.Context(), e, func(context.Context) ([]Seat, error) {
		for _, call := range []func() error{
			func() error { _, err := s.Hold(t.Context(), e, visitor(1), []int{0}); return err },
			func() error { _, err := s.Snapshot(t.Context(), e, 0); return err },
		} {
			if err := call(); !errors.Is(err, ErrLost) {
				t.Errorf("a call during the load: %v", err)
			}
		}
		second := s.Load(t.Context(), e, func(context.Context) ([]Seat, error) { t.Error("two read at once"); return nil, nil })
		if !errors.Is(second, ErrLoading) {
			t.Errorf("a second load: %v", second)
		}
		return make([]Seat, 10), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	load(t, s, e, Seat{State: booking.SeatBooked}) // there already: left alone
	if snap := snapshot(t, s, e); snap.Seats() != 10 {
		t.Errorf("%d seats, want 10", snap.Seats())
	}
}

// Whoever was stopped for longer than his turn must not put an old map in place.
func TestAnOvertakenLoadPutsNothingInPlace(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := newEvent(t, s)
	err := s.Load(t.Context(), e, func(context.Context) ([]Seat, error) {
		s.rdb.HSet(t.Context(), metaKey(e), "since", 1) // his turn is over
		load(t, s, e, make([]Seat, 10)...)
		return make([]Seat, 3), nil
	})
	if !errors.Is(err, ErrOvertaken) {
		t.Errorf("the first load: %v", err)
	}
	if snap := snapshot(t, s, e); snap.Seats() != 10 {
		t.Errorf("%d seats, want those of the second load", snap.Seats())
	}
}

func TestAVersionIsNeverToldTwice(t *testing.T) {
	t.Parallel()
	own := testenv.FreshRedis(t)
	s := dial(t, own.Addr, rules)
	e := onSale(t, s, 100)
	var last int64
	for round := range 3 {
		for seat := range 4 {
			hold(t, s, e, byte(round), 4*round+seat)
			snap := snapshot(t, s, e)
			if snap.Version <= last {
				t.Fatalf("version %d after %d", snap.Version, last)
			}
			last = snap.Version
		}
		if err := s.rdb.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		load(t, s, e, make([]Seat, 100)...)
	}
}

// A Redis that was killed and came back with an old append-only file must not be believed, not even by the call that made the new
// connection and was given the run id of the old server.
func TestAMapOfAnotherLifeOfRedisIsLost(t *testing.T) {
	t.Parallel()
	if n := believers(t); n > 0 {
		t.Errorf("%d of 50 holds believed a map of another life", n)
	}
}

func TestControlWithoutTheSecondLookAnOldMapIsBelieved(t *testing.T) {
	t.Parallel()
	for range 5 { // on a busy machine a whole round may wait for the new connections
		if believers(t, sameRun) > 0 {
			return
		}
	}
	t.Error("the run id was compared once only, and no call believed the old map: the proof proves nothing")
}

// believers counts the calls that were answered from the map of a Redis that has died and come back.
func believers(t *testing.T, off ...guard.Guard) (n int) {
	own := testenv.FreshRedis(t)
	s := dial(t, own.Addr, rules)
	s.off = map[guard.Guard]bool{}
	for _, g := range off {
		s.off[g] = true
	}
	e := onSale(t, s, 100)
	hold(t, s, e, 1, 0)
	own.Kill()
	truncate(t, own.DataDir())
	own.Start()
	answers := make(chan error)
	for n := range 50 {
		go func() {
			for {
				_, err := s.Hold(t.Context(), e, visitor(byte(2+n)), []int{n})
				if !errors.Is(err, booking.ErrStoreUnavailable) { // that was a connection of the old server
					answers <- err
					return
				}
			}
		}()
	}
	for range 50 {
		if !errors.Is(<-answers, ErrLost) {
			n++
		}
	}
	if err := s.Apply(t.Context(), changed(e, 1, event.SeatChange{Seat: 1, Version: 1, State: booking.SeatBooked})); err != nil {
		t.Errorf("an apply to a map that is not loaded: %v", err)
	}
	return n
}

// truncate cuts the last write off the append-only file, as a power cut does.
func truncate(t *testing.T, dir string) {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no append-only file in %s: %v", dir, err)
	}
	info, err := os.Stat(logs[len(logs)-1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(logs[len(logs)-1], info.Size()-40); err != nil {
		t.Fatal(err)
	}
}

func TestRepairBringsBackWhatPostgresHas(t *testing.T) {
	t.Parallel()
	s := open(t, rules)
	e := onSale(t, s, 10)
	hold(t, s, e, 2, 1)
	until := time.Now().Add(time.Minute).Truncate(time.Millisecond)
	err := s.Repair(t.Context(), e, []Seat{
		{Index: 0, Owner: visitor(1), Ends: until},
		{Index: 1, Owner: visitor(1), Ends: until}, // visitor 2 has come since
		{Index: 2, Owner: visitor(1), Ends: time.Now().Add(-time.Minute)},
		reserved(3, 5, 4, until),
	})
	if err != nil {
		t.Fatal(err)
	}
	if seats, ends, err := s.Mine(t.Context(), e, visitor(1)); err != nil || !reflect.DeepEqual(seats, []int{0}) || !ends.Equal(until) {
		t.Errorf("visitor 1 holds %v until %s, %v", seats, ends, err)
	}
	if seats, _, err := s.Mine(t.Context(), e, visitor(2)); err != nil || !reflect.DeepEqual(seats, []int{1}) {
		t.Errorf("visitor 2 holds %v, %v", seats, err)
	}
	if snap := snapshot(t, s, e); !snap.Free(2) || snap.State(3) != booking.SeatReserved {
		t.Errorf("seat 2 free %t, seat 3 in state %d", snap.Free(2), snap.State(3))
	}
}

func TestWithoutRedisEveryCallSaysSo(t *testing.T) {
	t.Parallel()
	own := testenv.FreshRedis(t)
	s := dial(t, own.Addr, rules)
	e := onSale(t, s, 10)
	own.Kill()
	f := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, booking.ErrStoreUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := s.Hold(t.Context(), e, visitor(1), []int{1})
	f("hold", err)
	_, _, err = s.Mine(t.Context(), e, visitor(1))
	f("mine", err)
	_, err = s.Release(t.Context(), e, visitor(1), []int{1})
	f("release", err)
	_, _, err = s.Extend(t.Context(), e, visitor(1))
	f("extend", err)
	_, _, err = s.Checkout(t.Context(), e, visitor(1), []int{1}, time.Minute)
	f("checkout", err)
	_, err = s.Snapshot(t.Context(), e, 0)
	f("snapshot", err)
	_, err = s.Pending(t.Context(), id.Booking{Event: e})
	f("pending", err)
	f("keep", s.KeepPending(t.Context(), id.Booking{Event: e}, nil))
	f("repair", s.Repair(t.Context(), e, []Seat{{}}))
	f("apply", s.Apply(t.Context(), changed(e, 1, event.SeatChange{Version: 1})))
	f("load", s.Load(t.Context(), e, nil))
}
