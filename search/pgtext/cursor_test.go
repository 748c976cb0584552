package pgtext

import (
	"testing"

	"usher/search"
)

// FuzzCursors holds cursors to one spelling each: what is opened is sealed to the same bytes.
func FuzzCursors(f *testing.F) {
	g := New(nil, []byte("key"))
	f.Add(g.sealCursor(search.Query{}, position{last: place{date("2026-12-01"), 7}}))
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := g.openCursor(search.Query{Cursor: s})
		if err == nil && s != "" && g.sealCursor(search.Query{}, p) != s {
			t.Errorf("%q is a second spelling", s)
		}
	})
}
