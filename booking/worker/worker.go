// Package worker is the one writer of seats: it reads commands from the log, decides them in memory in log order, and
// commits a tick's decisions in one Postgres transaction together with the log's offsets.
//
//	leases ─▶ partitions ─▶ readers ─▶ tick: stored results → decide → commit → tell
//
// Three layers keep a seat from being sold twice, each enough alone: the offset's compare-and-set (a zombie or a repeat
// commits nothing), the seat's version, the unique index of live bookings. After any commit that failed or whose end is
// unknown the worker forgets everything and reads again.
package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/internal/id"
	"usher/internal/stream"
)

// Config sets a worker up.
type Config struct {
	Node  string        // unique among workers
	Lease time.Duration // how long a dead worker's partitions wait, 500 ms to 1 min
	// Notify tells the waiting gateways how their commands ended: a hint, after the commit.
	Notify func(ctx context.Context, results map[string][]command.Result)
	Log    *slog.Logger
}

const (
	maxTick      = 500   // commands a transaction: the knee is at 100 to 200 bookings, more only adds latency
	maxInbox     = 5_000 // messages read ahead over all partitions
	maxEvents    = 2_000 // sales kept in memory: the least recently used is dropped
	maxSeatsKept = 4 << 20
)

var (
	commandsTotal = metrics.NewCounter("usher_worker_commands_total")
	repeatsTotal  = metrics.NewCounter("usher_worker_repeats_total")
	poisonTotal   = metrics.NewCounter("usher_worker_poison_total")
	ticksTotal    = metrics.NewCounter("usher_worker_ticks_total")
	staleTotal    = metrics.NewCounter("usher_worker_stale_total")
	fencedTotal   = metrics.NewCounter("usher_worker_fenced_total")
	tickSeconds   = metrics.NewHistogram("usher_worker_tick_seconds")
)

// Worker decides commands. Make it with New; Run does the work.
type Worker struct {
	Config
	store   *pgstore.Store
	log     *stream.Log
	topicID string
	inbox   chan arrival
	sales   *memory
	parts   map[int]*part // the partitions that it works on; only Run's goroutine touches it
}

// part is one partition while this worker has it.
type part struct {
	next    int64 // offset of the next message to be decided
	stop    context.CancelFunc
	stopped chan struct{} // closed when the reader has ended
}

// arrival is a message on its way from a reader to the tick; of names the reader, so that what a stopped one still delivers is dropped.
type arrival struct {
	of *part
	stream.Record
	ended error // the reader has ended: no message
}

// New returns a worker on the log of commands.
func New(c Config, store *pgstore.Store, log *stream.Log) *Worker {
	return &Worker{Config: c, store: store, log: log, inbox: make(chan arrival, maxInbox), sales: newMemory(store), parts: map[int]*part{}}
}

// Run works until ctx ends, then gives its partitions back. It survives the absence of Kafka and Postgres.
func (w *Worker) Run(ctx context.Context) error {
	leases := time.NewTicker(w.Lease / 3)
	defer leases.Stop()
	defer w.returnLeases()
	defer w.dropAll()
	w.lease(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-leases.C:
			w.lease(ctx)
		case first := <-w.inbox:
			w.tick(ctx, w.collect(first))
		}
	}
}

// collect takes what has arrived, up to a tick's worth, without waiting.
func (w *Worker) collect(first arrival) []arrival {
	batch := []arrival{first}
	for len(batch) < maxTick {
		select {
		case a := <-w.inbox:
			batch = append(batch, a)
		default:
			return batch
		}
	}
	return batch
}

// lease brings the partitions in line with the leases.
func (w *Worker) lease(ctx context.Context) {
	if w.topicID == "" {
		cluster, err := w.log.ClusterID(ctx)
		if err != nil {
			w.Log.Warn("the log does not answer", "err", err)
			return
		}
		w.topicID = cluster
	}
	mine, err := w.store.Lease(ctx, command.Topic, w.Node, command.Partitions, w.Lease)
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
}

