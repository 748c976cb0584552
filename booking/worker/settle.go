package worker

import (
	"context"
	"errors"
	"time"

	"usher/booking/pgstore"
)

const (
	maxTries   = 3                      // of one batch that Postgres refuses, before it is taken apart
	retryPause = 100 * time.Millisecond // after a commit whose end is unknown
)

// tick decides and commits what has arrived. It reports false when partitions were dropped: the leases say what goes on.
func (w *Worker) tick(ctx context.Context, arrivals []arrival) bool {
	started := time.Now()
	ticksTotal.Inc()
	held := len(w.parts)
	batch := w.admit(arrivals)
	if len(batch) > 0 {
		if err := w.settle(ctx, batch, maxTries); err != nil {
			w.lost(ctx, err, len(batch))
			return false
		}
	}
	tickSeconds.Update(time.Since(started).Seconds())
	return len(w.parts) == held
}

// settle brings every command of the batch to its end. A batch that Postgres refuses again and again is taken apart, so that
// one bad command does not fail its neighbours; a command that is refused alone is refused for good.
func (w *Worker) settle(ctx context.Context, batch []arrival, tries int) error {
	var err error
	for range tries {
		if err = w.attempt(ctx, batch, nil); !refused(err) {
			return err
		}
		staleTotal.Inc()
		w.sales.forgetAll()
	}
	if len(batch) == 1 {
		refusedTotal.Inc()
		w.Log.Error("a command can never be committed and is refused", "partition", batch[0].Partition, "offset", batch[0].Offset, "err", err)
		return w.attempt(ctx, batch, err)
	}
	middle := len(batch) / 2 // arrivals of one partition stand in log order, so each half goes on where the other ends
	if err := w.settle(ctx, batch[:middle], 1); err != nil {
		return err
	}
	return w.settle(ctx, batch[middle:], 1)
}

func (w *Worker) attempt(ctx context.Context, batch []arrival, refuse error) error {
	t := w.newTick(batch, refuse)
	if err := t.run(ctx); err != nil {
		return err
	}
	w.tell(t.replies)
	return nil
}

// refused reports whether nothing was committed and another try on fresh memory may do better.
func refused(err error) bool {
	return errors.Is(err, pgstore.ErrStale) || errors.Is(err, pgstore.ErrRefused)
}

// lost forgets everything after a commit that was fenced or whose end is unknown: Postgres says where to go on.
func (w *Worker) lost(ctx context.Context, err error, commands int) {
	w.dropAll()
	if errors.Is(err, pgstore.ErrFenced) {
		fencedTotal.Inc()
		return
	}
	if ctx.Err() == nil {
		w.Log.Warn("a batch was not committed", "commands", commands, "err", err)
		w.pause(ctx, retryPause)
	}
}
