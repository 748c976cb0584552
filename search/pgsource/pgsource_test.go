package pgsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"usher/booking/pgstore"
	"usher/catalog/change"
	"usher/catalog/layout"
	"usher/catalog/pgcatalog"
	"usher/internal/id"
	"usher/internal/testenv"
	"usher/search"
	"usher/search/pgstock"
)

// shop is a catalog that changes.
type shop struct {
	t testing.TB
	*pgcatalog.Store
	sales  *pgstock.Stock
	source *Source
	ids    []id.Event
}

func newShop(t testing.TB) *shop {
	t.Helper()
	store, err := pgcatalog.Open(context.Background(), testenv.Postgres(t, pgstore.Migrate), 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return &shop{t: t, Store: store, sales: pgstock.New(store.Pool()), source: New(store.Pool())}
}

func (s *shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) exec(sql string, args ...any) {
	s.t.Helper()
	_, err := s.Pool().Exec(context.Background(), sql, args...)
	s.must(err)
}

func at(degrees float64) *float64 { return &degrees }

func (s *shop) venue(key, name, city string, latitude *float64) {
	s.t.Helper()
	hall, err := layout.Generate(20)
	s.must(err)
	_, err1 := s.PutVenues(context.Background(), []pgcatalog.Venue{{Key: key, Name: name, City: city, Country: "CA", Location: city + ", Canada",
		TimeZone: "America/Toronto", Latitude: latitude, Longitude: latitude}})
	_, err2 := s.PutLayouts(context.Background(), []pgcatalog.Layout{{Key: key, Venue: key, Layout: hall}})
	s.must(errors.Join(err1, err2))
}

func (s *shop) performer(key, name string) {
	s.t.Helper()
	_, err := s.PutPerformers(context.Background(), []pgcatalog.Performer{{Key: key, Name: name}})
	s.must(err)
}

// put puts an event; what is refused, as another price once it is on sale, changes nothing.
func (s *shop) put(e pgcatalog.Event) {
	s.t.Helper()
	out, err := s.PutEvents(context.Background(), []pgcatalog.Event{e})
	s.must(err)
	if out[0].Outcome == pgcatalog.Added {
		s.ids = append(s.ids, out[0].ID)
	}
}

func event(n int) pgcatalog.Event {
	return pgcatalog.Event{Key: fmt.Sprint(n), Name: fmt.Sprint("Event ", n), Venue: "a", Performers: []string{"one", "two"}, Length: time.Hour,
		Start: time.Date(2026, 12, 2, 1, n, 0, 0, time.UTC), Currency: "CAD", Prices: map[string]int{"A": 300, "B": 200, "C": 100}, Category: "Music", Details: "…"}
}

func (s *shop) sell(e id.Event, sold bool) {
	s.t.Helper()
	s.exec(`UPDATE tickets SET status = (CASE WHEN $2 THEN 'booked' ELSE 'available' END)::ticket_status,
		booking_id = CASE WHEN $2 THEN gen_random_uuid() END WHERE event_id = $1`, int64(e), sold)
	s.exec(`INSERT INTO command_results (command_id, event_id, result) VALUES (gen_random_uuid(), $1, '{}')`, int64(e))
	s.must(s.sales.Restock(context.Background(), 0))
}

func (s *shop) documents() map[id.Event]search.Document {
	s.t.Helper()
	docs, broken, err := s.source.Documents(context.Background(), s.ids)
	s.must(err)
	if len(broken) > 0 {
		s.t.Fatalf("%+v", broken)
	}
	all := map[id.Event]search.Document{}
	for _, d := range docs {
		all[d.Event] = d
	}
	return all
}

// announced takes what the outbox tells of changes.
func (s *shop) announced() (events []id.Event) {
	s.t.Helper()
	rows, err := s.Pool().Query(context.Background(), `DELETE FROM outbox RETURNING topic, key, payload`)
	s.must(err)
	defer rows.Close()
	for rows.Next() {
		var topic, key string
		var payload []byte
		s.must(rows.Scan(&topic, &key, &payload))
		c, err := change.Decode(payload)
		if err != nil || topic != change.Topic || c.Event.String() != key || c.Version < 1 || c.At.IsZero() {
			s.t.Errorf("the outbox holds %s %s %s: %v", topic, key, payload, err)
		}
		events = append(events, c.Event)
	}
	s.must(rows.Err())
	return events
}

// silent returns the events whose documents are not what they were, although no version has risen or nothing was announced.
func (s *shop) silent(do func()) (events []id.Event) {
	s.t.Helper()
	before := s.documents()
	s.announced()
	do()
	told := s.announced()
	for e, d := range s.documents() {
		changed := !reflect.DeepEqual(before[e], d)
		if d.Version < before[e].Version || changed && (d.Version == before[e].Version || !slices.Contains(told, e)) {
			events = append(events, e)
		}
	}
	return events
}

func TestADocumentIsWhatTheEventIs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.venue("a", "The Lantern", "Toronto", at(43.5))
	s.performer("one", "The Copper Owls")
	s.performer("two", "Sōma")
	e := event(0)
	e.ImageURL = "https://example.com/owls.jpg"
	s.put(e)
	s.put(event(1))
	want := search.Document{
		Event: s.ids[0], Version: 1, Name: "Event 0", Details: "…", ImageURL: "https://example.com/owls.jpg",
		Performers: []search.DocumentPerformer{{ID: "per-1", Name: "The Copper Owls"}, {ID: "per-2", Name: "Sōma"}},
		Start:      e.Start, End: e.Start.Add(time.Hour), Date: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC),
		Venue: search.Venue{ID: "ven-1", Name: "The Lantern", Location: "Toronto, Canada", City: "Toronto", Country: "CA", Latitude: at(43.5), Longitude: at(43.5),
			TimeZone: "America/Toronto"},
		Category: "Music", Currency: "CAD", Prices: []search.DocumentPrice{{Level: "A", Price: 300}, {Level: "B", Price: 200}, {Level: "C", Price: 100}},
		PriceFrom: 100, PriceTo: 300, Capacity: 20,
	}
	f := func(what string) {
		t.Helper()
		if got := s.documents()[s.ids[0]]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, want\n%+v", what, got, want)
		}
	}
	f("new")
	_, err := s.OpenSale(t.Context(), s.ids[0])
	s.must(err)
	want.OnSale, want.ForSale, want.Version = true, true, 2
	f("on sale")
	s.sell(s.ids[0], true)
	want.ForSale, want.Version = false, 3
	f("booked out")
	s.sell(s.ids[0], true)
	f("still booked out")
	s.sell(s.ids[0], false)
	want.ForSale, want.Version = true, 4
	f("given back")
}

