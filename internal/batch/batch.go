// Package batch makes many callers share one round trip: group commit for Postgres, micro-batching for Redis.
package batch

import (
	"context"
	"errors"
	"sync"
)

// ErrFull is returned when more callers wait than the queue may hold. The edge answers 503: shedding is cheaper than waiting.
var ErrFull = errors.New("batch queue is full")

// Func does the work of one batch and returns one result for each item, in the same order. An error fails the whole batch.
type Func[T, R any] func(ctx context.Context, items []T) ([]R, error)

// Batcher collects single calls into batches. A batch is sent as soon as a worker is free: alone when the system
// is idle (no added latency), together with whatever arrived meanwhile when it is busy. There is no timer.
type Batcher[T, R any] struct {
	do    Func[T, R]
	max   int
	queue chan call[T, R]
	work  int
}

type call[T, R any] struct {
	item T
	done chan outcome[R] // buffered by one: the worker never waits for a caller that has gone
}

type outcome[R any] struct {
	result R
	err    error
}

// New returns a batcher of at most max items a batch, with the given number of batches under way at once and at
// most queue callers waiting. Run must be running for Do to return.
func New[T, R any](do Func[T, R], max, workers, queue int) *Batcher[T, R] {
	return &Batcher[T, R]{do: do, max: max, work: workers, queue: make(chan call[T, R], queue)}
}

// Do hands over one item and waits for its result. When ctx ends first the item may still take effect.
func (b *Batcher[T, R]) Do(ctx context.Context, item T) (R, error) {
	c := call[T, R]{item: item, done: make(chan outcome[R], 1)}
	select {
	case b.queue <- c:
	default:
		return *new(R), ErrFull
	}
	return c.wait(ctx)
}

// wait waits for the result of a call that has been handed over.
func (c call[T, R]) wait(ctx context.Context) (R, error) {
	select {
	case o := <-c.done:
		return o.result, o.err
	case <-ctx.Done():
		return *new(R), ctx.Err()
	}
}

// Run sends batches until ctx ends, then waits for those under way. Waiting callers get ctx's error.
func (b *Batcher[T, R]) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range b.work {
		wg.Go(func() { b.worker(ctx) })
	}
	wg.Wait()
	for {
		select {
		case c := <-b.queue:
			c.done <- outcome[R]{err: ctx.Err()}
		default:
			return nil
		}
	}
}

func (b *Batcher[T, R]) worker(ctx context.Context) {
	calls := make([]call[T, R], 0, b.max)
	items := make([]T, 0, b.max)
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-b.queue:
			calls, items = append(calls[:0], c), append(items[:0], c.item)
		}
		for more := true; more && len(calls) < b.max; {
			select {
			case c := <-b.queue:
				calls, items = append(calls, c), append(items, c.item)
			default:
				more = false
			}
		}
		b.send(ctx, calls, items)
	}
}

func (b *Batcher[T, R]) send(ctx context.Context, calls []call[T, R], items []T) {
	results, err := b.do(ctx, items)
	answer(calls, results, err)
}

// answer gives each call its result, or the error of all.
func answer[T, R any](calls []call[T, R], results []R, err error) {
	if err == nil && len(results) != len(calls) {
		err = errors.New("batch returned the wrong number of results")
	}
	for i, c := range calls {
		if err != nil {
			c.done <- outcome[R]{err: err}
			continue
		}
		c.done <- outcome[R]{result: results[i]}
	}
}
