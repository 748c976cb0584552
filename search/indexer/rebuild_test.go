package indexer

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/internal/testenv"
	"usher/search"
	"usher/search/indextest"
)

// rebuildWithChange rebuilds, and changes an event when its document has just been put; nobody else indexes.
func rebuildWithChange(t *testing.T, open func(testing.TB) indextest.Indexed, skipReplay bool) (same bool) {
	t.Helper()
	r := newRig(t, open)
	r.told()
	var once sync.Once
	r.index.Set(func(docs []search.Document) error {
		if slices.ContainsFunc(docs, func(d search.Document) bool { return d.Event == r.ids[0] }) {
			once.Do(func() { // after it was read
				r.putEvent(0, 77)
				r.told()
			})
		}
		return nil
	})
	x := r.indexer()
	x.skipReplay = skipReplay
	r.must(x.Rebuild(t.Context(), Pace{}, nil))
	return indextest.Same(t, r.contents(), r.truth())
}

func TestARebuildLosesNoChange(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, open func(testing.TB) indextest.Indexed) {
		if !rebuildWithChange(t, open, false) {
			t.Error("a change during the rebuild is not in the new index")
		}
	})
}

func TestARebuildWithoutReplayLosesAChange(t *testing.T) {
	t.Parallel()
	if rebuildWithChange(t, inMemory, true) {
		t.Error("the control lost nothing")
	}
}

// The index is rebuilt while it is searched, changes keep coming, and an indexer runs.
func TestRebuildingWhileServing(t *testing.T) {
	t.Parallel()
	everywhere(t, rebuildingWhileServing)
}

func rebuildingWhileServing(t *testing.T, open func(testing.TB) indextest.Indexed) {
	r := newRig(t, open)
	testenv.Running(r.t, r.indexer().Run)
	r.follows()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 3 {
		first := r.current()
		rebuilt := make(chan error, 1)
		go func() {
			err := ErrBusy
			for errors.Is(err, ErrBusy) { // the first build has only just ended
				err = r.indexer().Rebuild(t.Context(), Pace{PerSecond: 100}, nil)
			}
			rebuilt <- err
		}()
		for done := false; !done; {
			r.change(random)
			if r.current() == "" {
				t.Fatal("nothing is searched")
			}
			select {
			case err := <-rebuilt:
				r.must(err)
				done = true
			default:
			}
		}
		if r.current() == first {
			t.Error("the old index is searched")
		}
		for range 10 {
			r.change(random) // before anybody may have noticed the switch
		}
		r.told()
		r.follows()
	}
}

func TestTwoRebuildsAtOnceAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, inMemory)
	reached, released := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.index.Set(func([]search.Document) error {
		once.Do(func() { close(reached); <-released })
		return nil
	})
	first := make(chan error, 1)
	go func() { first <- r.indexer().Rebuild(t.Context(), Pace{}, nil) }()
	<-reached
	if err := r.indexer().Rebuild(t.Context(), Pace{}, nil); !errors.Is(err, ErrBusy) {
		t.Errorf("a second rebuild: %v, want ErrBusy", err)
	}
	if n := r.indices(); n != 1 {
		t.Errorf("%d indices", n)
	}
	close(released)
	r.must(<-first)
	r.must(r.indexer().Rebuild(t.Context(), Pace{}, nil)) // now it may
}

func TestARebuildThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, inMemory)
	r.rebuilt()
	first := r.current()
	broken := r.indexer()
	r.index.Set(func([]search.Document) error {
		r.exec(`DELETE FROM index_offsets WHERE index_name <> $1`, first)
		return nil
	})
	if err := broken.Rebuild(t.Context(), Pace{}, nil); err == nil {
		t.Error("no error")
	}
	r.index.Set(func([]search.Document) error { return nil })
	if r.current() != first || r.indices() != 1 {
		t.Errorf("%q is searched, want %q; %d indices", r.current(), first, r.indices())
	}
	r.must(broken.Rebuild(t.Context(), Pace{}, nil)) // repeated
	if r.current() == first {
		t.Error("the old index is searched")
	}
}

// unpacked is an index that cannot be laid out.
type unpacked struct {
	indextest.Indexed
	tried int
}

func (u *unpacked) Pack(context.Context, string) error {
	u.tried++
	return errors.New("no space is left")
}

func TestAnIndexThatCannotBeLaidOutIsSearchedAsItIs(t *testing.T) {
	t.Parallel()
	var u *unpacked
	r := newRig(t, func(t testing.TB) indextest.Indexed {
		u = &unpacked{Indexed: inMemory(t)}
		return u
	})
	u = r.index.Indexed.(*unpacked)
	r.must(r.indexer().Rebuild(t.Context(), Pace{}, nil))
	if n := len(r.contents()); n != 20 || u.tried != 1 {
		t.Errorf("%d documents are searched, of 20; it was to be laid out %d times", n, u.tried)
	}
}

func TestRefusedDocumentsDoNotKeepAnIndexFromBeingSearched(t *testing.T) {
	t.Parallel()
	r := newRig(t, inMemory)
	r.exec(`UPDATE venues SET latitude = 1000 WHERE id = (SELECT venue_id FROM events WHERE id = $1)`, int64(r.ids[1]))
	r.exec(`UPDATE events SET prices = '["nonsense"]' WHERE id = $1`, int64(r.ids[0]))
	var last Progress
	err := r.indexer().Rebuild(t.Context(), Pace{}, func(p Progress) { last = p })
	if !errors.Is(err, ErrRefused) {
		t.Errorf("%v, want ErrRefused", err)
	}
	if !last.Searched || last.Done != 20 || last.Total != 20 || last.Refused != 6 { // five of the venue, and one
		t.Errorf("%+v", last)
	}
	if n := len(r.contents()); n != 14 {
		t.Errorf("%d documents", n)
	}
}
