package indexer

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/internal/stream"
	"usher/search"
	"usher/search/pgsource"
)

// Config sets an indexer up.
type Config struct {
	Topic      string // of change.Change messages
	Partitions int    // of the topic
	// Lead runs lead while this process holds a lock, and waits for it; TryLead does not wait, and returns false when another has it.
	Lead    func(ctx context.Context, lock int64, lead func(context.Context) error) error
	TryLead func(ctx context.Context, lock int64, lead func(context.Context) error) (bool, error)
	Log     *slog.Logger
}

const (
	leadLock    = 0x696e646578 // "index"
	rebuildLock = 0x616e6577   // "anew"

	askAgain    = time.Second // how long another process's rebuilding, or a switch, goes unnoticed
	firstPause  = 100 * time.Millisecond
	longestWait = 5 * time.Second // between tries while something is away
)

var (
	leading       = metrics.NewGauge("usher_index_leading", nil)
	failuresTotal = metrics.NewCounter("usher_index_failures_total")
	rebuildsTotal = metrics.NewCounter("usher_index_rebuilds_total")
)

// Indexer brings changes into the index. Make it with New; Run does the work. Of several one leads; the others stand by.
type Indexer struct {
	Config
	log    *stream.Log
	source *pgsource.Source
	index  search.Index

	page       int  // documents read and put at a time
	skipReplay bool // this package's own tests: a rebuilt index goes on at the end of the log, which loses what changed meanwhile
}

// New returns an indexer from the log and Postgres to the index.
func New(c Config, log *stream.Log, source *pgsource.Source, index search.Index) *Indexer {
	return &Indexer{Config: c, log: log, source: source, index: timed{index}, page: maxDocs}
}

// Run indexes while this process leads, and stands by otherwise, until ctx ends. It survives the absence of Kafka, Postgres and the index.
func (x *Indexer) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := x.Lead(ctx, leadLock, func(ctx context.Context) error {
			leading.Set(1)
			defer leading.Set(0)
			x.keep(ctx)
			return nil
		})
		if err != nil && ctx.Err() == nil {
			x.Log.Warn("not leading", "err", err)
			pause(ctx, askAgain)
		}
	}
	return nil
}

// keep follows the log into the index that is searched, whichever that is, and builds one where there is none to go on with.
func (x *Indexer) keep(ctx context.Context) {
	wait := firstPause
	for ctx.Err() == nil {
		err := x.serve(ctx)
		switch {
		case err == nil || errors.Is(err, errSwitched):
			wait = firstPause
			continue
		case errors.Is(err, errNothingToGoOnWith):
			x.Log.Warn("the index is built anew", "reason", err)
			if err = x.Rebuild(ctx, Pace{}, nil); err == nil {
				continue
			}
			if errors.Is(err, ErrBusy) { // somebody builds one
				pause(ctx, askAgain)
				continue
			}
		}
		if ctx.Err() == nil {
			failuresTotal.Inc()
			x.Log.Warn("the index does not follow", "err", err, "again_in", wait)
			pause(ctx, wait)
			wait = min(2*wait, longestWait)
		}
	}
}

// serve follows the log into the current index, until another one is current, ctx ends or something fails.
func (x *Indexer) serve(ctx context.Context) error {
	current, err := x.index.Current(ctx)
	if err != nil {
		return err
	}
	f, err := x.follower(ctx, current, func(ctx context.Context) error { return x.elsewhere(ctx, current) })
	if err != nil {
		return err
	}
	f.searched = true
	return f.run(ctx, nil)
}

// elsewhere returns errSwitched when another index is searched now.
func (x *Indexer) elsewhere(ctx context.Context, than string) error {
	if current, err := x.index.Current(ctx); err == nil && current != than {
		return errSwitched
	}
	return nil
}

// persist does something until it succeeds, ever more slowly, until ctx ends, somebody else has done it, or giveUp says why there is no use
// in trying on.
func (x *Indexer) persist(ctx context.Context, what string, giveUp func(context.Context) error, do func(context.Context) error) error {
	wait := firstPause
	for tries := 1; ; tries++ {
		err := do(ctx)
		if err == nil {
			if tries > 1 {
				x.Log.Info("it works again", "what", what, "tries", tries)
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, pgsource.ErrMoved) {
			return err
		}
		failuresTotal.Inc()
		if tries == 1 {
			x.Log.Warn("tried until it works", "what", what, "err", err)
		}
		if stop := giveUp(ctx); stop != nil {
			return errors.Join(stop, err)
		}
		pause(ctx, wait)
		wait = min(2*wait, longestWait)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// oldest is when the oldest change happened that was read and is not found by searches yet, in nanoseconds since 1970; 0: there is none.
var oldest atomic.Int64

var _ = metrics.NewGauge("usher_index_oldest_seconds", func() float64 {
	if at := oldest.Load(); at != 0 {
		return max(0, time.Since(time.Unix(0, at)).Seconds())
	}
	return 0
})
