package waitroom

import (
	"sync/atomic"
	"time"
)

const (
	speedSpan = 60 * time.Second // the speed is that of the last minute
	speedStep = 2 * time.Second
	speedSize = int(speedSpan / speedStep)
)

// speed measures how fast the watermark moves, from samples two seconds apart. It is a value: add returns a new one.
type speed struct {
	at    [speedSize]time.Time
	mark  [speedSize]int64
	gone  [speedSize]int64 // of those who were called until then
	count int              // samples taken; the latest is at (count-1) % speedSize
}

func (s speed) add(now time.Time, watermark, gone int64) speed {
	if s.count > 0 && now.Sub(s.at[(s.count-1)%speedSize]) < speedStep {
		return s
	}
	s.at[s.count%speedSize], s.mark[s.count%speedSize], s.gone[s.count%speedSize] = now, watermark, gone
	s.count++
	return s
}

// perSecond is the speed in people a second, 0 while it is not known: numbers without those that hollow counts between two marks, and those who were gone.
func (s speed) perSecond(hollow func(from, past int64) int64) float64 {
	span := s.span().Seconds()
	if span <= 0 {
		return 0
	}
	return float64(s.moved(hollow)) / span
}

// span is how long a time it is measured over, a minute at most.
func (s speed) span() time.Duration {
	first, last := s.ends()
	return s.at[last].Sub(s.at[first])
}

// moved is how many numbers that is, as perSecond counts them.
func (s speed) moved(hollow func(from, past int64) int64) int64 {
	first, last := s.ends()
	return s.mark[last] - s.mark[first] - hollow(s.mark[first], s.mark[last]) - (s.gone[last] - s.gone[first])
}

// ends are where the first sample is, and the last.
func (s speed) ends() (first, last int) {
	if s.count > speedSize {
		first = s.count % speedSize
	}
	return first, max(0, s.count-1) % speedSize
}

// estimate is how long a position has to wait: the measured speed, and the room's limit while none is measured, a quarter up and
// down, never narrower than the two polls that it takes to notice. nil when nothing moves: then nobody knows.
func estimate(position int64, measured, limit float64, poll time.Duration) *Estimate {
	per := measured
	wide := 1.0
	if per <= 0 {
		per, wide = limit, 3
	}
	if per <= 0 || position <= 0 {
		return nil
	}
	wait := float64(position) / per
	return &Estimate{
		Low:  time.Duration(wait * 0.75 * float64(time.Second)),
		High: time.Duration(wait*1.25*wide*float64(time.Second)) + 2*poll,
	}
}

// pollSlots bounds the memory of who polled when: numbers a million apart share a slot.
const pollSlots = 1 << 20

// pollTimes remembers, by number, when a visitor polled last. It costs no store and no lock.
type pollTimes struct {
	start time.Time
	slots [pollSlots / pollPage]atomic.Pointer[[pollPage]atomic.Uint32] // pages come when their first number polls
}

const pollPage = 1 << 12

func newPollTimes(now time.Time) *pollTimes { return &pollTimes{start: now} }

// tooSoon notes a poll and reports whether the last one was less than the given time ago.
func (p *pollTimes) tooSoon(number int64, now time.Time, least time.Duration) bool {
	at := uint64(number) % pollSlots
	page := p.slots[at/pollPage].Load()
	for page == nil {
		p.slots[at/pollPage].CompareAndSwap(nil, new([pollPage]atomic.Uint32))
		page = p.slots[at/pollPage].Load()
	}
	slot := &page[at%pollPage]
	ms := uint32(now.Sub(p.start).Milliseconds()) + 1
	last := slot.Load()
	if span := uint32(least.Milliseconds()); last != 0 && (ms-last < span || last-ms < span) { // the other poll may have read the clock later
		return true
	}
	return !slot.CompareAndSwap(last, ms) && least > 0 // else he has asked at this very moment
}
