package searchtest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/search"
)

// dates are those at the venue, from one edge of the zones to the other.
func dates(t *testing.T, w *world) {
	venue := func(key, zone string) Venue {
		return Venue{Key: key, Name: key, City: key, Country: "XX", Location: key + ", Nowhere", Zone: zone}
	}
	w.put(Catalog{
		Venues:     []Venue{venue("east", "Pacific/Kiritimati"), venue("west", "Etc/GMT+12"), venue("utc", "UTC")},
		Performers: []Performer{{"p", "P"}},
		Events: []Event{
			{Key: "east first", Name: "e", Venue: "east", Performers: []string{"p"}, Start: clock("2031-05-01T00:00:00+14:00")},
			{Key: "east last", Name: "e", Venue: "east", Performers: []string{"p"}, Start: clock("2031-05-01T23:59:59+14:00")},
			{Key: "west first", Name: "e", Venue: "west", Performers: []string{"p"}, Start: clock("2031-05-01T00:00:00-12:00")},
			{Key: "west last", Name: "e", Venue: "west", Performers: []string{"p"}, Start: clock("2031-05-01T23:59:59-12:00")},
			{Key: "utc", Name: "e", Venue: "utc", Performers: []string{"p"}, Start: clock("2031-05-01T11:00:00Z")},
		},
	})
	all := []string{"east first", "east last", "west first", "west last", "utc"}
	w.finds(search.Query{StartDate: day("2031-05-01"), EndDate: day("2031-05-01")}, all...)
	w.finds(search.Query{StartDate: day("2031-05-01")}, all...)
	w.finds(search.Query{EndDate: day("2031-05-01")}, all...)
	w.finds(search.Query{EndDate: day("2031-04-30")})
	w.finds(search.Query{StartDate: day("2031-05-02")})
	w.inOrder(search.Query{}, "east first", "east last", "utc", "west first", "west last")
}

// circles reach over the antimeridian and the poles, and leave out venues without coordinates.
func circles(t *testing.T, w *world) {
	c := Catalog{Performers: []Performer{{"p", "P"}}}
	add := func(key string, latitude, longitude *float64) {
		c.Venues = append(c.Venues, Venue{Key: key, Name: key, City: key, Country: "XX", Location: key + ", Nowhere", Zone: "UTC", Latitude: latitude, Longitude: longitude})
		c.Events = append(c.Events, Event{Key: key, Name: "e", Venue: key, Performers: []string{"p"}, Start: day("2031-05-01").Add(time.Duration(-len(c.Events)) * time.Hour)})
	}
	add("fiji west", degrees(-17), degrees(179.9))
	add("fiji east", degrees(-17), degrees(-179.9)) // 21.3 km away
	add("pole", degrees(90), degrees(10))
	add("near the pole", degrees(89.9), degrees(-170)) // 11.1 km from it
	add("null island", degrees(0), degrees(0))
	add("nowhere", nil, nil)
	w.put(c)
	f := func(latitude, longitude, radius float64, want ...string) {
		t.Helper()
		w.finds(search.Query{HasPoint: true, Latitude: latitude, Longitude: longitude, RadiusKM: radius}, want...)
		w.inOrder(search.Query{HasPoint: true, Latitude: latitude, Longitude: longitude, RadiusKM: radius, Sort: search.ByDistance}, want...) // the nearest first
	}
	f(-17, 179.9, 21.2, "fiji west")
	f(-17, 179.9, 21.3, "fiji west", "fiji east")
	f(-17, -179.95, 50, "fiji east", "fiji west")
	f(-17, 180, 1)
	f(90, 0, 11, "pole")
	f(89.95, 10, 6, "pole")
	f(89.95, -170, 6, "near the pole", "pole")
	f(90, -100, 11.2, "pole", "near the pole")
	f(0.1, 0.1, 500, "null island")
	f(-90, 0, 500)
}

