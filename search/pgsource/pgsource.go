// Package pgsource is where an index outside of Postgres gets its documents, and where it notes how far it has come: documents are read as
// Postgres has them at one moment, with a version that rises with each change.
package pgsource

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/internal/id"
	"usher/search"
)

//go:embed query/*.sql
var queries embed.FS

// query returns the statement in query/name.sql. The files are compiled in, so a wrong name fails every test at once.
func query(name string) string {
	b, err := queries.ReadFile("query/" + name + ".sql")
	if err != nil {
		panic("pgsource: " + err.Error())
	}
	return string(b)
}

const deadline = 20 * time.Second // of one question

// ErrMoved reports that somebody else has moved an index on: whoever gets it is not alone, or believes in an old place.
var ErrMoved = errors.New("another indexer has moved the index on")

// Source reads documents.
type Source struct{ pool *pgxpool.Pool }

// New returns a source on the pool.
func New(pool *pgxpool.Pool) *Source { return &Source{pool: pool} }

// Documents reads the documents of events as they are now. Events that do not exist are left out; one whose row cannot be understood is
// refused. The order is not that of the ids.
func (s *Source) Documents(ctx context.Context, events []id.Event) (docs []search.Document, broken []search.Refusal, err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	ids := make([]int64, len(events))
	for i, e := range events {
		ids[i] = int64(e)
	}
	rows, err := s.pool.Query(ctx, query("documents"), ids)
	if err != nil {
		return nil, nil, fmt.Errorf("read %d documents: %w", len(events), err)
	}
	defer rows.Close()
	for rows.Next() {
		d, prices, err := scan(rows)
		if err != nil {
			return nil, nil, fmt.Errorf("read documents: %w", err)
		}
		if d.Prices, err = priceList(prices); err != nil {
			broken = append(broken, search.Refusal{Event: d.Event, Reason: fmt.Sprintf("prices: %v", err)})
			continue
		}
		docs = append(docs, d)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("read %d documents: %w", len(events), err)
	}
	return docs, broken, nil
}

func scan(rows pgx.Rows) (d search.Document, prices []byte, err error) {
	var event, venue int64
	var performers []int64
	var names []string
	err = rows.Scan(&event, &d.Version, &d.Name, &d.Details, &d.ImageURL, &d.Start, &d.End, &d.Date, &d.Category, &d.Currency, &prices,
		&d.PriceFrom, &d.PriceTo, &d.OnSale, &d.ForSale, &d.Capacity, &venue, &d.Venue.Name, &d.Venue.Location, &d.Venue.City,
		&d.Venue.Country, &d.Venue.Latitude, &d.Venue.Longitude, &d.Venue.TimeZone, &performers, &names)
	d.Event, d.Venue.ID, d.Start, d.End = id.Event(event), id.Venue(venue).String(), d.Start.UTC(), d.End.UTC()
	for i, p := range performers {
		d.Performers = append(d.Performers, search.DocumentPerformer{ID: id.Performer(p).String(), Name: names[i]})
	}
	return d, prices, err
}

// priceList reads the prices of levels, in order of the levels' names: equal prices make equal documents.
func priceList(b []byte) (list []search.DocumentPrice, err error) {
	var prices map[string]int
	if err := json.Unmarshal(b, &prices); err != nil {
		return nil, err
	}
	for level, price := range prices {
		list = append(list, search.DocumentPrice{Level: level, Price: price})
	}
	slices.SortFunc(list, func(a, b search.DocumentPrice) int {
		if a.Level < b.Level {
			return -1
		}
		return 1
	})
	return list, nil
}

// After returns the ids of the next n events after one, in their order: who goes on after the last gets all of them, but perhaps those that
// are added meanwhile.
func (s *Source) After(ctx context.Context, last id.Event, n int) ([]id.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	rows, err := s.pool.Query(ctx, query("events_after"), int64(last), n)
	if err != nil {
		return nil, fmt.Errorf("events after %s: %w", last, err)
	}
	events, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (id.Event, error) {
		var e int64
		err := r.Scan(&e)
		return id.Event(e), err
	})
	if err != nil {
		return nil, fmt.Errorf("events after %s: %w", last, err)
	}
	return events, nil
}

// Count returns how many events there are.
func (s *Source) Count(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if err := s.pool.QueryRow(ctx, query("count_events")).Scan(&n); err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return n, nil
}
