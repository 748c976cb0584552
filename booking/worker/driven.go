package worker

import (
	"context"
	"time"

	"usher/internal/guard"
	"usher/internal/stream"
)

// Drive is what a driven worker needs beside the truth.
type Drive struct {
	Config
	Rules Rules // nil: those of package sale
	Off   []guard.Guard
	Pause func(ctx context.Context, d time.Duration)
}

// Driven is a worker whose ticks, partitions and time somebody else drives: it takes no leases, reads no log and starts no goroutine. What a tick
// does is what Run's does.
type Driven struct{ w *Worker }

// NewDriven returns a worker that has no partitions.
func NewDriven(d Drive, truth Truth) *Driven {
	w := newWorker(d.Config, truth, d.Pause)
	w.off = map[guard.Guard]bool{}
	for _, g := range d.Off {
		w.off[g] = true
	}
	if d.Rules != nil {
		w.rules = d.Rules
	}
	return &Driven{w}
}

// Take begins to work on a partition where the truth says that work goes on.
func (d *Driven) Take(p int, next int64) {
	stopped := make(chan struct{})
	close(stopped)
	d.w.sales.forgetPartition(p)
	d.w.parts[p] = &part{next: next, stop: func() {}, stopped: stopped}
}

// Drop stops working on a partition.
func (d *Driven) Drop(p int) {
	if d.w.parts[p] != nil {
		d.w.drop(p)
	}
}

// Next is the offset of the message that a partition is to be decided next; false: this worker does not have it.
func (d *Driven) Next(p int) (next int64, has bool) {
	own := d.w.parts[p]
	if own == nil {
		return 0, false
	}
	return own.next, true
}

// Tick decides and commits records of its partitions, at most as many as one tick of Run takes, and tells their results by Config.Notify. It reports
// false when partitions were dropped.
func (d *Driven) Tick(ctx context.Context, records []stream.Record) bool {
	arrivals := make([]arrival, 0, len(records))
	for _, r := range records {
		if of := d.w.parts[r.Partition]; of != nil {
			arrivals = append(arrivals, arrival{of: of, Record: r})
		}
	}
	ok := d.w.tick(ctx, arrivals)
	for {
		select {
		case replies := <-d.w.told:
			d.w.Notify(ctx, replies)
		default:
			return ok
		}
	}
}
