package pgtext

import (
	"slices"
	"testing"
	"time"

	"usher/search"
	"usher/search/searchtest"
)

// japanAndSpain has a hall in each, and a Spanish night in the Japanese one.
func japanAndSpain() searchtest.Catalog {
	at := func(key, name, city, country string, lat, lon float64) searchtest.Venue {
		return searchtest.Venue{Key: key, Name: name, City: city, Country: country[:2], Location: city + ", " + country, Zone: "UTC", Latitude: &lat, Longitude: &lon}
	}
	start := time.Now().Add(48 * time.Hour).Truncate(time.Microsecond)
	event := func(name, venue, category string) searchtest.Event {
		start = start.Add(time.Hour)
		return searchtest.Event{Key: name, Name: name, Venue: venue, Category: category, Performers: []string{"nobody"}, Start: start}
	}
	return searchtest.Catalog{
		Venues:     []searchtest.Venue{at("tokyo", "Dome", "Tokyo", "Japan", 35.7, 139.7), at("madrid", "Teatro", "Madrid", "Spain", 40.4, -3.7)},
		Performers: []searchtest.Performer{{Key: "nobody", Name: "Nobody"}},
		Events: []searchtest.Event{
			event("Evening", "tokyo", "Music"), event("Night of Spain", "tokyo", "Music"), event("Matinee", "madrid", "Music"), event("Flamenco", "madrid", "Japan week"),
		},
	}
}

// A word of places is sought where it can be: at venues that have it, and at those of the events that have it of their own, by name or by category.
func TestWordsAreSoughtWhereTheyCanBe(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.Put(t, japanAndSpain())
	w.narrowing = narrowing{own: 1}
	s, err := w.sampler.get(t.Context(), w.Pool())
	if err != nil {
		t.Fatal(err)
	}
	f := func(text string, venues int, found ...string) {
		t.Helper()
		q := search.Query{Text: text, PageSize: 10}
		r := &resolved{Query: q, text: terms(text)}
		if done, err := w.narrow(t.Context(), r, s, 0); !done || err != nil || len(r.venues) != venues || len(r.km) != venues {
			t.Errorf("%q: sought at %v (%v km), want %d venues; %t, %v", text, r.venues, r.km, venues, done, err)
		}
		names, _ := w.find(q)
		slices.Sort(names)
		if slices.Sort(found); !slices.Equal(names, found) {
			t.Errorf("%q finds %q, want %q", text, names, found)
		}
	}
	f("tokyo", 1, "Evening", "Night of Spain")
	f("spain japan", 2, "Flamenco", "Night of Spain")
	f("japan dome", 1, "Evening", "Night of Spain")
	f("flamenco spa", 1, "Flamenco")
	f("matinee evening", 0)

	in := search.Query{Text: "spain", PageSize: 10, HasPoint: true, Latitude: 35.7, Longitude: 139.7, RadiusKM: 50, Sort: search.ByDistance}
	if names, page := w.find(in); !slices.Equal(names, []string{"Night of Spain"}) || page.Total != 1 {
		t.Errorf("in a circle around Tokyo: %q, %d in all", names, page.Total)
	}
	in.Text = "madrid"
	if names, page := w.find(in); len(names) > 0 || page.Total != 0 {
		t.Errorf("of Madrid, in a circle around Tokyo: %q", names)
	}
}

// What many events have of their own, or nearly all that the query looks at, is not asked for: that would be dear, or lead nowhere.
func TestWordsThatLeadNowhereAreNotAskedFor(t *testing.T) {
	t.Parallel()
	g := &Engine{narrowing: usual} // without a database: who asks fails
	s := newSample()
	for i := range 1000 {
		words, own := []string{"hall"}, []string{"hall"}
		if i%4 > 0 {
			words = append(words, "japan")
		}
		s.add(drawn{venue: int64(i % 4)}, words, own)
	}
	s.stored = 1_000_000
	s.sort()
	for _, text := range []string{"hall", "japan", "hall japan", "ha"} {
		r := &resolved{text: terms(text), venues: []int64{1, 2, 3}}
		if done, err := g.narrow(t.Context(), r, s, dearSearch); done || err != nil || len(r.venues) != 3 {
			t.Errorf("%q: %v, %t, %v", text, r.venues, done, err)
		}
	}
}

// Where an index of something else leads to fewer events the query keeps its venues. The control asks, and fails without a database.
func TestWhatIsForSaleIsNotSoughtByVenue(t *testing.T) {
	t.Parallel()
	g := &Engine{narrowing: narrowing{own: 1}}
	s := newSample()
	s.add(drawn{venue: 1}, []string{"japan"}, nil)
	s.sort()
	for why, q := range map[string]search.Query{"for sale": {Available: true}, "of a category": {Category: "Music"}} {
		r := &resolved{Query: q, text: terms("japan")}
		if done, err := g.narrow(t.Context(), r, s, dearSearch); done || err != nil {
			t.Errorf("%s: %t, %v", why, done, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("the control asks nobody")
		}
	}()
	_, _ = g.narrow(t.Context(), &resolved{text: terms("japan")}, s, dearSearch)
}

// A few venues are known better than a sample knows them, which may have none of their events.
func TestAFewVenuesAreCheapToLookThrough(t *testing.T) {
	t.Parallel()
	d := density{drawn: sampleSize, having: 100, seen: sampleSize, words: 100, stored: 3_650_000, first: time.Unix(1, 0), last: time.Unix(1, 0).Add(52 * week)}
	if w, _ := plan(d, 500); w != byWords && w != byOther {
		t.Errorf("venues of which nothing is known: way %d", w)
	}
	unknown := d.byOther()
	if d.at = 0.2; d.byOther() >= unknown {
		t.Errorf("one venue of ten thousand: %.0f µs, as much as if nothing were known of it: %.0f", d.byOther(), unknown)
	}
	if d.other, d.at = 50, 40; d.byOther() != 50./sampleSize*d.stored*otherCost {
		t.Errorf("where the sample has many events: %.0f µs", d.byOther())
	}
}
