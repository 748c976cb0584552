package gateway

import (
	"net/netip"
	"sync"
	"time"
)

// maxAddresses bounds the addresses that are counted at once: about 8 MB.
const maxAddresses = 100_000

// rateLimit counts calls by address in windows of one minute. An IPv6 network of 64 bits is one address: a household has that many.
type rateLimit struct {
	limit int
	mu    sync.Mutex // guards since and count
	since time.Time
	count map[netip.Prefix]int
}

func newRateLimit(perMinute int) *rateLimit {
	return &rateLimit{limit: perMinute, count: map[netip.Prefix]int{}}
}

// allow counts a call; above the limit it returns how long the window still lasts. When more addresses call than can be counted, the
// window begins anew: a crowd is not an attack.
func (r *rateLimit) allow(address netip.Addr) (wait time.Duration, ok bool) {
	from := network(address)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Sub(r.since) >= time.Minute || len(r.count) >= maxAddresses {
		r.since = now
		clear(r.count)
	}
	r.count[from]++
	return r.since.Add(time.Minute).Sub(now), r.count[from] <= r.limit
}

// network is whom an address belongs to: itself, or its 64 bits of IPv6. No address at all belongs with all the others of that kind.
func network(address netip.Addr) netip.Prefix {
	width := 32
	if address = address.Unmap(); address.Is6() {
		width = 64
	}
	prefix, _ := address.Prefix(width) // fails for no address only
	return prefix
}
