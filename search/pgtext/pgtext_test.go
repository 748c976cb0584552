package pgtext

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"usher/catalog/layout"
	"usher/catalog/pgcatalog"
	"usher/internal/id"
	"usher/search"
)

// venues and events of the table below: key, place, zone; and name, venue, performer, local start, prices.
var (
	halls = []pgcatalog.Venue{
		{Key: "lantern", Name: "The Lantern", City: "Toronto", Country: "CA", Location: "Toronto, Canada", TimeZone: "America/Toronto", Latitude: at(43.6532), Longitude: at(-79.3832)},
		{Key: "garoa", Name: "Teatro da Garoa", City: "São Paulo", Country: "BR", Location: "São Paulo, Brazil", TimeZone: "America/Sao_Paulo", Latitude: at(-23.5505), Longitude: at(-46.6333)},
		{Key: "kauri", Name: "Kauri Hall", City: "Auckland", Country: "NZ", Location: "Auckland, New Zealand", TimeZone: "Pacific/Auckland", Latitude: at(-36.8509), Longitude: at(174.7645)},
		{Key: "date-line", Name: "Date Line", City: "Suva", Country: "FJ", Location: "Suva, Fiji", TimeZone: "Pacific/Fiji", Latitude: at(-17.7), Longitude: at(-179.9)},
		{Key: "ferry", Name: "The Ferry House", City: "New York", Country: "US", Location: "New York, United States", TimeZone: "America/New_York"},
	}
	shows = []struct {
		name, venue, performer, start string
		low, high                     int
	}{
		{"owls-1", "lantern", "owls", "2026-12-01T20:00:00", 4000, 9000},
		{"owls-2", "lantern", "owls", "2026-12-02T00:30:00", 4000, 9000},
		{"soma", "garoa", "soma", "2026-12-05T21:00:00", 1000, 2000},
		{"fiji", "date-line", "owls", "2026-12-06T20:00:00", 500, 500},
		{"kauri", "kauri", "elodie", "2026-12-07T00:10:00", 5000, 5000},
		{"ferry", "ferry", "elodie", "2026-12-07T20:00:00", 20000, 30000},
	}
)

func at(degrees float64) *float64 { return &degrees }

// build fills the town; every hall has 20 seats of the levels A to C.
func (w *town) build() {
	w.t.Helper()
	ctx := context.Background()
	seats, err := layout.Generate(20)
	if err != nil {
		w.t.Fatal(err)
	}
	var layouts []pgcatalog.Layout
	for _, v := range halls {
		layouts = append(layouts, pgcatalog.Layout{Key: v.Key, Venue: v.Key, Layout: seats})
	}
	var events []pgcatalog.Event
	for _, s := range shows {
		start, err := time.Parse("2006-01-02T15:04:05", s.start)
		if err != nil {
			w.t.Fatal(err)
		}
		events = append(events, pgcatalog.Event{Key: s.name, Name: s.name, Venue: s.venue, Performers: []string{s.performer}, Start: start, Local: true,
			Length: time.Hour, Currency: "USD", Prices: map[string]int{"A": s.high, "B": s.high, "C": s.low}})
	}
	_, err1 := w.Catalog.PutVenues(ctx, halls)
	_, err2 := w.Catalog.PutLayouts(ctx, layouts)
	_, err3 := w.Catalog.PutPerformers(ctx, []pgcatalog.Performer{{Key: "owls", Name: "The Copper Owls"}, {Key: "soma", Name: "Sōma & Friends"}, {Key: "elodie", Name: "Élodie Marchand"}})
	outcomes, err4 := w.Catalog.PutEvents(ctx, events)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		w.t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Outcome != pgcatalog.Added {
			w.t.Fatalf("%+v", o)
		}
	}
}

