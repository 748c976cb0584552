package indexer

import (
	"context"
	"sync/atomic"

	"usher/internal/stream"
)

// reader reads one partition.
type reader struct {
	partition int
	next      atomic.Int64 // offset of the next message to be read
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
