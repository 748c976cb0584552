package pgstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
)

func holdOf(e id.Event, owner byte, until time.Time, seats ...int) pgstore.HoldRequest {
	r := pgstore.HoldRequest{Owner: id.Visitor{owner}, Until: until}
	for _, seat := range seats {
		r.Tickets = append(r.Tickets, e.Ticket(seat))
	}
	return r
}

// holders returns who holds each seat.
func holders(t *testing.T, s *pgstore.Store, e id.Event) map[int]byte {
	t.Helper()
	seats, err := s.SeatMap(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]byte{}
	for i, seat := range seats {
		if !seat.Holder.IsZero() && seat.Until.After(time.Now()) {
			out[i] = seat.Holder[0]
		}
	}
	return out
}

func TestHoldsOfABatch(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 40)
	apply(t, s, e, 0, bookSeats(e, 30),
		command.Command{ID: id.NewKey(), Kind: command.Block, Event: e, Seats: []int{31}})
	until, over := time.Now().Add(time.Hour).Truncate(time.Millisecond), time.Now().Add(-time.Hour)
	if _, err := s.Hold(t.Context(), []pgstore.HoldRequest{holdOf(e, 1, until, 0, 1), holdOf(e, 2, over, 5)}); err != nil {
		t.Fatal(err)
	}
	later := until.Add(time.Minute)
	requests := []pgstore.HoldRequest{
		holdOf(e, 3, until, 2, 3),    // free
		holdOf(e, 3, until, 3, 2),    // a repeat beside it
		holdOf(e, 4, until, 6, 1, 7), // one of them is held by another
		holdOf(e, 5, until, 7, 8),    // what the loser asked for beside that
		holdOf(e, 6, until, 9, 30),   // booked
		holdOf(e, 7, until, 10, 31),  // blocked
		holdOf(e, 8, until, 11, 40),  // not there
		holdOf(e, 9, until, 5),       // run out
		holdOf(e, 1, later, 0, 1),    // extended
		holdOf(e, 1, until, 0),       // an older repeat of that
		holdOf(e+1, 10, until, 0),    // an event that is not there
		{Owner: id.Visitor{11}},      // nothing
		holdOf(e, 12, until, 13, 8),  // another came first
	}
	granted, err := s.Hold(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	if want := []bool{true, true, false, true, false, false, false, true, true, true, false, false, false}; !reflect.DeepEqual(granted, want) {
		t.Errorf("granted %v\nwant    %v", granted, want)
	}
	want := map[int]byte{0: 1, 1: 1, 2: 3, 3: 3, 5: 9, 7: 5, 8: 5, 30: 1}
	if got := holders(t, s, e); !reflect.DeepEqual(got, want) {
		t.Errorf("holders %v, want %v", got, want)
	}
	seats, err := s.Seats(t.Context(), []id.Ticket{e.Ticket(0), e.Ticket(30), e.Ticket(31)})
	if err != nil || len(seats) != 3 || !seats[0].Until.Equal(later) || seats[1].State != booking.SeatReserved || seats[2].State != booking.SeatBlocked {
		t.Errorf("seats %+v, %v", seats, err)
	}
	if n := pgtest.Count(t, s, `SELECT count(*) FROM users`); n != 12 {
		t.Errorf("%d users", n)
	}
	if n := pgtest.Count(t, s, `SELECT count(*) FROM tickets WHERE version > 1 OR version = 1 AND id NOT IN ($1, $2)`, int64(e.Ticket(30)), int64(e.Ticket(31))); n != 0 {
		t.Errorf("holds touched %d versions", n)
	}
}

