package redisline

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/testenv"
	"usher/waitroom"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const block = 10_000

// openLine returns a fresh run of a room that no other test has.
func openLine(t testing.TB) (*Line, waitroom.RunKey, *redisdb.Client) {
	t.Helper()
	return openLineAt(t, testenv.Redis)
}

// ownRedis is a Redis to flush, and one that keeps every write, as in production.
func ownRedis(t testing.TB) (addr, room string) { return testenv.FreshRedis(t).Addr, "room" }

func openLineAt(t testing.TB, server func(testing.TB) (addr, room string)) (*Line, waitroom.RunKey, *redisdb.Client) {
	t.Helper()
	addr, room := server(t)
	rdb, err := redisdb.Dial(addr, 32)
	if err != nil {
		t.Fatal(err)
	}
	l, key := New(rdb), waitroom.RunKey{Room: room, Run: waitroom.NewRun()}
	t.Cleanup(func() { _ = rdb.Close() })
	testenv.Running(t, l.Run)
	if _, err := l.Watch(t.Context(), key); !errors.Is(err, waitroom.ErrLost) {
		t.Fatalf("a line that was never made answers %v, want ErrLost", err)
	}
	restore(t, l, key, waitroom.Memory{Incarnation: 1, BlockEnd: block})
	return l, key, rdb
}

func restore(t testing.TB, l *Line, key waitroom.RunKey, m waitroom.Memory) {
	t.Helper()
	if err := l.Restore(t.Context(), key, m); err != nil {
		t.Fatal(err)
	}
}

func join(t testing.TB, l *Line, key waitroom.RunKey, v id.Visitor) waitroom.Joined {
	t.Helper()
	j, err := l.Join(t.Context(), key, v, -1)
	if err != nil {
		t.Fatalf("join: %v", err)
	}
	return j
}

// open rules call everybody whom the capacity lets in.
func fast(capacity int) waitroom.CallRules {
	return waitroom.CallRules{PerSecond: 1e6, Burst: 1e6, Capacity: capacity, Expect: time.Minute, Grace: time.Minute, Ceiling: 1 << 50}
}

func call(t testing.TB, l *Line, key waitroom.RunKey, r waitroom.CallRules) waitroom.Watch {
	t.Helper()
	if _, err := l.Call(t.Context(), key, r); err != nil { // the first fills the bucket
		t.Fatalf("call: %v", err)
	}
	time.Sleep(2 * time.Millisecond) // the bucket's clock has milliseconds
	w, err := l.Call(t.Context(), key, r)
	if err != nil {
		t.Fatalf("call: %v", err)
	}
	return w
}

func enter(l *Line, key waitroom.RunKey, v id.Visitor, n int64, capacity int) (waitroom.Session, error) {
	return l.Enter(context.Background(), key, v, n, waitroom.EnterRules{
		JTI: id.NewKey().String(), Capacity: capacity, Session: time.Minute,
	})
}

