package indexer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"usher/internal/id"
	"usher/search"
)

// ErrBusy reports that another process is building an index.
var ErrBusy = errors.New("an index is being built by another process")

// ErrRefused reports documents that the index did not take. All others are in it, and it is searched.
var ErrRefused = errors.New("documents were refused")

// Pace bounds a rebuild.
type Pace struct {
	PerSecond int // documents; 0: as fast as it goes
}

// Progress is how far a rebuild is.
type Progress struct {
	Index       string
	Done, Total int // events; more may be added meanwhile
	Refused     int
	Packing     bool // all documents are put, and laid out for searching
	CatchingUp  bool // all documents are put, and changes are followed
	Searched    bool // the index is the one that is searched
}

const (
	rebuildPatience = 2 * time.Minute // while something is away
	caughtUp        = time.Second     // a round of catching up that was shorter has left next to nothing
	pagesAtOnce     = 2               // one keeps one processor of a small index busy
	maxRounds       = 10              // of catching up: where changes come faster, the last of them come after the switch
)

// Rebuild makes a new index from all that is in Postgres, follows the changes meanwhile, and switches searches to it. The index that is
// searched is kept as it is until then, by whoever keeps it. It can be repeated at any time: a rebuild that was cut short leaves an index
// that nobody searches. tell hears of the progress, one call at a time; it may be nil. ErrBusy, ErrRefused.
func (x *Indexer) Rebuild(ctx context.Context, pace Pace, tell func(Progress)) error {
	if tell == nil {
		tell = func(Progress) {}
	}
	mine, err := x.TryLead(ctx, rebuildLock, func(ctx context.Context) error {
		r := &rebuild{Indexer: x, pace: pace, tell: tell}
		r.moved()
		return r.run(ctx)
	})
	if err == nil && !mine {
		return ErrBusy
	}
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	return nil
}

// rebuild is one index under way.
type rebuild struct {
	*Indexer
	pace    Pace
	tell    func(Progress)
	movedAt atomic.Int64 // when documents were last put, in nanoseconds since 1970

	mu sync.Mutex // guards what follows while pages are put
	Progress
}

func (r *rebuild) run(ctx context.Context) error {
	previous, err := r.Indexer.index.Current(ctx)
	if err != nil {
		return err
	}
	if r.Index, err = r.Indexer.index.NewIndex(ctx); err != nil {
		return err
	}
	if err := r.build(ctx); err != nil {
		return errors.Join(err, r.Indexer.index.Drop(context.WithoutCancel(ctx), r.Index))
	}
	rebuildsTotal.Inc()
	r.Searched = true
	r.tell(r.Progress)
	if err := r.source.Forget(ctx, previous, r.Index); err != nil {
		r.Log.Warn("places of old indices stay noted", "err", err)
	}
	if r.Refused > 0 {
		return fmt.Errorf("%w: %d of %d", ErrRefused, r.Refused, r.Done)
	}
	return nil
}

// build fills the new index and switches searches to it.
func (r *rebuild) build(ctx context.Context) error {
	if !r.skipReplay {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	if r.skipReplay {
		if err := r.begin(ctx); err != nil {
			return err
		}
	}
	r.pack(ctx)
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	if err := r.Indexer.index.Refresh(ctx, r.Index); err != nil {
		return err
	}
	return r.Indexer.index.Switch(ctx, r.Index)
}

// pack lays the index out for searching. One that could not be is searched as it is: that costs more, and finds the same.
func (r *rebuild) pack(ctx context.Context) {
	r.Packing = true
	r.tell(r.Progress)
	r.Packing = false
	if err := r.Indexer.index.Pack(ctx, r.Index); err != nil {
		r.Log.Warn("an index is searched as it was filled", "index", r.Index, "err", err)
	}
	r.moved()
}

// begin notes where the log ends now. A change that is not in the log yet is committed after this, or on its way through the outbox: it will
// be in the log behind here. One that is in the log was committed before, so documents that are read from now on have it.
func (r *rebuild) begin(ctx context.Context) error {
	topicID, err := r.log.ID(ctx)
	if err != nil {
		return err
	}
	ends, err := r.log.Ends(ctx, r.Partitions)
	if err != nil {
		return err
	}
	return r.source.Begin(ctx, r.Index, topicID, ends)
}

// fill puts all documents, in order of the events' ids, a few pages at a time.
func (r *rebuild) fill(ctx context.Context) (err error) {
	if r.Total, err = r.source.Count(ctx); err != nil {
		return err
	}
	r.moved()
	pages, ctx := errgroup.WithContext(ctx)
	pages.SetLimit(pagesAtOnce)
	began, read := time.Now(), 0
	for last := id.Event(0); ctx.Err() == nil; {
		var events []id.Event
		err := r.persist(ctx, "reading events", r.enough, func(ctx context.Context) (err error) {
			events, err = r.source.After(ctx, last, r.page)
			return err
		})
		if err != nil || len(events) == 0 {
			return errors.Join(pages.Wait(), err)
		}
		pages.Go(func() error { return r.add(ctx, events) })
		last = events[len(events)-1]
		read += len(events)
		if r.pace.PerSecond > 0 {
			pause(ctx, time.Until(began.Add(time.Duration(float64(read)/float64(r.pace.PerSecond)*float64(time.Second)))))
		}
	}
	return errors.Join(pages.Wait(), ctx.Err())
}

func (r *rebuild) add(ctx context.Context, events []id.Event) error {
	var docs []search.Document
	var refused []search.Refusal
	err := r.persist(ctx, "reading documents", r.enough, func(ctx context.Context) (err error) {
		docs, refused, err = r.source.Documents(ctx, events)
		return err
	})
	if err != nil {
		return err
	}
	no, err := r.put(ctx, r.Index, r.enough, docs)
	if err != nil {
		return err
	}
	refused = append(refused, no...)
	for _, one := range refused {
		asideTotal.Inc()
		r.Log.Error("a document is refused", "event", one.Event, "err", one.Reason)
	}
	r.moved()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Done += len(events)
	r.Refused += len(refused)
	r.tell(r.Progress)
	return nil
}

// moved notes that the rebuild gets on.
func (r *rebuild) moved() { r.movedAt.Store(time.Now().UnixNano()) }

// enough ends a rebuild that has not got on for long.
func (r *rebuild) enough(context.Context) error {
	if waited := time.Since(time.Unix(0, r.movedAt.Load())); waited > rebuildPatience {
		return fmt.Errorf("given up after %s", waited.Round(time.Second))
	}
	return nil
}

// catchUp follows the changes that came meanwhile, until next to none are left. Who follows the index after the switch goes on from there.
func (r *rebuild) catchUp(ctx context.Context) error {
	r.CatchingUp = true
	r.tell(r.Progress)
	for range maxRounds {
		began := time.Now()
		ends, err := r.log.Ends(ctx, r.Partitions)
		if err != nil {
			return err
		}
		f, err := r.follower(ctx, r.Index, r.enough)
		if err != nil {
			return err
		}
		if err := f.run(ctx, ends); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(began) < caughtUp {
			break
		}
	}
	return nil
}
