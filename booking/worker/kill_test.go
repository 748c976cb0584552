package worker

import (
	"sync"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/stream"
	"usher/internal/testenv"
)

func TestAKilledWorkersCommandsAreDecidedByAnother(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const events, seats = 24, 50
	var all []command.Command
	for range events {
		e := pgtest.Event(t, r.store, seats)
		for i := range seats {
			all = append(all, book(e, id.Visitor{1, byte(i)}, i), book(e, id.Visitor{2, byte(i)}, i)) // rivals
		}
	}
	victim := r.worker("victim")
	victim.abandon = true
	kill := testenv.Running(r.t, victim.Run)
	testenv.Running(r.t, r.worker("other").Run)
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; i < len(all); i += 60 {
			r.append(all[i : i+60]...)
			if i > len(all)/3 {
				kill()
			}
		}
	})
	writing.Wait()
	won := map[id.Ticket]int{}
	for _, got := range r.results(all...) {
		switch got.Outcome {
		case command.Done:
			won[got.Event.Ticket(got.Seats[0])]++
		case command.SeatsTaken:
		default:
			t.Errorf("a book ended as %+v", got)
		}
	}
	if len(won) != events*seats {
		t.Errorf("%d seats were won, want %d", len(won), events*seats)
	}
	for ticket, n := range won {
		if n != 1 {
			t.Errorf("seat %s was won %d times", ticket, n)
		}
	}
	if n := r.count(`SELECT count(*) FROM booking_seats s JOIN bookings b ON b.id = s.booking_id WHERE s.live AND b.status = 'reserved'`); n != events*seats {
		t.Errorf("%d seats are owned, want %d", n, events*seats)
	}
}

// Two workers that both read every partition: a zombie and its heir, at full speed.
func TestAZombieChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 200)
	heir, zombie := r.worker("heir"), r.worker("zombie")
	heir.Lease, zombie.Lease = time.Hour, time.Hour // both believe for ever
	testenv.Running(r.t, heir.Run)
	r.eventually("the heir has all", func() bool {
		return r.count(`SELECT count(*) FROM partition_leases WHERE owner = 'heir'`) == command.Partitions
	})
	if _, err := r.store.Pool().Exec(t.Context(), `UPDATE partition_leases SET expires_at = now()`); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Pool().Exec(t.Context(), `DELETE FROM worker_presence`); err != nil {
		t.Fatal(err)
	}
	before := fencedTotal.Get() // no other test of this package fences
	testenv.Running(r.t, zombie.Run)
	r.eventually("the zombie has all", func() bool {
		return r.count(`SELECT count(*) FROM partition_leases WHERE owner = 'zombie'`) == command.Partitions
	})
	for i := range 200 {
		b := book(e, id.Visitor{1, byte(i)}, i)
		r.append(b, b)
		if got := r.results(b)[b.ID]; got.Outcome != command.Done {
			t.Errorf("a book ended as %+v", got)
		}
	}
	if n := r.count(`SELECT count(*) FROM tickets WHERE version = 1 AND booking_id IS NOT NULL`); n != 200 {
		t.Errorf("%d seats were sold once, want 200", n)
	}
	if fencedTotal.Get() == before {
		t.Error("nobody was fenced: the two never met")
	}
}

func TestWorkersShareThePartitionsEvenly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stops := map[string]func(){}
	share := func(workers, most int) {
		t.Helper()
		r.eventually("a fair share", func() bool { // all of it at one moment
			return r.count(`SELECT count(*) FROM (SELECT count(*) AS owners, sum(n) AS partitions, max(n) AS most, bool_and(live) AS live
				FROM (SELECT count(*) AS n, bool_and(expires_at > now()) AS live FROM partition_leases WHERE owner <> '' GROUP BY owner) AS x) AS y
				WHERE owners = $1 AND most = $2 AND partitions = $3 AND live`, workers, most, command.Partitions) == 1
		})
	}
	stops["a"] = testenv.Running(r.t, r.worker("a").Run)
	share(1, 12)
	stops["b"] = testenv.Running(r.t, r.worker("b").Run)
	share(2, 6)
	dead := r.worker("c")
	dead.abandon = true
	stops["c"] = testenv.Running(r.t, dead.Run)
	share(3, 4)
	stops["a"]() // gives back at once
	share(2, 6)
	stops["c"]() // as if killed: its leases run out
	share(1, 12)
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.worker("w")
	w.sales.maxEvents, w.sales.maxSeats = 3, 50
	var events []id.Event
	for range 6 {
		events = append(events, pgtest.Event(t, r.store, 20))
	}
	testenv.Running(r.t, w.Run)
	var all []command.Command
	for seat := range 4 {
		for _, e := range events {
			all = append(all, book(e, id.Visitor{1}, seat))
		}
	}
	for _, c := range all {
		r.append(c)
		if got := r.results(c)[c.ID]; got.Outcome != command.Done {
			t.Fatalf("%+v", got)
		}
	}
	if n := w.sales.order.Len(); n > 2 { // 2 × 20 seats fit
		t.Errorf("%d sales in memory, want 2", n)
	}
}

func TestALogThatLostItsEndIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 10)
	log := stream.Open(r.brokers, command.Topic)
	topicID, err := log.ID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Offset(t.Context(), command.Topic, topicID, partitionOf(e), 1000); err != nil {
		t.Fatal(err)
	}
	b := book(e, id.Visitor{1}, 0)
	r.append(b)
	testenv.Running(r.t, r.worker("w").Run)
	if got := r.results(b)[b.ID]; got.Outcome != command.Done {
		t.Errorf("%+v", got)
	}
}
