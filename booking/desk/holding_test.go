package desk

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/hold"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/guard"
	"usher/internal/id"
)

func TestAHoldIsInBothStoresWhenItIsAcknowledged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(40)
	h, fresh, err := d.Hold(t.Context(), fan(1), e, tickets(e, 4, 3))
	if err != nil || !fresh || h.Total != 2*pgtest.Price || h.Currency != pgtest.Currency || !reflect.DeepEqual(seatsHeld(h), []int{3, 4}) {
		t.Fatalf("hold %+v, fresh %t, %v", h, fresh, err)
	}
	if s := h.Tickets[0]; s.SeatNumber != "Stalls-1-4" || s.Section != "Stalls" || s.Row != "1" || !s.Held || !s.HoldExpiry.Equal(h.ExpirationTime) {
		t.Errorf("ticket %+v", s)
	}
	truth, err := r.store.Seats(t.Context(), tickets(e, 3))
	if err != nil || truth[0].Holder != fan(1).Visitor || !truth[0].Until.Equal(h.ExpirationTime) {
		t.Errorf("Postgres has %+v, %v, want until %s", truth, err, h.ExpirationTime)
	}
	again, fresh, err := d.Hold(t.Context(), fan(1), e, tickets(e, 4))
	if err != nil || fresh || !again.ExpirationTime.Equal(h.ExpirationTime) {
		t.Errorf("again: fresh %t, until %s, %v", fresh, again.ExpirationTime, err)
	}
	all, err := d.Holds(t.Context(), fan(1), e)
	if err != nil || !reflect.DeepEqual(all, h) {
		t.Errorf("holds %+v, %v, want %+v", all, err, h)
	}
	if none, err := d.Holds(t.Context(), fan(2), e); err != nil || none.Tickets == nil || len(none.Tickets) != 0 || !none.ExpirationTime.IsZero() {
		t.Errorf("a stranger's holds %+v, %v", none, err)
	}
}

func TestARefusalNamesSeatsAndAlternatives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(40)
	r.take(d, 1, e, 10, 11)
	_, _, err := d.Hold(t.Context(), fan(2), e, tickets(e, 11, 12))
	var taken *booking.UnavailableError
	if !errors.As(err, &taken) || !reflect.DeepEqual(taken.Tickets, tickets(e, 11)) {
		t.Fatalf("refusal: %v", err)
	}
	var near []int
	for _, a := range taken.Alternatives {
		near = append(near, a.ID.Seat())
	}
	if !reflect.DeepEqual(near, []int{12, 9, 13, 8}) {
		t.Errorf("alternatives %v, want the nearest of the row", near)
	}
	f := func(what string, want error, e id.Event, seats ...int) {
		t.Helper()
		if _, _, err := d.Hold(t.Context(), fan(2), e, tickets(e, seats...)); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	f("a seat that is not there", booking.ErrTicketNotFound, e, 40)
	f("an event that is not there", booking.ErrEventNotFound, e+1<<20, 0)
	if _, _, err := d.Hold(t.Context(), fan(2), e, []id.Ticket{(e + 1).Ticket(0)}); !errors.Is(err, booking.ErrTicketNotFound) {
		t.Errorf("a seat of another event: %v", err)
	}
	var limit *booking.HoldLimitError
	if _, _, err := d.Hold(t.Context(), fan(2), e, tickets(e, 20, 21, 22, 23, 24, 25, 26)); !errors.As(err, &limit) {
		t.Errorf("seven seats: %v", err)
	}
}

func TestReleaseAndExtend(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.rules.For, r.rules.Cap = 2*time.Second, 3*time.Second
	d, e := r.desk("a"), r.event(40)
	h := r.take(d, 1, e, 1, 2, 3)
	r.take(d, 2, e, 5)
	f := func(what string, want error, who byte, seats ...int) {
		t.Helper()
		if err := d.Release(t.Context(), fan(who), e, tickets(e, seats...)); !errors.Is(err, want) {
			t.Errorf("release %s: %v, want %v", what, err, want)
		}
	}
	f("one", nil, 1, 2)
	f("it again", nil, 1, 2)
	f("a stranger's", booking.ErrHoldNotFound, 1, 5)
	f("one that is not there", booking.ErrHoldNotFound, 1, 77)
	if r.holder(e, 2) != (id.Visitor{}) || r.holder(e, 1) != fan(1).Visitor || r.holder(e, 5) != fan(2).Visitor {
		t.Error("Postgres has it otherwise")
	}
	r.take(d, 2, e, 2)
	until, err := d.ExtendHolds(t.Context(), fan(1), e)
	if err != nil || !until.After(h.ExpirationTime) {
		t.Fatalf("extended to %s, %v", until, err)
	}
	if truth, err := r.store.Seats(t.Context(), tickets(e, 1, 3)); err != nil || !truth[0].Until.Equal(until) || !truth[1].Until.Equal(until) {
		t.Errorf("Postgres has %+v, %v, want until %s", truth, err, until)
	}
	r.eventually("the cap", func() bool {
		_, err := d.ExtendHolds(t.Context(), fan(1), e)
		return errors.Is(err, booking.ErrHoldCapReached)
	})
	f("all", nil, 1)
	if h, err := d.Holds(t.Context(), fan(1), e); err != nil || len(h.Tickets) != 0 {
		t.Errorf("holds %+v, %v", h, err)
	}
	if _, err := d.ExtendHolds(t.Context(), fan(1), e); !errors.Is(err, booking.ErrHoldNotFound) {
		t.Errorf("extend nothing: %v", err)
	}
}

