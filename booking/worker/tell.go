package worker

import (
	"context"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/command"
)

// maxTold bounds the ticks whose results wait to be told. Beyond it hints are dropped: gateways ask the table.
const maxTold = 64

var hintsDroppedTotal = metrics.NewCounter("usher_worker_hints_dropped_total")

// tell hands results over without waiting: a slow Redis must not hold up the next commit.
func (w *Worker) tell(replies map[string][]command.Result) {
	if len(replies) == 0 {
		return
	}
	select {
	case w.told <- replies:
	default:
		hintsDroppedTotal.Inc()
	}
}

func (w *Worker) tellAll(ctx context.Context) {
	for {
		select {
		case replies := <-w.told:
			w.Notify(ctx, replies)
		case <-ctx.Done():
			return
		}
	}
}
