package importer

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"usher/catalog/generate"
	"usher/catalog/money"
	"usher/catalog/pgcatalog"
)

// line is one line of JSON Lines.
type line interface{ records() ([]record, error) }

// lines are a generated catalog as the lines of a file, in an order in which what is named stands before. Both ways into Postgres are one:
// what goes there directly is what a file would say.
func lines(c *generate.Catalog, table money.Table) iter.Seq2[string, line] {
	return func(yield func(kind string, l line) bool) {
		for v := range c.Venues() {
			if !yield("venues", jsonVenue{
				Type: "venue", ID: v.Key, Name: v.Name, City: v.City, Country: v.Country, Latitude: &v.Latitude, Longitude: &v.Longitude,
				TimeZone: v.Zone, Capacity: v.Capacity,
			}) {
				return
			}
		}
		for a := range c.Acts() {
			if !yield("performers", jsonPerformer{Type: "performer", ID: a.Key, Name: a.Name}) {
				return
			}
		}
		for e := range c.Events() {
			if !yield("events", generatedEvent(e, table)) {
				return
			}
		}
	}
}

// generatedEvent turns dollars into the money of the venue's country. Without one the event has no prices and is refused.
func generatedEvent(e generate.Event, table money.Table) jsonEvent {
	local, currency, _ := table.Prices(e.Country, e.Dollars)
	return jsonEvent{
		Type: "event", ID: e.Key, Name: e.Name, Venue: e.Venue, Performers: e.Acts, StartTime: e.Start.Format(localTime),
		EndTime: e.Start.Add(e.Length).Format(localTime), Details: e.Details, Category: e.Category, Currency: currency, Prices: local, OnSale: e.OnSale,
	}
}

// readGenerated gives a generated catalog to the import. Venues go before their seatings, all of them, so that both come in whole batches.
func readGenerated(ctx context.Context, c *generate.Catalog, to sink) error {
	table, err := money.Load()
	if err != nil {
		return err
	}
	n, seatings := 0, []record(nil)
	give := func(r record) error {
		r.Place = Place{"generated", n}
		return to.take(ctx, r)
	}
	for _, l := range lines(c, table) {
		n++
		records, err := l.records()
		if err != nil {
			to.refuse(Place{"generated", n}, err)
			continue
		}
		if records[0].venue == nil {
			for _, r := range seatings {
				if err := give(r); err != nil {
					return err
				}
			}
			seatings = nil
		}
		seatings = append(seatings, records[1:]...)
		if err := give(records[0]); err != nil {
			return err
		}
	}
	return nil
}

// Write writes a generated catalog as JSON Lines to file, and how far it is to out.
func Write(ctx context.Context, c *generate.Catalog, file, out io.Writer) error {
	table, err := money.Load()
	if err != nil {
		return err
	}
	report, b := newReport(out), bufio.NewWriterSize(file, 1<<20)
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	one := []pgcatalog.Outcome{pgcatalog.Added}
	for kind, l := range lines(c, table) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := encoder.Encode(l); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		report.count(kind, one)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return report.close()
}
