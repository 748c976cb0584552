package elastic

import (
	"context"
	"sync/atomic"
	"time"

	"usher/search"
)

// left asks what is left of hits, and goes on without when nobody can tell.
type left struct {
	ask   Left
	wait  time.Duration
	since atomic.Int64 // when an answer came last, in microseconds
	until atomic.Int64 // nobody is asked before
}

const leftPause = time.Second // that nobody is asked after a failure

func newLeft(ask Left) *left {
	l := &left{ask: ask, wait: leftWait}
	l.since.Store(time.Now().UnixMicro())
	return l
}

// fill fills in how many seats are left. Where that cannot be told, the index says whether there were any when it heard of the event last, and age
// says how long ago that may be; else it is 0.
func (l *left) fill(ctx context.Context, hits []search.Hit, tickets bool, documents []found) (age time.Duration, err error) {
	now := time.Now()
	if now.UnixMicro() >= l.until.Load() {
		ctx, cancel := context.WithTimeout(ctx, l.wait)
		err := l.ask(ctx, hits, tickets)
		cancel()
		if err == nil {
			l.since.Store(now.UnixMicro())
			return 0, nil
		}
		l.until.Store(time.Now().Add(leftPause).UnixMicro())
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	unstockedTotal.Inc()
	for i := range hits {
		hits[i].Tickets = nil
		if hits[i].Availability = "none"; documents[i].forSale {
			hits[i].Availability = "many"
		}
	}
	return max(time.Since(time.UnixMicro(l.since.Load())), time.Second), nil
}
