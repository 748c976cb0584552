package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/hold"
	"usher/booking/pgstore"
	"usher/internal/guard"
	"usher/internal/id"
)

// Where a hold may be decided, on the same stores: see docs/adr/0003. All do the same: decide and remember, without advice for losers.
type design struct {
	name string
	hold func(ctx context.Context, who id.Visitor, e id.Event, seats []int) (bool, error)
}

const (
	rounds  = 5    // of each design in turn
	callers = 64   // at once, in a closed loop
	perTurn = 2000 // calls of a design in a round
	pairs   = rounds * perTurn
)

func designs(r *rig) []design {
	durable, fast := r.desk("durable"), r.desk("fast")
	fast.off = map[guard.Guard]bool{guard.DurableHold: true}
	desk := func(d *Desk) func(context.Context, id.Visitor, id.Event, []int) (bool, error) {
		return func(ctx context.Context, who id.Visitor, e id.Event, seats []int) (bool, error) {
			plan, err := d.plans.onSale(ctx, e)
			if err != nil {
				return false, err
			}
			_, err = d.claim(ctx, who, plan, hold.Claim{Blocks: [][]int{seats}})
			var taken *hold.TakenError
			if errors.As(err, &taken) {
				return false, nil
			}
			return err == nil, err
		}
	}
	request := func(who id.Visitor, e id.Event, seats []int) pgstore.HoldRequest {
		return pgstore.HoldRequest{Owner: who, Tickets: tickets(e, seats...), Until: time.Now().Add(r.rules.For)}
	}
	return []design{
		{"redis-and-database", desk(durable)},
		{"database-batched", func(ctx context.Context, who id.Visitor, e id.Event, seats []int) (bool, error) {
			return durable.durable.Do(ctx, request(who, e, seats))
		}},
		{"database-each", func(ctx context.Context, who id.Visitor, e id.Event, seats []int) (bool, error) {
			got, err := durable.store.Hold(ctx, []pgstore.HoldRequest{request(who, e, seats)})
			return err == nil && got[0], err
		}},
		{"redis-alone", desk(fast)},
	}
}

// BenchmarkHoldDesigns compares where a hold is decided, in turn, so that what disturbs the machine disturbs all: when everybody finds seats that are free, and
// when a crowd wants the same forty. Latencies are of the caller, losers counted. Each turn's holds are counted in the stores afterwards: none is given
// twice.
func BenchmarkHoldDesigns(b *testing.B) {
	for _, load := range []struct {
		name string
		want func(n int) []int
	}{
		{"free", func(n int) []int { return []int{2 * n, 2*n + 1} }},
		{"crowd", func(int) []int { first := 2 * rand.IntN(20); return []int{first, first + 1} }},
	} {
		b.Run(load.name, func(b *testing.B) {
			r := newRig(b)
			took, won, busy := map[string][]time.Duration{}, map[string]int{}, map[string]time.Duration{}
			all := designs(r)
			events := map[string]id.Event{}
			for _, d := range all {
				events[d.name] = r.event(2 * pairs)
				if err := r.desks["fast"].LoadMap(b.Context(), events[d.name]); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for round := range rounds {
				for _, d := range all {
					began := time.Now()
					latencies, grants := turn(b, d, events[d.name], round, load.want)
					busy[d.name] += time.Since(began)
					took[d.name], won[d.name] = append(took[d.name], latencies...), won[d.name]+grants
				}
			}
			b.StopTimer()
			for _, d := range all {
				slices.Sort(took[d.name])
				at := func(share float64) float64 {
					return float64(took[d.name][int(share*float64(len(took[d.name])-1))].Microseconds()) / 1000
				}
				b.ReportMetric(at(0.5), d.name+"-p50-ms")
				b.ReportMetric(at(0.99), d.name+"-p99-ms")
				b.ReportMetric(float64(len(took[d.name]))/busy[d.name].Seconds(), d.name+"-calls/s")
				if held := r.heldSeats(b, d.name, events[d.name]); held != 2*won[d.name] {
					b.Errorf("%s: %d seats are held, and %d were granted", d.name, held, 2*won[d.name])
				}
			}
		})
	}
}

// turn lets callers make a design's calls of one round.
func turn(b *testing.B, d design, e id.Event, round int, want func(n int) []int) (took []time.Duration, won int) {
	b.Helper()
	var mu sync.Mutex // guards what is returned
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for n := caller; n < perTurn; n += callers {
				began := time.Now()
				ok, err := d.hold(b.Context(), id.NewVisitor(), e, want(round*perTurn+n))
				lasted := time.Since(began)
				if err != nil {
					b.Errorf("%s: %v", d.name, err)
					return
				}
				mu.Lock()
				took = append(took, lasted)
				if ok {
					won++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return took, won
}

// heldSeats counts the seats that are held where the design says so.
func (r *rig) heldSeats(b *testing.B, name string, e id.Event) int {
	b.Helper()
	if name != "redis-alone" {
		return r.count("SELECT count(*) FROM tickets WHERE event_id = $1 AND hold_user_id IS NOT NULL", int64(e))
	}
	v, err := r.desks["fast"].maps.snapshot(b.Context(), e, 0)
	if err != nil {
		b.Fatal(err)
	}
	return len(v.Holds())
}

// BenchmarkHerd is the herd of TestAHerdOfPartiesSitsTogether: 200 parties of one to six want the best of 500 seats, at once or within a second. What is
// measured is what was granted, acknowledged when both stores have it.
func BenchmarkHerd(b *testing.B) {
	for _, within := range []time.Duration{0, time.Second} {
		b.Run(fmt.Sprintf("within=%s", within), func(b *testing.B) {
			r := newRig(b)
			d := r.desk("a")
			var took []time.Duration
			for n := 0; b.Loop(); n++ {
				b.StopTimer()
				e := r.event(500)
				if err := d.LoadMap(b.Context(), e); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				var mu sync.Mutex // guards took
				var all sync.WaitGroup
				sizes := rand.New(rand.NewPCG(uint64(n), 0))
				for party := range 200 {
					size := 1 + sizes.IntN(6)
					all.Go(func() {
						time.Sleep(within * time.Duration(party) / 200)
						began := time.Now()
						_, err := d.HoldBest(b.Context(), booking.Owner{Visitor: id.NewVisitor()}, e, booking.BestAvailable{Quantity: size}, "")
						lasted := time.Since(began)
						var none *booking.NoSeatsTogetherError
						var taken *booking.UnavailableError
						if err != nil && !errors.As(err, &none) && !errors.As(err, &taken) {
							b.Error(err)
						}
						mu.Lock()
						defer mu.Unlock()
						if err == nil {
							took = append(took, lasted)
						}
					})
				}
				all.Wait()
			}
			slices.SortFunc(took, cmp.Compare[time.Duration])
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
