package worker

import (
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/stream"
	"usher/internal/testenv"
)

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
	raw(e.String(), nil)
	raw(e.String(), encode(bad))
	other := e
	for partitionOf(other) == partitionOf(e) {
		other++
	}
	raw(other.String(), encode(foreign))
	r.append(last)
	testenv.Running(r.t, r.worker("w").Run)
	got := r.results(first, bad, foreign, last)
	if got[first.ID].Outcome != command.Done || got[last.ID].Outcome != command.Done {
		t.Errorf("the neighbours: %+v, %+v", got[first.ID], got[last.ID])
	}
	if got[bad.ID].Outcome != command.Malformed || got[foreign.ID].Outcome != command.Malformed {
		t.Errorf("the poison: %+v, %+v", got[bad.ID], got[foreign.ID])
	}
	if n := r.count(`SELECT count(*) FROM poison_messages`); n != 4 {
		t.Errorf("%d messages set aside, want 4", n)
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
	testenv.Running(r.t, r.worker("w").Run)
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
	testenv.Running(r.t, r.worker("w").Run)
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
	testenv.Running(r.t, r.worker("w").Run)
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
