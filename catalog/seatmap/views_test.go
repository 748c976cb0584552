package seatmap_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/event"
	"usher/booking/hold"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/catalog"
	"usher/catalog/pgcatalog"
	"usher/catalog/seatmap"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// gateway is what one gateway has of an event on real stores.
type gateway struct {
	*catalog.Views
	holds *hold.Store
}

// system is a truth with an event on sale, and its Redis.
type system struct {
	dsn   string
	truth *pgstore.Store
	redis *testenv.OwnRedis
	event id.Event
}

func newSystem(t *testing.T, seats int) *system {
	t.Helper()
	s := &system{dsn: testenv.Postgres(t, pgstore.Migrate), redis: testenv.FreshRedis(t)}
	s.truth = pgtest.Again(t, s.dsn, 4)
	s.event = pgtest.Event(t, s.truth, seats)
	return s
}

func (s *system) gateway(t *testing.T) gateway {
	t.Helper()
	reading, err := pgcatalog.Open(t.Context(), s.dsn, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reading.Close)
	rdb, err := redisdb.Dial(s.redis.Addr, 8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	holds := hold.New(rdb, hold.Config{For: time.Minute, Cap: time.Hour, Limit: 8})
	load := func(ctx context.Context, e id.Event) error {
		return holds.Load(ctx, e, func(ctx context.Context) ([]hold.Seat, error) {
			truth, err := s.truth.SeatMap(ctx, e)
			var seats []hold.Seat
			for _, x := range truth {
				seats = append(seats, hold.Seat{Index: x.Ticket.Seat(), State: x.State, Version: x.Version, Owner: x.Holder, Ends: x.Until})
			}
			return seats, err
		})
	}
	return gateway{holds: holds, Views: catalog.New(catalog.Config{Truth: reading, Map: seatmap.New(holds, load), Key: []byte("key")})}
}

type seen struct {
	Availability struct{ Free, Held, Booked int }
	Tickets      []struct {
		Held       bool
		Status     string
		HoldExpiry *time.Time `json:"hold_expiry"`
	}
}

func (g gateway) see(t *testing.T, e id.Event) (out seen) {
	t.Helper()
	view, err := g.Event(t.Context(), e, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(view.Body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// within waits for something to be seen. The promise is a second, and how long it took is logged; a busy machine gets a minute, because a test
// that asserts times fails for other reasons than ours (catalog's own tests prove the second with a clock of theirs).
func within(t *testing.T, what string, ready func() bool) {
	t.Helper()
	began := time.Now()
	for !ready() {
		if time.Since(began) > time.Minute {
			t.Fatalf("not seen: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%s was seen after %s", what, time.Since(began).Round(time.Millisecond))
}

func TestEveryGatewaySeesAChange(t *testing.T) {
	t.Parallel()
	s := newSystem(t, 500)
	one, two := s.gateway(t), s.gateway(t)
	if a, b := one.see(t, s.event), two.see(t, s.event); a.Availability.Free != 500 || b.Availability.Free != 500 || len(a.Tickets) != 500 {
		t.Fatalf("at first %+v and %+v", a.Availability, b.Availability)
	}
	visitor := id.NewVisitor()
	if _, err := one.holds.Hold(t.Context(), s.event, visitor, []int{3, 4}); err != nil {
		t.Fatal(err)
	}
	within(t, "a hold", func() bool {
		return two.see(t, s.event).Tickets[3].HoldExpiry != nil && one.see(t, s.event).Tickets[4].Held
	})
	if _, err := two.holds.Release(t.Context(), s.event, visitor, []int{4}); err != nil {
		t.Fatal(err)
	}
	within(t, "a release", func() bool {
		return one.see(t, s.event).Availability.Held == 1 && two.see(t, s.event).Availability.Held == 1
	})
	booked := []event.Event{{Event: s.event, Seats: []event.SeatChange{{Seat: 3, Version: 1, State: booking.SeatBooked}}}}
	if err := two.holds.Apply(t.Context(), booked); err != nil {
		t.Fatal(err)
	}
	within(t, "a booking", func() bool {
		a, b := one.see(t, s.event), two.see(t, s.event)
		return a.Availability.Booked == 1 && b.Availability.Booked == 1 && a.Tickets[3].Status == "booked" && a.Availability.Held == 0
	})
}

func TestViewsGoOnWhenRedisDies(t *testing.T) {
	t.Parallel()
	s := newSystem(t, 50)
	g := s.gateway(t)
	g.see(t, s.event)
	s.redis.Kill()
	exec(t, s, `UPDATE tickets SET hold_user_id = gen_random_uuid(), hold_expiry = now() + interval '1 minute' WHERE id = $1`, int64(s.event.Ticket(7)))
	within(t, "a hold in Postgres", func() bool { return g.see(t, s.event).Tickets[7].Held })
	s.redis.Start()
	within(t, "the hold in the new map", func() bool {
		snap, err := g.holds.Snapshot(t.Context(), s.event, 0)
		return g.see(t, s.event).Availability.Held == 1 && err == nil && snap.Seats() == 50
	})
}

func TestASaleThatOpensIsSeen(t *testing.T) {
	t.Parallel()
	s := newSystem(t, 50)
	exec(t, s, `DELETE FROM tickets WHERE event_id = $1`, int64(s.event))
	exec(t, s, `UPDATE events SET sale_opened_at = NULL WHERE id = $1`, int64(s.event))
	g := s.gateway(t)
	if got := g.see(t, s.event); len(got.Tickets) != 0 {
		t.Fatalf("%d tickets before the sale", len(got.Tickets))
	}
	reading, err := pgcatalog.Open(t.Context(), s.dsn, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	for _, want := range []int{50, 0} { // the second call finds the sale open
		if n, err := reading.OpenSale(t.Context(), s.event); err != nil || n != want {
			t.Errorf("OpenSale made %d tickets, %v; want %d", n, err, want)
		}
	}
	within(t, "the sale", func() bool { return len(g.see(t, s.event).Tickets) == 50 }) // facts are looked at every second
	if got := g.see(t, s.event); got.Availability.Free != 50 {
		t.Errorf("%+v", got.Availability)
	}
}

func TestAnEventWithoutTicketsOrExistenceIsTold(t *testing.T) {
	t.Parallel()
	s := newSystem(t, 5)
	g := s.gateway(t)
	unknown, _ := id.NewEvent(5, 5)
	if _, err := g.Event(t.Context(), unknown, ""); err == nil || !strings.Contains(err.Error(), booking.ErrEventNotFound.Error()) {
		t.Errorf("an unknown event: %v", err)
	}
}

func exec(t *testing.T, s *system, sql string, args ...any) {
	t.Helper()
	if _, err := s.truth.Pool().Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}
