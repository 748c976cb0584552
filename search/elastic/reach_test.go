package elastic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"usher/search"
	"usher/search/searchtest"
)

// nearby are bounds by which a search looks at a few events at a time, as with the usual ones at thousands.
var nearby = bounds{first: 2 * time.Hour, count: 5 * time.Hour, most: 60 * 24 * time.Hour, ranked: 4, counted: 20}

// festival has an event each few hours, over and to come, in places around one point.
func festival(rng *rand.Rand, events int) (c searchtest.Catalog) {
	for n := range 5 {
		lat, lon := 48+float64(n)*float64(n)/4, 16.
		c.Venues = append(c.Venues, searchtest.Venue{Key: fmt.Sprint(n), Name: fmt.Sprint("Hall ", n), City: "Graz", Country: "AT", Location: "Graz, Austria", Zone: "Europe/Vienna", Latitude: &lat, Longitude: &lon})
	}
	c.Performers = []searchtest.Performer{{Key: "amber", Name: "Amber"}, {Key: "soma", Name: "Soma"}}
	for n := range events {
		c.Events = append(c.Events, anEvent(rng, fmt.Sprint("e", n)))
	}
	return c
}

// anEvent is one of two weeks, but not of the hour that is, whose performer or name is Amber.
func anEvent(rng *rand.Rand, key string) searchtest.Event {
	minutes := rng.IntN(14*24*60) - 2*24*60
	if minutes > -60 && minutes < 60 { // nothing begins while the test runs
		minutes += 120
	}
	start := time.Now().Add(time.Duration(minutes) * time.Minute).Truncate(time.Microsecond)
	e := searchtest.Event{Key: key, Name: "Amber light", Venue: fmt.Sprint(rng.IntN(5)), Performers: []string{"soma"}, Start: start}
	if rng.IntN(2) == 0 {
		e.Name, e.Performers = "A show", []string{"amber"}
	}
	return e
}

// What is found, and in which order, does not depend on how far a search looks at a time, and what is counted only by where the count stops.
func TestHowFarASearchLooksChangesNothing(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	far := newTown(t, 1)
	near := *far.Engine
	near.bounds = nearby
	far.Put(t, festival(rng, 60))
	day := func(n int) time.Time { return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, n) }
	capped, exact := 0, 0
	for n := range 60 {
		q := search.Query{Sort: search.ByDate, PageSize: 1 + rng.IntN(8)}
		if n%2 == 0 {
			q.Text = "amber"
		}
		if n%3 == 0 {
			q.StartDate = day(rng.IntN(14) - 3)
		}
		if n%4 == 0 {
			q.EndDate = day(rng.IntN(14))
		}
		if n%5 > 2 {
			q.HasPoint, q.Latitude, q.Longitude, q.RadiusKM = true, 48, 16, 50+float64(rng.IntN(500))
			if q.Sort = search.ByDistance; n%5 == 3 {
				q.Sort = search.ByDate
			}
		}
		want, got := allPages(t, far.Engine, q, nil), allPages(t, &near, q, nil)
		if !slices.Equal(ids(want.Events), ids(got.Events)) {
			t.Errorf("seed %d: %+v\nlooking far:  %v\nlooking near: %v", seed, q, ids(want.Events), ids(got.Events))
		}
		if more := want.Total > nearby.counted; got.Total != min(want.Total, nearby.counted) || got.TotalCapped != more {
			t.Errorf("seed %d: %+v: %d events, capped %t, of %d", seed, q, got.Total, got.TotalCapped, want.Total)
		} else if more {
			capped++
		} else {
			exact++
		}
	}
	if capped < 5 || exact < 5 {
		t.Errorf("%d totals are capped, %d exact: the queries prove little", capped, exact)
	}
}

