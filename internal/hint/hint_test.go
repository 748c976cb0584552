package hint

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"usher/booking/command"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func TestEachNodeHearsItsResults(t *testing.T) {
	t.Parallel()
	addr, prefix := testenv.Redis(t)
	rdb, err := redisdb.Dial(addr, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	ctx, stop := context.WithCancel(t.Context())
	var listeners sync.WaitGroup
	defer listeners.Wait()
	defer stop()
	var mu sync.Mutex // guards heard
	heard := map[string]map[id.Key]bool{}
	told := map[string][]command.Result{}
	event, err := id.NewEvent(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range []string{prefix + "a", prefix + "b", prefix + "c", prefix + "d"} {
		told[node] = []command.Result{{Command: id.NewKey(), Event: event}}
		heard[node] = map[id.Key]bool{}
		listeners.Go(func() {
			_ = Listen(ctx, rdb, node, func(results []command.Result) {
				mu.Lock()
				defer mu.Unlock()
				for _, r := range results {
					heard[node][r.Command] = true
				}
			}, slog.New(slog.DiscardHandler))
		})
	}
	all := func() bool {
		mu.Lock()
		defer mu.Unlock()
		for node, results := range told {
			if !heard[node][results[0].Command] {
				return false
			}
		}
		return true
	}
	for deadline := time.Now().Add(time.Minute); !all(); time.Sleep(10 * time.Millisecond) { // what comes before it listens, a node does not hear
		if err := Publish(ctx, rdb, told); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("heard %v of %v", heard, told)
		}
	}
	stop()
	listeners.Wait() // what was published last may still be on its way
	for node, keys := range heard {
		if len(keys) != 1 {
			t.Errorf("%s hears what is for others: %v", node, keys)
		}
	}
}

// TestOnARedisCluster lets nodes listen at some server of a cluster and others publish at another.
func TestOnARedisCluster(t *testing.T) {
	t.Parallel()
	testenv.OnRedisCluster(t)
}
