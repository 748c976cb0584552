package hold

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/redis/go-redis/v9"

	"usher/booking"
	"usher/booking/event"
	"usher/internal/id"
	"usher/internal/redisdb"
)

const (
	maxChanges = 200 // seat changes a script call: 1 to 2 ms in which Redis does nothing else
	maxCalls   = 50  // calls a round trip
)

var appliedTotal = metrics.NewCounter("usher_hold_changes_applied_total")

// Seat is what Postgres says about a seat.
type Seat struct {
	Index   int
	State   booking.SeatState
	Version int
	Owner   id.Visitor // who holds it or has booked it; zero: nobody
	Ends    time.Time  // end of the hold or the reservation; zero: none
}

func (s Seat) args() []any {
	var ends int64
	if !s.Ends.IsZero() {
		ends = s.Ends.UnixMilli()
	}
	return []any{s.Index, s.Version, int(s.State), s.Owner[:], ends}
}

// Apply brings committed changes to the maps, in a few round trips. Repeats and any order are harmless: a seat's version decides. Events
// whose map is not loaded need nothing, and those whose map is being loaded get them when the load is done. After an error all
// must be applied again.
func (s *Store) Apply(ctx context.Context, events []event.Event) error {
	var calls []applyCall
	for e, latest := range latest(events) {
		for seats := range slices.Chunk(latest, maxChanges) {
			calls = append(calls, applyCall{e, seats})
		}
	}
	for some := range slices.Chunk(calls, maxCalls) {
		if err := s.applyAll(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

type applyCall struct {
	event id.Event
	seats []Seat
}

// latest keeps of each seat's changes the one with the highest version.
func latest(events []event.Event) map[id.Event][]Seat {
	seats := map[id.Event]map[int]Seat{}
	for _, e := range events {
		of := seats[e.Event]
		if of == nil {
			of = map[int]Seat{}
			seats[e.Event] = of
		}
		for _, c := range e.Seats {
			if old, known := of[c.Seat]; known && old.Version >= c.Version {
				continue
			}
			seat := Seat{Index: c.Seat, State: c.State, Version: c.Version, Owner: e.Owner}
			if c.State == booking.SeatReserved {
				seat.Ends = e.ExpirationTime
			}
			of[c.Seat] = seat
		}
	}
	out := map[id.Event][]Seat{}
	for e, of := range seats {
		out[e] = slices.Collect(maps.Values(of))
	}
	return out
}

// applyAll makes one round trip to each server that has something to change.
func (s *Store) applyAll(ctx context.Context, calls []applyCall) error {
	metas := make([]string, len(calls))
	for i, c := range calls {
		metas[i] = metaKey(c.event)
	}
	err := s.rdb.Each(ctx, metas, func(at *redisdb.Server, which []int) error {
		some := make([]applyCall, len(which))
		for i, n := range which {
			some[i] = calls[n]
		}
		return s.applyAt(ctx, at, some)
	})
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// applyAt makes one round trip. A pipeline does not load a script that Redis lacks, so that is done here, once.
func (s *Store) applyAt(ctx context.Context, at *redisdb.Server, calls []applyCall) (err error) {
	run := at.RunID()
	for try := 0; ; try++ {
		err = s.pipeline(ctx, at, run, calls)
		if err == nil || try > 0 || !redis.HasErrorPrefix(err, "NOSCRIPT") {
			break
		}
		if err = s.apply.Load(ctx, at).Err(); err != nil {
			break
		}
	}
	if err == nil && s.replaced(at, run) {
		err = errors.New("it was replaced meanwhile")
	}
	return err
}

func (s *Store) pipeline(ctx context.Context, at *redisdb.Server, run string, calls []applyCall) error {
	began := time.Now()
	defer s.apply.seconds.UpdateDuration(began)
	answers, err := at.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, c := range calls {
			args := []any{run}
			for _, seat := range c.seats {
				args = append(args, seat.args()...)
			}
			appliedTotal.Add(len(c.seats))
			s.apply.EvalSha(ctx, p, keys(c.event), args...)
		}
		return nil
	})
	for _, a := range answers {
		if redis.HasErrorPrefix(a.Err(), "NOSCRIPT") {
			return a.Err()
		}
	}
	return err
}

// Repair brings what Postgres says about seats to a map that said otherwise: newer states, and holds that the map has lost. A live
// hold that the map has is not overwritten.
func (s *Store) Repair(ctx context.Context, e id.Event, seats []Seat) error {
	var args []any
	for _, seat := range seats {
		args = append(args, seat.args()...)
	}
	_, _, err := s.run(ctx, s.repair, e, args...)
	return err
}