// available leaves out what has no seat for sale, also where pages are made of little else.
func available(t *testing.T, w *world) {
	c := stage()
	c.Events = nil
	var left []string
	for i := range 60 {
		e := Event{Key: fmt.Sprintf("e%d", i), Name: "Evening", Venue: "lantern", Performers: []string{"owls"}, Start: soon(1 + i), Low: 100, High: 100, OnSale: i != 3}
		c.Events = append(c.Events, e)
		if i == 50 || i == 55 || i == 59 {
			left = append(left, e.Key)
		}
	}
	w.put(c)
	for _, e := range c.Events {
		switch {
		case slices.Contains(left, e.Key) || !e.OnSale:
		case len(e.Key)%2 == 0 && e.Key < "e12":
			w.Hold(t, w.ids[e.Key])
		default:
			w.Sell(t, w.ids[e.Key])
		}
	}
	w.inOrder(search.Query{Available: true, PageSize: 3}, left...)
	w.inOrder(search.Query{Available: true, Text: "evening", Sort: search.ByRelevance}, left...)
	keys, page := w.page(search.Query{Available: true, PageSize: 2})
	if strings.Join(keys, " ") != "e50 e55" || page.NextCursor == "" {
		t.Errorf("two of three: %q, next %q", keys, page.NextCursor)
	}
	w.inOrder(search.Query{Available: true, PageSize: 2, Cursor: page.NextCursor}, "e59")
	keys, page = w.page(search.Query{PageSize: 100})
	if len(keys) != 60 {
		t.Fatalf("%d events without the restriction", len(keys))
	}
	for i, h := range page.Events { // a sale that has not opened is not one that has nothing left
		if h.OnSale != (keys[i] != "e3") || (h.Availability == "none") == slices.Contains(left, keys[i]) {
			t.Errorf("%s: on sale %t, availability %s", keys[i], h.OnSale, h.Availability)
		}
	}
}

// someCatalog is a random catalog of plain names.
func someCatalog(rng *rand.Rand, events int) Catalog {
	pick := func(words string) string { w := strings.Fields(words); return w[rng.IntN(len(w))] }
	var c Catalog
	for i, place := range []struct {
		city, zone string
		lat, lon   float64
	}{{"Oslo", "Europe/Oslo", 59.9, 10.7}, {"Bergen", "Europe/Oslo", 60.4, 5.3}, {"Suva", "Pacific/Fiji", -17.7, 179.9}, {"Apia", "Pacific/Apia", -13.8, -171.8}, {"Lima", "America/Lima", -12, -77}} {
		for j := range 3 {
			v := Venue{Key: fmt.Sprintf("v%d-%d", i, j), Name: fmt.Sprintf("%s House %d", pick("Amber Birch Cedar"), 3*i+j), City: place.city, Country: "XX", Location: place.city + ", Land" + fmt.Sprint(i/2), Zone: place.zone}
			if j > 0 {
				v.Latitude, v.Longitude = degrees(place.lat+rng.Float64()/2), degrees(max(-180, min(180, place.lon+rng.Float64()/2)))
			}
			c.Venues = append(c.Venues, v)
		}
	}
	for i := range 9 {
		c.Performers = append(c.Performers, Performer{fmt.Sprintf("p%d", i), fmt.Sprintf("%s %s", pick("Copper Silver Golden"), pick("Owls Foxes Herons"))})
	}
	for i := range events {
		low := rng.IntN(30000)
		c.Events = append(c.Events, Event{Key: fmt.Sprintf("e%d", i), Name: pick("Amber Dawn Dusk") + " " + pick("Night Tour Live"), Venue: c.Venues[rng.IntN(len(c.Venues))].Key,
			Performers: []string{fmt.Sprintf("p%d", rng.IntN(4)), fmt.Sprintf("p%d", 4+rng.IntN(5))}, Category: pick("Rock Jazz Folk"), Start: soon(-20 + rng.IntN(80)).Add(time.Duration(rng.IntN(24)) * time.Hour),
			Low: low, High: low + rng.IntN(20000), OnSale: rng.IntN(4) > 0})
	}
	return c
}