func TestEveryRestrictionFindsWhatItSays(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.build()
	n := func(i int) *int { return &i }
	f := func(q search.Query, want string) {
		t.Helper()
		names, page := w.find(q)
		if got := strings.Join(names, " "); got != want || page.Total != len(names) || page.NextCursor != "" {
			t.Errorf("%+v\nfound %q of %d, want %q", q, got, page.Total, want)
		}
	}
	f(search.Query{}, "owls-1 owls-2 soma fiji kauri ferry")
	// Words of places: no case, no accents, whole words, all parts.
	f(search.Query{Location: "toronto"}, "owls-1 owls-2")
	f(search.Query{Location: "SAO PAULO"}, "soma")
	f(search.Query{Location: "São Paulo, Brazil"}, "soma")
	f(search.Query{Location: "Toronto, Brazil"}, "")
	f(search.Query{Location: "toronto , ca,"}, "owls-1 owls-2")
	f(search.Query{Location: "zealand"}, "kauri")
	f(search.Query{Location: "york"}, "ferry")
	f(search.Query{Location: "yor"}, "")
	f(search.Query{Location: "%"}, "")
	f(search.Query{Location: "_oronto"}, "")
	// A circle: also over the date line, and without venues that have no coordinates.
	f(search.Query{HasPoint: true, Latitude: 43.7, Longitude: -79.4, RadiusKM: 10}, "owls-1 owls-2")
	f(search.Query{HasPoint: true, Latitude: 43.7, Longitude: -79.4, RadiusKM: 4}, "")
	f(search.Query{HasPoint: true, Latitude: -17.7, Longitude: 179.9, RadiusKM: 50}, "fiji")
	f(search.Query{HasPoint: true, Latitude: 90, Longitude: 0, RadiusKM: 500}, "")
	// Dates are those at the venue: midnight in Toronto is still yesterday elsewhere.
	f(search.Query{StartDate: date("2026-12-02"), EndDate: date("2026-12-02")}, "owls-2")
	f(search.Query{EndDate: date("2026-12-01")}, "owls-1")
	f(search.Query{StartDate: date("2026-12-07")}, "kauri ferry")
	f(search.Query{StartDate: date("2026-12-07"), EndDate: date("2026-12-07")}, "kauri ferry")
	f(search.Query{StartDate: date("2026-12-08")}, "")
	// Names and ids.
	f(search.Query{Venue: "the LANTERN"}, "owls-1 owls-2")
	f(search.Query{Venue: "lant"}, "")
	f(search.Query{Performer: "copper owls"}, "owls-1 owls-2 fiji")
	f(search.Query{Performer: "elodie"}, "kauri ferry")
	f(search.Query{Performer: "Sôma"}, "soma")
	f(search.Query{Performer: "per-999999"}, "")
	f(search.Query{Performer: "owls", Location: "fiji"}, "fiji")
	// Prices: the ranges overlap.
	f(search.Query{PriceMax: n(1000)}, "soma fiji")
	f(search.Query{PriceMin: n(9001)}, "ferry")
	f(search.Query{PriceMin: n(5000), PriceMax: n(5000)}, "owls-1 owls-2 kauri")
	_, page := w.find(search.Query{Location: "toronto"})
	f(search.Query{Venue: page.Events[0].Venue.ID}, "owls-1 owls-2")
	f(search.Query{Venue: "ven-999999"}, "")
}

func TestHitsSayWhatTheContractWants(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.build()
	_, page := w.find(search.Query{HasPoint: true, Latitude: 43.7, Longitude: -79.4, RadiusKM: 10})
	h := page.Events[1]
	if h.Date.Format(time.RFC3339) != "2026-12-02T00:30:00-05:00" || h.Start.Format(time.RFC3339) != "2026-12-02T05:30:00Z" || h.End.Sub(h.Start) != time.Hour {
		t.Errorf("date %s, start %s, end %s", h.Date, h.Start, h.End)
	}
	if h.DistanceKM == nil || math.Abs(*h.DistanceKM-5.37) > 0.05 {
		t.Errorf("distance %v", h.DistanceKM)
	}
	if h.PriceFrom != 4000 || h.PriceTo != 9000 || h.Currency != "USD" || h.Performer != "The Copper Owls" || h.Venue.TimeZone != "America/Toronto" {
		t.Errorf("%+v", h)
	}
	if _, page := w.find(search.Query{Location: "york"}); page.Events[0].DistanceKM != nil || page.Events[0].Venue.Latitude != nil {
		t.Errorf("%+v", page.Events[0])
	}
}

