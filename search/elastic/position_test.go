package elastic

import (
	"errors"
	"testing"

	"usher/search"
	"usher/search/cursor"
)

// FuzzCursors holds cursors to one spelling each: what is opened is sealed to the same bytes.
func FuzzCursors(f *testing.F) {
	s := cursor.New(key)
	for _, q := range []search.Query{{Sort: search.ByDate}, {Sort: search.ByRelevance, Text: "owls"}} {
		f.Add(position{start: 7, event: 9}.seal(s, q))
		f.Add(position{typos: true, now: 5, past: true, key: 20_000, start: 7, event: 9}.seal(s, q))
	}
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		for _, q := range []search.Query{{Sort: search.ByDate, Cursor: text}, {Sort: search.ByRelevance, Text: "owls", Cursor: text}} {
			if p, err := open(s, q); err == nil && p.seal(s, q) != text {
				t.Errorf("%q is a second spelling", text)
			}
		}
	})
}

// A cursor of Postgres is none of ours, and one by date belongs to no other order.
func TestCursorsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	s := cursor.New(key)
	byDate, byFit := search.Query{Sort: search.ByDate}, search.Query{Sort: search.ByRelevance, Text: "owls"}
	for why, c := range map[string]struct {
		q      search.Query
		cursor string
		good   bool
	}{
		"ours":                       {byFit, position{start: 7, event: 9}.seal(s, byFit), true},
		"every engine's":             {byDate, s.Seal(byDate, cursor.ByDate, 7, 9), true},
		"that of Postgres":           {byFit, s.Seal(byFit, cursor.Postgres, 1, 2, 3, 4, 5, 6), false},
		"by date, in another order":  {byFit, s.Seal(byFit, cursor.ByDate, 7, 9), false},
		"with a number less":         {byFit, s.Seal(byFit, cursor.Elastic, 1, 2, 3, 4, 5), false},
		"of no kind":                 {byFit, s.Seal(byFit, 0, 1, 2, 3, 4, 5, 6), false},
		"of another key":             {byFit, position{start: 7, event: 9}.seal(cursor.New([]byte("another")), byFit), false},
		"of another query":           {byFit, position{start: 7, event: 9}.seal(s, byDate), false},
		"with nothing but a seal":    {byFit, "AAAAAAAAAAAAAAAA", false},
		"of an order by date, a bit": {byDate, s.Seal(byDate, cursor.ByDate, 7), false},
	} {
		c.q.Cursor = c.cursor
		if _, err := open(s, c.q); (err == nil) != c.good || err != nil && !errors.Is(err, search.ErrBadCursor) {
			t.Errorf("%s: %v", why, err)
		}
	}
}
