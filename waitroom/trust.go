package waitroom

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

const (
	trustEvery   = time.Second
	trustKinds   = 12 // of guesses: for the end of the line, for half of it, a quarter …
	trustOpen    = 64 // guesses of a kind that wait for what comes
	trustSize    = 240
	trustLeast   = 80 // scores that say something
	trustShare   = 0.05
	trustFurther = 0.01                             // of a wait, what is longer than any that was seen to its end
	tick         = callEvery + 250*time.Millisecond // a call comes up to a step later than it might, and is seen up to a step later
)

// trust learns how far estimates are off: it guesses when numbers will be called, sees when they are, and keeps how far it was off, in units of how far
// a guess may well be off. A range between the quantiles of that holds what comes nine times of ten, whatever its distribution, as long as
// things go on as they do (split conformal prediction: V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World, 2005). Only
// one goroutine may use it.
type trust struct {
	open   [trustKinds][]guess
	scores []float64
	next   int // of scores, when there are trustSize
	last   reach
	stale  bool // there are scores that last does not know
	turn   int
	seen   float64
	made   time.Time
	pace   float64
	state  State

	held, missed *metrics.Counter // what people were told meanwhile
}

type guess struct {
	number     int64
	made       time.Time
	wait, unit float64 // seconds
	told       *Estimate
}

// newTrust begins to learn, and counts how often the ranges of a room hold what comes. Of rooms there are 1,000 at most.
func newTrust(room string) trust {
	of := func(held bool) *metrics.Counter {
		return metrics.GetOrCreateCounter(fmt.Sprintf(`usher_room_estimates_total{room=%q,held="%t"}`, room, held))
	}
	return trust{held: of(true), missed: of(false)}
}

// reach is what a range adds to an estimate, in units; zero while that is not known.
type reach struct {
	low, high float64
	seen      float64 // the longest wait, in seconds, that was seen to its end
}

// unit is how far a guess may well be off, in seconds: more the fewer numbers the speed was measured by, and a step.
func unit(wait float64, moved int64) float64 {
	return wait/math.Sqrt(float64(max(1, moved))) + tick.Seconds()
}

// anew reports whether the room has changed so that what was measured before is no measure any more; then what is guessed is forgotten.
func (t *trust) anew(r *Room) bool {
	if t.pace == r.CallsPerMinute && t.state == r.State {
		return false
	}
	t.pace, t.state, t.open = r.CallsPerMinute, r.State, [trustKinds][]guess{}
	return true
}

// see takes a newer view of a room: it scores guesses, tells the view how far ranges reach, and makes new guesses. before is when the view before it was heard.
func (t *trust) see(v *view, room *Room, before, now time.Time) {
	for k, open := range t.open {
		called := 0
		for called < len(open) && open[called].number < v.Watermark {
			g := open[called]
			for _, at := range [...]time.Time{before, now} { // it was called in between
				t.score((at.Sub(g.made).Seconds() - g.wait) / g.unit)
			}
			t.seen = max(t.seen, g.wait)
			if g.told.holds(before.Sub(g.made), now.Sub(g.made)) {
				t.held.Inc()
			} else {
				t.missed.Inc()
			}
			called++
		}
		t.open[k] = open[called:]
	}
	v.reach = t.reach()
	if now.Sub(t.made) >= trustEvery {
		t.made = now
		t.guess(v, room, now)
	}
}

// holds reports whether a wait that ended between two moments, seconds apart at most, may have ended within the range that was told.
func (e *Estimate) holds(after, by time.Duration) bool { return by >= e.Low && after <= e.High }

// guess guesses for one number, of another kind each time.
func (t *trust) guess(v *view, room *Room, now time.Time) {
	per, k := v.perSecond(), t.turn%trustKinds
	t.turn++
	number := v.Watermark + (v.Next-v.Watermark)>>k - 1
	if open := t.open[k]; per <= 0 || number < v.Watermark || len(open) == trustOpen || len(open) > 0 && open[len(open)-1].number >= number || v.Hollow(number, number+1) > 0 {
		return
	}
	turns := v.ahead(number)
	wait := float64(turns) / per
	told := v.estimate(turns, room.perSecond(), pollAfter(turns, per, room.PollFloor, room.PollCap), now)
	if told == nil {
		return
	}
	t.open[k] = append(t.open[k], guess{number, now, wait, unit(wait, v.moved), told})
}

func (t *trust) score(off float64) {
	t.stale = true
	if len(t.scores) < trustSize {
		t.scores = append(t.scores, off)
		return
	}
	t.scores[t.next] = off
	t.next = (t.next + 1) % trustSize
}

// reach is what the scores say.
func (t *trust) reach() reach {
	n := len(t.scores)
	if n < trustLeast || !t.stale {
		return t.last
	}
	sorted := slices.Sorted(slices.Values(t.scores))
	t.stale = false
	t.last = reach{sorted[int(trustShare*float64(n))], sorted[n-1-int(trustShare*float64(n))], t.seen}
	return t.last
}

// ahead is how many turns it takes until a number that waits has had its own: who is gone takes none.
func (v *view) ahead(number int64) int64 {
	return number - v.Watermark - v.Hollow(v.Watermark, number) - v.crowd.gone(v.Watermark, number) + 1
}

// estimate is how long a number has to wait: as many turns as there are people, at the measured speed; and the room's limit while none is measured. The
// range is as wide as estimates have been off; while that is not known, a quarter up and down. nil when nothing moves: then nobody knows.
func (v *view) estimate(turns int64, limit float64, poll time.Duration, now time.Time) *Estimate {
	per := v.perSecond()
	if v.stands {
		return nil
	}
	if per <= 0 || v.reach == (reach{}) {
		return estimate(turns, per, limit, poll)
	}
	wait := float64(turns) / per
	off := unit(wait, v.moved)
	wait -= now.Sub(v.heard).Seconds()
	seconds := func(s float64) time.Duration { return time.Duration(max(0, s) * float64(time.Second)) }
	further := max(0, wait-v.reach.seen) * trustFurther
	return &Estimate{Low: seconds(wait + v.reach.low*off - further), High: seconds(wait + v.reach.high*off + further)}
}
