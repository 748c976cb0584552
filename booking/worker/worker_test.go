package worker

import (
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/stream"
)

func TestASaleFromHoldToConfirmation(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 40)
	r.running(r.worker("w").Run)
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

func TestRepeatsHaveOneEffect(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 100)
	var all []command.Command
	for i := range 100 {
		all = append(all, book(e, id.Visitor{byte(i), 1}, i))
	}
	r.append(all...) // in one tick with their repeats
	r.append(all...)
	stop := r.running(r.worker("w").Run)
	r.results(all...)
	r.append(all...) // and in a later one
	last := book(e, id.Visitor{9}, 0)
	r.append(last)
	r.results(last)
	stop()
	for what, sql := range map[string]string{
		"bookings": `SELECT count(*) FROM bookings`, "owned seats": `SELECT count(*) FROM booking_seats WHERE live`,
		"outbox rows": `SELECT count(*) FROM outbox`, "seats of version 1": `SELECT count(*) FROM tickets WHERE version = 1`,
	} {
		if n := r.count(sql); n != 100 {
			t.Errorf("%d %s, want 100", n, what)
		}
	}
}

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
	kill := r.running(victim.Run)
	r.running(r.worker("other").Run)
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
	r.running(heir.Run)
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
	r.running(zombie.Run)
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

func TestPoisonIsSetAsideAndItsNeighboursGoOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 10)
	first, bad, last := book(e, id.Visitor{1}, 0), book(e, id.Visitor{1}, 1), book(e, id.Visitor{1}, 2)
	bad.Seats = []int{3, 3}
	foreign := book(e, id.Visitor{1}, 4) // under another event's key it comes to another partition
	r.append(first)
	raw := func(key string, value []byte) {
		t.Helper()
		if err := r.producer.Write(t.Context(), stream.Message{Topic: command.Topic, Key: key, Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	encode := func(c command.Command) []byte {
		t.Helper()
		b, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	raw(e.String(), []byte("\x00not JSON"))
	raw(e.String(), encode(bad))
	other := e
	for partitionOf(other) == partitionOf(e) {
		other++
	}
	raw(other.String(), encode(foreign))
	r.append(last)
	r.running(r.worker("w").Run)
	got := r.results(first, bad, foreign, last)
	if got[first.ID].Outcome != command.Done || got[last.ID].Outcome != command.Done {
		t.Errorf("the neighbours: %+v, %+v", got[first.ID], got[last.ID])
	}
	if got[bad.ID].Outcome != command.Malformed || got[foreign.ID].Outcome != command.Malformed {
		t.Errorf("the poison: %+v, %+v", got[bad.ID], got[foreign.ID])
	}
	if n := r.count(`SELECT count(*) FROM poison_messages`); n != 3 {
		t.Errorf("%d messages set aside, want 3", n)
	}
}

// Postgres refuses one command for ever: its attempt's id is taken. It ends alone.
func TestOneBadCommandFailsNoNeighbour(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 100)
	attempt := id.NewKey()
	good, bad := book(e, id.Visitor{1}, 0), book(e, id.Visitor{2}, 1)
	paid, refused := pay(good, attempt), pay(bad, attempt)
	all := []command.Command{good, bad, paid}
	for i := 2; i < 50; i++ {
		all = append(all, book(e, id.Visitor{3}, i))
	}
	all = append(all, refused)
	for i := 50; i < 100; i++ {
		all = append(all, book(e, id.Visitor{3}, i))
	}
	r.append(all...)
	r.running(r.worker("w").Run)
	for k, got := range r.results(all...) {
		want := command.Done
		if k == refused.ID {
			want = command.Malformed
		}
		if got.Outcome != want {
			t.Errorf("%+v, want %s", got, want)
		}
	}
	if n := r.count(`SELECT count(*) FROM bookings WHERE status = 'reserved'`); n != 99 {
		t.Errorf("%d bookings are reserved, want 99", n)
	}
}

// The worker's memory knows nothing of a hold that came later; the seat's row does.
func TestAStrangersHoldRefusesOneBookOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 10)
	r.running(r.worker("w").Run)
	warm := book(e, id.Visitor{1}, 0)
	r.append(warm)
	r.results(warm)
	_, err := r.store.Pool().Exec(t.Context(), `UPDATE tickets SET hold_user_id = $1, hold_expiry = now() + interval '1 minute' WHERE id = $2`,
		[16]byte{7}, int64(e.Ticket(5)))
	if err != nil {
		t.Fatal(err)
	}
	stranger, holder, neighbour := book(e, id.Visitor{1}, 5), book(e, id.Visitor{7}, 5), book(e, id.Visitor{2}, 6)
	r.append(stranger, neighbour, holder)
	got := r.results(stranger, holder, neighbour)
	if got[stranger.ID].Outcome != command.SeatsTaken || got[holder.ID].Outcome != command.Done || got[neighbour.ID].Outcome != command.Done {
		t.Errorf("stranger %s, holder %s, neighbour %s", got[stranger.ID].Outcome, got[holder.ID].Outcome, got[neighbour.ID].Outcome)
	}
}

func TestAFencedCommandHasNoEffectWhenItComesLater(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := pgtest.Event(t, r.store, 10)
	late, early := book(e, id.Visitor{1}, 0), book(e, id.Visitor{1}, 1)
	fence := func(c command.Command) command.Command {
		return command.Command{ID: id.NewKey(), Kind: command.Fence, Event: e, Booking: c.ID, Fenced: c.ID, IssuedAt: time.Now().UTC()}
	}
	r.append(early, fence(early), fence(late), late)
	r.running(r.worker("w").Run)
	end := book(e, id.Visitor{1}, 2)
	r.append(end)
	got := r.results(early, late, end)
	if got[early.ID].Outcome != command.Done || got[late.ID].Outcome != command.TooLate {
		t.Errorf("early %s, late %s", got[early.ID].Outcome, got[late.ID].Outcome)
	}
	if n := r.count(`SELECT count(*) FROM bookings`); n != 2 {
		t.Errorf("%d bookings, want 2", n)
	}
}

func TestWorkersShareThePartitionsEvenly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stops := map[string]func(){}
	share := func(workers, most int) {
		t.Helper()
		r.eventually("a fair share", func() bool {
			return r.count(`SELECT count(*) FROM partition_leases WHERE owner <> '' AND expires_at > now()`) == command.Partitions &&
				r.count(`SELECT count(DISTINCT owner) FROM partition_leases WHERE owner <> ''`) == workers &&
				r.count(`SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM partition_leases WHERE owner <> '' GROUP BY owner) AS x`) == most
		})
	}
	stops["a"] = r.running(r.worker("a").Run)
	share(1, 12)
	stops["b"] = r.running(r.worker("b").Run)
	share(2, 6)
	dead := r.worker("c")
	dead.abandon = true
	stops["c"] = r.running(dead.Run)
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
	r.running(w.Run)
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
	r.running(r.worker("w").Run)
	if got := r.results(b)[b.ID]; got.Outcome != command.Done {
		t.Errorf("%+v", got)
	}
}
