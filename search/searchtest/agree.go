package searchtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"usher/search"
)

// Agree compares two engines over one random catalog, which is put into the town: structured queries find the same events in the same order, by date and by
// distance, with the same totals and the same shown of them. A page by date goes on in either engine.
func Agree(t *testing.T, town Town, other search.Engine) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	c := someCatalog(rng, 300)
	ids := town.Put(t, c)
	for range 20 {
		if e := c.Events[rng.IntN(len(c.Events))]; e.OnSale {
			town.Sell(t, ids[e.Key])
		}
	}
	found := 0
	for range 100 {
		q := someQuery(rng)
		if q.Text, q.PageSize = "", 5+rng.IntN(30); q.Sort == search.ByRelevance {
			q.Sort = search.ByDate
		}
		want, ok1 := list(t, q, town)
		got, ok2 := list(t, q, other)
		if found += len(want); ok1 && ok2 {
			same(t, q, want, got)
		}
		if q.Sort != search.ByDate {
			continue
		}
		if turns, ok := list(t, q, town, other); ok {
			same(t, q, want, turns)
		}
	}
	if found < 500 {
		t.Errorf("100 queries found %d events: they prove nothing", found)
	}
}

// list reads all pages of a query, in turns from several engines. Those must tell the same totals.
func list(t *testing.T, q search.Query, engines ...search.Engine) (all []search.Hit, ok bool) {
	t.Helper()
	for pages := 0; pages < 1000; pages++ {
		page, err := engines[pages%len(engines)].Search(context.Background(), q)
		if err != nil {
			t.Errorf("%s, page %d: %v", told(q), pages, err)
			return nil, false
		}
		all = append(all, page.Events...)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			if page.Total != len(all) || page.TotalCapped {
				t.Errorf("%s: %d events of %d", told(q), len(all), page.Total)
			}
			return all, true
		}
	}
	t.Errorf("%s: no end of pages", told(q))
	return nil, false
}

// same wants the same hits in the same order.
func same(t *testing.T, q search.Query, want, got []search.Hit) {
	t.Helper()
	if d := difference(want, got); d != "" {
		t.Errorf("%s: %s", told(q), d)
	}
}

// difference says where two lists differ; "" when they are the same.
func difference(want, got []search.Hit) string {
	for i := range min(len(want), len(got)) {
		if a, b := plainly(want[i]), plainly(got[i]); !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("event %d:\n%v\n%v", i, a, b)
		}
	}
	if len(want) != len(got) {
		return fmt.Sprintf("%d events and %d", len(want), len(got))
	}
	return ""
}

// plainly is all that a hit shows.
func plainly(h search.Hit) []any {
	number := func(f *float64) string {
		if f == nil {
			return "none"
		}
		return fmt.Sprintf("%.9f", *f)
	}
	v := h.Venue
	return []any{h.ID, h.Name, h.Details, h.ImageURL, h.Performer, h.Start.Format(time.RFC3339Nano), h.End.Format(time.RFC3339Nano), h.Date.Format(time.RFC3339Nano), v.ID, v.Name, v.Location,
		v.City, v.Country, number(v.Latitude), number(v.Longitude), v.TimeZone, h.PriceFrom, h.PriceTo, h.Currency, h.Capacity, h.OnSale, h.Availability, number(h.DistanceKM), h.Tickets}
}