// take begins to read a partition where Postgres says that work goes on.
func (w *Worker) take(ctx context.Context, p int) error {
	first, end, err := w.log.Bounds(ctx, p)
	if err != nil {
		return err
	}
	next, err := w.store.Offset(ctx, command.Topic, w.topicID, p, first)
	if err != nil {
		return err
	}
	if next < first || next > end {
		// The log is shorter than it was, or has lost its beginning: another log under the old name. Repeats are harmless,
		// a worker that waits for ever in silence is not.
		w.Log.Error("the log does not hold the stored offset; starting at its first", "partition", p, "stored", next, "first", first, "end", end)
		if err := w.store.MoveOffset(ctx, command.Topic, w.topicID, p, first, next); err != nil {
			return err
		}
		next = first
	}
	reading, stop := context.WithCancel(ctx)
	own := &part{next: next, stop: stop, stopped: make(chan struct{})}
	w.parts[p] = own
	w.sales.forgetPartition(p)
	go func() {
		defer close(own.stopped)
		err := w.log.Read(reading, p, next, func(r stream.Record) error {
			select {
			case w.inbox <- arrival{of: own, Record: r}:
				return nil
			case <-reading.Done():
				return reading.Err()
			}
		})
		if reading.Err() == nil {
			select {
			case w.inbox <- arrival{of: own, Record: stream.Record{Partition: p}, ended: err}:
			case <-reading.Done():
			}
		}
	}()
	return nil
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
	for _, s := range stopped {
		<-s
	}
}

func (w *Worker) returnLeases() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := w.store.ReturnLeases(ctx, command.Topic, w.Node); err != nil {
		w.Log.Warn("leases are not given back; they run out", "err", err)
	}
}

// tick decides a batch and commits it, as often as it takes: what it is told must not be lost.
func (w *Worker) tick(ctx context.Context, arrivals []arrival) {
	started := time.Now()
	ticksTotal.Inc()
	batch := w.admit(arrivals)
	for try := 0; len(batch) > 0 && ctx.Err() == nil; try++ {
		t := w.newTick(batch)
		err := t.run(ctx)
		if err == nil {
			t.tell(ctx)
			break
		}
		w.sales.forgetAll()
		switch {
		case errors.Is(err, pgstore.ErrStale):
			staleTotal.Inc()
			if try >= maxTries {
				batch = w.isolate(ctx, batch)
				try = 0
			}
		case errors.Is(err, pgstore.ErrFenced):
			fencedTotal.Inc()
			w.dropAll()
			return
		default: // the commit's end is unknown: the offsets in Postgres say where to go on
			w.Log.Warn("a batch was not committed", "commands", len(batch), "err", err)
			w.dropAll()
			pause(ctx, retryPause)
			return
		}
	}
	tickSeconds.Update(time.Since(started).Seconds())
}

const (
	maxTries   = 3
	retryPause = 200 * time.Millisecond
)

// admit drops what stopped readers delivered, and handles readers that have ended.
func (w *Worker) admit(arrivals []arrival) (batch []arrival) {
	for _, a := range arrivals {
		own := w.parts[a.Partition]
		switch {
		case own != a.of:
		case a.ended != nil:
			w.Log.Warn("a reader ended; the partition is opened again", "partition", a.Partition, "err", a.ended)
			w.drop(a.Partition)
		default:
			batch = append(batch, a)
		}
	}
	return batch
}

// isolate commits the first message alone, as often as needed, so that one bad command does not fail its neighbours.
func (w *Worker) isolate(ctx context.Context, batch []arrival) []arrival {
	t := w.newTick(batch[:1])
	err := t.run(ctx)
	if errors.Is(err, pgstore.ErrStale) { // still: refuse it for good
		w.sales.forgetAll()
		t = w.newTick(batch[:1])
		t.refuseAll = true
		err = t.run(ctx)
	}
	if err != nil {
		w.sales.forgetAll()
		pause(ctx, retryPause)
		return batch
	}
	t.tell(ctx)
	return batch[1:]
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// partitionOf is the partition of an event's commands.
func partitionOf(e id.Event) int { return stream.Partition(e.String(), command.Partitions) }