// Parallel repeats of one hold, as an impatient fan makes them, all succeed and none is acknowledged before Postgres has it.
func TestParallelRepeatsOfOneHoldAllSucceed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b, e := r.desk("a"), r.desk("b"), r.event(40)
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			d := []*Desk{a, b}[n%2]
			if err := patiently(func() (err error) { _, _, err = d.Hold(t.Context(), fan(1), e, tickets(e, 7, 8)); return err }); err != nil {
				t.Error(err)
			}
			if r.holder(e, 7) != fan(1).Visitor {
				t.Error("acknowledged, and Postgres does not have it")
			}
		})
	}
	all.Wait()
}

// The process that held a seat for a fan died between Redis and Postgres. When he asks again, Redis says that it is his; that is
// only acknowledged when Postgres says so too.
func TestACrashBetweenTheStoresIsMadeGood(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(40)
	r.take(d, 9, e, 39) // the map is loaded
	if _, err := r.holds().Hold(t.Context(), e, fan(1).Visitor, []int{3}); err != nil {
		t.Fatal(err)
	}
	_, fresh, err := d.Hold(t.Context(), fan(1), e, tickets(e, 3))
	if err != nil || fresh || r.holder(e, 3) != fan(1).Visitor {
		t.Errorf("fresh %t, %v, Postgres says %s", fresh, err, r.holder(e, 3))
	}
	// Another one, whose seat Postgres has given away meanwhile.
	if _, err := r.holds().Hold(t.Context(), e, fan(1).Visitor, []int{4}); err != nil {
		t.Fatal(err)
	}
	if ok, err := r.store.Hold(t.Context(), []pgstore.HoldRequest{{Owner: fan(2).Visitor, Tickets: tickets(e, 4), Until: time.Now().Add(time.Minute)}}); err != nil || !ok[0] {
		t.Fatal(ok, err)
	}
	var taken *booking.UnavailableError
	if _, _, err := d.Hold(t.Context(), fan(1), e, tickets(e, 3, 4)); !errors.As(err, &taken) || !reflect.DeepEqual(taken.Tickets, tickets(e, 4)) {
		t.Errorf("a hold that Postgres refuses: %v", err)
	}
	// The map is repaired: each has what Postgres says.
	f := func(who byte, want ...int) {
		t.Helper()
		if h, err := d.Holds(t.Context(), fan(who), e); err != nil || !reflect.DeepEqual(seatsHeld(h), want) {
			t.Errorf("fan %d holds %v, %v, want %v", who, seatsHeld(h), err, want)
		}
	}
	f(1, 3)
	f(2, 4)
}

