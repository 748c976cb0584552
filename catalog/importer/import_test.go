package importer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking/pgstore"
	"usher/catalog/data"
	"usher/catalog/pgcatalog"
	"usher/internal/testenv"
	"usher/waitroom"
)

// today is the day of import in all tests.
var today = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)

// database is a fresh migrated one.
func database(t *testing.T) string {
	t.Helper()
	return testenv.Postgres(t, pgstore.Migrate)
}

// run imports and returns what was told.
func run(t *testing.T, o Options) (out string, err error) {
	t.Helper()
	if o.Now.IsZero() {
		o.Now = today
	}
	var b bytes.Buffer
	err = Run(context.Background(), o, &b)
	return b.String(), err
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ask returns the rows of a query as text, columns by blanks.
func ask(t *testing.T, dsn, sql string) string {
	t.Helper()
	ctx := context.Background()
	db, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	rows, err := db.Query(ctx, sql)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		var cells []string
		for _, raw := range r.RawValues() {
			cells = append(cells, string(raw))
		}
		return strings.Join(cells, " "), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

const small = `{"type":"venue","id":"hall","name":"The Hall","city":"Toronto","country":"CA","time_zone":"America/Toronto","capacity":50}
{"type":"performer","id":"owls","name":"The Owls"}
{"type":"event","id":"owls-1","name":"The Owls","venue":"hall","performers":["owls"],"start_time":"2027-02-01T20:00:00","currency":"CAD","prices":{"A":6500,"B":4500,"C":2500},"on_sale":true}
`

func TestAnEventIsImportedAsItStands(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	if out, err := run(t, Options{Postgres: dsn, Files: []string{file(t, "a.jsonl", small)}}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for sql, want := range map[string]string{
		`SELECT location::text FROM venues`: "Toronto, Canada",
		`SELECT (start_time AT TIME ZONE 'UTC')::text, (end_time - start_time)::text, local_date::text FROM events`: "2027-02-02 01:00:00 02:30:00 2027-02-01",
		`SELECT performer, price_from::text, price_to::text, version::text FROM events`:                             "The Owls 2500 6500 2",
		`SELECT count(*)::text, min(price)::text, max(seat_number) FROM tickets`:                                    "50 2500 Rear Stalls-A-9",
		`SELECT count(*)::text FROM tickets t JOIN events e ON e.id = t.event_id AND t.id >> 20 = e.id`:             "50",
		`SELECT topic, count(*)::text FROM outbox GROUP BY 1`:                                                       "catalog.events 2",
	} {
		if got := ask(t, dsn, sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// facts is all that an import may change; versions tell of changes that undid themselves.
const facts = `SELECT md5(coalesce(string_agg(x::text, '|' ORDER BY x::text), '')) FROM (
	SELECT v::text FROM venues v UNION ALL SELECT p::text FROM performers p UNION ALL SELECT l::text FROM layouts l UNION ALL
	SELECT e::text FROM events e UNION ALL SELECT ep::text FROM event_performers ep UNION ALL SELECT n::text FROM layout_names n UNION ALL
	SELECT o.id::text FROM outbox o UNION ALL SELECT t::text FROM tickets t) AS all_of_it (x)`

func TestTheSameImportTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"json lines":   {Files: []string{file(t, "a.jsonl", small)}},
		"openfootball": {Files: []string{"../data/worldcup-2026"}, Shift: "auto"},
		"demo":         {Demo: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Postgres = database(t)
			if out, err := run(t, o); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			before := ask(t, o.Postgres, facts)
			o.Now = today.AddDate(0, 0, 4) // later in the week
			out, err := run(t, o)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if ask(t, o.Postgres, facts) != before || strings.Contains(out, "tickets") {
				t.Errorf("the second import changed something:\n%s", out)
			}
		})
	}
}

func TestAChangeIsToldAndTicketsAreLeftAlone(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	imports := func(content string) string {
		out, _ := run(t, Options{Postgres: dsn, Files: []string{file(t, "a.jsonl", content)}})
		return out
	}
	imports(small)
	before := ask(t, dsn, `SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM tickets t`)
	imports(strings.Replace(small, `T20:00:00`, `T21:00:00`, 1))
	if got := ask(t, dsn, `SELECT version::text, (start_time AT TIME ZONE 'UTC')::text FROM events`); got != "3 2027-02-02 02:00:00" {
		t.Errorf("a moved event has version and start %s", got)
	}
	imports(strings.Replace(small, `"name":"The Hall"`, `"name":"The Grand Hall"`, 1))
	imports(strings.Replace(small, `"name":"The Owls"}`, `"name":"The Wise Owls"}`, 1))
	if got := ask(t, dsn, `SELECT performer FROM events`); got != "The Wise Owls" {
		t.Errorf("the headliner of a renamed performer's event is %q", got)
	}
	// The last two imports brought the first start back, and each renaming touches the event.
	if got := ask(t, dsn, `SELECT max((convert_from(payload, 'UTF8')::jsonb ->> 'version')::int)::text, max(e.version)::text FROM outbox, events e`); got != "7 7" {
		t.Errorf("the last version told and the event's version are %s, want 7 7", got)
	}
	for _, change := range [][2]string{{`"A":6500`, `"A":9900`}, {`"currency":"CAD"`, `"currency":"USD"`}, {`"capacity":50`, `"capacity":60`}} {
		if out := imports(strings.Replace(small, change[0], change[1], 1)); !strings.Contains(out, "a.jsonl, line 3: venue, seating, currency and prices of an event on sale cannot change") {
			t.Errorf("%v: not refused:\n%s", change, out)
		}
	}
	if ask(t, dsn, `SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM tickets t`) != before {
		t.Error("tickets were touched")
	}
}

func TestBadRecordsAreReportedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	content := "\xef\xbb\xbf" + small + strings.Join([]string{
		`{"type":"venue","id":"x","name":"X","city":"Y","country":"CA","time_zone":"Mars/Olympus","capacity":1}`,       // 4
		`{"type":"venue","id":"x","name":"X","city":"Y","country":"ZZ","time_zone":"UTC","capacity":1}`,                // 5
		`{"type":"venue","id":"x","name":"X","city":"Y","country":"CA","time_zone":"UTC","latitude":91,"longitude":0}`, // 6
		`{"type":"layout","id":"l","venue":"nowhere","capacity":10}`,                                                   // 7
		`not json`, // 8
		``,         // 9: blank lines are nothing
		`{"type":"performer","id":"p","name":"P","age":3}`, // 10
		`{"type":"event","id":"e","name":"E","venue":"hall","performers":["nobody"],"start_time":"2027-02-01T20:00:00","currency":"CAD","prices":{"A":1,"B":1,"C":1}}`,                                // 11
		`{"type":"event","id":"e","name":"E","venue":"hall","performers":["owls"],"start_time":"2027-02-01T20:00:00","currency":"CAD","prices":{"A":1}}`,                                              // 12
		`{"type":"event","id":"e","name":"E","venue":"hall","performers":["owls"],"start_time":"tomorrow","currency":"CAD","prices":{"A":1,"B":1,"C":1}}`,                                             // 13
		`{"type":"event","id":"e","name":"E","venue":"hall","performers":["owls"],"start_time":"2027-02-01T20:00:00","currency":"DOLLAR","prices":{"A":1,"B":1,"C":1}}`,                               // 14
		`{"type":"event","id":"e","name":"E","venue":"void","performers":["owls"],"start_time":"2027-02-01T20:00:00","currency":"CAD","prices":{"A":1,"B":1,"C":1}}`,                                  // 15
		`{"type":"event","id":"e","name":"E","venue":"hall","performers":["owls","owls"],"start_time":"2027-02-01T20:00:00","currency":"CAD","prices":{"A":1,"B":1,"C":1}}`,                           // 16
		`{"type":"event","id":"e","name":"E","venue":"hall","performers":["owls"],"start_time":"2027-02-01T20:00:00","end_time":"2027-01-01T20:00:00","currency":"CAD","prices":{"A":1,"B":1,"C":1}}`, // 17
		`{"type":"event","id":"e","name":"` + strings.Repeat("long", 1<<20) + `"}`,                                                                                                                    // 18
		`{"type":"event","id":"good","name":"Good","venue":"hall","performers":["owls"],"start_time":"2027-02-01T20:00:00Z","currency":"CAD","prices":{"A":1,"B":1,"C":1}}`,                           // 19
	}, "\n")
	dsn := database(t)
	out, err := run(t, Options{Postgres: dsn, Files: []string{file(t, "bad.jsonl", content), "/nowhere/at/all.jsonl"}})
	if !errors.Is(err, ErrRefused) {
		t.Errorf("the import ended with %v", err)
	}
	for _, want := range []string{
		"line 4: unknown time zone Mars/Olympus", `line 5: country "ZZ"`, "line 6: latitude is 91", `line 7: no venue "nowhere"`, "line 8: not a JSON object",
		`line 10: json: unknown field "age"`, `line 11: no performer "nobody"`, `line 12: level "B" of layout "hall" has no price`, "line 13: start_time",
		`line 14: currency "DOLLAR"`, `line 15: no venue "void"`, `line 16: performer "owls" stands twice`, "line 17: ends", "line 18: the line is longer",
		"all.jsonl, line 1: open",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not told: %s", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	if got := ask(t, dsn, `SELECT string_agg(external_id, ' ' ORDER BY external_id) FROM events`); got != "good owls-1" {
		t.Errorf("events %q, want good and owls-1", got)
	}
	if _, err := run(t, Options{Postgres: dsn, AllowRefused: true, Files: []string{file(t, "bad.jsonl", "{}")}}); err != nil {
		t.Errorf("refused records that are allowed end with %v", err)
	}
}

func TestTheWorldCupIsReadAsItIs(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	if out, err := run(t, Options{Postgres: dsn, Files: []string{"../data/worldcup-2026/worldcup.json"}}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for sql, want := range map[string]string{
		`SELECT count(*)::text, count(DISTINCT name)::text FROM events`:                                                                                         "104 104",
		`SELECT count(*)::text, count(DISTINCT time_zone)::text FROM venues`:                                                                                    "16 7",
		`SELECT count(*)::text FROM performers`:                                                                                                                 "48",
		`SELECT sum(l.capacity)::text FROM events e JOIN layouts l ON l.id = e.layout_id`:                                                                       "7241000",
		`SELECT (start_time AT TIME ZONE 'UTC')::text, currency, local_date::text FROM events WHERE external_id = 'world-cup-2026/group-a/mexico-south-africa'`: "2026-06-11 19:00:00 MXN 2026-06-11",
		`SELECT (start_time AT TIME ZONE 'UTC')::text, currency, performer FROM events WHERE external_id = 'world-cup-2026/match-104'`:                          "2026-07-19 19:00:00 USD Spain",
		`SELECT round(latitude::numeric, 4)::text, round(longitude::numeric, 4)::text FROM venues WHERE name = 'MetLife Stadium'`:                               "40.8135 -74.0744",
		`SELECT count(*)::text FROM tickets`:                                                                                                                    "0",
	} {
		if got := ask(t, dsn, sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

func TestShiftedMatchesKeepTheirClocksAndTheirOrder(t *testing.T) {
	t.Parallel()
	plain, shifted := database(t), database(t)
	if out, err := run(t, Options{Postgres: plain, Files: []string{"../data/worldcup-2026"}}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run(t, Options{Postgres: shifted, Files: []string{"../data/worldcup-2026"}, Shift: "auto"}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// 182 days are 26 weeks. In winter Toronto is an hour further from UTC, so the clock stays and the instant does not.
	const clocks = `SELECT string_agg(e.external_id || to_char(e.start_time AT TIME ZONE time_zone, ' D HH24:MI ') || (local_date - DATE '%s'), '|'
		ORDER BY e.external_id) FROM events e JOIN venues v ON v.id = e.venue_id`
	a, b := ask(t, plain, strings.Replace(clocks, "%s", "2026-06-11", 1)), ask(t, shifted, strings.Replace(clocks, "%s", "2026-12-10", 1))
	if a != b || !strings.Contains(a, "match-104 1 15:00 38") {
		t.Errorf("not the same clocks 182 days later:\n%s\n%s", a, b)
	}
}

func TestTheDemoIsASaleWorthLookingAt(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	if out, err := run(t, Options{Postgres: dsn, Demo: true}); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for sql, want := range map[string]string{
		`SELECT count(DISTINCT v.city)::text, count(DISTINCT v.id)::text, count(DISTINCT e.name)::text FROM events e JOIN venues v ON v.id = e.venue_id
			WHERE e.external_id LIKE 'demo/%'`: "45 53 330",
		`SELECT bool_and(latitude IS NOT NULL AND time_zone LIKE '%/%')::text FROM venues`:                                                    "true",
		`SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY capacity)::text FROM layouts WHERE capacity <= 2000`:                              "500",
		`SELECT bool_and(start_time > '2026-11-24')::text, bool_or(start_time > '2027-05-01')::text FROM events`:                              "true true",
		`SELECT e.external_id, count(*)::text FROM events e JOIN tickets t ON t.event_id = e.id WHERE e.external_id LIKE 'world%' GROUP BY 1`: "world-cup-2026/match-104 1000",
		`SELECT count(*)::text FROM events WHERE sale_opened_at IS NULL`:                                                                      "103",
		`SELECT count(*)::text FROM events WHERE external_id = ANY ('{` + strings.Join(roomEvents(t), ",") + `}')`:                            "1",
	} {
		if got := ask(t, dsn, sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// roomEvents are the events behind the demo's waiting rooms.
func roomEvents(t *testing.T) (keys []string) {
	t.Helper()
	file, err := data.Files.ReadFile("demo/rooms.json")
	if err != nil {
		t.Fatal(err)
	}
	rooms, err := waitroom.ParseRooms(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rooms {
		keys = append(keys, r.EventKeys...)
	}
	return keys
}

func TestADatabaseWithoutTheSchemaIsToldSo(t *testing.T) {
	t.Parallel()
	err := Run(t.Context(), Options{Postgres: testenv.Postgres(t, nil), Demo: true}, io.Discard)
	if !errors.Is(err, pgcatalog.ErrNotMigrated) {
		t.Errorf("the import ended with %v", err)
	}
}