func TestEveryChangeOfADocumentRaisesItsVersionAndIsAnnounced(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	s := newShop(t)
	s.venue("a", "A", "Toronto", nil)
	s.venue("b", "B", "Toronto", at(1))
	s.performer("one", "One")
	s.performer("two", "Two")
	s.performer("three", "Three")
	for n := range 6 {
		s.put(event(n))
	}
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	ops := []func(){
		func() {
			s.venue(one("a", "b"), one("A", "B", "C"), one("Toronto", "Ottawa"), []*float64{nil, at(1), at(2)}[random.IntN(3)])
		},
		func() { s.performer(one("one", "two", "three"), one("One", "Two", "Three")) },
		func() { s.put(event(len(s.ids))) },
		func() { _, err := s.OpenSale(context.Background(), s.ids[random.IntN(len(s.ids))]); s.must(err) },
		func() { s.sell(s.ids[random.IntN(len(s.ids))], random.IntN(2) == 0) },
		func() {
			e := event(random.IntN(len(s.ids)))
			for range 1 + random.IntN(3) {
				switch random.IntN(9) {
				case 0:
					e.Name = one("x", "y")
				case 1:
					e.Details = one("x", "y")
				case 2:
					e.Venue = "b"
				case 3:
					e.Performers = [][]string{{"two", "one"}, {"one"}, {"three", "one", "two"}}[random.IntN(3)]
				case 4:
					e.Start = e.Start.Add(time.Duration(random.IntN(48)) * time.Hour)
				case 5:
					e.Category = one("", "Comedy")
				case 6:
					e.ImageURL = one("", "https://example.com/x.jpg")
				case 7:
					e.Currency = one("CAD", "USD")
				case 8:
					e.Prices = map[string]int{"A": 300, "B": random.IntN(3), "C": 100}
				}
			}
			s.put(e)
		},
	}
	for range 150 {
		if silent := s.silent(ops[random.IntN(len(ops))]); len(silent) > 0 {
			t.Fatalf("%s changed in silence; seed %d", silent, seed)
		}
	}
	// The control: what is written past the catalog and past restocking is silent.
	for _, sql := range []string{
		`UPDATE event_search SET for_sale = NOT for_sale WHERE event_id = $1`, `UPDATE events SET details = details || '!' WHERE id = $1`,
		`UPDATE events SET version = version + 1 WHERE id = $1`, `UPDATE events SET version = version - 1 WHERE id = $1`,
	} {
		if silent := s.silent(func() { s.exec(sql, int64(s.ids[0])) }); !slices.Contains(silent, s.ids[0]) {
			t.Errorf("the control is not seen: %s", sql)
		}
	}
}

