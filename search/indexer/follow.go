package indexer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/catalog/change"
	"usher/internal/id"
	"usher/search"
	"usher/search/pgsource"
)

const (
	maxBatch     = 1000                   // messages between two notes of how far the index is
	maxInbox     = 1000                   // messages read ahead over all partitions
	maxDocs      = 500                    // documents read and put at a time: of 20 KB at most, as imports go
	maxPut       = 1 << 20                // bytes of text put at a time, unless one document has more
	maxKept      = 4096                   // bytes of a message that is set aside
	refreshEvery = 250 * time.Millisecond // at most: each makes a segment that has to be merged
	watchEvery   = time.Second            // how long a switch goes unnoticed
	stalledAfter = 5 * time.Second        // how long a reader may stand still although the log goes on
)

var (
	messagesTotal = metrics.NewCounter("usher_index_messages_total")
	asideTotal    = metrics.NewCounter("usher_index_set_aside_total")
	gapsTotal     = metrics.NewCounter("usher_index_gaps_total")
	lagSeconds    = metrics.NewHistogram("usher_index_lag_seconds") // from the change until searches find it
)

var (
	errNothingToGoOnWith = errors.New("no index to go on with")
	errSwitched          = errors.New("another index is searched now")
)

// follower brings the log into one index, from where it stopped.
type follower struct {
	*Indexer
	index, topicID string
	giveUp         func(context.Context) error // says why there is no use in trying on; asked now and then
	searched       bool                        // how long changes take until they are found is counted
	next           []int64                     // by partition: what the index lacks
	readers        []*reader
	inbox          chan arrival

	unseen    []time.Time // of changes that are put and not yet found by searches
	refreshed time.Time
	refresh   <-chan time.Time // nil: nothing is to be shown
}

// follower finds out where an index stopped. errNothingToGoOnWith when that is unknown or no longer in the log.
func (x *Indexer) follower(ctx context.Context, index string, giveUp func(context.Context) error) (*follower, error) {
	if index == "" {
		return nil, fmt.Errorf("%w: there is none", errNothingToGoOnWith)
	}
	f := &follower{Indexer: x, index: index, giveUp: giveUp, inbox: make(chan arrival, maxInbox)}
	var err error
	if f.topicID, err = x.log.ID(ctx); err != nil {
		return nil, err
	}
	if f.next, err = x.source.Offsets(ctx, index, f.topicID); err != nil {
		return nil, err
	}
	if len(f.next) != x.Partitions {
		return nil, fmt.Errorf("%w: nobody has noted how far %s is in this log", errNothingToGoOnWith, index)
	}
	for p, next := range f.next {
		first, end, err := x.log.Bounds(ctx, p)
		if err != nil {
			return nil, err
		}
		if next < first || next > end {
			return nil, fmt.Errorf("%w: %s lacks partition %d from %d on, the log has %d to %d", errNothingToGoOnWith, index, p, next, first, end)
		}
	}
	return f, nil
}