// stampede lets visitors that are all called enter through two lines on one Redis, stay and leave, and returns the most that were
// inside at once.
func stampede(t *testing.T, capacity int, rules func(waitroom.EnterRules) waitroom.EnterRules) (peak int) {
	t.Helper()
	l, key, rdb := openLine(t)
	other := New(rdb)
	const visitors = 60
	var all []id.Visitor
	for range visitors {
		all = append(all, id.NewVisitor())
		join(t, l, key, all[len(all)-1])
	}
	call(t, l, key, fast(visitors)) // an operator has lowered the capacity since
	var mu sync.Mutex               // guards inside and peak
	inside := 0
	var wg sync.WaitGroup
	for n, v := range all {
		wg.Go(func() {
			line := []*Line{l, other}[n%2]
			s, err := line.Enter(context.Background(), key, v, int64(n), rules(waitroom.EnterRules{
				JTI: id.NewKey().String(), Capacity: capacity, Session: time.Minute,
			}))
			if errors.Is(err, waitroom.ErrRoomFull) {
				return
			}
			if err != nil || !s.Fresh {
				t.Errorf("enter %d: %+v, %v", n, s, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			inside++
			peak = max(peak, inside)
		})
	}
	wg.Wait()
	return peak
}

func TestSessionsNeverExceedTheCapacity(t *testing.T) {
	t.Parallel()
	const capacity = 7
	if peak := stampede(t, capacity, func(r waitroom.EnterRules) waitroom.EnterRules { return r }); peak != capacity {
		t.Errorf("%d sessions at once, capacity %d", peak, capacity)
	}
}

// A passthrough room does not count: what the proof above finds is the capacity's doing.
func TestControlWithoutTheCapacityTheStampedeOverflows(t *testing.T) {
	t.Parallel()
	if peak := stampede(t, 7, func(r waitroom.EnterRules) waitroom.EnterRules { r.Free = true; return r }); peak <= 7 {
		t.Errorf("nothing held the stampede back and only %d were inside", peak)
	}
}

func TestAFlushLosesNothingThatMatters(t *testing.T) {
	t.Parallel()
	l, key, rdb := openLineAt(t, ownRedis)
	var all []id.Visitor
	for range 10 {
		all = append(all, id.NewVisitor())
		join(t, l, key, all[len(all)-1])
	}
	call(t, l, key, fast(2))
	inside, err := enter(l, key, all[0], 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := rdb.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Join(t.Context(), key, id.NewVisitor(), -1); !errors.Is(err, waitroom.ErrLost) {
		t.Fatalf("after a flush: %v, want ErrLost", err)
	}
	memory := waitroom.Memory{
		Incarnation: 2, Watermark: 2, Next: block, BlockEnd: 2 * block, Limit: block, Holes: []waitroom.Hole{{From: 10, Past: block}}, Used: []int64{0},
		Sessions: []waitroom.Admission{{Visitor: all[0], Session: inside}},
	}
	restore(t, l, key, memory)
	restore(t, l, key, waitroom.Memory{Incarnation: 1, BlockEnd: 1}) // another gateway comes late and changes nothing
	if err := l.Active(t.Context(), key, all[0], inside.JTI); err != nil {
		t.Errorf("the session is over: %v", err)
	}
	if j := join(t, l, key, id.NewVisitor()); j.Number != block {
		t.Errorf("a newcomer got %d, want the fresh block's %d", j.Number, block)
	}
	if j, err := l.Join(t.Context(), key, all[7], 7); err != nil || j.Number != 7 || j.First {
		t.Errorf("who shows his place 7 got %+v, %v", j, err)
	}
	if s, err := enter(l, key, all[0], 0, 2); err != nil || s.JTI != inside.JTI {
		t.Errorf("the session came back as %+v, %v", s, err)
	}
	if w := call(t, l, key, fast(100)); w.Watermark != block+1 {
		t.Errorf("watermark %d, want everybody up to the newcomer called: %d", w.Watermark, block+1)
	}
	for n := int64(1); n < 10; n++ { // whoever waited enters with the place in his hands
		if _, err := enter(l, key, all[n], n, 100); err != nil {
			t.Errorf("visitor %d of before the flush: %v", n, err)
		}
	}
}

// A line that was made by a release with other keys, or on another Redis whose memory this one has, is lost: it is restored, not misread.
func TestALineOfAnotherMakeIsLost(t *testing.T) {
	t.Parallel()
	l, key, rdb := openLine(t)
	meta := keys(key)[0]
	ours := rdb.HGet(t.Context(), meta, "run").Val()
	for name, run := range map[string]string{
		"an older release": strings.TrimSuffix(ours, layout), "a newer release": strings.TrimSuffix(ours, layout) + "/4", "another Redis": "0123" + layout,
	} {
		restore(t, l, key, waitroom.Memory{Incarnation: 1, BlockEnd: block})
		join(t, l, key, id.NewVisitor())
		if err := rdb.HSet(t.Context(), meta, "run", run).Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Watch(t.Context(), key); !errors.Is(err, waitroom.ErrLost) {
			t.Errorf("a line of %s: %v, want ErrLost", name, err)
		}
		if _, err := l.Join(t.Context(), key, id.NewVisitor(), -1); !errors.Is(err, waitroom.ErrLost) {
			t.Errorf("joining a line of %s: %v, want ErrLost", name, err)
		}
	}
}

// ends are how long the keys of a run go on, by name; -1: for ever. All of them are there: people have done all that makes keys.
func ends(t *testing.T, piece, by string, restored bool) (ends map[string]time.Duration, l *Line, key waitroom.RunKey, rdb *redisdb.Client) {
	t.Helper()
	_, key, rdb = openLine(t)
	l = newLine(rdb, func(parts ...string) *redis.Script {
		return redis.NewScript(nowLua + strings.Replace(strings.Join(parts, ""), piece, by, 1))
	})
	testenv.Running(t, l.Run)
	var all []id.Visitor
	for range 4 {
		all = append(all, id.NewVisitor())
		join(t, l, key, all[len(all)-1])
	}
	call(t, l, key, fast(2))
	for n, want := range []error{nil, waitroom.ErrRoomFull} {
		if _, err := enter(l, key, all[n], int64(n), 1); !errors.Is(err, want) {
			t.Fatalf("enter: %v, want %v", err, want)
		}
	}
	if _, err := l.Leave(t.Context(), key, all[0], 0, ""); err != nil {
		t.Fatal(err)
	}
	brief := fast(2)
	brief.Grace = 0
	call(t, l, key, brief)                                    // the other's turn lapses; somebody else is called
	rdb.ZAdd(t.Context(), keys(key)[7], redis.Z{Member: "9"}) // whoever asked is gone, and with him the keys
	rdb.ZAdd(t.Context(), keys(key)[8], redis.Z{Member: "9"})
	rdb.ZAdd(t.Context(), keys(key)[10], redis.Z{Member: "9", Score: 1e15})
	rdb.RPush(t.Context(), keys(key)[11], "1 news")
	rdb.ZAdd(t.Context(), keys(key)[12], redis.Z{Member: "gateway", Score: 1})
	for _, name := range keys(key) {
		rdb.Persist(t.Context(), name)
	}
	if restored {
		restore(t, l, key, waitroom.Memory{Incarnation: 2, BlockEnd: block, Used: []int64{0}})
	} else {
		call(t, l, key, fast(2))
	}
	ends = map[string]time.Duration{}
	for i, name := range keys(key) {
		if left := rdb.PTTL(t.Context(), name).Val(); left != -2 {
			ends[name] = left
		} else if !restored {
			t.Errorf("there is no %s, key %d", name, i)
		}
	}
	return ends, l, key, rdb
}

// A run that nobody calls any more leaves nothing behind, and no part of it before the key by which a line is known to be there.
func TestTheKeysOfARunEndByThemselves(t *testing.T) {
	t.Parallel()
	for _, restored := range []bool{false, true} {
		all, l, key, rdb := ends(t, "", "", restored)
		meta := keys(key)[0]
		for name, left := range all {
			if left <= 0 || left > keepFor+2*time.Hour || name != meta && left <= keepFor || name == meta && left > keepFor {
				t.Errorf("restored: %t: %s ends in %s, that of meta in %s", restored, name, left, all[meta])
			}
		}
		for what, on := range map[string]bool{"watch": false, "call": true} {
			for name := range all {
				rdb.PExpire(t.Context(), name, time.Hour)
			}
			if on {
				call(t, l, key, fast(2))
			} else if _, err := l.Watch(t.Context(), key); err != nil {
				t.Error(err)
			}
			for name := range all {
				if left := rdb.PTTL(t.Context(), name).Val(); left != -2 && (left > time.Hour) != on {
					t.Errorf("after a %s %s ends in %s", what, name, left)
				}
			}
		}
	}
}

func TestControlWithoutAnEndTheKeysOfARunStay(t *testing.T) {
	t.Parallel()
	for _, restored := range []bool{false, true} {
		all, _, _, _ := ends(t, "redis.call('PEXPIRE', key, most)", "", restored)
		for name, left := range all {
			if left != -1 {
				t.Errorf("restored: %t: nothing was to end, and %s does, in %s", restored, name, left)
			}
		}
	}
}

// TestOnARedisCluster runs every test above on a cluster of three masters: all keys of a script lie on one of them.
func TestOnARedisCluster(t *testing.T) {
	t.Parallel()
	testenv.OnRedisCluster(t)
}

func BenchmarkJoin(b *testing.B) {
	l, key, _ := openLineAt(b, ownRedis)
	if err := l.Grow(b.Context(), key, 1, 1<<40); err != nil {
		b.Fatal(err)
	}
	trips := joinTripsTotal.Get()
	b.SetParallelism(256)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Join(context.Background(), key, id.NewVisitor(), -1); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(joinTripsTotal.Get()-trips)/float64(b.N), "trips/join")
}

// A Redis that is full answers, and refuses: nothing is to be restored there.
func TestAFullRedisIsNotWritable(t *testing.T) {
	t.Parallel()
	server := testenv.FreshRedis(t)
	rdb, err := redisdb.Dial(server.Addr, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	l, k := New(rdb), waitroom.RunKey{Room: "final", Run: "run"}
	if err := l.Writable(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	err = rdb.On(t.Context(), "usher:{final}", func(at *redisdb.Server) error { return at.ConfigSet(t.Context(), "maxmemory", "1").Err() })
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Writable(t.Context(), k); !errors.Is(err, waitroom.ErrLineUnavailable) {
		t.Errorf("a full one: %v", err)
	}
}
