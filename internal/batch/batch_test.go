package batch

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestEveryCallerGetsItsOwnResult(t *testing.T) {
	t.Parallel()
	var trips atomic.Int64
	b := New(func(_ context.Context, items []int) ([]int, error) {
		trips.Add(1)
		out := make([]int, len(items))
		for i, n := range items {
			out[i] = n * n
		}
		return out, nil
	}, 50, 1, 2000)
	ctx, stop := context.WithCancel(context.Background())
	var run, callers sync.WaitGroup
	for n := range 1000 { // queued before the batcher runs, so that the batches are full
		callers.Go(func() {
			if got, err := b.Do(context.Background(), n); err != nil || got != n*n {
				t.Errorf("Do(%d) = %d, %v", n, got, err)
			}
		})
	}
	for len(b.queue) < 1000 {
	}
	run.Go(func() { _ = b.Run(ctx) })
	callers.Wait()
	stop()
	run.Wait()
	if got := trips.Load(); got != 20 {
		t.Errorf("1000 calls took %d round trips, want 20", got)
	}
}

func TestFailureAndOverload(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	b := New(func(context.Context, []int) ([]int, error) { return nil, broken }, 2, 1, 1)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := b.Do(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled caller got %v", err)
	}
	if _, err := b.Do(context.Background(), 2); !errors.Is(err, ErrFull) {
		t.Errorf("a caller beyond the bound got %v, want ErrFull", err)
	}
	live, end := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.Run(live) }()
	for len(b.queue) > 0 {
	}
	if _, err := b.Do(context.Background(), 3); !errors.Is(err, broken) {
		t.Errorf("a caller of a failing batch got %v", err)
	}
	end()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
