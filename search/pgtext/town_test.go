package pgtext

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"usher/catalog/layout"
	"usher/catalog/pgcatalog"
	"usher/internal/id"
	"usher/search/searchtest"
)

func TestEngine(t *testing.T) {
	t.Parallel()
	searchtest.Run(t, func(t testing.TB) searchtest.Town { return newTown(t) })
}

// Few candidates at a time make many tranches. Words are found here by weeks, one at a time, and then by the index of words in all that is left;
// in TestEngine, whose towns are small, along the dates.
func TestEngineInSmallTranches(t *testing.T) {
	t.Parallel()
	searchtest.Run(t, func(t testing.TB) searchtest.Town {
		w := newTown(t)
		w.candidates = 7
		w.plan = func(density, int) (way, int) { return byWeeks, 1 }
		return w
	})
}

// Put imports a catalog. Every venue has ten seats of one level but for the last, which is another: so prices may differ.
func (w *town) Put(t testing.TB, c searchtest.Catalog) map[string]id.Event {
	t.Helper()
	ctx := context.Background()
	seats, err := layout.Generate(10)
	if err != nil {
		t.Fatal(err)
	}
	var venues []pgcatalog.Venue
	var layouts []pgcatalog.Layout
	for _, v := range c.Venues {
		venues = append(venues, pgcatalog.Venue{Key: v.Key, Name: v.Name, Location: v.Location, City: v.City, Country: v.Country, Latitude: v.Latitude, Longitude: v.Longitude, TimeZone: v.Zone})
		layouts = append(layouts, pgcatalog.Layout{Key: v.Key, Venue: v.Key, Layout: seats})
	}
	var performers []pgcatalog.Performer
	for _, p := range c.Performers {
		performers = append(performers, pgcatalog.Performer(p))
	}
	var events []pgcatalog.Event
	for _, e := range c.Events {
		events = append(events, pgcatalog.Event{Key: e.Key, Name: e.Name, Venue: e.Venue, Performers: e.Performers, Start: e.Start, Length: time.Hour, Category: e.Category,
			Currency: "USD", Prices: map[string]int{"A": e.High, "B": e.High, "C": e.Low}})
	}
	_, err1 := w.catalog.PutVenues(ctx, venues)
	_, err2 := w.catalog.PutLayouts(ctx, layouts)
	_, err3 := w.catalog.PutPerformers(ctx, performers)
	outcomes, err4 := w.catalog.PutEvents(ctx, events)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	ids := map[string]id.Event{}
	for i, o := range outcomes {
		if o.Outcome == pgcatalog.Refused {
			t.Fatalf("%+v: %s", c.Events[i], o.Reason)
		}
		if ids[c.Events[i].Key] = o.ID; c.Events[i].OnSale && !o.OnSale {
			if _, err := w.catalog.OpenSale(ctx, o.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	return maps.Clone(ids)
}

// Sell books every seat, as the worker would: with a result that names the event.
func (w *town) Sell(t testing.TB, e id.Event) {
	t.Helper()
	w.exec(t, `UPDATE tickets SET status = 'booked', booking_id = gen_random_uuid() WHERE event_id = $1`, int64(e))
	w.told(t, e)
}

// told lets the engine hear that a command has named the event.
func (w *town) told(t testing.TB, e id.Event) {
	t.Helper()
	w.exec(t, `INSERT INTO command_results (command_id, event_id, result) VALUES (gen_random_uuid(), $1, '{}')`, int64(e))
	if err := w.Restock(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
}

// Hold holds every seat.
func (w *town) Hold(t testing.TB, e id.Event) {
	t.Helper()
	w.exec(t, `UPDATE tickets SET hold_user_id = gen_random_uuid(), hold_expiry = now() + interval '1 hour' WHERE event_id = $1`, int64(e))
}

func (w *town) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := w.pool().Exec(context.Background(), sql, args...); err != nil {
		t.Fatal(err)
	}
}
