package hold

import (
	"context"
	"errors"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/event"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/testenv"
)

// TestOnARedisCluster runs this package's other tests on a cluster of three masters: all keys of a script lie on one of them.
func TestOnARedisCluster(t *testing.T) {
	t.Parallel()
	testenv.OnRedisCluster(t, "TestAMasterThatForgotIsNotBelieved")
}

// In a cluster each master has a life of its own: one that came back with an old append-only file loses its events, and those of the
// others stay.
func TestAMasterThatForgotIsNotBelieved(t *testing.T) {
	t.Parallel()
	cluster := testenv.FreshRedisCluster(t)
	s := dial(t, cluster.URL, rules)
	events := map[string]id.Event{} // by the master that has them
	var changes []event.Event
	for deadline := time.Now().Add(time.Minute); len(events) < len(cluster.Masters); {
		e := onSale(t, s, 10)
		events[masterOf(t, s, e)] = e
		if time.Now().After(deadline) {
			t.Fatalf("events of %d masters in 20 s", len(events))
		}
	}
	for _, e := range events {
		hold(t, s, e, 1, 0)
		changes = append(changes, changed(e, 2, event.SeatChange{Seat: 5, Version: 1, State: booking.SeatBooked})...)
	}
	apply(t, s, changes) // one round trip to each
	for at, e := range events {
		if snap := snapshot(t, s, e); snap.State(5) != booking.SeatBooked {
			t.Errorf("a change has not reached %s", at)
		}
	}
	cluster.Kill(0)
	truncate(t, cluster.DataDir(0))
	forgot, alive := events[cluster.Masters[0]], events[cluster.Masters[1]]
	if _, err := s.Hold(t.Context(), forgot, visitor(3), []int{3}); !errors.Is(err, booking.ErrStoreUnavailable) {
		t.Errorf("while its master is dead: %v", err)
	}
	hold(t, s, alive, 3, 3)
	cluster.Start(0)
	var err error
	eventually(t, "the master to be asked again", func() bool {
		_, err = s.Hold(t.Context(), forgot, visitor(3), []int{3})
		return !errors.Is(err, booking.ErrStoreUnavailable)
	})
	if !errors.Is(err, ErrLost) {
		t.Errorf("a map of another life: %v, want ErrLost", err)
	}
	load(t, s, forgot, make([]Seat, 10)...)
	hold(t, s, forgot, 3, 3)
	hold(t, s, alive, 3, 4)
}

// masterOf returns the address of the server that has an event's keys.
func masterOf(t *testing.T, s *Store, e id.Event) (addr string) {
	t.Helper()
	err := s.rdb.On(context.Background(), metaKey(e), func(at *redisdb.Server) error {
		addr = at.Options().Addr
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
