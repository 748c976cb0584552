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
	failed int             // questions that were not answered: those that the engine's deadline ended have taken as long
	why    error           // the last of them failed
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
	if err != nil {
		t.failed, t.why = t.failed+1, err
	}
}

// share is the time in milliseconds within which so many of 100 questions were answered.
func (t *tally) share(percent int) float64 {
	return float64(t.took[min(len(t.took)*percent/100, len(t.took)-1)].Microseconds()) / 1000
}

// verdict says why a measurement counts for nothing: who finds nothing is easily quick.
func (t *tally) verdict() error {
	if t.found == 0 {
		return errors.Join(errors.New("no search of this shape finds anything"), t.why)
	}
	return nil
}

// met reports whether all were answered, and 99 of 100 in time.
func (t *tally) met(target time.Duration) bool {
	return t.failed == 0 && t.share(99) <= float64(target.Milliseconds())
}

func TestWhatFindsNothingIsNoMeasurementAndWhatFailsIsNotMet(t *testing.T) {
	t.Parallel()
	var good, empty, broken tally
	good.add(time.Second, 0, nil)
	good.add(time.Second, 1, nil)
	empty.add(time.Millisecond, 0, nil)
	broken.add(time.Millisecond, 1, nil)
	broken.add(time.Millisecond, 1, errors.New("away"))
	broken.add(time.Millisecond, 1, nil)
	if good.verdict() != nil || empty.verdict() == nil || broken.verdict() != nil {
		t.Error(good.verdict(), empty.verdict(), broken.verdict())
	}
	if !good.met(time.Second) || good.met(time.Second/2) || broken.met(time.Second) || broken.failed != 1 {
		t.Errorf("%+v, %+v", good, broken)
	}
	if got := good.share(99); got != 1000 {
		t.Errorf("two searches of a second: %v ms", got)
	}
}
