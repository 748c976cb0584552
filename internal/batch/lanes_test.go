package batch

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A lane that is stuck and full neither delays nor refuses anybody on another; and order is kept on each.
func TestAFullLaneIsNobodyElses(t *testing.T) {
	t.Parallel()
	free := make(chan struct{})
	var mu sync.Mutex
	var seen []string // of the quiet lane
	l := NewLanes(func(_ context.Context, lane string, items []int) ([]string, error) {
		if lane == "stuck" {
			<-free
		} else if len(items) > 3 {
			return nil, errors.New("too many in a batch")
		}
		out := make([]string, len(items))
		for i, n := range items {
			out[i] = lane + strconv.Itoa(n)
		}
		mu.Lock()
		defer mu.Unlock()
		if lane == "quiet" {
			seen = append(seen, out...)
		}
		return out, nil
	}, 3, 5, time.Microsecond)
	ctx, stop := context.WithCancel(context.Background())
	var run, callers sync.WaitGroup
	run.Go(func() { _ = l.Run(ctx) })
	answers := make(chan error, 100)
	for n := range 100 {
		callers.Go(func() {
			_, err := l.Do(context.Background(), "stuck", n)
			answers <- err
		})
	}
	for range 100 - 3 - 5 { // those who are beyond what is under way and what may wait, at least
		if err := <-answers; !errors.Is(err, ErrFull) {
			t.Errorf("a caller of a full lane got %v", err)
		}
	}
	want := []string{}
	for n := range 50 {
		if got, err := l.Do(context.Background(), "quiet", n); err != nil || got != "quiet"+strconv.Itoa(n) {
			t.Errorf("beside a full lane: %q, %v", got, err)
		}
		want = append(want, "quiet"+strconv.Itoa(n))
	}
	mu.Lock()
	if !slices.Equal(seen, want) {
		t.Errorf("the order was %q", seen)
	}
	mu.Unlock()
	close(free)
	callers.Wait()
	stop()
	run.Wait()
	if _, err := l.Do(context.Background(), "quiet", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	if len(l.lanes) > 0 {
		t.Errorf("%d lanes are left", len(l.lanes))
	}
}

// Who has called before Run waits for it, and who waits at the end is told.
func TestLanesBeginAndEndWithRun(t *testing.T) {
	t.Parallel()
	begun := make(chan int, 10)
	l := NewLanes(func(ctx context.Context, lane int, items []int) ([]int, error) {
		begun <- len(items)
		if lane == 1 {
			return items, nil
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}, 10, 10, 0)
	early := make(chan error)
	go func() {
		_, err := l.Do(context.Background(), 1, 7)
		early <- err
	}()
	for waiting := false; !waiting; {
		l.mu.Lock()
		waiting = len(l.lanes) == 1
		l.mu.Unlock()
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	if err := <-early; err != nil {
		t.Errorf("who came before Run: %v", err)
	}
	<-begun
	late := make(chan error, 5)
	for range cap(late) {
		go func() {
			_, err := l.Do(context.Background(), 2, 7)
			late <- err
		}()
	}
	<-begun
	stop()
	for range cap(late) {
		if err := <-late; !errors.Is(err, context.Canceled) {
			t.Errorf("at the end: %v", err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
