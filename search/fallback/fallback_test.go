package fallback

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"usher/search"
)

// said is an engine that says what it is told to.
type said struct {
	mu    sync.Mutex
	asked int
	say   func(ctx context.Context) error
}

func (e *said) ask(ctx context.Context) error {
	e.mu.Lock()
	e.asked++
	say := e.say
	e.mu.Unlock()
	if say == nil {
		return nil
	}
	return say(ctx)
}

func (e *said) Search(ctx context.Context, _ search.Query) (search.Page, error) {
	return search.Page{}, e.ask(ctx)
}

func (e *said) Suggest(ctx context.Context, _ string, _ int) (search.Suggestions, error) {
	return search.Suggestions{}, e.ask(ctx)
}

func (e *said) times() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked
}

func always(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// paused answers when whoever asks has given up.
func paused(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestWhoAnswers(t *testing.T) {
	t.Parallel()
	broken := fmt.Errorf("%w: refused", search.ErrUnavailable)
	for why, c := range map[string]struct {
		first, second func(context.Context) error
		degraded      bool
		asked         int // the second
		want          error
	}{
		"the first":                         {nil, nil, false, 0, nil},
		"the second, of a broken first":     {always(broken), nil, true, 1, nil},
		"the second, of one with a bug":     {always(errors.New("unheard")), nil, true, 1, nil},
		"nobody":                            {always(broken), always(search.ErrUnavailable), false, 1, search.ErrUnavailable},
		"the first: the query is bad":       {always(search.ErrBadQuery), nil, false, 0, search.ErrBadQuery},
		"the second: the cursor is its own": {always(search.ErrBadCursor), nil, true, 1, nil},
		"neither: the cursor is nobody's":   {always(search.ErrBadCursor), always(search.ErrBadCursor), false, 1, search.ErrBadCursor},
		"nobody: the cursor is the first's": {always(broken), always(search.ErrBadCursor), false, 1, search.ErrBadCursor},
	} {
		first, second := &said{say: c.first}, &said{say: c.second}
		page, err := New(Config{}, first, second).Search(t.Context(), search.Query{})
		if !errors.Is(err, c.want) || page.Degraded != c.degraded || second.times() != c.asked || first.times() != 1 {
			t.Errorf("%s: degraded %t, %v, the second was asked %d times", why, page.Degraded, err, second.times())
		}
	}
}

// A first engine that does not answer costs its wait, and no more.
func TestASlowFirstIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	f := func(wait time.Duration) time.Duration {
		var took time.Duration
		synctest.Test(t, func(t *testing.T) {
			g := New(Config{Wait: wait}, &said{say: paused}, &said{})
			began := time.Now()
			if page, err := g.Search(t.Context(), search.Query{}); err != nil || !page.Degraded {
				t.Errorf("degraded %t, %v", page.Degraded, err)
			}
			if took = time.Since(began); took != g.Wait {
				t.Errorf("it took %s, want %s", took, g.Wait)
			}
		})
		return took
	}
	if got := f(0); got != 300*time.Millisecond {
		t.Errorf("the wait is %s", got)
	}
	f(time.Hour) // the control: without the deadline it takes as long as the first does
}

func TestTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := &said{say: always(search.ErrUnavailable)}
		g := New(Config{Failures: 3, Pause: time.Second}, first, &said{})
		asks := func(n, want int, why string) {
			t.Helper()
			before := first.times()
			for range n {
				if _, err := g.Search(t.Context(), search.Query{}); err != nil && !errors.Is(err, search.ErrBadQuery) {
					t.Error(err)
				}
			}
			if got := first.times() - before; got != want {
				t.Errorf("%s: the first was asked %d times by %d searches, want %d", why, got, n, want)
			}
		}
		say := func(f func(context.Context) error) { first.mu.Lock(); first.say = f; first.mu.Unlock() }
		asks(2, 2, "two failures")
		say(nil)
		asks(1, 1, "a success")
		say(always(search.ErrUnavailable))
		asks(10, 3, "failures in a row")
		time.Sleep(time.Second)
		asks(10, 1, "after a pause one tries, in vain")
		asks(10, 0, "and another pause begins")
		time.Sleep(time.Second)
		say(always(search.ErrBadQuery)) // an answer that is no fault
		asks(10, 10, "it has recovered")
		say(always(search.ErrUnavailable))
		asks(10, 3, "broken again")
	})
}

