package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"usher/catalog/listing"
)

func TestFormatsAreTold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                    "jsonl",
		small:                                 "jsonl",
		"\xef\xbb\xbf{ \"type\" : \"event\"}": "jsonl",
		"\n<!doctype html>":                   "html",
		`{"@context": "https://schema.org", "@type": "Event"}`: "jsonld",
		` [{"@type": "Event"}]`:                                "jsonld",
		`{"name": "Cup", "matches": []}`:                       "openfootball",
		"name;start_time\n":                                    "csv",
		"what is this":                                         "",
		`{"type": "event", "details": "\"@type\""}`:            "jsonl",
	} {
		if got := sniff(bufio.NewReader(strings.NewReader(text))); got != want {
			t.Errorf("%.40q is %q, want %q", text, got, want)
		}
	}
	if _, err := run(t, Options{Postgres: "postgres://unused", Files: []string{"x"}, Format: "xml"}); err == nil || !strings.Contains(err.Error(), "jsonl, jsonld, html") {
		t.Errorf("format xml: %v", err)
	}
}

func TestPricesGoToLevels(t *testing.T) {
	t.Parallel()
	f := func(prices []int, levels, want string) {
		t.Helper()
		if got := fmt.Sprint(spread(prices, strings.Split(levels, ""))); got != want {
			t.Errorf("%v over %s: %s, want %s", prices, levels, got, want)
		}
	}
	f([]int{9}, "ABC", "map[A:9 B:9 C:9]")
	f([]int{9, 5}, "ABC", "map[A:9 B:9 C:5]")
	f([]int{9, 7, 5}, "ABCD", "map[A:9 B:9 C:7 D:5]")
	f([]int{9, 8, 7, 6, 5}, "ABC", "map[A:9 B:7 C:5]")
	f([]int{9, 5}, "C", "map[C:9]")
}

// batches keeps the kinds that it is given, each time that the kind changes.
type batches struct {
	told
	kinds []string
}

func (b *batches) take(ctx context.Context, r record) error {
	if kind, _ := r.name(); len(b.kinds) == 0 || b.kinds[len(b.kinds)-1] != kind {
		b.kinds = append(b.kinds, kind)
	}
	return b.told.take(ctx, r)
}

