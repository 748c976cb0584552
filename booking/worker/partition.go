package worker

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/command"
	"usher/internal/stream"
)

// watchEvery is how often the worker compares its readers with the ends of the log. A reader that stands still is opened again at the
// second look, so a stall that nobody reported costs at most twice this.
const watchEvery = 2 * time.Second

var (
	partitionsOwned = metrics.NewGauge("usher_worker_partitions", nil)
	lagMessages     = metrics.NewGauge("usher_worker_lag_messages", nil)
	reopenedTotal   = metrics.NewCounter("usher_worker_reader_reopened_total")
	missingTotal    = metrics.NewCounter("usher_worker_missing_messages_total")
)

// part is one partition while this worker has it.
type part struct {
	next    int64        // offset of the next message to be decided
	read    atomic.Int64 // offset of the next message to be read
	seen    int64        // read at the last look of the watch
	stop    context.CancelFunc
	stopped chan struct{} // closed when the reader has ended
}

// arrival is a message on its way from a reader to the tick; of names the reader, so that what a stopped one still delivers is dropped.
type arrival struct {
	of *part
	stream.Record
	ended error // the reader has ended: no message
}

// lease brings the partitions in line with the leases.
func (w *Worker) lease(ctx context.Context) {
	if w.topicID == "" {
		topicID, err := w.log.ID(ctx)
		if err != nil {
			w.Log.Warn("the log does not answer", "err", err)
			return
		}
		w.topicID = topicID
	}
	mine, err := w.leases.Lease(ctx, command.Topic, w.Node, command.Partitions, w.Lease)
	if err != nil {
		if ctx.Err() == nil {
			w.Log.Warn("leases are not renewed", "err", err)
		}
		return // the offsets fence us if somebody else takes over
	}
	keep := map[int]bool{}
	for _, p := range mine {
		keep[p] = true
	}
	for p := range w.parts {
		if !keep[p] {
			w.drop(p)
		}
	}
	for _, p := range mine {
		if w.parts[p] == nil {
			if err := w.take(ctx, p); err != nil && ctx.Err() == nil {
				w.Log.Warn("a partition cannot be read", "partition", p, "err", err)
			}
		}
	}
	partitionsOwned.Set(float64(len(w.parts)))
}

// take begins to read a partition where Postgres says that work goes on.
func (w *Worker) take(ctx context.Context, p int) error {
	first, end, err := w.log.Bounds(ctx, p)
	if err != nil {
		return err
	}
	next, err := w.leases.Offset(ctx, command.Topic, w.topicID, p, first)
	if err != nil {
		return err
	}
	if next < first || next > end {
		// The log is shorter than it was, or has lost its beginning. Repeats are harmless, a worker that waits for ever in
		// silence is not; whoever waits for a command that was lost fences it.
		w.Log.Error("the log does not hold the stored offset; starting at its first", "partition", p, "stored", next, "first", first, "end", end)
		if err := w.leases.MoveOffset(ctx, command.Topic, w.topicID, p, first, next); err != nil {
			return err
		}
		next = first
	}
	w.sales.forgetPartition(p)
	w.parts[p] = w.open(ctx, p, next)
	return nil
}

// open starts the reader of a partition.
func (w *Worker) open(ctx context.Context, p int, next int64) *part {
	reading, stop := context.WithCancel(ctx)
	own := &part{next: next, seen: -1, stop: stop, stopped: make(chan struct{})}
	own.read.Store(next)
	go func() {
		defer close(own.stopped)
		err := w.log.Read(reading, p, next, func(r stream.Record) error {
			select {
			case w.inbox <- arrival{of: own, Record: r}:
				own.read.Store(r.Offset + 1)
				return nil
			case <-reading.Done():
				return reading.Err()
			}
		})
		if reading.Err() != nil {
			return
		}
		select {
		case w.inbox <- arrival{of: own, Record: stream.Record{Partition: p}, ended: err}:
		case <-reading.Done():
		}
	}()
	return own
}

// watch measures the lag, and opens readers again that stand still although the log goes on.
func (w *Worker) watch(ctx context.Context) {
	if len(w.parts) == 0 {
		lagMessages.Set(0)
		return
	}
	ends, err := w.log.Ends(ctx, command.Partitions)
	if err != nil {
		return // Kafka is away: the readers say so
	}
	lag := int64(0)
	for p, own := range w.parts {
		lag += ends[p] - own.next
		read := own.read.Load()
		if ends[p] > read && own.seen == read && len(w.inbox) < cap(w.inbox) {
			w.Log.Warn("a reader stands still; it is opened again", "partition", p, "at", read, "end", ends[p])
			reopenedTotal.Inc()
			w.drop(p)
			continue
		}
		own.seen = read
	}
	lagMessages.Set(float64(lag))
	if len(w.parts) < int(partitionsOwned.Get()) {
		w.lease(ctx)
	}
}

// drop stops working on a partition. Messages that its reader has delivered already are recognised and ignored.
func (w *Worker) drop(p int) {
	w.parts[p].stop()
	delete(w.parts, p)
	w.sales.forgetPartition(p)
}

func (w *Worker) dropAll() {
	var stopped []chan struct{}
	for p, part := range w.parts {
		stopped = append(stopped, part.stopped)
		w.drop(p)
	}
	w.sales.forgetAll()
	for _, s := range stopped {
		<-s
	}
}

func (w *Worker) returnLeases() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := w.leases.ReturnLeases(ctx, command.Topic, w.Node); err != nil {
		w.Log.Warn("leases are not given back; they run out", "err", err)
	}
}

// admit drops what stopped readers delivered, and handles readers that have ended.
func (w *Worker) admit(arrivals []arrival) (batch []arrival) {
	expected := map[int]int64{}
	for _, a := range arrivals {
		own := w.parts[a.Partition]
		if own != a.of {
			continue
		}
		if a.ended != nil {
			w.Log.Warn("a reader ended; the partition is opened again", "partition", a.Partition, "err", a.ended)
			w.drop(a.Partition)
			continue
		}
		want, begun := expected[a.Partition]
		if !begun {
			want = own.next
		}
		if a.Offset < want {
			continue // decided already
		}
		if a.Offset > want { // nothing can bring them back; whoever waits for one of them fences it
			missingTotal.AddInt64(a.Offset - want)
			w.Log.Error("messages are missing in the log", "partition", a.Partition, "from", want, "to", a.Offset)
		}
		expected[a.Partition] = a.Offset + 1
		batch = append(batch, a)
	}
	return batch
}
