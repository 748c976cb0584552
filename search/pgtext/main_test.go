package pgtext

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"usher/booking/pgstore"
	"usher/catalog/pgcatalog"
	"usher/internal/testenv"
	"usher/search"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// town is a catalog that tests search in.
type town struct {
	*Engine
	t       testing.TB
	catalog *pgcatalog.Store
}

func newTown(t testing.TB) *town {
	t.Helper()
	store, err := pgcatalog.Open(context.Background(), testenv.Postgres(t, pgstore.Migrate), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return &town{Engine: New(store.Pool(), []byte("a key of the test's own")), t: t, catalog: store}
}

func (w *town) pool() *pgxpool.Pool { return w.catalog.Pool() }

// find returns the keys of the events found, which are their names here, and the page.
func (w *town) find(q search.Query) (names []string, page search.Page) {
	w.t.Helper()
	page, err := w.Search(context.Background(), q)
	if err != nil {
		w.t.Fatalf("%+v: %v", q, err)
	}
	for _, h := range page.Events {
		names = append(names, h.Name)
	}
	return names, page
}

func date(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}