// A table of many events goes to Postgres in whole batches, and a venue is told once.
func TestListingsComeInBatches(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("name,start_time,venue,city,country,price,seats\n")
	for i := range 1200 {
		fmt.Fprintf(&b, "Evening %d,2027-02-01T20:00,Hall %d,Toronto,CA,10,50\n", i, i%3)
	}
	sink := &batches{}
	l, err := newListings(Options{}, sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.read(t.Context(), "csv", "a.csv", strings.NewReader(b.String())), l.flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	if want := strings.Fields("venues layouts performers events performers events performers events"); !reflect.DeepEqual(sink.kinds, want) {
		t.Errorf("kinds %q, want %q", sink.kinds, want)
	}
	count := map[string]int{}
	for _, r := range sink.records {
		kind, _ := r.name()
		count[kind]++
	}
	if want := map[string]int{"venues": 3, "layouts": 3, "performers": 1200, "events": 1200}; !reflect.DeepEqual(count, want) {
		t.Errorf("%v, want %v", count, want)
	}
}

func TestListingsAreImportedAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	o := Options{Postgres: dsn, Files: []string{"../../examples/venue-page.html", "../../examples/season.csv"}, Seats: 300}
	if out, err := run(t, o); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for sql, want := range map[string]string{
		`SELECT string_agg(name || '@' || to_char(start_time AT TIME ZONE 'UTC', 'MM-DD HH24:MI'), '|' ORDER BY start_time) FROM events`: "The Winter’s Tale@12-04 19:30|" +
			"Dee Castellano: Out of Office@12-11 20:00|Winter Journeys@12-15 18:30|Winter Journeys@12-16 18:30|Late Quartets@12-18 19:00",
		`SELECT string_agg(l.capacity || ' ' || currency || ' ' || price_from || '-' || price_to, '|' ORDER BY start_time) FROM events e JOIN layouts l ON l.id = e.layout_id`: "300 GBP 1250-2400|" +
			"180 GBP 1800-1800|640 EUR 1800-4800|640 EUR 1800-4800|200 EUR 2250-2250",
		`SELECT prices::text FROM events WHERE external_id = 'winter-1'`:            `{"A": 4800, "B": 3250, "C": 1800}`,
		`SELECT string_agg(DISTINCT location || ' ' || time_zone, '|') FROM venues`: "Köln, Germany Europe/Berlin|Leeds, United Kingdom Europe/London|Lyon, France Europe/Paris",
		`SELECT count(*)::text FROM tickets`:                                        "1280",
		`SELECT string_agg(p.name, ',' ORDER BY position) FROM event_performers JOIN performers p ON p.id = performer_id
			JOIN events e ON e.id = event_id WHERE e.external_id = 'winter-2'`: "Ensemble Sieben Brücken,Yuna Han",
	} {
		if got := ask(t, dsn, sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	before := ask(t, dsn, facts)
	o.Files = append(o.Files, o.Files...) // and each twice
	if out, err := run(t, o); err != nil || ask(t, dsn, facts) != before {
		t.Errorf("the second import changed something: %v\n%s", err, out)
	}
}

func TestRefusedListingsAreReportedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	const place = `"location": "The Lantern, Toronto, ON", "offers": {"price": 10}`
	page := `<script type="application/ld+json">{"@type": "Event", "name": "Broken",</script>
<script type="application/ld+json">[
 {"@type": "Event", "@id": "https://a.example/1", "name": "Good", "startDate": "2027-02-01", ` + place + `, "maximumAttendeeCapacity": 50},
 {"@type": "Event", "name": "No seats", "startDate": "2027-02-02", ` + place + `},
 {"@type": "Event", "@id": "https://a.example/1", "name": "Another day", "startDate": "2027-02-03", ` + place + `, "maximumAttendeeCapacity": 50},
 {"@type": "Event", "name": "` + strings.Repeat("long ", 3) + `", "startDate": "2027-02-04", ` + place + `, "maximumAttendeeCapacity": 50, "performer": [` +
		strings.TrimSuffix(numbered(`"p%d",`, 60), ",") + `]}
]</script>`
	dsn := database(t)
	out, err := run(t, Options{
		Postgres: dsn, Files: []string{file(t, "page.html", page), "-", file(t, "what.txt", "hello"), "/nowhere/at/all.html"},
		Stdin: strings.NewReader("name,start_time,venue,city,country,price,seats\nFrom stdin,2027-02-05,The Lantern,Toronto,CA,10,50\nBad,soon,The Lantern,Toronto,CA,10,50\n"),
	})
	if !errors.Is(err, ErrRefused) {
		t.Errorf("the import ended with %v", err)
	}
	for _, want := range []string{
		"page.html, line 1: not JSON", `page.html, line 2: "No seats": nobody says how many seats there are`, `page.html, line 2: "Another day": the key "https://a.example/1" was given`,
		`note: `, `"long long long": 60 performers: the first 50 are taken`, `refused: -, line 3: "Bad": "soon" is no time`, "what.txt, line 1: its format does not show: give --format",
		"all.html, line 1: open",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not told: %s", want)
		}
	}
	if got := ask(t, dsn, `SELECT string_agg(name, '|' ORDER BY start_time) FROM events`); got != "Good|long long long|From stdin" {
		t.Errorf("events %q", got)
	}
	if t.Failed() {
		t.Log(out)
	}
}

func numbered(form string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, form, i)
	}
	return b.String()
}

func TestDefaultsThatAreNoneAreTold(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Seats: -1}, {Seats: 1 << 21}, {Defaults: listing.Defaults{Zone: "Mars/Olympus"}}, {Defaults: listing.Defaults{Country: "Atlantis"}}} {
		if _, err := newListings(o, &told{}); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// Every event that a listing gives passes the checks of our own records.
func FuzzListings(f *testing.F) {
	f.Add("csv", "name,start_time,venue,city,country,price,seats\nE,2027-02-01,V,Lyon,FR,10,50\n")
	f.Add("jsonld", `{"@type": "Event", "name": "E", "startDate": "2027-02-01", "location": "V, Lyon, France", "offers": {"price": 10}}`)
	f.Fuzz(func(t *testing.T, format, text string) {
		if format != "csv" && format != "jsonld" && format != "html" {
			return
		}
		sink := &told{}
		l, err := newListings(Options{Seats: 10, Defaults: listing.Defaults{Country: "DE", Zone: "Europe/Berlin", Price: "10"}}, sink)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(l.read(t.Context(), format, "f", strings.NewReader(text)), l.flush(t.Context())); err != nil {
			t.Fatal(err)
		}
		for _, r := range sink.records {
			if r.event != nil && (r.event.check() != nil || r.event.Layout == "" || len(r.event.Prices) == 0) {
				t.Errorf("an event that does not pass its own check was taken: %+v", r.event)
			}
		}
	})
}