// random compares engine and naive search over random catalogs and queries, facets and totals included.
func random(t *testing.T, w *world) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	c := someCatalog(rng, 250)
	n := newNaive(c)
	w.put(c)
	for range 20 {
		if e := c.Events[rng.IntN(len(c.Events))]; e.OnSale && !n.sold[e.Key] {
			w.Sell(t, w.ids[e.Key])
			n.sold[e.Key] = true
		}
	}
	for range 150 {
		q := someQuery(rng)
		want := n.find(q)
		if len(want) == 0 && q.Text != "" {
			continue // typos may be forgiven
		}
		q.Facets, q.PageSize = true, 100
		got := map[string]bool{}
		first := search.Page{}
		for pages := 0; ; pages++ {
			keys, page := w.page(q)
			if pages == 0 {
				first = page
			}
			for _, k := range keys {
				if got[k] {
					t.Errorf("%s: %s twice", told(q), k)
				}
				got[k] = true
			}
			if q.Cursor = page.NextCursor; q.Cursor == "" {
				break
			}
		}
		for _, e := range want {
			if !got[e.Key] {
				t.Errorf("%s: %+v is not found", told(q), e)
			}
		}
		if len(got) != len(want) || first.Total != len(want) {
			t.Errorf("%s: %d events of %d, want %d", told(q), len(got), first.Total, len(want))
		}
		sameFacets(t, q, first.Facets, n.facets(want))
	}
}

// someQuery restricts a few things.
func someQuery(rng *rand.Rand) (q search.Query) {
	one := func(values ...string) string {
		if rng.IntN(3) > 0 {
			return ""
		}
		return values[rng.IntN(len(values))]
	}
	q.Text = one("amber", "night amber", "copper", "owls tour", "jazz", "osl", "house rock", "d")
	if q.Performer, q.Venue, q.Category = one("owls", "copper", "herons"), one("house", "amber house"), one("rock", "Jazz"); rng.IntN(3) == 0 {
		q.StartDate = soon(rng.IntN(40) - 20).Truncate(24 * time.Hour)
		q.EndDate = q.StartDate.AddDate(0, 0, rng.IntN(30))
	}
	if rng.IntN(3) == 0 {
		low, high := rng.IntN(20000), 20000+rng.IntN(20000)
		q.PriceMin, q.PriceMax = &low, &high
	}
	q.Available = rng.IntN(4) == 0
	q.Sort = search.ByDate
	if q.Location = one("oslo", "Suva, Land1", "land0"); q.Location == "" && rng.IntN(3) == 0 {
		q.HasPoint, q.Latitude, q.Longitude, q.RadiusKM = true, 60, 8, 1+rng.Float64()*499
		if rng.IntN(2) == 0 {
			q.Latitude, q.Longitude = -17.5, -179.9
		}
		q.Sort = search.ByDistance
	}
	if q.Text != "" && rng.IntN(2) == 0 {
		q.Sort = search.ByRelevance
	}
	return q
}

// sameFacets compares facets, but for the ids of venues.
func sameFacets(t *testing.T, q search.Query, got *search.Facets, want search.Facets) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: no facets", told(q))
		return
	}
	plain := search.Facets{Capped: got.Capped}
	for _, l := range []struct {
		from []search.Facet
		to   *[]search.Facet
	}{{got.Category, &plain.Category}, {got.City, &plain.City}, {got.Month, &plain.Month}, {got.Price, &plain.Price}, {got.Available, &plain.Available}, {got.Venue, &plain.Venue}} {
		for _, f := range l.from {
			*l.to = append(*l.to, search.Facet{Value: f.Value, Count: f.Count})
		}
	}
	for i := range plain.Venue {
		plain.Venue[i].Value = got.Venue[i].Label
	}
	counts := func(f []search.Facet) map[string]int {
		out := map[string]int{}
		for _, v := range f {
			out[v.Value] = v.Count
		}
		return out
	}
	a, b := reflect.ValueOf(plain), reflect.ValueOf(want)
	for i := range a.NumField() {
		x, isList := a.Field(i).Interface().([]search.Facet)
		y, _ := b.Field(i).Interface().([]search.Facet)
		if isList && !reflect.DeepEqual(counts(x), counts(y)) {
			t.Errorf("%s: %s counts %v, want %v", told(q), a.Type().Field(i).Name, x, y)
		}
	}
}