func TestReleaseTakesBackOnlyWhatIsHeldByThem(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 40)
	until := time.Now().Add(time.Hour)
	if _, err := s.Hold(t.Context(), []pgstore.HoldRequest{holdOf(e, 1, until, 0, 1, 2), holdOf(e, 2, until, 3, 4)}); err != nil {
		t.Fatal(err)
	}
	b := bookSeats(e, 2) // visitor 1
	apply(t, s, e, 0, b)
	err := s.ReleaseHolds(t.Context(), []pgstore.HoldRelease{
		{Owner: id.Visitor{1}, Tickets: []id.Ticket{e.Ticket(0), e.Ticket(2), e.Ticket(3), e.Ticket(39)}},
		{Owner: id.Visitor{2}, Tickets: []id.Ticket{e.Ticket(4)}},
		{Owner: id.Visitor{2}, Tickets: []id.Ticket{e.Ticket(4)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := holders(t, s, e), map[int]byte{1: 1, 2: 1, 3: 2}; !reflect.DeepEqual(got, want) {
		t.Errorf("holders %v, want %v", got, want)
	}
}

// Holds, releases and the worker's writes meet on the same rows. Nobody may wait in a circle: a deadlock would fail whole batches.
func TestBatchesDoNotDeadlock(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 12)
	e := pgtest.Event(t, s, 60)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	var all sync.WaitGroup
	for worker := range 6 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 60 {
				var requests []pgstore.HoldRequest
				var releases []pgstore.HoldRelease
				for range 30 {
					r := holdOf(e, byte(1+rng.IntN(20)), time.Now().Add(time.Hour), rng.Perm(60)[:1+rng.IntN(4)]...)
					requests = append(requests, r)
					releases = append(releases, pgstore.HoldRelease{Owner: r.Owner, Tickets: r.Tickets})
				}
				if _, err := s.Hold(ctx, requests); err != nil {
					t.Errorf("hold: %v", err)
					return
				}
				if err := s.ReleaseHolds(ctx, releases[:rng.IntN(30)+1]); err != nil {
					t.Errorf("release: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
}

// Two hundred visitors, many a batch, several batches at once: each seat has one owner, and a request is granted whole or not at all.
func TestConcurrentBatchesGrantEachSeatOnce(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 8)
	e := pgtest.Event(t, s, 50)
	var mu sync.Mutex // guards got
	got := map[int][]byte{}
	var all sync.WaitGroup
	for lane := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(lane), 2))
			for range 10 {
				var requests []pgstore.HoldRequest
				for i := range 25 {
					seat := rng.IntN(49)
					requests = append(requests, holdOf(e, byte(1+lane*25+i), time.Now().Add(time.Hour), seat, seat+1))
				}
				granted, err := s.Hold(t.Context(), requests)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for i, yes := range granted {
					for _, ticket := range requests[i].Tickets {
						if yes && !slices.Contains(got[ticket.Seat()], requests[i].Owner[0]) {
							got[ticket.Seat()] = append(got[ticket.Seat()], requests[i].Owner[0])
						}
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	want := map[int]byte{}
	for seat, owners := range got {
		if len(owners) > 1 {
			t.Errorf("seat %d was granted to %v", seat, owners)
		}
		want[seat] = owners[0]
	}
	if have := holders(t, s, e); !reflect.DeepEqual(have, want) {
		t.Errorf("Postgres has %v, granted was %v", have, want)
	}
}

func BenchmarkHold(b *testing.B) {
	s := pgtest.Open(b, 4)
	e := pgtest.Event(b, s, 50_000)
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			next := 0
			for b.Loop() {
				requests := make([]pgstore.HoldRequest, n)
				for i := range requests {
					requests[i] = pgstore.HoldRequest{Owner: id.NewVisitor(), Until: time.Now().Add(time.Microsecond), Tickets: []id.Ticket{e.Ticket(next % 50_000), e.Ticket((next + 1) % 50_000)}}
					next += 2
				}
				if _, err := s.Hold(b.Context(), requests); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/hold")
		})
	}
}

func BenchmarkSeatMap(b *testing.B) {
	s := pgtest.Open(b, 2)
	for _, seats := range []int{500, 94_000} {
		e := pgtest.Event(b, s, seats)
		b.Run(fmt.Sprintf("seats=%d", seats), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.SeatMap(b.Context(), e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
