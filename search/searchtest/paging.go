package searchtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"usher/search"
)

// paging: whatever is inserted between two pages, every event that was there from the beginning is found exactly once, and none twice.
func paging(t *testing.T, w *world, q search.Query) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	hall := func(i int, lat, lon float64) Venue {
		return Venue{Key: fmt.Sprint("v", i), Name: "Lantern " + fmt.Sprint(i), City: "Toronto", Country: "CA", Location: "Toronto, Canada", Zone: "America/Toronto", Latitude: degrees(lat), Longitude: degrees(lon)}
	}
	w.put(Catalog{
		Venues:     []Venue{hall(0, 43.6, -79.4), hall(1, 43.6, -79.4), hall(2, 44, -79), hall(3, 45, -75)}, // two at one place
		Performers: []Performer{{"owls", "The Copper Owls"}, {"soma", "Soma"}},
	})
	added := 0
	add := func(events int) (keys []string) {
		var c Catalog
		for range events {
			added++
			e := Event{Key: fmt.Sprint("e", added), Name: []string{"Owls at night", "Evening", "Owl"}[rng.IntN(3)], Venue: fmt.Sprint("v", rng.IntN(4)), Performers: []string{"owls"},
				Start: soon(2).Add(time.Duration(rng.IntN(96)-60) * time.Hour), Low: 1, High: 1, OnSale: true} // many start at the same time, some are over
			c.Events, keys = append(c.Events, e), append(keys, e.Key)
		}
		if events > 0 {
			w.put(c)
		}
		return keys
	}
	early := add(100)
	for round := range 3 {
		seen := map[string]bool{}
		q.Cursor, q.PageSize = "", 1+rng.IntN(20)
		var last *search.Hit
		for pages := 0; ; pages++ {
			keys, page := w.page(q)
			if len(page.Events) > q.PageSize {
				t.Fatalf("%d events on a page of %d", len(page.Events), q.PageSize)
			}
			for i, key := range keys {
				if seen[key] {
					t.Fatalf("round %d: %s twice", round, key)
				}
				if h := &page.Events[i]; last != nil && !inTurn(q.Sort, last, h) {
					t.Fatalf("round %d: %s at %s after %s", round, key, h.Start, last.Start)
				}
				seen[key], last = true, &page.Events[i]
			}
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
			if pages < 40 { // else they may be added faster than they are read
				add(rng.IntN(4))
			}
		}
		for _, key := range early {
			if !seen[key] {
				t.Errorf("round %d: %s was skipped", round, key)
			}
		}
	}
}

// inTurn reports whether a hit may follow another; of relevance, only the engine knows.
func inTurn(by search.Sort, a, b *search.Hit) bool {
	switch by {
	case search.ByRelevance:
		return true
	case search.ByDistance:
		if *a.DistanceKM != *b.DistanceKM {
			return *a.DistanceKM < *b.DistanceKM
		}
	}
	return a.Start.Before(b.Start) || a.Start.Equal(b.Start) && a.ID < b.ID
}

// cursors belong to their query and its order, and cannot be made.
func cursors(t *testing.T, w *world) {
	w.put(stage())
	five := 5
	for _, q := range []search.Query{
		{Sort: search.ByDate, PageSize: 2}, {Text: "s", Sort: search.ByRelevance, PageSize: 1},
	} {
		_, page := w.page(q)
		if page.NextCursor == "" {
			t.Fatalf("%s has no second page", told(q))
		}
		q.Cursor = page.NextCursor
		for why, change := range map[string]func(q *search.Query){
			"text": func(q *search.Query) { q.Text += "x" }, "location": func(q *search.Query) { q.Location = "x" }, "venue": func(q *search.Query) { q.Venue = "x" },
			"performer": func(q *search.Query) { q.Performer = "x" }, "category": func(q *search.Query) { q.Category = "x" }, "price": func(q *search.Query) { q.PriceMin = &five },
			"other price": func(q *search.Query) { q.PriceMax = &five }, "start": func(q *search.Query) { q.StartDate = day("2031-01-01") }, "end": func(q *search.Query) { q.EndDate = day("2031-01-01") },
			"available": func(q *search.Query) { q.Available = true }, "circle": func(q *search.Query) { q.HasPoint, q.RadiusKM = true, 5 },
			"order": func(q *search.Query) { q.Text, q.Sort, q.HasPoint, q.RadiusKM = "owls", search.ByDistance, true, 5 },
			"cut":   func(q *search.Query) { q.Cursor = q.Cursor[1:] }, "end cut": func(q *search.Query) { q.Cursor = q.Cursor[:len(q.Cursor)-1] }, "padded": func(q *search.Query) { q.Cursor += "=" },
			"line": func(q *search.Query) { q.Cursor = q.Cursor[:4] + "\n" + q.Cursor[4:] },
			"made": func(q *search.Query) { q.Cursor = "hello" }, "one letter": func(q *search.Query) { q.Cursor = "z" },
		} {
			other := q
			change(&other)
			if _, err := w.Search(t.Context(), other); err == nil {
				t.Errorf("%s: a cursor passes with another %s", told(q), why)
			}
			w.refuses(other, search.ErrBadCursor)
		}
		q.PageSize, q.Tickets, q.Facets = 100, true, true // these may change
		if keys, last := w.page(q); len(keys) == 0 || last.NextCursor != "" {
			t.Errorf("%s: a second page of %d", told(q), len(keys))
		}
	}
	for _, q := range []search.Query{{PageSize: -1}, {PageSize: 101}, {Sort: "price"}, {Sort: search.ByRelevance}, {Sort: search.ByDistance}} {
		w.refuses(q, search.ErrBadQuery)
	}
}
