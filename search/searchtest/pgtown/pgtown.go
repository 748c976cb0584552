// Package pgtown is a catalog in Postgres for the tests of engines that find, or show, what stands there.
package pgtown

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"usher/booking/pgstore"
	"usher/catalog/layout"
	"usher/catalog/pgcatalog"
	"usher/internal/id"
	"usher/internal/testenv"
	"usher/search"
	"usher/search/pgsource"
	"usher/search/pgstock"
	"usher/search/searchtest"
)

// Town is the catalog of one test. It is a searchtest.Town but for the engine.
type Town struct {
	Catalog *pgcatalog.Store
	Stock   *pgstock.Stock
}

// New returns an empty town in a database of its own.
func New(t testing.TB) *Town {
	t.Helper()
	store, err := pgcatalog.Open(context.Background(), testenv.Postgres(t, pgstore.Migrate), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return On(store)
}

// On is a town in a database that is there.
func On(store *pgcatalog.Store) *Town {
	return &Town{Catalog: store, Stock: pgstock.New(store.Pool())}
}

// Pool is the pool of the town's database.
func (w *Town) Pool() *pgxpool.Pool { return w.Catalog.Pool() }

// Put imports a catalog. Every venue has ten seats of one level but for the last, which is another: so prices may differ.
func (w *Town) Put(t testing.TB, c searchtest.Catalog) map[string]id.Event {
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
	_, err1 := w.Catalog.PutVenues(ctx, venues)
	_, err2 := w.Catalog.PutLayouts(ctx, layouts)
	_, err3 := w.Catalog.PutPerformers(ctx, performers)
	outcomes, err4 := w.Catalog.PutEvents(ctx, events)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	ids := map[string]id.Event{}
	for i, o := range outcomes {
		if o.Outcome == pgcatalog.Refused {
			t.Fatalf("%+v: %s", c.Events[i], o.Reason)
		}
		if ids[c.Events[i].Key] = o.ID; c.Events[i].OnSale && !o.OnSale {
			if _, err := w.Catalog.OpenSale(ctx, o.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	return ids
}

// Sell books every seat, as the worker would: with a result that names the event.
func (w *Town) Sell(t testing.TB, e id.Event) {
	t.Helper()
	w.Exec(t, `UPDATE tickets SET status = 'booked', booking_id = gen_random_uuid() WHERE event_id = $1`, int64(e))
	w.told(t, e)
}

// told lets the engine hear that a command has named the event.
func (w *Town) told(t testing.TB, e id.Event) {
	t.Helper()
	w.Exec(t, `INSERT INTO command_results (command_id, event_id, result) VALUES (gen_random_uuid(), $1, '{}')`, int64(e))
	if err := w.Stock.Restock(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
}

// Hold holds every seat.
func (w *Town) Hold(t testing.TB, e id.Event) {
	t.Helper()
	w.Exec(t, `UPDATE tickets SET hold_user_id = gen_random_uuid(), hold_expiry = now() + interval '1 hour' WHERE event_id = $1`, int64(e))
}

// Exec runs a statement.
func (w *Town) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := w.Pool().Exec(context.Background(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// Documents are what an index has of the town's events.
func (w *Town) Documents(t testing.TB) []search.Document {
	t.Helper()
	source := pgsource.New(w.Pool())
	events, err := source.After(context.Background(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	docs, broken, err := source.Documents(context.Background(), events)
	if err != nil || len(broken) > 0 || len(docs) != len(events) {
		t.Fatalf("%d documents of %d events, broken %v, %v", len(docs), len(events), broken, err)
	}
	return docs
}
