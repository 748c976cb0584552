package pgtext

import (
	"sync"
	"time"

	"usher/search"
)

const (
	dear       = 5 * time.Millisecond // a count that takes longer is remembered: the facets of 10,000 events take 40 ms
	remembered = 5 * time.Second
	maxTotals  = 1000
)

// totals remembers dear counts for a moment: those of wide queries, which are asked most and whose exact number matters least.
type totals struct {
	mu    sync.Mutex // guards known
	known map[string]knownTotal
}

// total is how many events a query finds, capped, and by what they could be narrowed to, if that was asked.
type total struct {
	count  int
	capped bool
	facets *search.Facets
}

type knownTotal struct {
	total
	until time.Time
}

func (t *totals) get(filter string) (known total, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.known[filter]
	return k.total, ok && time.Now().Before(k.until)
}

func (t *totals) put(filter string, total total, took time.Duration) {
	if took < dear {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= maxTotals { // all at once: it fills up again within a moment
		t.known = map[string]knownTotal{}
	}
	t.known[filter] = knownTotal{total, time.Now().Add(remembered)}
}
