// Package searchtest holds every search engine to what search.Engine promises: Run is the suite, a Town is an engine with a catalog to search in.
package searchtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/internal/id"
	"usher/search"
)

// Town is an engine, and the catalog that it searches in. What is put, sold and held is known to the engine when the call returns.
type Town interface {
	search.Engine
	Put(t testing.TB, c Catalog) map[string]id.Event // ids by the keys of the events. Keys that exist are changed
	Sell(t testing.TB, e id.Event)                   // books every seat
	Hold(t testing.TB, e id.Event)                   // holds every seat for an hour
}

// Catalog is what a town is made of.
type Catalog struct {
	Venues     []Venue
	Performers []Performer
	Events     []Event
}

// Venue is a venue of the catalog, with at least ten seats.
type Venue struct {
	Key, Name, City, Country, Location, Zone string
	Latitude, Longitude                      *float64
}

// Performer is a performer of the catalog.
type Performer struct{ Key, Name string }

// Event is an event of the catalog.
type Event struct {
	Key, Name, Venue, Category string
	Performers                 []string
	Start                      time.Time
	Low, High                  int // prices in minor units
	OnSale                     bool
}

// Run runs the suite; open makes an empty town.
func Run(t *testing.T, open func(t testing.TB) Town) {
	for name, test := range map[string]func(t *testing.T, w *world){
		"Texts": texts, "Typos": typos, "Relevance": relevance, "Renaming": renaming, "Hostile": hostile, "Dates": dates, "Circles": circles,
		"Available": available, "Random": random, "Cursors": cursors, "Suggestions": suggestions,
		"PagesByDate":      func(t *testing.T, w *world) { paging(t, w, search.Query{Sort: search.ByDate}) },
		"PagesByRelevance": func(t *testing.T, w *world) { paging(t, w, search.Query{Text: "owls", Sort: search.ByRelevance}) },
		"PagesByTypos": func(t *testing.T, w *world) {
			paging(t, w, search.Query{Text: "lantrn owls", Sort: search.ByRelevance})
		},
		"PagesByDistance": func(t *testing.T, w *world) {
			paging(t, w, search.Query{HasPoint: true, Latitude: 43.7, Longitude: -79.4, RadiusKM: 500, Sort: search.ByDistance})
		},
		"PagesOfTheAvailable": func(t *testing.T, w *world) { paging(t, w, search.Query{Available: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, &world{Town: open(t), t: t, keys: map[id.Event]string{}})
		})
	}
}

// world is a town whose events are known by their keys.
type world struct {
	Town
	t    *testing.T
	keys map[id.Event]string
	ids  map[string]id.Event
}

func (w *world) put(c Catalog) {
	w.t.Helper()
	if w.ids == nil {
		w.ids = map[string]id.Event{}
	}
	for key, e := range w.Put(w.t, c) {
		w.keys[e], w.ids[key] = key, e
	}
}

// page returns the keys of a page's events, in order.
func (w *world) page(q search.Query) (keys []string, page search.Page) {
	w.t.Helper()
	page, err := w.Search(context.Background(), q)
	if err != nil {
		w.t.Fatalf("%+v: %v", q, err)
	}
	for _, h := range page.Events {
		keys = append(keys, w.keys[h.ID])
	}
	return keys, page
}

// finds wants exactly these events, in whatever order.
func (w *world) finds(q search.Query, want ...string) {
	w.t.Helper()
	q.PageSize = 100
	keys, page := w.page(q)
	slices.Sort(keys)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(keys, want) || page.Total != len(want) || page.TotalCapped || page.NextCursor != "" {
		w.t.Errorf("%s found %q of %d, want %q", told(q), keys, page.Total, want)
	}
}

// inOrder wants exactly these events, in this order.
func (w *world) inOrder(q search.Query, want ...string) {
	w.t.Helper()
	if keys, _ := w.page(q); !slices.Equal(keys, want) {
		w.t.Errorf("%s found %q, want %q", told(q), keys, want)
	}
}

func (w *world) refuses(q search.Query, want error) {
	w.t.Helper()
	if _, err := w.Search(context.Background(), q); !errors.Is(err, want) {
		w.t.Errorf("%s: %v, want %v", told(q), err, want)
	}
}

func text(s string) search.Query { return search.Query{Text: s, Sort: search.ByRelevance} }

func degrees(d float64) *float64 { return &d }

func day(s string) time.Time {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return d
}

// clock reads a time with its zone.
func clock(s string) time.Time {
	c, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return c
}

// soon is a time in the days to come: relevance tells what is to come from what is over.
func soon(days int) time.Time {
	return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, days).Add(20 * time.Hour)
}

var strip = strings.NewReplacer(",", " ", "-", " ", "'", " ")

// folded splits plain text into its words.
func folded(s string) []string { return strings.Fields(strip.Replace(strings.ToLower(s))) }
