package redisline

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/internal/batch"
	"usher/internal/id"
	"usher/waitroom"
)

// beside returns the run of another room on the same line.
func beside(t testing.TB, l *Line, key waitroom.RunKey) waitroom.RunKey {
	t.Helper()
	other := waitroom.RunKey{Room: key.Room + "-quiet", Run: key.Run}
	restore(t, l, other, waitroom.Memory{Incarnation: 1, BlockEnd: 1 << 40})
	return other
}

// attack lets a crowd join a room and ask at its door as fast as they can, until the returned function is called.
func attack(l *Line, key waitroom.RunKey, people int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var crowd sync.WaitGroup
	for n := range people {
		crowd.Go(func() {
			v := id.NewVisitor()
			for ctx.Err() == nil {
				if n%4 == 0 {
					_, _ = l.Enter(ctx, key, v, 1<<39, waitroom.EnterRules{JTI: "j", Capacity: 1, Session: time.Minute})
				} else {
					_, _ = l.Join(ctx, key, id.NewVisitor(), -1)
				}
			}
		})
	}
	return func() { cancel(); crowd.Wait() }
}

// A room whose queue of joins is full refuses its own visitors, and nobody else's.
func TestARoomThatIsFullOfJoinsRefusesNobodyElse(t *testing.T) {
	t.Parallel()
	opened, key, rdb := openLine(t)
	quiet := beside(t, opened, key)
	held, free := make(chan struct{}), make(chan struct{})
	l := New(rdb) // whose queue of joins does not run yet
	script := l.joinAll
	l.joins = batch.NewLanes(func(ctx context.Context, k waitroom.RunKey, joins []joining) ([]joined, error) {
		if k == key {
			held <- struct{}{}
			<-free
		}
		return script(ctx, k, joins)
	}, maxJoins, 3, joinPause)
	ctx, cancel := context.WithCancel(t.Context())
	var running, crowd sync.WaitGroup
	running.Go(func() { _ = l.joins.Run(ctx) })
	answers := make(chan error, 10)
	one := func() {
		_, err := l.Join(ctx, key, id.NewVisitor(), -1)
		answers <- err
	}
	crowd.Go(one)
	<-held
	for range 9 {
		crowd.Go(one)
	}
	for range 6 { // one is under way, three wait
		if err := <-answers; !errors.Is(err, waitroom.ErrLineUnavailable) || !errors.Is(err, batch.ErrFull) {
			t.Errorf("a visitor of the full room is told %v", err)
		}
	}
	for n := range 200 {
		if j, err := l.Join(ctx, quiet, id.NewVisitor(), -1); err != nil || j.Number != int64(n) {
			t.Fatalf("a visitor of the quiet room got %+v, %v", j, err)
		}
	}
	go func() {
		for range held {
		}
	}()
	close(free)
	crowd.Wait()
	cancel()
	running.Wait()
	close(held)
}

// However many ask at the door of one room, they take so many connections and no more; another room's visitors pass.
func TestTheDoorOfOneRoomTakesNoConnectionFromAnother(t *testing.T) {
	t.Parallel()
	l, key, _ := openLine(t)
	quiet := beside(t, l, key)
	gate := make(chan struct{}, gateWidth)
	for range gateWidth {
		gate <- struct{}{}
	}
	l.gates.Store(key.Room, gate) // so many are under way
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.Active(ctx, key, id.NewVisitor(), "j"); !errors.Is(err, waitroom.ErrLineUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one more at the attacked door: %v", err)
	}
	if err := l.Active(t.Context(), quiet, id.NewVisitor(), "j"); !errors.Is(err, waitroom.ErrSessionOver) {
		t.Errorf("at the quiet door: %v", err)
	}
	if _, err := l.Call(t.Context(), key, fast(10)); err != nil {
		t.Errorf("the attacked room is not called: %v", err)
	}
	<-gate
	if err := l.Active(t.Context(), key, id.NewVisitor(), "j"); !errors.Is(err, waitroom.ErrSessionOver) || len(gate) != gateWidth-1 {
		t.Errorf("when one has gone: %v, %d are under way", err, len(gate))
	}
}

// BenchmarkJoinBesideAnAttack joins a quiet room two hundred times a second, alone and while a crowd attacks another room of the same gateway, turn by turn. ratio is how much
// longer a join takes beside the attack, at the median: both share the cores with the attackers themselves.
func BenchmarkJoinBesideAnAttack(b *testing.B) {
	l, key, _ := openLineAt(b, ownRedis)
	quiet := beside(b, l, key)
	if err := l.Grow(b.Context(), key, 1, 1<<40); err != nil {
		b.Fatal(err)
	}
	var alone, beside []time.Duration
	joins := func(took *[]time.Duration) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range 200 {
			<-tick.C
			begun := time.Now()
			if _, err := l.Join(b.Context(), quiet, id.NewVisitor(), -1); err != nil {
				b.Error(err)
			}
			*took = append(*took, time.Since(begun))
		}
	}
	attacked := joinsTotal.Get()
	for b.Loop() {
		joins(&alone)
		stop := attack(l, key, 64)
		joins(&beside)
		stop()
	}
	attacked = joinsTotal.Get() - attacked - uint64(len(alone)+len(beside))
	at := func(all []time.Duration, share float64) float64 {
		slices.Sort(all)
		return float64(all[int(share*float64(len(all)-1))].Microseconds())
	}
	b.ReportMetric(at(alone, 0.5), "µs/alone")
	b.ReportMetric(at(beside, 0.5), "µs/beside")
	b.ReportMetric(at(alone, 0.99), "µs-p99/alone")
	b.ReportMetric(at(beside, 0.99), "µs-p99/beside")
	b.ReportMetric(at(beside, 0.5)/at(alone, 0.5), "ratio")
	b.ReportMetric(float64(attacked)/float64(b.N), "attackers'-joins/op")
}
