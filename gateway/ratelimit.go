package gateway

import (
	"sync"
	"time"
)

// maxAddresses bounds the addresses that are counted at once.
const maxAddresses = 100_000

// rateLimit counts calls by address in windows of one minute.
type rateLimit struct {
	limit int
	mu    sync.Mutex // guards since and count
	since time.Time
	count map[string]int
}

func newRateLimit(perMinute int) *rateLimit {
	return &rateLimit{limit: perMinute, count: map[string]int{}}
}

// allow counts a call and reports whether the address may make it. When more addresses call than can be counted, the window
// begins anew: a crowd is not an attack.
func (r *rateLimit) allow(address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.since) >= time.Minute || len(r.count) >= maxAddresses {
		r.since = now
		clear(r.count)
	}
	r.count[address]++
	return r.count[address] <= r.limit
}
