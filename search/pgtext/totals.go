package pgtext

import (
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"usher/search"
)

const (
	dear       = 3 * time.Millisecond // a count that takes longer is remembered
	remembered = 5 * time.Second
	maxTotals  = 1000
)

// totals remembers dear counts for a moment: those of wide queries, which are asked most and whose exact number matters least.
type totals struct {
	counting singleflight.Group // one count at a time of the same query
	mu       sync.Mutex         // guards known
	known    map[string]knownTotal
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

// get returns the count of a query, which count makes unless it is remembered or being made.
func (t *totals) get(query string, count func() (total, error)) (total, error) {
	t.mu.Lock()
	k, ok := t.known[query]
	t.mu.Unlock()
	if ok && time.Now().Before(k.until) {
		return k.total, nil
	}
	v, err, shared := t.counting.Do(query, func() (any, error) {
		began := time.Now()
		made, err := count()
		if err == nil && time.Since(began) >= dear {
			t.put(query, made)
		}
		return made, err
	})
	if err != nil && shared { // the context of another's query may have ended
		return count()
	}
	return v.(total), err
}

func (t *totals) put(query string, made total) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[string]knownTotal{}
	}
	for other := range t.known { // one that chance picks makes room
		if len(t.known) < maxTotals {
			break
		}
		delete(t.known, other)
	}
	t.known[query] = knownTotal{made, time.Now().Add(remembered)}
}