func TestEventsAreReadToTheLast(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.venue("a", "A", "Toronto", nil)
	s.performer("one", "One")
	s.performer("two", "Two")
	for n := range 23 {
		s.put(event(n))
	}
	var all []id.Event
	for last := id.Event(0); ; {
		page, err := s.source.After(t.Context(), last, 5)
		s.must(err)
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		last = page[len(page)-1]
	}
	if !slices.Equal(all, slices.Sorted(slices.Values(s.ids))) {
		t.Errorf("read %d events of %d", len(all), len(s.ids))
	}
	if n, err := s.source.Count(t.Context()); err != nil || n != 23 {
		t.Errorf("Count = %d, %v", n, err)
	}
	if docs, _, err := s.source.Documents(t.Context(), []id.Event{all[0], 7}); err != nil || len(docs) != 1 {
		t.Errorf("of an event and one that does not exist: %d documents, %v", len(docs), err)
	}
}

func TestWhatCannotBeUnderstoodIsRefusedAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.venue("a", "A", "Toronto", nil)
	s.performer("one", "One")
	s.performer("two", "Two")
	s.put(event(0))
	s.put(event(1))
	for _, prices := range []string{`[]`, `{"A":"dear"}`, `{"A":1e300}`, `7`, `{"A":1.5}`} {
		s.exec(`UPDATE events SET prices = $2 WHERE id = $1`, int64(s.ids[0]), json.RawMessage(prices))
		docs, broken, err := s.source.Documents(t.Context(), s.ids)
		if err != nil || len(docs) != 1 || len(broken) != 1 || broken[0].Event != s.ids[0] || broken[0].Reason == "" {
			t.Errorf("prices %s: %d documents, %+v, %v", prices, len(docs), broken, err)
		}
	}
}

func TestAnIndexMovesOnOnlyFromWhereItIs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	ctx := t.Context()
	s.must(s.source.Begin(ctx, "x", "log", []int64{5, 0, 7}))
	s.must(s.source.Begin(ctx, "y", "log", []int64{1, 1, 1}))
	if err := s.source.Begin(ctx, "x", "log", []int64{0, 0, 0}); err == nil {
		t.Error("an index began twice")
	}
	is := func(index, log string, want ...int64) {
		t.Helper()
		if got, err := s.source.Offsets(ctx, index, log); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is at %v of %s, %v; want %v", index, got, log, err, want)
		}
	}
	is("x", "log", 5, 0, 7)
	is("x", "another")
	aside := []Aside{{Partition: 2, Offset: 7, Message: nil, Reason: "empty\x00\xff"}}
	s.must(s.source.Advance(ctx, "x", "log", "topic", []Move{{0, 5, 9}, {2, 7, 8}}, aside))
	is("x", "log", 9, 0, 8)
	count := func() (n int) {
		t.Helper()
		s.must(s.Pool().QueryRow(ctx, `SELECT count(*) FROM poison_messages`).Scan(&n))
		return n
	}
	for _, moves := range [][]Move{{{0, 5, 9}}, {{0, 9, 10}, {1, 1, 2}}, {{3, 0, 1}}} {
		if err := s.source.Advance(ctx, "x", "log", "topic", moves, []Aside{{Partition: 9, Offset: 9, Reason: "no"}}); !errors.Is(err, ErrMoved) {
			t.Errorf("%v: %v, want ErrMoved", moves, err)
		}
	}
	is("x", "log", 9, 0, 8)
	if n := count(); n != 1 {
		t.Errorf("%d messages are set aside, want 1", n)
	}
	s.must(s.source.Forget(ctx, "y", "z"))
	is("x", "log")
	is("y", "log", 1, 1, 1)
}
