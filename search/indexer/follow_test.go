package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/catalog/change"
	"usher/internal/id"
	"usher/internal/testenv"
	"usher/search"
	"usher/search/indextest"
)

var errAway = errors.New("away")

func TestEveryKindOfChangeReachesTheIndex(t *testing.T) {
	t.Parallel()
	everywhere(t, everyKindOfChangeReachesTheIndex)
}

func everyKindOfChangeReachesTheIndex(t *testing.T, open func(testing.TB) indextest.Indexed) {
	r := newRig(t, open)
	testenv.Running(r.t, r.indexer().Run)
	r.follows() // there was no index: it is built
	e := r.ids[3]
	for _, do := range []func(){
		func() { r.putEvent(r.events, 0) },
		func() { r.putEvent(3, 7) },
		func() { r.putVenue(3) },
		func() { r.putPerformer(3) },
		func() { r.openSale(e) },
		func() { r.sell(e, true) },
		func() { r.sell(e, false) },
	} {
		before := r.contents()
		do()
		r.follows()
		if after := r.contents(); before[e] == after[e] && len(before) == len(after) {
			t.Error("a change changed nothing")
		}
	}
}

// Random changes, an index that fails every third time and keeps half of it, and indexers that come and go, two at a time.
func TestNothingIsLostWhateverFails(t *testing.T) {
	t.Parallel()
	everywhere(t, nothingIsLostWhateverFails)
}

func nothingIsLostWhateverFails(t *testing.T, open func(testing.TB) indextest.Indexed) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var puts atomic.Int64
	r := newRig(t, open)
	r.index.Set(func([]search.Document) error {
		if puts.Add(1)%3 == 0 {
			return errAway
		}
		return nil
	})
	stops := []func(){testenv.Running(r.t, r.indexer().Run), testenv.Running(r.t, r.indexer().Run)}
	for range 6 {
		for range 15 {
			r.change(random)
		}
		i := random.IntN(len(stops))
		stops[i]()
		stops[i] = testenv.Running(r.t, r.indexer().Run)
	}
	r.told()
	r.follows()
}

// A log in another order, with everything twice, makes the same index.
func TestReplayingTwiceInAnyOrderMakesTheSameIndex(t *testing.T) {
	t.Parallel()
	everywhere(t, replayingTwiceInAnyOrderMakesTheSameIndex)
}

func replayingTwiceInAnyOrderMakesTheSameIndex(t *testing.T, open func(testing.TB) indextest.Indexed) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	r := newRig(t, open)
	for range 60 {
		r.change(random)
	}
	r.told()
	var messages []string
	for _, e := range r.ids {
		for v := range 3 {
			b, err := json.Marshal(change.Change{Kind: change.Changed, Event: e, Version: int64(v), At: time.Now()})
			r.must(err)
			messages = append(messages, string(b), string(b))
		}
	}
	x := r.indexer()
	topicID, err := r.log.ID(t.Context())
	r.must(err)
	replay := func() map[id.Event]string { // the whole log up to now
		index, err := r.index.NewIndex(t.Context())
		r.must(err)
		r.must(r.source.Begin(t.Context(), index, topicID, make([]int64, partitions)))
		ends, err := r.log.Ends(t.Context(), partitions)
		r.must(err)
		f, err := x.follower(t.Context(), index, func(context.Context) error { return nil })
		r.must(err)
		r.must(f.run(t.Context(), ends))
		r.must(r.index.Refresh(t.Context(), index))
		return indextest.Contents(t, r.index, index)
	}
	first := replay()
	for range 2 {
		random.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
		r.write(messages...)
	}
	if second := replay(); !indextest.Same(t, second, first) || !indextest.Same(t, second, r.truth()) {
		t.Errorf("the replay made another index; seed %d", seed)
	}
}

// zombie lets an indexer read a document, changes the event, lets another index that, and only then the first one puts what it has.
func zombie(t *testing.T, open func(testing.TB) indextest.Indexed) (same bool) {
	t.Helper()
	r := newRig(t, open)
	x := r.rebuilt()
	r.told()
	var stalled atomic.Bool
	reached, released := make(chan struct{}), make(chan struct{})
	r.index.Set(func([]search.Document) error {
		if stalled.CompareAndSwap(false, true) {
			close(reached)
			<-released
		}
		return nil
	})
	late, err := x.follower(t.Context(), r.current(), func(context.Context) error { return nil })
	r.must(err)
	var failed error
	var running sync.WaitGroup
	running.Go(func() { failed = late.run(t.Context(), nil) })
	r.putEvent(5, 100)
	<-reached
	r.putEvent(5, 200)
	testenv.Running(r.t, r.indexer().Run)
	next := r.offsets(r.current())
	r.eventually("the other indexer", func() bool { return sum(r.offsets(r.current())) >= sum(next)+2 })
	close(released)
	running.Wait()
	if failed == nil {
		t.Error("the first indexer did not notice that it was not alone")
	}
	r.must(r.index.Refresh(t.Context(), r.current()))
	return indextest.Same(t, r.contents(), r.truth())
}

func sum(offsets []int64) (n int64) {
	for _, o := range offsets {
		n += o
	}
	return n
}

func TestAZombieDoesNoHarm(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, open func(testing.TB) indextest.Indexed) {
		if !zombie(t, open) {
			t.Error("what an indexer put late replaced something newer")
		}
	})
}

func TestAZombieDoesHarmWithoutVersions(t *testing.T) {
	t.Parallel()
	if zombie(t, func(testing.TB) indextest.Indexed { return &indextest.Memory{LastPutWins: true} }) {
		t.Error("the control did no harm")
	}
}

