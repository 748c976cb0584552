package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"usher/gateway/lang"
	"usher/search"
)

func TestASearchIsACalendar(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	path := "/events.ics?q=match&location=Oslo&sort=relevance&page_cursor=" + strings.Repeat("x", 2000)
	r := e.want(200, "", "GET", path, "")
	text := strings.ReplaceAll(r.raw, "\r\n ", "")
	for _, want := range []string{
		"BEGIN:VCALENDAR\r\n", "X-WR-CALNAME:", "REFRESH-INTERVAL;VALUE=DURATION:PT6H\r\n", "X-PUBLISHED-TTL:PT6H\r\n", "UID:" + guarded.String() + "@usher\r\n",
		"SUMMARY:A match\r\n", "URL:http://usher.test/events/" + guarded.String() + "\r\n", `LOCATION:The stadium\, Oslo\, NO` + "\r\n", "DTSTART:20260611T120000Z\r\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if kind := r.header.Get("Content-Type"); kind != "text/calendar; charset=utf-8" {
		t.Errorf("content type %q", kind)
	}
	e.search.mu.Lock()
	q := e.search.last
	e.search.mu.Unlock()
	if q.Text != "match" || q.Location != "Oslo" || q.Sort != search.ByDate || q.Facets || q.PageSize != maxPage || q.StartDate.IsZero() {
		t.Errorf("asked for %+v", q)
	}
	tag := r.header.Get("ETag")
	if again := e.want(304, "", "GET", path, "", "If-None-Match", tag); again.raw != "" {
		t.Errorf("304 with a body: %q", again.raw)
	}
	e.search.page = func(search.Query) search.Page { return search.Page{} }
	e.want(200, "", "GET", path, "", "If-None-Match", tag) // another calendar has another tag
	e.search.page = nil
	e.want(400, "invalid-request", "GET", "/events.ics?start_date=soon", "")
	e.want(400, "invalid-request", "GET", "/events.ics?budget_min=much", "")
	e.search.err = errUnheard
	e.want(503, "search-unavailable", "GET", path, "")
}

// The same event has the same UID in the calendar of its own, so that a fan who has both sees it once.
func TestUIDsAreTheEvents(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	uid := func(path string) string {
		_, rest, _ := strings.Cut(e.want(200, "", "GET", path, "").raw, "\r\nUID:")
		line, _, _ := strings.Cut(rest, "\r\n")
		return line
	}
	if a, b := uid("/events.ics"), uid("/events/"+guarded.String()+"/calendar.ics"); a != b || a == "" {
		t.Errorf("UIDs %q and %q", a, b)
	}
}

func TestACalendarIsBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ page, asked, events int }{{100, 2, 200}, {90, 3, 200}, {1, 4, 4}, {0, 4, 0}} {
		e := newEdge(t)
		asked := 0
		e.search.page = func(q search.Query) search.Page {
			asked++
			hit := search.Hit{ID: guarded, Name: hostile, Performer: hostile, Start: noon, End: noon, Venue: search.Venue{Name: hostile, Location: hostile}}
			return search.Page{Events: slices.Repeat([]search.Hit{hit}, c.page), NextCursor: "more", Degraded: true}
		}
		r := e.want(200, "", "GET", "/events.ics", "")
		if n := strings.Count(r.raw, "BEGIN:VEVENT"); n != c.events || asked != c.asked || r.header.Get("Usher-Degraded") != "search-fallback" {
			t.Errorf("pages of %d: %d events from %d pages, want %d from %d", c.page, n, asked, c.events, c.asked)
		}
		for line := range strings.SplitSeq(r.raw, "\r\n") {
			if strings.HasPrefix(line, "ATTENDEE") || strings.ContainsAny(line, "\r\n") {
				t.Errorf("a name has become a property: %q", line)
			}
		}
	}
}

func TestTheSearchPageOffersItsCalendar(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	r := e.want(200, "", "GET", "/?q=match&location=Oslo%26&sort=relevance&radius_km=7", "", "Accept", "text/html")
	for _, want := range []string{
		`<link rel="alternate" type="text/calendar" href="/events.ics?location=Oslo%26&amp;q=match"`, `<a href="webcal://usher.test/events.ics?location=Oslo%26&amp;q=match" rel="nofollow">`,
	} {
		if !strings.Contains(r.raw, want) {
			t.Errorf("no %s", want)
		}
	}
	if t.Failed() {
		t.Log(r.raw)
	}
}

// The bytes do not depend on the second in which they were made.
func TestACalendarStaysTheSameForADay(t *testing.T) {
	t.Parallel()
	hits := []search.Hit{{ID: guarded, Name: "A", Start: noon, End: noon.Add(time.Hour)}}
	day := noon.Truncate(24 * time.Hour)
	a, b := searchCalendar("t", hits, lang.English(), "http://usher.test", day), searchCalendar("t", hits, lang.English(), "http://usher.test", day)
	if string(a) != string(b) || !strings.Contains(string(a), "DTSTAMP:20260611T000000Z") {
		t.Errorf("%s\n%s", a, b)
	}
}
