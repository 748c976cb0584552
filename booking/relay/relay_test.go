package relay

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/event"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/testenv"
)

func TestEveryChangeReachesKafkaAndTheSeatMapInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := pgtest.Event(t, r.store, 200), pgtest.Event(t, r.store, 200)
	testenv.Running(r.t, r.relay().Run)
	r.append(books(a, 0, 200)...)
	r.append(books(b, 0, 200)...)
	r.eventually("400 events on Kafka and in the map", func() bool { return r.got(&r.heard) == 400 && r.got(&r.applied) == 400 })
	r.eventually("an empty outbox", func() bool { return pgtest.Count(t, r.store, `SELECT count(*) FROM outbox`) == 0 })
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, list := range [][]event.Event{r.heard, r.applied} {
		if !inOrder(list, a) || !inOrder(list, b) {
			t.Error("events of one event are out of order")
		}
	}
}

func TestKafkaDoesNotWaitForTheSeatMap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 3*maxRows)
	r.setMapAway(true)
	testenv.Running(r.t, r.relay().Run)
	r.append(books(e, 0, 2*maxRows)...) // more than one round holds
	r.eventually("the events on Kafka", func() bool { return r.got(&r.heard) == 2*maxRows })
	if n := pgtest.Count(t, r.store, `SELECT count(*) FROM outbox`); n != 2*maxRows {
		t.Errorf("%d rows wait for the map, want %d", n, 2*maxRows)
	}
	r.setMapAway(false)
	r.append(books(e, 2*maxRows, 2*maxRows+10)...)
	r.eventually("the events in the map", func() bool { return r.got(&r.applied) == 2*maxRows+10 })
	r.eventually("an empty outbox", func() bool { return pgtest.Count(t, r.store, `SELECT count(*) FROM outbox`) == 0 })
}

func TestAStandbyTakesOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 40)
	var mu sync.Mutex // guards by
	var by []string   // who applied, in order
	relay := func(name string) *Relay {
		return New(r.store, r.producer, func(ctx context.Context, events []event.Event) error {
			mu.Lock()
			by = append(by, name)
			mu.Unlock()
			return r.apply(ctx, events)
		}, quiet())
	}
	stop := testenv.Running(r.t, relay("first").Run)
	r.append(books(e, 0, 20)...)
	r.eventually("the leader's work", func() bool {
		return r.got(&r.applied) == 20 && pgtest.Count(t, r.store, `SELECT count(*) FROM outbox`) == 0
	})
	testenv.Running(r.t, relay("standby").Run)
	stop()
	r.append(books(e, 20, 40)...)
	r.eventually("the standby's work", func() bool { return r.got(&r.applied) == 40 && r.got(&r.heard) == 40 })
	mu.Lock()
	defer mu.Unlock()
	if turns := slices.Compact(by); !slices.Equal(turns, []string{"first", "standby"}) {
		t.Errorf("it was the turn of %v: two relays led at once", turns)
	}
}

func TestReservationsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 20)
	testenv.Running(r.t, r.relay().Run)
	r.append(book(e, id.Visitor{1}, time.Now().Add(time.Hour), 2))
	var soon time.Time
	for lasts := 2 * time.Second; ; lasts *= 2 { // on a busy machine a command may come to the worker after the end that it asks for, and is refused
		soon = time.Now().Add(lasts)
		short := book(e, id.Visitor{1}, soon, 0, 1)
		r.append(short)
		if got := r.result(short); got.Outcome == command.Done {
			break
		} else if got.Outcome != command.TooLate || lasts > patience {
			t.Fatalf("a reservation for %s: %+v", lasts, got)
		}
	}
	r.eventually("the end of one", func() bool {
		return pgtest.Count(t, r.store, `SELECT count(*) FROM bookings WHERE status = 'expired'`) == 1
	})
	if time.Now().Before(soon) {
		t.Error("the reservation ended too early")
	}
	if n := pgtest.Count(t, r.store, `SELECT count(*) FROM tickets WHERE booking_id IS NOT NULL OR hold_user_id IS NOT NULL`); n != 1 {
		t.Errorf("%d seats are taken, want 1", n)
	}
	again := book(e, id.Visitor{2}, time.Now().Add(time.Hour), 0, 1) // the seats are free again
	r.append(again)
	r.eventually("the seats' next buyer", func() bool {
		return pgtest.Count(t, r.store, `SELECT count(*) FROM bookings WHERE status = 'reserved'`) == 2
	})
}

// Rows whose transaction commits late, with an id below those that were read, are not lost.
func TestALateCommitIsDelivered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	testenv.Running(r.t, r.relay().Run)
	tx, err := r.store.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil { // it may be long before the machine comes to the second row
		t.Fatal(err)
	}
	insert := `INSERT INTO outbox (topic, key, payload) VALUES ('booking.events', 'k', convert_to('{"id":"' || $1 || '"}', 'UTF8'))`
	if _, err := tx.Exec(t.Context(), insert, "early"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Pool().Exec(t.Context(), insert, "late"); err != nil {
		t.Fatal(err)
	}
	r.eventually("the second row", func() bool { return r.got(&r.applied) == 1 })
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.eventually("the first row", func() bool { return r.got(&r.applied) == 2 })
}

func TestAnUnreadableRowStopsNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 10)
	if _, err := r.store.Pool().Exec(t.Context(), `INSERT INTO outbox (topic, key, payload) VALUES ('booking.events', 'k', '{')`); err != nil {
		t.Fatal(err)
	}
	testenv.Running(r.t, r.relay().Run)
	r.append(books(e, 0, 10)...)
	r.eventually("the others", func() bool { return r.got(&r.applied) == 10 })
}

// Results that are older than the leader is told to keep are forgotten; by one that is told nothing they are kept.
func TestOldResultsAreForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 20)
	stop := testenv.Running(r.t, r.relay().Run)
	r.append(books(e, 0, 10)...)
	r.eventually("ten results", func() bool { return pgtest.Count(t, r.store, `SELECT count(*) FROM command_results`) == 10 })
	if _, err := r.store.Pool().Exec(t.Context(), `UPDATE command_results SET created_at = now() - interval '2 hours' WHERE command_id IN (SELECT command_id FROM command_results LIMIT 4)`); err != nil {
		t.Fatal(err)
	}
	r.append(books(e, 10, 20)...)
	r.eventually("all events", func() bool { return r.got(&r.applied) == 20 })
	if n := pgtest.Count(t, r.store, `SELECT count(*) FROM command_results`); n != 20 {
		t.Errorf("%d results, want 20: somebody forgets unasked", n)
	}
	stop()
	forgetful := r.relay()
	forgetful.Forget(time.Hour)
	testenv.Running(r.t, forgetful.Run)
	r.eventually("the end of four", func() bool { return pgtest.Count(t, r.store, `SELECT count(*) FROM command_results`) == 16 })
}
