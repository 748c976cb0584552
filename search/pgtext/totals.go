package pgtext

import (
	"sync"
	"time"
)

const (
	dear       = 5 * time.Millisecond // a count that takes longer is remembered: 200,000 events take 30 ms
	remembered = 5 * time.Second
	maxTotals  = 1000
)

// totals remembers dear counts for a moment: those of wide queries, which are asked most and whose exact number matters least.
type totals struct {
	mu    sync.Mutex // guards known
	known map[string]knownTotal
}

type knownTotal struct {
	total int
	until time.Time
}

func (t *totals) get(filter string) (total int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.known[filter]
	return k.total, ok && time.Now().Before(k.until)
}

func (t *totals) put(filter string, total int, took time.Duration) {
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
