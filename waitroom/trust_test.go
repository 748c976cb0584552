package waitroom

import (
	"testing"
	"time"
)

// TestHowOftenEstimatesHoldIsCounted: while a line goes on as it does, what people are told holds nearly always; when it slows down and nobody says so, it does not.
func TestHowOftenEstimatesHoldIsCounted(t *testing.T) {
	t.Parallel()
	room := &Room{State: Open, Rules: Rules{Room: "how-often", CallsPerMinute: 600, Capacity: 100_000, PollFloor: 2 * time.Second, PollCap: time.Minute, Grace: time.Minute}}
	l := &live{trust: newTrust(room.Room)}
	l.room.Store(room)
	now, watermark := time.Unix(1_800_000_000, 0), 0.0
	passes := func(d time.Duration, perSecond float64) (held, missed uint64) {
		held, missed = l.trust.held.Get(), l.trust.missed.Get()
		for end := now.Add(d); now.Before(end); now = now.Add(callEvery) {
			watermark += perSecond * callEvery.Seconds()
			l.see(Watch{Watermark: int64(watermark), Next: 10_000, BlockEnd: 100_000, Waiting: 10_000 - int(watermark), Now: now}, now)
		}
		return l.trust.held.Get() - held, l.trust.missed.Get() - missed
	}
	if held, missed := passes(5*time.Minute, 10); held < 100 || missed*5 > held {
		t.Errorf("a steady line: %d estimates held, %d did not", held, missed)
	}
	if held, missed := passes(time.Minute, 2); missed < 10 || missed < held {
		t.Errorf("a line that has slowed down: %d estimates held, %d did not", held, missed)
	}
}
