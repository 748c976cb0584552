package indexer

import (
	"context"
	"sync/atomic"
	"time"

	"usher/internal/stream"
)

// reader reads one partition.
type reader struct {
	partition int
	next      atomic.Int64 // offset of the next message to be read

	seen    int64     // next at the last look of the watch, which alone touches this
	movedAt time.Time // when that was another than before, or nothing was to be read
}

// stalled reports whether the reader has stood still for long although the log has more.
func (r *reader) stalled(end int64) bool {
	next := r.next.Load()
	if next != r.seen || next >= end {
		r.seen, r.movedAt = next, time.Now()
	}
	return time.Since(r.movedAt) > stalledAfter
}

// arrival is a message on its way from a reader.
type arrival struct {
	stream.Record
	ended error // the reader has ended: no message
}

// run reads on until ctx ends or the log cannot be read, which it tells.
func (r *reader) run(ctx context.Context, log *stream.Log, inbox chan<- arrival) {
	err := log.Read(ctx, r.partition, r.next.Load(), func(m stream.Record) error {
		select {
		case inbox <- arrival{Record: m}:
			r.next.Store(m.Offset + 1)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if ctx.Err() != nil {
		return
	}
	select {
	case inbox <- arrival{Record: stream.Record{Partition: r.partition}, ended: err}:
	case <-ctx.Done():
	}
}
