package elastic

import (
	"context"
	"os"
	"reflect"
	"testing"
	"time"

	"usher/internal/id"
	"usher/internal/testenv"
	"usher/search"
	"usher/search/pgtext"
	"usher/search/searchtest"
	"usher/search/searchtest/pgtown"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

var key = []byte("a key of the test's own")

// town is a catalog in Postgres, with an index of it.
type town struct {
	*Engine
	*pgtown.Town
	index string
	known map[id.Event]search.Document // that the index has
}

func newTown(t testing.TB, shards int) *town {
	t.Helper()
	c := newClient(t, shards)
	w := pgtown.New(t)
	town := &town{Engine: New(c, key, w.Stock.Fill), Town: w}
	town.wait, town.left.wait = 20*time.Second, 20*time.Second // the machine may be busy: what happens then is another test's
	town.index = newIndex(t, c)
	town.known = map[id.Event]search.Document{}
	return town
}

// newClient has indices of the test's own, which end with it.
func newClient(t testing.TB, shards int) *Client {
	t.Helper()
	url, prefix := testenv.Indices(t)
	c, err := Open([]string{url}, prefix)
	if err != nil {
		t.Fatal(err)
	}
	c.shards = shards
	return c
}

// newIndex is one that is searched.
func newIndex(t testing.TB, c *Client) string {
	t.Helper()
	name, err := c.NewIndex(context.Background())
	if err == nil {
		err = c.Switch(context.Background(), name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// follow brings the index up to date.
func (w *town) follow(t testing.TB) {
	t.Helper()
	var changed []search.Document
	for _, d := range w.Documents(t) {
		last := w.known[d.Event]
		if last.Version = d.Version; !reflect.DeepEqual(last, d) {
			changed = append(changed, d)
		}
		w.known[d.Event] = d
	}
	refused, err := w.Client.Put(context.Background(), w.index, changed)
	if err == nil {
		err = w.Refresh(context.Background(), w.index)
	}
	if err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
}

func (w *town) Put(t testing.TB, c searchtest.Catalog) map[string]id.Event {
	t.Helper()
	ids := w.Town.Put(t, c)
	w.follow(t)
	return ids
}

func (w *town) Sell(t testing.TB, e id.Event) {
	t.Helper()
	w.Town.Sell(t, e)
	w.follow(t)
}

var _ search.Engine = (*Engine)(nil)

func TestEngine(t *testing.T) {
	t.Parallel()
	searchtest.Run(t, func(t testing.TB) searchtest.Town { return newTown(t, 1) })
}

// Several shards answer together.
func TestEngineOnThreeShards(t *testing.T) {
	t.Parallel()
	searchtest.Run(t, func(t testing.TB) searchtest.Town { return newTown(t, 3) })
}

// Structured queries find the same in Elasticsearch and in Postgres, in the same order: whoever reads on while one gives way to the other misses nothing.
func TestElasticsearchAndPostgresAgree(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{1, 3} {
		w := newTown(t, shards)
		searchtest.Agree(t, w, pgtext.New(w.Pool(), key))
	}
}
