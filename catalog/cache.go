package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/internal/id"
)

// entrySize is what an event costs in memory beside its bodies: facts, layout, maps. Measured: 3 to 9 KB for 500 seats.
const entrySize = 8 << 10

// seatBytes is what a seat costs beside the bodies: its state, its code, and its share of the holds.
const seatBytes = 4

var cacheBytes = metrics.NewGauge("usher_view_cache_bytes", nil)

// state is what is known of an event at one check. It does not change, but for the bodies that are rendered when asked for.
type state struct {
	drawn    *drawn
	err      error     // booking.ErrEventNotFound instead
	checkAt  time.Time // when it must be checked again
	verified time.Time // when stores last confirmed all of it
	factsAt  time.Time // when the version of the facts was last looked at
	seatsAt  time.Time // when the seats stood so, by the clock of the store that said so
}

// drawn is a picture with its bodies.
type drawn struct {
	*picture
	mu    sync.Mutex // guards all below
	views map[int]*View
	size  int64
	grown func(int64) // tells the cache; nil before the picture is in it
}

// The keys of the bodies that are no page of tickets.
const (
	seatMapPage = -1
	layoutPage  = -2
)

// view returns a rendered body, rendering it at the first call.
func (d *drawn) view(page int, render func(*picture) []byte) *View {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v := d.views[page]; v != nil {
		return v
	}
	body := render(d.picture)
	sum := sha256.Sum256(body)
	v := &View{Body: body, ETag: `"` + hex.EncodeToString(sum[:12]) + `"`, packed: &packed{}}
	if d.views == nil {
		d.views = map[int]*View{}
	}
	d.views[page] = v
	d.size += cost(body)
	if d.grown != nil {
		d.grown(cost(body))
	}
	return v
}

// cost is what a body is accounted with: itself, and half as much for what it may be packed into. Brotli and gzip make a fifth to a tenth of
// such JSON, each.
func cost(body []byte) int64 { return int64(len(body)) * 3 / 2 }

// inherit takes over the body that shows nothing but the facts, when they are the same. The picture is not in the cache yet.
func (d *drawn) inherit(old *drawn) {
	if old.facts != d.facts {
		return
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	if v := old.views[layoutPage]; v != nil {
		d.views, d.size = map[int]*View{layoutPage: v}, cost(v.Body)
	}
}

// entry is the place of one event in the cache.
type entry struct {
	state atomic.Pointer[state]
	used  atomic.Bool   // asked for since the last sweep
	busy  chan struct{} // holds one token while somebody checks the event

	event id.Event
	size  int64 // guarded by the cache's mu; -1: thrown out
}

func (e *entry) tryLock() bool {
	select {
	case e.busy <- struct{}{}:
		return true
	default:
		return false
	}
}

// lock waits for its turn until ctx ends, and no longer than patience if the caller has something to show.
func (e *entry) lock(ctx context.Context, impatient bool) bool {
	var late <-chan time.Time
	if impatient {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case e.busy <- struct{}{}:
		return true
	case <-late:
		return false
	case <-ctx.Done():
		return false
	}
}

func (e *entry) unlock() { <-e.busy }

// cache keeps entries within a number of bytes. What was not asked for since the last sweep goes first.
type cache struct {
	limit   int64
	mu      sync.RWMutex // guards all below
	entries map[id.Event]*entry
	size    int64
}

func newCache(limit int64) *cache { return &cache{limit: limit, entries: map[id.Event]*entry{}} }

// entry returns the entry of an event, an empty one at first.
func (c *cache) entry(e id.Event) *entry {
	c.mu.RLock()
	held := c.entries[e]
	c.mu.RUnlock()
	if held == nil {
		held = c.add(e)
	}
	if !held.used.Load() { // a plain load keeps the cache line shared
		held.used.Store(true)
	}
	return held
}

func (c *cache) add(e id.Event) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if held := c.entries[e]; held != nil {
		return held
	}
	held := &entry{event: e, busy: make(chan struct{}, 1)}
	held.used.Store(true)
	c.entries[e] = held
	c.resize(held, entrySize)
	c.sweep()
	return held
}

// put makes next the state of an entry. The caller has locked the entry.
func (c *cache) put(held *entry, next *state) {
	old := held.state.Swap(next)
	if next.drawn == nil || old != nil && old.drawn == next.drawn {
		return
	}
	d := next.drawn
	d.mu.Lock()
	defer d.mu.Unlock()
	var delta int64
	if old != nil && old.drawn != nil {
		delta -= old.drawn.forget()
	}
	d.size += seatBytes * int64(len(d.codes))
	d.grown = func(n int64) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.resize(held, n)
		c.sweep()
	}
	d.grown(delta + d.size)
}

// forget ends the accounting of a picture that is not current any more, and returns what it was accounted with.
func (d *drawn) forget() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.grown = nil
	return d.size
}

func (c *cache) resize(held *entry, delta int64) {
	if held.size < 0 {
		return
	}
	held.size += delta
	c.size += delta
	cacheBytes.Add(float64(delta))
}

// sweep throws entries out until the rest fits: in the first round those that were not used since the last sweep. The order of a map's
// keys is random, which is fair enough.
func (c *cache) sweep() {
	for range 2 {
		for e, held := range c.entries {
			if c.size <= c.limit {
				return
			}
			if held.used.Swap(false) {
				continue
			}
			c.resize(held, -held.size)
			held.size = -1
			delete(c.entries, e)
		}
	}
}
