package pgstock

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// restockEvery is how often sales are looked at: as stale as Available may be about events that have just been booked out or given back.
const restockEvery = 5 * time.Second

var restockFailuresTotal = metrics.NewCounter("usher_search_restock_failures_total")

// Run keeps what is for sale up to date until the context ends. Any number of processes may; one at a time does it. An attempt that fails
// is made up for by the next: what was sold since the last success is looked at.
func (s *Stock) Run(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(restockEvery)
	defer tick.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := s.Restock(ctx, restockEvery)
		if err != nil && ctx.Err() == nil {
			restockFailuresTotal.Inc()
			if !failing {
				log.Warn("search does not hear of sales", "error", err)
			}
		}
		failing = err != nil
	}
}

// Restock looks at what was sold and given back since the last time, unless that was less than the given time ago.
func (s *Stock) Restock(ctx context.Context, sinceLast time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := s.pool.Exec(ctx, query("restock"), sinceLast.Seconds()); err != nil {
		return fmt.Errorf("restock: %w", err)
	}
	return nil
}