func TestWithoutPostgresNoHoldIsAcknowledged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(40)
	r.take(d, 9, e, 39)
	rows, err := r.store.Pool().Begin(t.Context()) // somebody sits on the row
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Rollback(t.Context()) }()
	if _, err := rows.Exec(t.Context(), `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil { // he sits there for as long as this takes
		t.Fatal(err)
	}
	if _, err := rows.Exec(t.Context(), `SELECT FROM tickets WHERE id = $1 FOR UPDATE`, int64(e.Ticket(3))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Hold(t.Context(), fan(1), e, tickets(e, 3)); !errors.Is(err, booking.ErrStoreUnavailable) {
		t.Errorf("a hold that Postgres cannot write: %v", err)
	}
	_ = rows.Rollback(t.Context())
	r.take(d, 2, e, 3) // it was given back
}

// Redis is flushed while fans hold: no acknowledged hold goes to a stranger, and its owner keeps it.
func TestAFlushGivesNoHeldSeatToAStranger(t *testing.T) {
	t.Parallel()
	held, stolen, gone := holdThroughFlushes(t)
	if held < 30 || stolen > 0 || gone > 0 {
		t.Errorf("of %d acknowledged holds strangers got %d, and %d were gone", held, stolen, gone)
	}
}

func TestControlWithoutDurableHoldsAFlushGivesSeatsAway(t *testing.T) {
	t.Parallel()
	if held, stolen, gone := holdThroughFlushes(t, guard.DurableHold); stolen == 0 || gone == 0 {
		t.Errorf("holds lived in Redis only, and of %d strangers got %d, and %d were gone: the proof proves nothing", held, stolen, gone)
	}
}

// holdThroughFlushes lets 60 fans try for seats of two gateways while Redis is flushed again and again. It counts acknowledged holds, those
// that were acknowledged to two fans, and those that their owners do not have in the end.
func holdThroughFlushes(t *testing.T, off ...guard.Guard) (held, stolen, gone int) {
	r := newRig(t)
	desks, e := []*Desk{r.desk("a"), r.desk("b")}, r.event(200)
	for _, d := range desks {
		d.off = map[guard.Guard]bool{}
		for _, g := range off {
			d.off[g] = true
		}
	}
	rdb := client(t, r)
	var mu sync.Mutex // guards owners and stolen
	owners := map[int]id.Visitor{}
	try := func(n, i int) {
		seat, who := (n*3+i*67)%200, fan(byte(n))
		_, _, err := desks[n%2].Hold(t.Context(), who, e, tickets(e, seat))
		var taken *booking.UnavailableError
		switch {
		case err == nil:
			mu.Lock()
			defer mu.Unlock()
			if other, twice := owners[seat]; twice && other != who.Visitor {
				stolen++
			}
			owners[seat] = who.Visitor
		case !errors.As(err, &taken) && !errors.Is(err, booking.ErrStoreUnavailable):
			t.Error(err)
		}
	}
	var all sync.WaitGroup
	for n := range 60 {
		all.Go(func() {
			for i := range 3 {
				try(n, i)
				if n%10 == 0 {
					rdb.FlushAll(t.Context())
				}
			}
		})
	}
	all.Wait()
	rdb.FlushAll(t.Context())
	for seat, owner := range owners {
		h, err := desks[0].Holds(t.Context(), booking.Owner{Visitor: owner}, e)
		if err != nil || !slices.Contains(seatsHeld(h), seat) {
			gone++
		}
	}
	return len(owners), stolen, gone
}

func TestTwoHundredFansRaceForFiftySeats(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b, e := r.desk("a"), r.desk("b"), r.event(50)
	owners := make([]map[id.Visitor]bool, 50)
	var mu sync.Mutex // guards owners
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			d := []*Desk{a, b}[n%2]
			for i := range 10 {
				seat := (n*13 + i*7) % 50
				err := patiently(func() (err error) { _, _, err = d.Hold(t.Context(), fan(byte(n)), e, tickets(e, seat)); return err })
				if err == nil {
					mu.Lock()
					if owners[seat] == nil {
						owners[seat] = map[id.Visitor]bool{}
					}
					owners[seat][fan(byte(n)).Visitor] = true
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	for seat, of := range owners {
		if len(of) != 1 {
			t.Errorf("seat %d was given to %d fans", seat, len(of))
		}
	}
}

// brief is how long holds last that a test sees end. On a busy machine the test must come that far before.
const brief = 10 * time.Second

// Redis is lost while fans hold: what it says after it was loaded again ends when it was acknowledged to end, and then strangers have it.
func TestAfterALossOfRedisNoHoldOutlivesItsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.rules.For = brief
	d, e := r.desk("a"), r.event(40)
	var held []booking.Holds
	for who := range byte(10) {
		held = append(held, r.take(d, 1+who, e, 2*int(who), 2*int(who)+1))
		if who == 5 {
			client(t, r).FlushAll(t.Context())
		}
	}
	until, err := d.ExtendHolds(t.Context(), fan(1), e)
	if err != nil {
		t.Fatal(err)
	}
	held[0].ExpirationTime = until
	client(t, r).FlushAll(t.Context())
	if late := outlive(t, d, e, held); len(late) > 0 {
		t.Errorf("seats %v are held for longer than was said", late)
	}
	for _, h := range held {
		for _, seat := range seatsHeld(h) {
			r.eventually("a stranger has a seat whose hold is over", func() bool {
				_, _, err := d.Hold(t.Context(), booking.Owner{Visitor: id.NewVisitor()}, e, tickets(e, seat))
				return err == nil
			})
		}
	}
}

// A Redis that counts anew when it is loaded, as one does whose holds are keys with a time to live.
func TestControlHoldsThatBeginAnewAreFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.rules.For = brief
	d, e := r.desk("a"), r.event(40)
	held := []booking.Holds{r.take(d, 1, e, 0, 1)}
	client(t, r).FlushAll(t.Context())
	r.eventually("a second is over", func() bool { return time.Until(held[0].ExpirationTime) < brief-1500*time.Millisecond })
	seats := make([]hold.Seat, 40)
	for i := range seats {
		seats[i].Index = i
	}
	for seat := range 2 {
		seats[seat].Owner, seats[seat].Ends = fan(1).Visitor, time.Now().Add(r.rules.For)
	}
	r.eventually("the map is loaded", func() bool {
		return r.holds().Load(t.Context(), e, func(context.Context) ([]hold.Seat, error) { return seats, nil }) == nil
	})
	if late := outlive(t, d, e, held); len(late) != 2 {
		t.Errorf("holds that begin anew are found at %v: the proof above proves nothing", late)
	}
}

// outlive lists the seats that the map keeps for more than a second longer than was acknowledged.
func outlive(t *testing.T, d *Desk, e id.Event, held []booking.Holds) (late []int) {
	t.Helper()
	v, err := d.maps.snapshot(t.Context(), e, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range held {
		for _, seat := range seatsHeld(h) {
			if v.HeldUntil(seat).After(h.ExpirationTime.Add(time.Second)) {
				late = append(late, seat)
			}
		}
	}
	return late
}
