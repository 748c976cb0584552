package relay

import (
	"context"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

const (
	countEvery  = 10 * time.Second
	countWithin = 30 * time.Second // events that a command has named since: every change is counted at least twice
)

// difference must read zero: free + reserved + paying + booked + blocked = capacity, and one live owner a sold seat.
var difference = metrics.NewGauge("usher_seats_difference", nil)

// count compares the seats of active events with what they must add up to.
func (r *Relay) count(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, countEvery)
		counts, err := r.store.Truth(ctx, countWithin)
		if err != nil {
			if ctx.Err() == nil {
				r.log.Warn("seats are not counted", "err", err)
			}
			continue
		}
		sum := 0
		for _, c := range counts {
			if d := c.Difference(); d != 0 {
				sum += d
				r.log.Error("the seats of an event do not add up", "event", c.Event, "stock", c.Stock, "owned", c.Owned)
			}
		}
		difference.Set(float64(sum))
	}
}