// By relevance what comes within some days is ranked together: so the next good hit comes before the best one of another year, and yet each event comes once, what is over last, whatever
// is added meanwhile.
func TestTheNextDaysAreRankedTogether(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	w := newTown(t, 1)
	near := *w.Engine
	near.bounds = nearby
	w.Put(t, festival(rng, 60))
	late := time.Now()
	q := search.Query{Text: "amber", Sort: search.ByRelevance, PageSize: 7}
	before, all := allPages(t, &near, q, nil), allPages(t, w.Engine, q, nil)
	list := before.Events
	if fewer := slices.Equal(ids(list), ids(all.Events)); fewer || len(list) != 60 || !slices.Equal(sorted(list), sorted(all.Events)) {
		t.Fatalf("seed %d: %d events in %d windows, the same order as without windows: %t", seed, len(list), windows(list), fewer)
	}
	over := slices.IndexFunc(list, func(h search.Hit) bool { return h.Start.Before(late.Add(-time.Minute)) })
	if over < 0 || slices.ContainsFunc(list[over:], func(h search.Hit) bool { return h.Start.After(late) }) {
		t.Errorf("seed %d: what is over is not at the end", seed)
	}
	if n := windows(list); n < 5 {
		t.Errorf("seed %d: %d windows for 60 events: too few to prove anything", seed, n)
	}
	added := 0
	after := allPages(t, &near, q, func() {
		added++
		w.Put(t, searchtest.Catalog{Venues: festival(rng, 0).Venues, Performers: festival(rng, 0).Performers, Events: []searchtest.Event{anEvent(rng, fmt.Sprint("added", added))}})
	})
	seen := map[string]int{}
	for _, h := range after.Events {
		seen[h.ID.String()]++
	}
	for _, h := range list {
		if seen[h.ID.String()] != 1 {
			t.Errorf("seed %d: %s, which was there from the beginning, was seen %d times", seed, h.ID, seen[h.ID.String()])
		}
	}
}

// windows is how often a list by relevance goes from a bad hit to a good one: what is ranked together has all good ones first.
func windows(list []search.Hit) int {
	n := 1
	for i := range list {
		if i > 0 && list[i].Performer == "Amber" && list[i-1].Performer != "Amber" {
			n++
		}
	}
	return n
}

// allPages reads all pages of a query, with something in between; the total is that of the first.
func allPages(t *testing.T, g *Engine, q search.Query, between func()) (all search.Page) {
	t.Helper()
	for n := range 200 {
		page, err := g.Search(t.Context(), q)
		if err != nil {
			t.Fatalf("page %d of %+v: %v", n, q, err)
		}
		if n == 0 {
			all.Total, all.TotalCapped = page.Total, page.TotalCapped
		} else if between == nil && (page.Total != all.Total || page.TotalCapped != all.TotalCapped) {
			t.Errorf("page %d of %+v: total %d, capped %t, at first %d, %t", n, q, page.Total, page.TotalCapped, all.Total, all.TotalCapped)
		}
		all.Events = append(all.Events, page.Events...)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			return all
		}
		if between != nil {
			between()
		}
	}
	t.Fatalf("no end of pages: %+v", q)
	return all
}

func ids(list []search.Hit) (out []string) {
	for _, h := range list {
		out = append(out, h.ID.String())
	}
	return out
}

func sorted(list []search.Hit) []string { return slices.Sorted(slices.Values(ids(list))) }

// A part of a window begins where the window does, or ends where it ends, and all of it is the window.
func TestPartsOfAWindow(t *testing.T) {
	t.Parallel()
	w := window{100, 900}
	for _, c := range []struct {
		back bool
		size float64
		want window
	}{{false, 50, window{100, 150}}, {true, 50, window{850, 900}}, {false, math.Inf(1), w}, {true, math.Inf(1), w}} {
		if got := w.part(c.back, c.size); got != c.want {
			t.Errorf("%v of %v, back %t: %v, want %v", c.size, w, c.back, got, c.want)
		}
	}
}

// What two windows have in common begins and ends in both; 0 is no end, and what lies before 1970 is below it.
func TestWhatWindowsHaveInCommon(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]window{
		{{100, 900}, {200, 800}, {200, 800}}, {{100, 900}, {0, 800}, {100, 800}}, {{100, 0}, {200, 0}, {200, 0}},
		{{-50, 0}, {0, 0}, {-50, 0}}, {{-50, 10}, {-70, 0}, {-50, 10}}, {{}, {}, {}}, {{100, 200}, {300, 400}, {300, 200}},
	} {
		if one, other := c[0].and(c[1]), c[1].and(c[0]); one != c[2] || other != c[2] {
			t.Errorf("%v and %v: %v, %v, want %v", c[0], c[1], one, other, c[2])
		}
	}
}
