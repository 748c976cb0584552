package importer

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"usher/catalog/generate"
	"usher/catalog/money"
)

func generated(t *testing.T) *generate.Catalog {
	t.Helper()
	c, err := generate.New(generate.Options{
		Seed: 11, Venues: 200, Stadiums: 1, Events: 3000, From: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Days: 40, Tickets: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// contents is all that the world sees of a catalog, whatever order it was put in.
const contents = `SELECT md5(string_agg(x::text, '|' ORDER BY x::text)) FROM (
	SELECT (external_id, name, location, city, country, latitude, longitude, time_zone)::text FROM venues UNION ALL
	SELECT (external_id, name)::text FROM performers UNION ALL
	SELECT (e.external_id, e.name, v.external_id, e.details, e.performer, e.start_time, e.end_time, e.local_date, e.category, e.currency, e.prices,
		e.sale_opened_at IS NULL, l.digest)::text FROM events e JOIN venues v ON v.id = e.venue_id JOIN layouts l ON l.id = e.layout_id UNION ALL
	SELECT (e.external_id, p.external_id, ep.position)::text FROM event_performers ep JOIN events e ON e.id = ep.event_id JOIN performers p ON p.id = ep.performer_id UNION ALL
	SELECT (e.external_id, t.seat_number, t.price)::text FROM tickets t JOIN events e ON e.id = t.event_id) AS all_of_it (x)`

func TestAGeneratedFileAndAGeneratedCatalogAreTheSameToPostgres(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	if err := Write(context.Background(), generated(t), &lines, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	byFile, direct := database(t), database(t)
	out, err := run(t, Options{Postgres: byFile, Files: []string{file(t, "generated.jsonl", lines.String())}})
	if err != nil || strings.Contains(out, "refused") || !strings.Contains(out, "events     3000 added") {
		t.Fatalf("the file: %v\n%s", err, out)
	}
	if out, err = run(t, Options{Postgres: direct, Generated: generated(t)}); err != nil || strings.Contains(out, "refused") {
		t.Fatalf("directly: %v\n%s", err, out)
	}
	if ask(t, byFile, contents) != ask(t, direct, contents) {
		t.Error("a file and a direct load bring different catalogs")
	}
	for sql, want := range map[string]string{
		`SELECT count(*)::text, count(DISTINCT e.external_id)::text FROM events e`:                           "3000 3000",
		`SELECT count(*)::text FROM events WHERE sale_opened_at IS NOT NULL`:                                 "3",
		`SELECT count(*)::text FROM venues v WHERE NOT EXISTS (SELECT FROM layouts l WHERE venue_id = v.id)`: "0",
		`SELECT count(*)::text FROM events e JOIN events o ON o.venue_id = e.venue_id AND o.id <> e.id
			AND o.start_time < e.end_time AND o.start_time >= e.start_time`: "0",
	} {
		if got := ask(t, direct, sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	before := ask(t, direct, facts)
	if out, err := run(t, Options{Postgres: direct, Generated: generated(t)}); err != nil || ask(t, direct, facts) != before {
		t.Errorf("loading the same catalog again changes it: %v\n%s", err, out)
	}
	spoilt := strings.Replace(lines.String(), `"currency":"EUR"`, `"currency":"EURO"`, 1)
	if out, err := run(t, Options{Postgres: byFile, Files: []string{file(t, "spoilt.jsonl", spoilt)}}); !errors.Is(err, ErrRefused) {
		t.Errorf("a spoilt line is not refused: %v\n%s", err, out)
	}
}

func TestEveryGeneratedCountryHasMoney(t *testing.T) {
	t.Parallel()
	table, err := money.Load()
	if err != nil {
		t.Fatal(err)
	}
	c, err := generate.New(generate.Options{Seed: 1, Venues: 20_000, Events: 1, From: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Days: 1})
	if err != nil {
		t.Fatal(err)
	}
	countries := map[string]bool{}
	for v := range c.Venues() {
		countries[v.Country] = true
	}
	for country := range countries {
		// The dearest seat of all has to pass the import's check.
		e := generatedEvent(generate.Event{
			Key: "k", Name: "n", Venue: "v", Acts: []string{"a"}, Country: country, Start: today, Length: time.Hour, Dollars: map[string]int{"A": 140},
		}, table)
		if _, err := e.records(); err != nil {
			t.Errorf("%s: %v", country, err)
		}
	}
	if len(countries) < 100 {
		t.Errorf("%d countries", len(countries))
	}
}

func TestWritingEndsWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Write(ctx, generated(t), &bytes.Buffer{}, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled write ends with %v", err)
	}
	if err := Write(context.Background(), generated(t), full{}, &bytes.Buffer{}); !errors.Is(err, errFull) {
		t.Errorf("a full disk ends with %v", err)
	}
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
