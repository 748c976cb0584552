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
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/booking/sale"
	"usher/internal/guard"
	"usher/internal/id"
	"usher/internal/stream"
)

// Truth is what a tick reads and writes: Postgres, or what a simulation has in its place, which booking/simulation holds to Postgres.
type Truth interface {
	// Recall returns the stored results of commands, as far as they are decided, and the time, by the clock that decides.
	Recall(ctx context.Context, ids []id.Key) (map[id.Key]command.Result, time.Time, error)
	// Sale returns the seats of an event and the holds on them as they are; none: it is not on sale.
	Sale(ctx context.Context, e id.Event) (*sale.Sale, error)
	// Records returns bookings; those that do not exist are missing.
	Records(ctx context.Context, ids []id.Booking) (map[id.Booking]*sale.Record, error)
	// Commit writes all of a batch, or nothing. pgstore.ErrFenced, ErrStale and ErrRefused: nothing. Another error leaves it open.
	Commit(ctx context.Context, b *pgstore.Batch) error
}

// Rules decide a command on a sale at a time, as package sale does.
type Rules func(s *sale.Sale, c command.Command, now time.Time) sale.Decision

// Config sets a worker up.
type Config struct {
	Node  string        // unique among workers, also among those that died lately
	Lease time.Duration // how long a dead worker's partitions wait, 500 ms to 1 min
	// Notify tells the waiting gateways how their commands ended, by ReplyTo: a hint, after the commit. It may be slow.
	Notify func(ctx context.Context, results map[string][]command.Result)
	Log    *slog.Logger
}

const (
	maxTick      = 500     // commands a transaction: the knee is at 100 to 200 bookings, more only adds latency
	maxInbox     = 5_000   // messages read ahead over all partitions
	maxEvents    = 2_000   // sales kept in memory: the least recently used is dropped
	maxSeatsKept = 4 << 20 // of all those sales: 120 MB, forty stadiums
)

var (
	commandsTotal = metrics.NewCounter("usher_worker_commands_total")
	repeatsTotal  = metrics.NewCounter("usher_worker_repeats_total")
	poisonTotal   = metrics.NewCounter("usher_worker_poison_total")
	ticksTotal    = metrics.NewCounter("usher_worker_ticks_total")
	staleTotal    = metrics.NewCounter("usher_worker_stale_total")
	fencedTotal   = metrics.NewCounter("usher_worker_fenced_total")
	refusedTotal  = metrics.NewCounter("usher_worker_refused_total")
	tickSeconds   = metrics.NewHistogram("usher_worker_tick_seconds")
)

// Worker decides commands. Make it with New; Run does the work.
type Worker struct {
	Config
	truth   Truth
	leases  *pgstore.Store
	log     *stream.Log
	topicID string
	inbox   chan arrival
	told    chan map[string][]command.Result
	sales   *memory
	parts   map[int]*part        // the partitions that it works on; only Run's goroutine touches it
	off     map[guard.Guard]bool // guards that this package's own tests have switched off; nil elsewhere
	abandon bool                 // tests: end as if killed, without giving leases back
	rules   Rules                // those of package sale, but in a simulation that plants bugs
	pause   func(ctx context.Context, d time.Duration)
}

// New returns a worker on the log of commands.
func New(c Config, store *pgstore.Store, log *stream.Log) *Worker {
	w := newWorker(c, store, pause)
	w.leases, w.log, w.inbox = store, log, make(chan arrival, maxInbox)
	return w
}

func newWorker(c Config, truth Truth, pause func(context.Context, time.Duration)) *Worker {
	return &Worker{
		Config: c, truth: truth, told: make(chan map[string][]command.Result, maxTold), sales: newMemory(truth), parts: map[int]*part{},
		rules: (*sale.Sale).Decide, pause: pause,
	}
}

// Run works until ctx ends, then gives its partitions back. It survives the absence of Kafka and Postgres.
func (w *Worker) Run(ctx context.Context) error {
	leases, watch := time.NewTicker(w.Lease/3), time.NewTicker(watchEvery)
	defer leases.Stop()
	defer watch.Stop()
	var telling sync.WaitGroup
	telling.Go(func() { w.tellAll(ctx) })
	defer telling.Wait()
	if !w.abandon {
		defer w.returnLeases()
	}
	defer w.dropAll()
	w.lease(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-leases.C:
			w.lease(ctx)
		case <-watch.C:
			w.watch(ctx)
		case first := <-w.inbox:
			if !w.tick(ctx, w.collect(first)) {
				w.lease(ctx)
			}
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

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (w *Worker) switchedOff(g guard.Guard) bool { return guard.Off(g) || w.off[g] }

// partitionOf is the partition of an event's commands.
func partitionOf(e id.Event) int { return stream.Partition(e.String(), command.Partitions) }
