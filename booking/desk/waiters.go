package desk

import (
	"context"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/command"
	"usher/internal/id"
)

const (
	askEvery = 50 * time.Millisecond // the table is asked for what no hint has brought by then
	askTime  = time.Second
	maxAsk   = 500
)

var (
	hintedTotal = metrics.NewCounter(`usher_desk_results_total{by="hint"}`)
	askedTotal  = metrics.NewCounter(`usher_desk_results_total{by="table"}`)
)

// waiters are the calls that wait for results. A result comes as a hint from the worker, or from the table of results.
type waiters struct {
	ask   func(ctx context.Context, ids []id.Key) (map[id.Key]command.Result, error)
	mu    sync.Mutex // guards calls
	calls map[id.Key]*waiter
}

type waiter struct {
	since time.Time
	count int           // calls that wait for this command
	done  chan struct{} // closed when got is set
	got   command.Result
}

func newWaiters(ask func(context.Context, []id.Key) (map[id.Key]command.Result, error)) *waiters {
	return &waiters{ask: ask, calls: map[id.Key]*waiter{}}
}

// register begins to wait: before the command is appended, so that no result is missed. release must follow.
func (w *waiters) register(k id.Key) (wait *waiter, release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wait = w.calls[k]
	if wait == nil {
		wait = &waiter{since: time.Now(), done: make(chan struct{})}
		w.calls[k] = wait
	}
	wait.count++
	return wait, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if wait.count--; wait.count == 0 && w.calls[k] == wait {
			delete(w.calls, k)
		}
	}
}

// result waits until ctx ends; ok says whether the result came.
func (c *waiter) result(ctx context.Context) (r command.Result, ok bool) {
	select {
	case <-c.done:
		return c.got, true
	case <-ctx.Done():
		return r, false
	}
}

func (w *waiters) deliver(results []command.Result) (delivered int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range results {
		if c := w.calls[r.Command]; c != nil {
			c.got = r
			close(c.done)
			delete(w.calls, r.Command)
			delivered++
		}
	}
	return delivered
}

// run asks the table for results that no hint has brought, all in one query, until ctx ends.
func (w *waiters) run(ctx context.Context) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		ids := w.overdue()
		if len(ids) == 0 {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, askTime)
		found, err := w.ask(asking, ids)
		cancel()
		if err != nil {
			continue // the store is away: the callers' own deadlines answer
		}
		results := make([]command.Result, 0, len(found))
		for _, r := range found {
			results = append(results, r)
		}
		askedTotal.Add(w.deliver(results))
	}
}

func (w *waiters) overdue() (ids []id.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, c := range w.calls {
		if time.Since(c.since) >= askEvery && len(ids) < maxAsk {
			ids = append(ids, k)
		}
	}
	return ids
}
