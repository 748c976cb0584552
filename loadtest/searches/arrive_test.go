package searches

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

// asking asks the i-th question and returns how much was found.
type asking func(i int) (found int, err error)

// tally is how questions were answered.
type tally struct {
	took   []time.Duration // from the arrival, ascending
	found  int             // questions that found something
	failed error
}

// arrive lets questions arrive at the rate, whether earlier ones have been answered or not.
func arrive(b *testing.B, ask asking) (t tally) {
	var mu sync.Mutex // guards t
	var wg sync.WaitGroup
	pause := time.Second / time.Duration(*rate)
	began := time.Now()
	for i := 0; b.Loop(); i++ {
		due := began.Add(time.Duration(i) * pause)
		time.Sleep(time.Until(due))
		wg.Go(func() {
			found, err := ask(i)
			mu.Lock()
			defer mu.Unlock()
			t.add(time.Since(due), found, err)
		})
	}
	wg.Wait()
	slices.Sort(t.took)
	return t
}

func (t *tally) add(took time.Duration, found int, err error) {
	t.took = append(t.took, took)
	if found > 0 {
		t.found++
	}
	if t.failed == nil {
		t.failed = err
	}
}

// share is the time in milliseconds within which so many of 100 questions were answered.
func (t *tally) share(percent int) float64 {
	return float64(t.took[min(len(t.took)*percent/100, len(t.took)-1)].Microseconds()) / 1000
}

// verdict says why a measurement counts for nothing: nobody who asks for nothing can be slow.
func (t *tally) verdict() error {
	switch {
	case t.failed != nil:
		return t.failed
	case t.found == 0:
		return errors.New("no search of this shape finds anything")
	}
	return nil
}

func TestWhatFindsNothingOrFailsIsNoMeasurement(t *testing.T) {
	t.Parallel()
	var good, empty, broken tally
	good.add(time.Second, 0, nil)
	good.add(time.Second, 1, nil)
	empty.add(time.Millisecond, 0, nil)
	broken.add(time.Millisecond, 1, nil)
	broken.add(time.Millisecond, 1, errors.New("away"))
	broken.add(time.Millisecond, 1, nil)
	if good.verdict() != nil || empty.verdict() == nil || broken.verdict() == nil {
		t.Error(good.verdict(), empty.verdict(), broken.verdict())
	}
	if got := good.share(99); got != 1000 {
		t.Errorf("two searches of a second: %v ms", got)
	}
}
