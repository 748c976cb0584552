package testenv

import (
	"context"
	"sync"
	"testing"
)

// Running runs a part, such as a worker's Run, until the test ends or the returned function is called, and waits for its end. What it returns at its
// end is not looked at.
func Running(t testing.TB, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}) // closed when the part has ended
	go func() { defer close(done); _ = run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}
