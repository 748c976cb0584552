package redisline

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/redisdb"
	"usher/internal/testenv"
	"usher/waitroom"
	"usher/waitroom/linetest"
	"usher/waitroom/memline"
)

// testClock is a clock that tests move: a key beside those of the run, which a line that loses its memory does not lose.
const testClock = "local now = tonumber(redis.call('GET', string.match(KEYS[1], '^(.*:)meta$') .. 'clock'))\n"

// openMoved returns a line in Redis whose clock and memory are in a test's hands.
func openMoved(t *testing.T) linetest.Line {
	t.Helper()
	addr, room := testenv.Redis(t)
	rdb, err := redisdb.Dial(addr, 32)
	if err != nil {
		t.Fatal(err)
	}
	l, key := newLine(rdb, testClock), waitroom.RunKey{Room: room, Run: waitroom.NewRun()}
	ctx, stop := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = l.Run(ctx) })
	t.Cleanup(func() {
		stop()
		run.Wait()
		_ = rdb.Close()
	})
	names := keys(key)
	return linetest.Line{
		Queue: l, Key: key,
		Clock: func(now time.Time) error {
			return rdb.Set(ctx, "usher:{"+key.Room+"}:"+key.Run+":clock", now.UnixMilli(), 0).Err()
		},
		Lose: func() (err error) {
			for _, name := range names { // one at a time, also on a cluster
				err = errors.Join(err, rdb.Del(ctx, name).Err())
			}
			return err
		},
	}
}

func TestTheLineInRedisKeepsItsPromises(t *testing.T) {
	t.Parallel()
	linetest.Run(t, openMoved)
}

// The line in memory says what the scripts do, whatever is done to both.
func TestTheLineInRedisAgreesWithTheLineInMemory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			if err := linetest.Agree(t.Context(), seed, 500, openMoved(t), inMemory()); err != nil {
				t.Error(err)
			}
		})
	}
}

func inMemory() linetest.Line {
	var now atomic.Int64
	l, key := memline.New(func() time.Time { return time.UnixMilli(now.Load()) }), waitroom.RunKey{Room: "room", Run: "run"}
	return linetest.Line{
		Queue: l, Key: key,
		Clock: func(at time.Time) error { now.Store(at.UnixMilli()); return nil },
		Lose:  func() error { l.Lose(key); return nil },
	}
}