// While one search tries a first engine that was broken, the others do not wait with it.
func TestOnlyOneTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := &said{say: always(search.ErrUnavailable)}
		g := New(Config{Failures: 1, Pause: time.Second, Wait: time.Minute}, first, &said{})
		_, _ = g.Search(t.Context(), search.Query{})
		time.Sleep(time.Second)
		first.say = paused
		trying, gone := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { _, err := g.Search(trying, search.Query{}); ended <- err }()
		synctest.Wait()
		began := time.Now()
		for range 5 {
			if page, err := g.Search(t.Context(), search.Query{}); err != nil || !page.Degraded {
				t.Errorf("degraded %t, %v", page.Degraded, err)
			}
		}
		if time.Since(began) != 0 || first.times() != 2 {
			t.Errorf("%s, the first was asked %d times", time.Since(began), first.times())
		}
		gone() // who tried has gone, which says nothing of the engine: the next one tries
		<-ended
		first.say = nil
		if page, err := g.Search(t.Context(), search.Query{}); err != nil || page.Degraded {
			t.Errorf("degraded %t, %v", page.Degraded, err)
		}
	})
}

// Who goes away before he is answered has not met a fault.
func TestAClientThatGoesIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := &said{say: paused}, &said{}
		g := New(Config{Failures: 1}, first, second)
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			if _, err := g.Search(ctx, search.Query{}); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		}
		if first.times() != 3 || second.times() != 0 {
			t.Errorf("the first was asked %d times, the second %d times", first.times(), second.times())
		}
	})
}

// Only so many searches wait for the first engine; one more is answered by the second at once.
func TestSearchesOfTheFirstAreBounded(t *testing.T) {
	t.Parallel()
	f := func(atOnce, want int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			first := &said{say: paused}
			g := New(Config{AtOnce: atOnce, Wait: time.Second, Failures: 100}, first, &said{})
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					if page, err := g.Search(t.Context(), search.Query{}); err != nil || !page.Degraded {
						t.Errorf("degraded %t, %v", page.Degraded, err)
					}
					if found, err := g.Suggest(t.Context(), "a", 1); err != nil || !found.Degraded {
						t.Errorf("suggestions degraded %t, %v", found.Degraded, err)
					}
				})
			}
			synctest.Wait()
			if got := first.times(); got != want {
				t.Errorf("of 10 searches %d ask the first, want %d", got, want)
			}
			all.Wait()
		})
	}
	f(3, 3)
	f(1000, 10) // the control
}

// An engine that panics does not keep its slot, or the breaker's one try.
func TestAPanicFreesWhatItHeld(t *testing.T) {
	t.Parallel()
	first := &said{say: func(context.Context) error { panic("a bug") }}
	g := New(Config{AtOnce: 1, Failures: 100}, first, &said{})
	for range 3 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic is gone")
				}
			}()
			_, _ = g.Search(t.Context(), search.Query{})
		}()
	}
	if first.times() != 3 {
		t.Errorf("the first was asked %d times, want 3", first.times())
	}
}

var _ search.Engine = (*Engine)(nil)

// Without a second engine a search is refused: at the deadline at first, then at once, until the engine answers again. Without the breaker, the control,
// everybody would wait for the deadline.
func TestWithoutASecondEngineNobodyWaitsForOneThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &said{say: paused}
		g, patient := New(Config{Name: "alone", Wait: 2 * time.Second}, e, nil), New(Config{Name: "patient", Wait: 2 * time.Second, Failures: 1000}, e, nil)
		waited := func(g *Engine) time.Duration {
			began := time.Now()
			if _, err := g.Search(t.Context(), search.Query{}); !errors.Is(err, search.ErrUnavailable) {
				t.Errorf("the search ended with %v", err)
			}
			return time.Since(began)
		}
		for n := range 6 {
			want := g.Wait
			if n == g.Failures {
				want = 0
			}
			if got := waited(g); got != want {
				t.Errorf("search %d was refused after %s, want %s", n+1, got, want)
			}
			if got := waited(patient); got != g.Wait {
				t.Errorf("without the breaker search %d was refused after %s", n+1, got)
			}
			if n == g.Failures-1 {
				g.breaker.until = time.Now().Add(time.Hour)
			}
		}
		if _, err := g.Suggest(t.Context(), "ow", 5); !errors.Is(err, search.ErrUnavailable) || e.times() != 5+6 {
			t.Errorf("a suggestion ended with %v, the engine was asked %d times", err, e.times())
		}
		time.Sleep(time.Hour)
		e.say = nil
		if _, err := g.Search(t.Context(), search.Query{}); err != nil {
			t.Errorf("when it is back: %v", err)
		}
		e.say = always(search.ErrBadCursor)
		if _, err := g.Search(t.Context(), search.Query{}); !errors.Is(err, search.ErrBadCursor) {
			t.Errorf("a bad cursor: %v", err)
		}
	})
}
