// Package limit is the desk's concurrency limit: how many calls may be under way at once, so that what is behind the desk stays healthy. It is pure: no I/O, no
// clock; time is handed in.
//
// The algorithm is additive increase, multiplicative decrease (D.-M. Chiu, R. Jain: Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in
// Computer Networks, 1989), so that several desks before one worker come to fair shares without knowing of each other. What says that there are too many is taken
// from CoDel (RFC 8289): not that a call was slow, which a burst does, but that in a whole interval not one was quick: then there is a queue that stands. The idea to
// limit a service's calls so, what counts as using the limit, and to lower it by how slow the calls are, are those of Netflix' concurrency-limits (AIMDLimit,
// GradientLimit).
package limit

import (
	"sync"
	"time"
)

// How a limit moves.
const (
	Interval = 100 * time.Millisecond // RFC 8289, section 4.4: longer than a healthy round trip, short enough to react
	Backoff  = 0.8                    // of those under way at most, when there is a standing queue: as many as would take the target, by Little's law
	Deepest  = 0.25                   // and at least
	Add      = 4.0                    // calls more after an interval in which the limit was used and somebody was quick: 40 a second
	Healthy  = 0.25                   // of the target: while the quickest takes no longer there is no queue at all, and when there was none
	Calm     = 5 * time.Second        // for so long,
	Grow     = 1.25                   // the limit grows by so much an interval, tenfold in a second, as TCP does in its slow start (RFC 5681)
	used     = 0.5                    // of the limit under way: with less it says nothing that they were quick
	spare    = 8                      // one of so many places is kept for those who come first
)

// Rules are what a limit goes by.
type Rules struct {
	Target      time.Duration // the quickest call of an interval takes no longer while there is no queue
	Least, Most int           // of the limit; it begins at Most
}

// Seen is what was seen in an interval, of calls that began since the limit was lowered last.
type Seen struct {
	Calls    int           // that have ended
	Quickest time.Duration // of them
	Peak     int           // calls under way at once, of all
	Since    time.Duration // the limit was lowered
}

// Next is the limit after an interval.
func (r Rules) Next(limit float64, s Seen) float64 {
	switch {
	case s.Calls == 0:
		return limit
	case s.Quickest > r.Target && s.Peak <= r.Least:
		return limit // so few make no queue: one call that was slow by itself must not cost the crowd that comes next its places
	case s.Quickest > r.Target:
		share := min(Backoff, max(Deepest, r.Target.Seconds()/s.Quickest.Seconds()))
		return max(float64(r.Least), share*min(limit, float64(s.Peak)))
	case float64(s.Peak) >= used*limit && s.Since >= Calm && s.Quickest.Seconds() <= Healthy*r.Target.Seconds():
		return min(float64(r.Most), Grow*limit+Add)
	case float64(s.Peak) >= used*limit:
		return min(float64(r.Most), limit+Add)
	}
	return limit
}

// Limit counts calls and moves their limit. It is safe for concurrent use. Make it with New.
type Limit struct {
	Rules
	mu       sync.Mutex // guards what follows
	limit    float64
	inFlight int
	seen     Seen
	began    time.Time // of the interval
	lowered  time.Time // calls of before tell of a queue that the limit of today has not made
}

// New returns a limit.
func New(r Rules) *Limit { return &Limit{Rules: r, limit: float64(r.Most)} }

// Enter takes a place, which Leave gives back, and reports whether there was one. Who comes first has an eighth of the places to himself.
func (l *Limit) Enter(first bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	places := int(l.limit)
	if !first {
		places -= places / spare
	}
	if l.inFlight >= places {
		l.seen.Peak = max(l.seen.Peak, int(l.limit)) // they would be more
		return false
	}
	l.inFlight++
	l.seen.Peak = max(l.seen.Peak, l.inFlight)
	return true
}

// Leave gives a place back.
func (l *Limit) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
}

// Took tells how long a call has taken until now, of what is limited: also one that got no answer.
func (l *Limit) Took(began, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if began.Before(l.lowered) {
		return
	}
	if took := now.Sub(began); l.seen.Calls == 0 || took < l.seen.Quickest {
		l.seen.Quickest = took
	}
	l.seen.Calls++
	if now.Sub(l.began) < Interval {
		return
	}
	l.seen.Since = now.Sub(l.lowered)
	next := l.Next(l.limit, l.seen)
	if next < l.limit {
		l.lowered = now
	}
	l.limit, l.began, l.seen = next, now, Seen{Peak: l.inFlight}
}

// Now is how many calls are under way, and how many may be.
func (l *Limit) Now() (inFlight, limit int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight, int(l.limit)
}
