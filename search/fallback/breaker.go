package fallback

import (
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// stateGauge is 0 while the breaker of an engine is closed, as it should be, 1 while one search tries whether it can be, 2 while it is open.
func stateGauge(engine string) *metrics.Gauge {
	return metrics.GetOrCreateGauge(`usher_search_breaker_state{engine="`+engine+`"}`, nil)
}

const (
	closed = iota
	trying
	opened
)

// breaker keeps searches from an engine that has failed several times in a row. After a pause it lets one of them try; the others go on as if it were open.
type breaker struct {
	limit int           // failures in a row that open it
	pause time.Duration // that it stays open
	gauge *metrics.Gauge

	mu       sync.Mutex // guards all below
	state    int
	failures int
	until    time.Time // it stays open
}

// allow reports whether a search may go through, and whether it is the one that tries. Whoever was allowed tells what came of it: done.
func (b *breaker) allow() (allowed, trial bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == closed:
		return true, false
	case b.state == opened && !time.Now().Before(b.until):
		b.set(trying)
		return true, true
	}
	return false, false
}

// outcome is what came of a search.
type outcome int

const (
	good    outcome = iota
	bad             // the engine's fault
	unknown         // whoever searched has gone
)

// done counts an outcome, and reports whether the breaker has opened or closed by it. What began before it opened does not close it.
func (b *breaker) done(o outcome) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == opened:
	case o == good:
		b.failures = 0
		changed = b.state != closed
		b.set(closed)
	case o == unknown:
		if b.state == trying {
			b.set(opened) // another may try at once: until has passed
		}
	default:
		b.failures++
		if b.state == trying || b.failures >= b.limit {
			changed = b.state == closed
			b.until = time.Now().Add(b.pause)
			b.set(opened)
		}
	}
	return changed
}

func (b *breaker) set(state int) {
	b.state = state
	b.gauge.Set(float64(state))
}
