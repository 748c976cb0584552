package pgtext

import (
	"context"
	"os"
	"testing"
	"time"

	"usher/internal/testenv"
	"usher/search"
	"usher/search/searchtest/pgtown"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// town is a catalog that tests search in.
type town struct {
	*Engine
	*pgtown.Town
	t testing.TB
}

func newTown(t testing.TB) *town {
	t.Helper()
	w := pgtown.New(t)
	return &town{Engine: New(w.Pool(), []byte("a key of the test's own")), Town: w, t: t}
}

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