func TestAvailabilityFollowsTheTickets(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.build()
	hit := func() search.Hit {
		_, page := w.find(search.Query{Performer: "soma", Tickets: true})
		return page.Events[0]
	}
	f := func(why, want string, samples int) {
		t.Helper()
		if h := hit(); h.Availability != want || len(h.Tickets) != samples || h.OnSale != (why != "not on sale") {
			t.Errorf("%s: on sale %t, availability %s and %d tickets, want %s and %d", why, h.OnSale, h.Availability, len(h.Tickets), want, samples)
		}
	}
	f("not on sale", "none", 0)
	e := hit().ID
	if _, err := w.Catalog.OpenSale(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	f("all free", "many", 4)
	for i, ticket := range hit().Tickets {
		if ticket.Price != 1000 || ticket.Currency != "USD" || ticket.ID.Event() != e || ticket.SeatNumber == "" {
			t.Errorf("sample %d is %+v, want one of the cheapest", i, ticket)
		}
	}
	free := func(seats int) {
		_, err := w.Pool().Exec(context.Background(), `UPDATE tickets SET hold_user_id = gen_random_uuid(), hold_expiry = now() + CASE
			WHEN id - $1 < $2 THEN interval '-1 second' ELSE interval '1 hour' END WHERE event_id = $3`, int64(e.Ticket(0)), seats, int64(e))
		if err != nil {
			t.Fatal(err)
		}
	}
	free(2)
	f("a tenth is free", "many", 2)
	free(1)
	f("one is free", "few", 1)
	free(0)
	f("all are held", "none", 0)
}

func TestBadQueriesAreRefused(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	big := math.MaxInt64
	for _, q := range []search.Query{
		{PageSize: -1}, {PageSize: 101}, {Location: "a\x00b"}, {Performer: strings.Repeat("x", 1001)}, {PriceMin: &big},
		{HasPoint: true, Latitude: math.NaN(), RadiusKM: 1}, {HasPoint: true, Longitude: 181, RadiusKM: 1}, {HasPoint: true}, {HasPoint: true, RadiusKM: math.Inf(1)},
	} {
		if _, err := w.Search(context.Background(), q); !errors.Is(err, search.ErrBadQuery) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestAStoreThatIsAwayIsTold(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.Catalog.Close()
	if _, err := w.Search(context.Background(), search.Query{}); !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

var _ search.Engine = (*Engine)(nil)

func TestFoldedTextHasNoSpecialCharacters(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for in, want := range map[string]string{"São-Paulo!": " sao paulo ", "%_\\": "  ", "東京 Tokyo": " 東京 tokyo ", "": "  ", "AT&T": " at t ", "Łódź": " lodz "} {
		var got string
		if err := w.Pool().QueryRow(context.Background(), `SELECT usher_fold($1)`, in).Scan(&got); err != nil || got != want {
			t.Errorf("usher_fold(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestCursorsAreSealed(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.build()
	_, page := w.find(search.Query{PageSize: 2})
	e, _ := id.NewEvent(322, 1)
	other := New(w.Pool(), []byte("another key"))
	forged := other.sealCursor(search.Query{Sort: search.ByDate}, position{last: place{date("2026-12-01"), int64(e)}})
	for why, q := range map[string]search.Query{
		"another query":    {Cursor: page.NextCursor, Location: "toronto"},
		"another day":      {Cursor: page.NextCursor, EndDate: date("2027-01-01")},
		"another price":    {Cursor: page.NextCursor, PriceMax: new(int)},
		"no cursor at all": {Cursor: "hello"},
		"cut":              {Cursor: page.NextCursor[1:]},
		"padded":           {Cursor: page.NextCursor + "="},
		"another key":      {Cursor: forged},
	} {
		if _, err := w.Search(context.Background(), q); !errors.Is(err, search.ErrBadCursor) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if names, _ := w.find(search.Query{PageSize: 3, Cursor: page.NextCursor, Tickets: true}); strings.Join(names, " ") != "soma fiji kauri" {
		t.Errorf("a page of another size: %v", names)
	}
}
