package batch

import (
	"context"
	"sync"
	"time"
)

// LaneFunc does the work of one batch of one lane, as Func does.
type LaneFunc[K comparable, T, R any] func(ctx context.Context, lane K, items []T) ([]R, error)

// besides is how long ago another lane was served that still counts as one beside this.
const besides = time.Second

// Lanes is a Batcher for each of many keys: each has its own queue and its own one batch under way, so that a crowd on one delays and refuses nobody on
// another. A lane that has nothing to do costs nothing.
type Lanes[K comparable, T, R any] struct {
	do         LaneFunc[K, T, R]
	max, queue int
	pause      time.Duration
	busy       sync.WaitGroup // lanes that are served

	mu    sync.Mutex          // guards all below
	lanes map[K]*[]call[T, R] // who waits, in order of arrival; a lane is there while it is served
	ctx   context.Context     // of Run; nil before
	last  K                   // served last
	mixed time.Time           // when another was served than the last
}

// NewLanes returns lanes of at most max items a batch, with at most queue callers waiting in each. While several lanes are served, each pauses after a batch: whoever
// comes alone to an idle one does not wait, and a crowd comes in fewer batches, which leaves more to the others. Run must be running for Do to return.
func NewLanes[K comparable, T, R any](do LaneFunc[K, T, R], maxItems, queue int, pause time.Duration) *Lanes[K, T, R] {
	return &Lanes[K, T, R]{do: do, max: maxItems, queue: queue, pause: pause, lanes: map[K]*[]call[T, R]{}}
}

// Do hands over one item and waits for its result. ErrFull: so many wait in this lane already. When ctx ends first the item may still take effect.
func (l *Lanes[K, T, R]) Do(ctx context.Context, lane K, item T) (R, error) {
	c := call[T, R]{item: item, done: make(chan outcome[R], 1)}
	if err := l.add(lane, c); err != nil {
		return *new(R), err
	}
	return c.wait(ctx)
}

// add lets a call wait in its lane, and begins to serve it.
func (l *Lanes[K, T, R]) add(lane K, c call[T, R]) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx != nil && l.ctx.Err() != nil {
		return l.ctx.Err()
	}
	waiting, served := l.lanes[lane]
	if !served {
		waiting = new([]call[T, R])
		l.lanes[lane] = waiting
		if l.ctx != nil {
			l.busy.Go(func() { l.serve(l.ctx, lane) })
		}
	}
	if len(*waiting) >= l.queue {
		return ErrFull
	}
	*waiting = append(*waiting, c)
	return nil
}

// Run sends batches until ctx ends, then waits for those under way. Waiting callers get ctx's error.
func (l *Lanes[K, T, R]) Run(ctx context.Context) error {
	l.mu.Lock()
	l.ctx = ctx
	for lane := range l.lanes {
		l.busy.Go(func() { l.serve(ctx, lane) })
	}
	l.mu.Unlock()
	<-ctx.Done()
	for l.serving() { // whoever adds from now on is refused
		l.busy.Wait()
	}
	return nil
}

// serving reports whether a lane is there.
func (l *Lanes[K, T, R]) serving() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lanes) > 0
}

// serve sends the batches of a lane until nobody waits in it.
func (l *Lanes[K, T, R]) serve(ctx context.Context, lane K) {
	for {
		calls, pause := l.next(ctx, lane)
		if len(calls) == 0 {
			return
		}
		items := make([]T, len(calls))
		for i, c := range calls {
			items[i] = c.item
		}
		var results []R
		err := ctx.Err()
		if err == nil {
			results, err = l.do(ctx, lane, items)
		}
		answer(calls, results, err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// next takes who is next in a lane, and says how long it is to pause after them; when ctx has ended, all of them. An empty lane is gone.
func (l *Lanes[K, T, R]) next(ctx context.Context, lane K) (calls []call[T, R], pause time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.lanes[lane]
	n := min(len(*waiting), l.max)
	if ctx.Err() != nil {
		n = len(*waiting)
	}
	if n == 0 {
		delete(l.lanes, lane)
		return nil, 0
	}
	if lane != l.last {
		l.last, l.mixed = lane, time.Now()
	}
	if time.Since(l.mixed) < besides {
		pause = l.pause
	}
	calls = (*waiting)[:n:n]
	*waiting = (*waiting)[n:]
	return calls, pause
}
