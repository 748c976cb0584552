package hold

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

var rules = Config{For: 10 * time.Minute, Cap: 30 * time.Minute, Limit: 4}

// open returns a store on a Redis that other tests use too: each test has an event of its own.
func open(t testing.TB, c Config) *Store {
	t.Helper()
	addr, _ := testenv.Redis(t)
	return dial(t, addr, c)
}

func dial(t testing.TB, addr string, c Config) *Store {
	t.Helper()
	rdb, err := redisdb.Dial(addr, 32)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return New(rdb, c)
}

// onSale returns an event whose map has the given number of free seats.
func onSale(t testing.TB, s *Store, seats int) id.Event {
	t.Helper()
	e := newEvent(t, s)
	load(t, s, e, make([]Seat, seats)...)
	return e
}

// newEvent returns an event without a map.
func newEvent(t testing.TB, s *Store) id.Event {
	t.Helper()
	e, err := id.NewEvent(1+rand.IntN(id.MaxMonth), rand.IntN(id.MaxSequence))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.rdb.Del(context.Background(), keys(e)...) })
	return e
}

// load fills a map with what Postgres would say.
func load(t testing.TB, s *Store, e id.Event, seats ...Seat) {
	t.Helper()
	for {
		err := patiently(t, func() error {
			return s.Load(context.Background(), e, func(context.Context) ([]Seat, error) { return seats, nil })
		})
		switch {
		case err == nil:
			return
		case !errors.Is(err, ErrLost):
			t.Fatal(err)
		}
	}
}

func visitor(n byte) id.Visitor { return id.Visitor{n, 15: 1} }

func hold(t testing.TB, s *Store, e id.Event, who byte, seats ...int) Grant {
	t.Helper()
	var g Grant
	if err := patiently(t, func() (err error) { g, err = s.Hold(t.Context(), e, visitor(who), seats); return err }); err != nil {
		t.Fatalf("visitor %d holds %v: %v", who, seats, err)
	}
	return g
}

func snapshot(t testing.TB, s *Store, e id.Event) Snapshot {
	t.Helper()
	var snap Snapshot
	if err := patiently(t, func() (err error) { snap, err = s.Snapshot(t.Context(), e, 0); return err }); err != nil {
		t.Fatal(err)
	}
	return snap
}

// patiently asks again while the answer is that Redis is away, as it is on a busy machine for a moment. What is asked may be repeated.
func patiently(t testing.TB, ask func() error) (err error) {
	t.Helper()
	eventually(t, "a Redis that answers", func() bool {
		err = ask()
		return !errors.Is(err, booking.ErrStoreUnavailable)
	})
	return err
}

// eventually waits for something that another goroutine or the clock of Redis brings.
func eventually(t testing.TB, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ready(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s", what)
		}
	}
}

func reserved(index, version int, owner byte, ends time.Time) Seat {
	return Seat{Index: index, State: booking.SeatReserved, Version: version, Owner: visitor(owner), Ends: ends}
}