// run works until ctx ends, something fails, or the index has everything before the given offsets, if any are given.
func (f *follower) run(ctx context.Context, until []int64) error {
	reading, stop := context.WithCancel(ctx)
	var readers sync.WaitGroup
	for p, next := range f.next {
		r := &reader{partition: p, movedAt: time.Now()}
		r.next.Store(next)
		f.readers = append(f.readers, r)
		readers.Go(func() { r.run(reading, f.log, f.inbox) })
	}
	defer oldest.Store(0)
	defer readers.Wait()
	defer stop()
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	for until == nil || !f.reached(until) {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C:
			err = f.watch(ctx)
		case <-f.refresh:
			f.show(ctx)
		case first := <-f.inbox:
			err = f.bring(ctx, f.collect(first))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) reached(until []int64) bool {
	for p, end := range until {
		if f.next[p] < end {
			return false
		}
	}
	return true
}

// collect takes what has arrived, up to a batch, without waiting.
func (f *follower) collect(first arrival) []arrival {
	batch := []arrival{first}
	for len(batch) < maxBatch {
		select {
		case a := <-f.inbox:
			batch = append(batch, a)
		default:
			return batch
		}
	}
	return batch
}

// bring puts the documents of a batch of messages, then notes how far the index is. Nothing of a batch that failed is noted.
func (f *follower) bring(ctx context.Context, arrivals []arrival) error {
	b, err := f.decode(arrivals)
	if err != nil {
		return err
	}
	for events := range slices.Chunk(b.events, f.page) {
		if err := f.update(ctx, events, b); err != nil {
			return err
		}
	}
	err = f.persist(ctx, "noting how far the index is", f.giveUp, func(ctx context.Context) error {
		return f.source.Advance(ctx, f.index, f.topicID, f.Topic, b.moves(f.next), b.aside)
	})
	if err != nil {
		return err
	}
	for p, next := range b.ends {
		f.next[p] = next
	}
	messagesTotal.Add(len(arrivals))
	asideTotal.Add(len(b.aside))
	f.unseen = append(f.unseen, b.changes...)
	if f.refresh == nil && len(f.unseen) > 0 {
		f.refresh = time.After(time.Until(f.refreshed.Add(refreshEvery)))
	}
	return nil
}

// update brings the documents of some events of a batch into the index.
func (f *follower) update(ctx context.Context, events []id.Event, b *batch) error {
	var docs []search.Document
	var broken []search.Refusal
	err := f.persist(ctx, "reading documents", f.giveUp, func(ctx context.Context) (err error) {
		docs, broken, err = f.source.Documents(ctx, events)
		return err
	})
	if err != nil {
		return err
	}
	known := map[id.Event]bool{}
	for _, d := range docs {
		known[d.Event] = true
	}
	refused, err := f.put(ctx, f.index, f.giveUp, docs)
	if err != nil {
		return err
	}
	for _, r := range slices.Concat(broken, refused) {
		known[r.Event] = true
		f.setAside(b, b.last[r.Event], r.Reason)
	}
	for _, e := range events {
		if !known[e] {
			f.setAside(b, b.last[e], fmt.Sprintf("there is no event %s", e))
		}
	}
	return nil
}

// put stores documents, a bounded number of bytes at a time, until it succeeds.
func (x *Indexer) put(ctx context.Context, index string, giveUp func(context.Context) error, docs []search.Document) (refused []search.Refusal, err error) {
	for len(docs) > 0 {
		n, size := 0, 0
		for n < len(docs) && (n == 0 || size+weight(&docs[n]) <= maxPut) {
			size += weight(&docs[n])
			n++
		}
		var no []search.Refusal
		err := x.persist(ctx, "putting documents", giveUp, func(ctx context.Context) (err error) {
			no, err = x.index.Put(ctx, index, docs[:n])
			return err
		})
		if err != nil {
			return nil, err
		}
		refused, docs = append(refused, no...), docs[n:]
	}
	return refused, nil
}

// weight is about how many bytes a document has.
func weight(d *search.Document) int {
	n := 1000 + len(d.Name) + len(d.Details) + len(d.ImageURL) + 50*len(d.Prices)
	for _, p := range d.Performers {
		n += 50 + len(p.Name)
	}
	return n
}

// show makes searches find what was put, and counts how long that took.
func (f *follower) show(ctx context.Context) {
	f.refreshed = time.Now()
	if err := f.Indexer.index.Refresh(ctx, f.index); err != nil {
		failuresTotal.Inc()
		f.Log.Warn("what was put is not shown yet", "err", err)
		f.refresh = time.After(longestWait)
		return
	}
	for _, at := range f.unseen {
		lagSeconds.Update(max(0, time.Since(at).Seconds()))
	}
	f.unseen, f.refresh = f.unseen[:0], nil
	oldest.Store(0)
}

// watch finds out whether searches go elsewhere now, and whether a reader stands still although the log goes on.
func (f *follower) watch(ctx context.Context) error {
	if err := f.giveUp(ctx); err != nil {
		return err
	}
	ends, err := f.log.Ends(ctx, f.Partitions)
	if err != nil {
		return nil // Kafka is away: the readers wait for it
	}
	for p, r := range f.readers {
		if r.stalled(ends[p]) && len(f.inbox) < cap(f.inbox) {
			return fmt.Errorf("the reader of partition %d stands still at %d, the log ends at %d", p, r.seen, ends[p])
		}
	}
	return nil
}

// batch is what some messages say.
type batch struct {
	events  []id.Event           // each once
	last    map[id.Event]arrival // the last message of each
	changes []time.Time          // when they happened
	ends    map[int]int64        // partition → offset after the batch
	aside   []pgsource.Aside
}

// decode reads messages. One that cannot be read is set aside.
func (f *follower) decode(arrivals []arrival) (*batch, error) {
	b := &batch{last: map[id.Event]arrival{}, ends: map[int]int64{}}
	for _, a := range arrivals {
		if a.ended != nil {
			return nil, a.ended
		}
		want, begun := b.ends[a.Partition]
		if !begun {
			want = f.next[a.Partition]
		}
		if a.Offset > want { // of a compacted log, or one that has lost something: the messages that are left tell what is true now
			gapsTotal.Inc()
			f.Log.Warn("messages are missing in the log", "partition", a.Partition, "from", want, "to", a.Offset)
		}
		b.ends[a.Partition] = a.Offset + 1
		c, err := change.Decode(a.Value)
		if err != nil {
			f.setAside(b, a, err.Error())
			continue
		}
		if _, known := b.last[c.Event]; !known {
			b.events = append(b.events, c.Event)
		}
		b.last[c.Event] = a
		if f.searched && !c.At.IsZero() {
			b.changes = append(b.changes, c.At)
			if at := oldest.Load(); at == 0 || c.At.UnixNano() < at {
				oldest.Store(c.At.UnixNano())
			}
		}
	}
	return b, nil
}

func (f *follower) setAside(b *batch, a arrival, reason string) {
	f.Log.Error("a change is set aside", "partition", a.Partition, "offset", a.Offset, "err", reason)
	b.aside = append(b.aside, pgsource.Aside{Partition: a.Partition, Offset: a.Offset, Message: a.Value[:min(len(a.Value), maxKept)], Reason: reason})
}

// moves are the steps from where the index was.
func (b *batch) moves(was []int64) (moves []pgsource.Move) {
	for p, next := range b.ends {
		moves = append(moves, pgsource.Move{Partition: p, Was: was[p], Next: next})
	}
	return moves
}
