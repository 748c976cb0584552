package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/catalog"
	"usher/catalog/listing"
	"usher/gateway/lang"
	"usher/gateway/page"
)

// soon moves an event of the tests to where the clock of this machine has not been.
func soon(s *catalog.Show) {
	s.Start, s.End = loaded.Add(240*time.Hour), loaded.Add(243*time.Hour)
}

var loaded = time.Now() // one time for all: a page that is made in the next second is the same page

// drawn is an event's page at a time, as text.
func drawn(t *testing.T, now time.Time, change func(*catalog.Show)) string {
	t.Helper()
	f := newFakeCatalog()
	f.show = change
	show, err := f.Show(context.Background(), unguarded)
	if err != nil {
		t.Fatal(err)
	}
	data := New(Config{PublicURL: "http://usher.test"}, Parts{}).newEventPage(lang.English(), show, now)
	text, err := page.Render("event", page.Frame{Lang: lang.English(), Title: show.Name, Description: data.summary(), Canonical: data.Data.URL, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnEventPageLeadsToWhereTheTicketsAre(t *testing.T) {
	t.Parallel()
	const seats, join, over = `href="/events/` + "SEATS", `href="/rooms/final"`, "This event is over"
	f := func(why string, now time.Time, change func(*catalog.Show), wants string, lacks ...string) {
		t.Helper()
		text := strings.ReplaceAll(drawn(t, now, change), "/events/"+unguarded.String()+"/seats", "/events/SEATS")
		for want := range strings.SplitSeq(wants, "|") {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", why, want, text)
			}
		}
		for _, bad := range lacks {
			if strings.Contains(text, bad) {
				t.Errorf("%s: %q", why, bad)
			}
		}
	}
	none := func(*catalog.Show) {}
	room := func(active bool) func(*catalog.Show) {
		return func(s *catalog.Show) { s.Room = &catalog.RoomInfo{ID: roomName, Active: active} }
	}
	sold := func(s *catalog.Show) { s.Codes, s.Count = []byte(strings.Repeat("3", 16)), [5]int{0, 0, 0, 16} }
	f("on sale", noon, none, seats+"|Choose seats|12 tickets for sale|Level A|$42.00|4 of 8|8 of 8|$21.00 – $42.00", join, over)
	f("a room in front", noon, room(true), join+"|Join the waiting room", seats)
	f("a room that is not active", noon, room(false), seats, join)
	f("sold out", noon, sold, "Sold out at the moment|Returned tickets may appear|Find another event|None at the moment|0 of 8", "Choose seats", "Look at the seats", over)
	f("held", noon, func(s *catalog.Show) { sold(s); s.Count = [5]int{0, 1, 0, 15} }, "Other people hold the last tickets|Look at the seats", "Find another event")
	f("not on sale", noon, func(s *catalog.Show) { s.OnSale, s.Codes, s.Count = false, nil, [5]int{} }, "Not on sale yet|$42.00", seats, "Sold out", "of 8")
	f("over", noon.Add(10*time.Hour), none, over+"|Find another event", seats, "calendar.ics", "Level A")
	f("a room, but over", noon.Add(99*time.Hour), room(true), over, join)
	f("running", noon.Add(9*time.Hour), none, seats, over)
	f("stale", noon, func(s *catalog.Show) { s.Stale = 90 * time.Second }, "may be 2 minutes old")
	f("the venue's time", noon, func(s *catalog.Show) {
		s.Venue.Zone, _ = time.LoadLocation("America/Toronto")
	}, "4:00 PM|(EDT)|2026-06-11T16:00:00-04:00|geo:59.900000,10.700000")
	f("nowhere on a map", noon, func(s *catalog.Show) { s.Venue.Latitude = nil }, seats, "geo:")
	f("until another day", noon, func(s *catalog.Show) { s.End = s.Start.Add(5 * time.Hour) }, "until Jun 12, 2026, 1:00 AM")
	f("with support", noon, func(s *catalog.Show) {
		s.Performers = append(s.Performers, catalog.Performer{ID: 2, Name: "Night & Ferries"})
	}, `href="/?performer=Night%20%26%20Ferries">Night &amp; Ferries`)
	f("its own picture is named, not loaded", noon, func(s *catalog.Show) { s.ImageURL = "https://img.example/a.png" }, `og:image" content="https://img.example/a.png"`, "<img", `src="https`)
	f("a picture from nowhere", noon, func(s *catalog.Show) { s.ImageURL = "javascript:alert(1)" }, seats, "og:image", "javascript:")
}

// structuredData reads the JSON-LD of a page as a search engine does.
func structuredData(t *testing.T, text string) map[string]any {
	t.Helper()
	_, rest, found := strings.Cut(text, `<script type="application/ld+json">`)
	body, _, _ := strings.Cut(rest, "</script>")
	var data map[string]any
	if err := json.Unmarshal([]byte(body), &data); err != nil || !found {
		t.Fatalf("JSON-LD: %v in %s", err, body)
	}
	return data
}

func TestAnEventPageIsReadByMachines(t *testing.T) {
	t.Parallel()
	at := func(data any, path string) any {
		for name := range strings.SplitSeq(path, ".") {
			if list, ok := data.([]any); ok {
				data = list[0]
			}
			m, _ := data.(map[string]any)
			data = m[name]
		}
		return data
	}
	zone := func(s *catalog.Show) { s.Venue.Zone, _ = time.LoadLocation("Europe/Oslo") }
	data := structuredData(t, drawn(t, noon, zone))
	url := "http://usher.test/events/" + unguarded.String()
	for path, want := range map[string]any{
		"@context": "https://schema.org", "@type": "Event", "name": "A <match>", "startDate": "2026-06-11T22:00:00+02:00", "endDate": "2026-06-12T00:00:00+02:00",
		"eventStatus": "https://schema.org/EventScheduled", "url": url, "location.@type": "Place", "location.name": "The stadium",
		"location.address.@type": "PostalAddress", "location.address.addressLocality": "Oslo", "location.address.addressCountry": "NO",
		"location.geo.latitude": 59.9, "location.geo.longitude": 10.7, "performer.name": "Norway", "offers.@type": "AggregateOffer", "offers.lowPrice": "21",
		"offers.highPrice": "42", "offers.priceCurrency": "USD", "offers.offerCount": 12.0, "offers.availability": "https://schema.org/InStock", "offers.url": url,
	} {
		if got := at(data, path); got != want {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	offered := func(now time.Time, change func(*catalog.Show), want any) {
		t.Helper()
		if got := at(structuredData(t, drawn(t, now, change)), "offers.availability"); got != want {
			t.Errorf("availability %v, want %v", got, want)
		}
	}
	offered(noon, func(s *catalog.Show) { s.Count = [5]int{} }, schema+"SoldOut")
	offered(noon, func(s *catalog.Show) { s.OnSale = false }, schema+"PreOrder")
	offered(noon.Add(99*time.Hour), func(*catalog.Show) {}, nil)
	data = structuredData(t, drawn(t, noon, func(s *catalog.Show) { s.Name, s.Details, s.Venue.City = hostile, hostile, hostile }))
	if data["name"] != hostile || at(data, "location.address.addressLocality") != hostile {
		t.Errorf("a hostile name: %q", data["name"])
	}
}

func TestHostileNamesOnAnEventPage(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.catalog.show = func(s *catalog.Show) {
		soon(s)
		s.Name, s.Details, s.Performer, s.ImageURL = hostile, hostile, hostile, "https://"+hostile
		s.Performers = []catalog.Performer{{ID: 1, Name: hostile + "2"}, {ID: 2, Name: "javascript:alert(1)"}}
		s.Venue.Name, s.Venue.Location, s.Venue.City, s.Venue.Country = hostile, hostile, hostile, hostile
	}
	r := e.want(200, "", "GET", "/events/"+guarded.String(), "", asPerson...)
	r.lacks(t, "<img", "onerror=alert(1)>", "</script><", `href="javascript:`)
	if n := strings.Count(r.raw, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	structuredData(t, r.raw)
	ics := e.want(200, "", "GET", "/events/"+guarded.String()+"/calendar.ics", "")
	ics.lacks(t, "\nATTENDEE")
	if ics.header.Get("Content-Disposition") != `attachment; filename="`+guarded.String()+`.ics"` || !strings.HasPrefix(ics.header.Get("Content-Type"), "text/calendar; charset=utf-8") {
		t.Errorf("headers %v", ics.header)
	}
}

func TestAnEventPageIsNotSentTwice(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.catalog.show = soon
	path := "/events/" + guarded.String()
	r := e.want(200, "", "GET", path, "", asPerson...)
	tag := r.header.Get("ETag")
	if tag == "" || r.header.Get("Cache-Control") != briefly || !strings.Contains(strings.Join(r.header.Values("Vary"), ","), "Cookie") {
		t.Errorf("headers %v", r.header)
	}
	if again := e.want(304, "", "GET", path, "", "Accept", "text/html", "If-None-Match", tag); again.raw != "" || again.header.Get("ETag") != tag {
		t.Errorf("again: %v", again.header)
	}
	if other := e.want(200, "", "GET", path, "", "Accept", "text/html", "If-None-Match", tag, "Accept-Language", "ar"); other.header.Get("ETag") == tag {
		t.Error("two languages have one tag")
	}
	if packed := e.want(200, "", "GET", path, "", "Accept", "text/html", "If-None-Match", tag, "Accept-Encoding", "br"); packed.header.Get("ETag") == tag {
		t.Error("two encodings have one tag")
	}
	e.catalog.stale = 1200 * time.Millisecond
	if old := e.want(200, "", "GET", path, "", "Accept", "text/html", "If-None-Match", tag); old.header.Get("Usher-Degraded") != "stale" || old.header.Get("Age") != "2" {
		t.Errorf("stale: %v", old.header)
	}
	e.want(404, "event-not-found", "GET", "/events/nothing/calendar.ics", "")
}

func TestWordsForWhatIsLeft(t *testing.T) {
	t.Parallel()
	f := func(free, total int, want stock) {
		t.Helper()
		if got := stockOf(free, total); got != want {
			t.Errorf("%d of %d: %s, want %s", free, total, got, want)
		}
	}
	f(0, 500, stockNone)
	f(1, 500, stockFew)
	f(49, 500, stockFew)
	f(50, 500, stockMany)
	f(50, 90_000, stockMany)
	f(1, 5, stockMany) // the last but four of five
	f(0, 0, stockNone)
}

// What an event's page tells search engines is read back as it was, by our own import.
func TestThePageOfAnEventCanBeImported(t *testing.T) {
	t.Parallel()
	r, err := listing.New(listing.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	var found []listing.Found
	err = r.HTML(t.Context(), strings.NewReader(drawn(t, noon, func(*catalog.Show) {})), func(f listing.Found) error {
		found = append(found, f)
		return nil
	})
	if err != nil || len(found) != 1 || found[0].Err != nil {
		t.Fatalf("%v %+v", err, found)
	}
	e := found[0].Event
	if e.Name != "A <match>" || !e.Start.Equal(noon.Add(8*time.Hour)) || e.Length != 2*time.Hour || e.Currency != "USD" || !slices.Equal(e.Prices, []int{4200, 2100}) {
		t.Errorf("%+v", e)
	}
	if v := e.Venue; v.Name != "The stadium" || v.City != "Oslo" || v.Country != "NO" || v.Zone != "Europe/Oslo" || v.Latitude == nil || e.Performers[0].Name != "Norway" {
		t.Errorf("%+v with %v", v, e.Performers)
	}
}
