package waitroom

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whoever asks on many connections at the same moment is answered once in an interval.
func TestOfPollsAtOnceOneIsNotTooSoon(t *testing.T) {
	t.Parallel()
	const rounds, atOnce, interval = 200, 16, time.Second
	start := time.Unix(1_800_000_000, 0)
	p := newPollTimes(start)
	for round := range rounds {
		var good atomic.Int64
		var asking sync.WaitGroup
		begin := make(chan struct{})
		for i := range atOnce {
			asking.Go(func() {
				<-begin
				now := start.Add(time.Duration(round)*interval + time.Duration(i)*time.Millisecond) // their clocks read differently
				if !p.tooSoon(7, now, interval/2) {
					good.Add(1)
				}
			})
		}
		close(begin)
		asking.Wait()
		if good.Load() != 1 {
			t.Fatalf("round %d: %d of %d polls at once were answered", round, good.Load(), atOnce)
		}
	}
	for range 2 {
		if p.tooSoon(7, start.Add(time.Hour), 0) {
			t.Error("a room without a least interval finds a poll too soon")
		}
	}
}
