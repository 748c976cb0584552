package memline

import (
	"sync/atomic"
	"testing"
	"time"

	"usher/waitroom"
	"usher/waitroom/linetest"
)

func open(*testing.T) linetest.Line {
	var now atomic.Int64
	l := New(func() time.Time { return time.UnixMilli(now.Load()) })
	key := waitroom.RunKey{Room: "room", Run: "run"}
	return linetest.Line{
		Queue: l, Key: key,
		Clock: func(at time.Time) error { now.Store(at.UnixMilli()); return nil },
		Lose:  func() error { l.Lose(key); return nil },
	}
}

func TestTheLineInMemoryKeepsItsPromises(t *testing.T) {
	t.Parallel()
	linetest.Run(t, open)
}