func TestTheIndexIsNotedAsFurtherOnlyWhenItIs(t *testing.T) {
	t.Parallel()
	r := newRig(t, inMemory)
	x := r.rebuilt()
	r.told()
	var away atomic.Bool
	r.index.Set(func([]search.Document) error {
		if away.Load() {
			return errAway
		}
		return nil
	})
	testenv.Running(r.t, x.Run)
	r.putEvent(1, 10)
	r.follows()
	r.eventually("the note of it", r.noted)
	away.Store(true)
	before, puts := sum(r.offsets(r.current())), r.index.Puts()
	r.putEvent(1, 11)
	r.putEvent(2, 11)
	r.told()
	r.eventually("some tries", func() bool { return r.index.Puts() >= puts+3 })
	if after := sum(r.offsets(r.current())); after != before {
		t.Errorf("while the index is away the offsets went from %d to %d", before, after)
	}
	away.Store(false)
	r.follows()
	r.eventually("the note", func() bool { return r.noted() && sum(r.offsets(r.current())) >= before+2 })
}

func TestWhatCannotBeIndexedIsSetAsideAndStopsNothing(t *testing.T) {
	t.Parallel()
	everywhere(t, whatCannotBeIndexedIsSetAsideAndStopsNothing)
}

func whatCannotBeIndexedIsSetAsideAndStopsNothing(t *testing.T, open func(testing.TB) indextest.Indexed) {
	r := newRig(t, open)
	testenv.Running(r.t, r.indexer().Run)
	r.follows()
	before := asideTotal.Get()
	unknown, other := id.Event(300<<27|77), id.Event(300<<27|78)
	r.write("", "{", "\x00\xff", `{"kind":"event.exploded","event":"`+r.ids[0].String()+`"}`, `{"kind":"event.changed","event":"`+unknown.String()+`"}`,
		`{"kind":"event.changed","event":"`+other.String()+`","at":"0001-02-03T00:00:00Z"}`, `{"kind":"`+strings.Repeat("x", 100_000)+`"}`)
	bad, worse := r.ids[1], r.ids[2]
	r.exec(`UPDATE venues SET latitude = 1000 WHERE id = (SELECT venue_id FROM events WHERE id = $1)`, int64(bad)) // no index takes that
	r.exec(`UPDATE events SET prices = '["nonsense"]' WHERE id = $1`, int64(worse))
	for _, e := range []id.Event{bad, worse} {
		r.write(fmt.Sprintf(`{"kind":"event.changed","event":"%s"}`, e))
	}
	r.putEvent(0, 30) // of another venue
	const aside = 9
	r.eventually("nine messages set aside", func() bool {
		return r.count(`SELECT count(*) FROM poison_messages WHERE topic = $1 AND reason <> '' AND length(message) <= 4096`, change.Topic) == aside
	})
	r.eventually("their count", func() bool { return asideTotal.Get()-before >= aside })
	r.putVenue(1)
	r.exec(`UPDATE events SET prices = '{"A":1,"B":2,"C":3}', version = version + 1 WHERE id = $1`, int64(worse))
	r.write(fmt.Sprintf(`{"kind":"event.changed","event":"%s"}`, worse))
	r.follows()
}

func TestAStandbyTakesOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, inMemory)
	stop := testenv.Running(r.t, r.indexer().Run)
	r.follows()
	testenv.Running(r.t, r.indexer().Run)
	r.putEvent(1, 1)
	r.follows()
	stop()
	r.putEvent(1, 2)
	r.follows()
}

// What an index lacks is not in the log any more, or nobody knows what it lacks: it is built anew.
func TestAnIndexThatCannotGoOnIsBuiltAnew(t *testing.T) {
	t.Parallel()
	f := func(what, sql string, args ...any) {
		t.Run(what, func(t *testing.T) { // one after the other: each has the broker to itself
			r := newRig(t, inMemory)
			x := r.rebuilt()
			first := r.current()
			r.told()
			r.exec(sql, args...)
			r.putEvent(1, 5)
			r.told()
			testenv.Running(r.t, x.Run)
			r.follows()
			if r.current() == first {
				t.Error("the index is the old one")
			}
		})
	}
	f("beyond the end of the log", `UPDATE index_offsets SET next = 1000000`)
	f("another log", `UPDATE index_offsets SET topic_id = 'another'`)
	f("a partition unknown", `DELETE FROM index_offsets WHERE partition = 11`)
	f("all unknown", `DELETE FROM index_offsets`)
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	big := document(1, 1)
	big.Details = strings.Repeat("x", maxPut)
	docs := slices.Repeat([]search.Document{document(1, 1), big, document(2, 1)}, 3)
	x := &sizes{Memory: &indextest.Memory{}}
	index, err := x.NewIndex(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := New(Config{Log: quiet()}, nil, nil, x)
	if _, err := i.put(t.Context(), index, func(context.Context) error { return nil }, docs); err != nil {
		t.Fatal(err)
	}
	if x.documents != len(docs) || x.most > maxPut {
		t.Errorf("%d documents in calls of %d bytes at most", x.documents, x.most)
	}
}

// sizes is an index that looks at how much is put at a time.
type sizes struct {
	*indextest.Memory
	documents, most int
}

func (s *sizes) Put(ctx context.Context, index string, docs []search.Document) ([]search.Refusal, error) {
	size := 0
	for i := range docs {
		size += weight(&docs[i])
	}
	if len(docs) > 1 {
		s.most = max(s.most, size)
	}
	s.documents += len(docs)
	return s.Memory.Put(ctx, index, docs)
}
