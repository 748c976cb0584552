package relay

import (
	"context"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

const (
	purgeEvery = time.Minute
	purgeRows  = 5000                   // results that one statement forgets
	purgePause = 200 * time.Millisecond // between two of them: 25,000 a second, five times what workers write
)

var purgedTotal = metrics.NewCounter("usher_relay_results_purged_total")

// Forget lets the leader forget results of commands that are older than that. They must outlive the log of commands, or a command that is read again would be
// decided again; 0: they stay. Call it before Run.
func (r *Relay) Forget(age time.Duration) { r.keep = age }

// forget forgets old results, in bounded steps.
func (r *Relay) forget(ctx context.Context) {
	for ctx.Err() == nil && r.keep > 0 {
		for n := int64(purgeRows); n == purgeRows && ctx.Err() == nil; pause(ctx, purgePause) {
			var err error
			if n, err = r.store.PurgeResults(ctx, r.keep, purgeRows); err != nil && ctx.Err() == nil {
				r.log.Warn("old results are not forgotten", "err", err)
			}
			purgedTotal.Add(int(n))
		}
		pause(ctx, purgeEvery)
	}
}
