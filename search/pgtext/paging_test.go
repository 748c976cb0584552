package pgtext

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"usher/catalog/pgcatalog"
	"usher/search"
)

// Whatever is inserted between two pages, every event that was there from the beginning is found exactly once, in order, and no event twice.
func TestPagingNeitherSkipsNorRepeatsWhileEventsAreAdded(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	w := newTown(t)
	w.build()
	added := 0
	add := func(n int) (names []string) {
		var events []pgcatalog.Event
		for range n {
			added++
			name := fmt.Sprintf("random-%d", added)
			names = append(names, name)
			events = append(events, pgcatalog.Event{Key: name, Name: name, Venue: halls[rng.IntN(len(halls))].Key, Performers: []string{"owls"},
				Start:  date("2026-12-01").Add(time.Duration(rng.IntN(48)) * time.Hour), // many start at the same time
				Length: time.Hour, Currency: "USD", Prices: map[string]int{"A": 1, "B": 1, "C": 1}})
		}
		if _, err := w.catalog.PutEvents(context.Background(), events); err != nil {
			t.Fatal(err)
		}
		return names
	}
	early := add(150)
	for round := range 5 {
		seen := map[string]bool{}
		var last search.Hit
		q := search.Query{Performer: "owls", PageSize: 1 + rng.IntN(20)}
		for {
			names, page := w.find(q)
			for i, name := range names {
				h := page.Events[i]
				if seen[name] {
					t.Fatalf("round %d: %s twice", round, name)
				}
				if h.Start.Before(last.Start) || h.Start.Equal(last.Start) && h.ID <= last.ID {
					t.Fatalf("round %d: %s at %s after %s at %s", round, name, h.Start, last.Name, last.Start)
				}
				seen[name], last = true, h
			}
			if page.NextCursor == "" {
				break
			}
			q.Cursor = page.NextCursor
			add(rng.IntN(4))
		}
		for _, name := range early {
			if !seen[name] {
				t.Errorf("round %d: %s was skipped", round, name)
			}
		}
	}
}

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
