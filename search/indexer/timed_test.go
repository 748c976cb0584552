package indexer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"usher/search"
)

// silent is an index that never answers.
type silent struct{}

func silence(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (silent) Put(ctx context.Context, _ string, _ []search.Document) ([]search.Refusal, error) {
	return nil, silence(ctx)
}
func (silent) Refresh(ctx context.Context, _ string) error  { return silence(ctx) }
func (silent) Pack(ctx context.Context, _ string) error     { return silence(ctx) }
func (silent) NewIndex(ctx context.Context) (string, error) { return "", silence(ctx) }
func (silent) Switch(ctx context.Context, _ string) error   { return silence(ctx) }
func (silent) Drop(ctx context.Context, _ string) error     { return silence(ctx) }
func (silent) Current(ctx context.Context) (string, error)  { return "", silence(ctx) }

func TestASilentIndexIsLikeOneThatIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := timed{silent{}}
		for name, ask := range map[string]func(context.Context) error{
			"Put":      func(ctx context.Context) error { _, err := x.Put(ctx, "x", nil); return err },
			"Refresh":  func(ctx context.Context) error { return x.Refresh(ctx, "x") },
			"Pack":     func(ctx context.Context) error { return x.Pack(ctx, "x") },
			"NewIndex": func(ctx context.Context) error { _, err := x.NewIndex(ctx); return err },
			"Switch":   func(ctx context.Context) error { return x.Switch(ctx, "x") },
			"Drop":     func(ctx context.Context) error { return x.Drop(ctx, "x") },
			"Current":  func(ctx context.Context) error { _, err := x.Current(ctx); return err },
		} {
			began, bound := time.Now(), askTime
			if name == "Pack" {
				bound = packTime
			}
			if err := ask(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != bound {
				t.Errorf("%s: %v after %s", name, err, time.Since(began))
			}
		}
	})
}

// A reader that the log has left behind is noticed; one that moves, or has read all, is not.
func TestAReaderThatStandsStillIsNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &reader{movedAt: time.Now()}
		f := func(next, end int64, want bool) {
			t.Helper()
			r.next.Store(next)
			if got := r.stalled(end); got != want {
				t.Errorf("at %d of %d: %v, want %v", next, end, got, want)
			}
			time.Sleep(stalledAfter/2 + time.Second)
		}
		f(5, 9, false)
		f(5, 9, false)
		f(6, 9, false) // moves
		f(6, 9, false)
		f(9, 9, false) // has all
		f(9, 9, false)
		f(9, 9, false)
		f(9, 10, false)
		f(9, 10, true)
		f(10, 10, false)
	})
}
