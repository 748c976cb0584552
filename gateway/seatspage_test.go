package gateway

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/catalog/layout"
	"usher/internal/id"
	"usher/waitroom"
)

// fan is the browser of a visitor who is in the room: the headers of a page and those of a form.
func (e *edge) fan() (page, form []string) {
	v, sealed := e.room.NewVisitor()
	page = []string{"Cookie", visitorCookie + "=" + sealed + "; " + passCookie + roomName + "=" + passOf(roomName, v), "Accept", "text/html"}
	return page, append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, page...)
}

func seatsPath(e id.Event) string { return "/events/" + e.String() + "/seats" }

// soon is when the fakes' event is still to come.
func (e *edge) soon() {
	e.catalog.start = time.Now().Add(24 * time.Hour)
}

func TestTheSeatsAreShownToWhoMayChoose(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	page, _ := e.fan()
	v, _ := e.visitor()
	guardedPath, html := seatsPath(guarded), []string{"Accept", "text/html"}
	e.want(200, "", "GET", guardedPath, "", page...).holds(t, "A &lt;match&gt;", "$42.00", "$21.00", "4 free", "8 free", `href="`+guardedPath+`?section=A"`, "Your seats", `data-known="true"`)
	with := func(cookie string) []string { return []string{"Accept", "text/html", "Cookie", cookie} }
	for _, cookie := range []string{
		"", passCookie + roomName + "=forged", passCookie + roomName + "=" + passOf("expired", v), passCookie + roomName + "=" + passOf(otherRoom, v),
	} {
		e.do("GET", guardedPath, "", with(cookie)...).leads(t, "/rooms/"+roomName)
	}
	e.room.session = func() error { return waitroom.ErrSessionOver }
	e.do("GET", guardedPath, "", page...).leads(t, "/rooms/"+roomName)
	e.room.session = func() error { return waitroom.ErrLineUnavailable }
	e.want(503, "", "GET", guardedPath, "", page...)
	e.room.session = nil

	r := e.want(200, "", "GET", seatsPath(unguarded), "", html...)
	r.holds(t, `data-known="false"`)
	if len(r.header.Values("Set-Cookie")) > 0 {
		t.Errorf("looking costs a cookie: %v", r.header)
	}
	e.want(200, "", "GET", seatsPath(unguarded), "", with(visitorCookie+"=forged")...)
	e.room.active = false
	e.want(200, "", "GET", guardedPath, "", with(passCookie+roomName+"=forged")...)
	e.want(404, "event-not-found", "GET", seatsPath(event(3)), "")
	e.want(404, "", "GET", "/events/nothing/seats", "", html...).holds(t, "We do not know this event")
	e.desk.err = booking.ErrStoreUnavailable
	e.want(503, "", "GET", seatsPath(unguarded), "", page...)
}

func TestASectionShowsEverySeatOnce(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	page, _ := e.fan()
	e.desk.basket = []id.Ticket{guarded.Ticket(1)}
	r := e.want(200, "", "GET", seatsPath(guarded)+"?section=A", "", page...)
	r.holds(t, `value="`+guarded.Ticket(0).String()+`" aria-label="Row 1, seat 1"`, "Row 1, seat 2, yours", "Row 1, seat 3, taken", "Row 1, seat 4, taken", "Row 2, seat 1, taken",
		`value="`+guarded.Ticket(7).String()+`"`, "All sections", "kept until", "Give back section", `name="section" value="A"`)
	r.lacks(t, `value="`+guarded.Ticket(8).String()+`"`)
	e.want(200, "", "GET", seatsPath(guarded)+"?section=A&from=1", "", page...).lacks(t, "Row 1, seat 1\"")
	e.want(200, "", "GET", seatsPath(guarded)+"?section=B", "", page...).holds(t, "Row 1, Wheelchair places", "8 free")
}

func TestHostileSectionsAreNotFound(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	page, form := e.fan()
	script := `</script><img src=x onerror=alert(1)>"'&`
	for _, name := range []string{"C", "a", "A%20", "%00", "%ff%fe", "../A", url.QueryEscape(script), strings.Repeat("x", 5000), "%0d%0aSet-Cookie:a=b"} {
		r := e.do("GET", seatsPath(guarded)+"?section="+name, "", page...)
		if r.status != 404 {
			t.Errorf("%.40q: %d", name, r.status)
		}
		r.holds(t, "There is no section of that name", `?section=A"`)
		r.lacks(t, "<img", "alert(1)>")
	}
	for _, from := range []string{"-1", "x", "1048577", "99999999999999999999", "1.5"} {
		e.want(400, "", "GET", seatsPath(guarded)+"?section=A&from="+from, "", page...)
		e.want(400, "", "POST", seatsPath(guarded)+"/hold", "ticket="+guarded.Ticket(0).String()+"&from="+from, form...)
	}
	e.want(200, "", "GET", seatsPath(guarded)+"?from=1048576", "", page...)
	e.want(200, "", "GET", seatsPath(guarded)+"?section=A&from=1000", "", page...)
	e.want(400, "", "GET", seatsPath(guarded)+"?section=A&section=B", "", page...)

	// A redirect carries the name back, encoded.
	r := e.do("POST", seatsPath(guarded)+"/hold", "ticket="+guarded.Ticket(0).String()+"&section="+url.QueryEscape(script), form...)
	if got := r.header.Get("Location"); r.status != 303 || strings.ContainsAny(got, "<>\"\r\n ") || r.header.Get("X") != "" {
		t.Errorf("%d %q", r.status, got)
	}
	for _, name := range []string{script + "\r\nX: y", strings.Repeat("x", maxText+1)} {
		e.want(400, "", "POST", seatsPath(guarded)+"/hold", "ticket="+guarded.Ticket(0).String()+"&section="+url.QueryEscape(name), form...)
	}
}

// Names of a layout come from imports.
func TestHostileNamesOfALayoutAreHarmless(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	page, _ := e.fan()
	evil := `</script><b>"'&`
	l, err := layout.New([]layout.Section{{Name: evil, Level: evil, Rows: []layout.Row{{Name: evil, Seats: 3}}}})
	if err != nil {
		t.Fatal(err)
	}
	e.catalog.layout, e.catalog.name = l, evil
	for _, path := range []string{"", "?section=" + url.QueryEscape(evil)} {
		r := e.want(200, "", "GET", seatsPath(guarded)+path, "", page...)
		r.lacks(t, "<b>", "</script><")
		r.holds(t, "&lt;/script&gt;&lt;b&gt;")
	}
}

func TestASeatlessEventSaysWhatElse(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	page, _ := e.fan()
	ways := []string{`href="/events/` + guarded.String() + `"`, `href="/"`}
	e.catalog.codes = "3333333333333333"
	e.want(200, "", "GET", seatsPath(guarded), "", page...).holds(t, append(ways, "All seats are sold")...)
	e.catalog.codes = "3333333333333332" // one may come back
	e.want(200, "", "GET", seatsPath(guarded), "", page...).holds(t, "Choose your seats", `id="basket"`)
	e.catalog.codes = ""
	e.catalog.early = true
	e.want(200, "", "GET", seatsPath(guarded), "", page...).holds(t, append(ways, "The sale has not begun")...)
	e.catalog.early = false
	e.catalog.start = time.Now().Add(-24 * time.Hour)
	e.want(200, "", "GET", seatsPath(guarded), "", page...).holds(t, append(ways, "This event is over")...)
	e.soon()
	e.catalog.stale = time.Minute
	e.want(200, "", "GET", seatsPath(guarded), "", page...).holds(t, "Live updates are paused")
}

// A page never lists a stadium: at most so many seats of a section, so many sections, and the rest on the next pages, each exactly once.
func TestLargeLayoutsComeInPages(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	page, _ := e.fan()
	var sections []layout.Section
	for range maxListedSections + 5 {
		sections = append(sections, layout.Section{Name: "S" + id.NewKey().String(), Level: "A", Rows: []layout.Row{{Name: "1", Seats: 1}}})
	}
	big := layout.Section{Name: "Big", Level: "A"}
	for i := range 5 {
		big.Rows = append(big.Rows, layout.Row{Name: string(rune('A' + i)), Seats: 300})
	}
	l, err := layout.New(append(sections, big))
	if err != nil {
		t.Fatal(err)
	}
	e.catalog.layout = l
	seat, section := regexp.MustCompile(`name="ticket" value="([^"]+)"`), regexp.MustCompile(`<li><a href="([^"]+)"`)
	count := func(path string, what *regexp.Regexp, next string) (pages int, seen map[string]bool) {
		seen = map[string]bool{}
		for path != "" {
			r := e.want(200, "", "GET", path, "", page...)
			pages++
			for _, m := range what.FindAllStringSubmatch(r.raw, -1) {
				if seen[m[1]] {
					t.Errorf("%s stands twice", m[1])
				}
				seen[m[1]] = true
			}
			m := regexp.MustCompile(`href="([^"]+)">` + next).FindStringSubmatch(r.raw)
			path = ""
			if m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		return pages, seen
	}
	if pages, seen := count(seatsPath(guarded)+"?section=Big", seat, "More rows"); pages != 3 || len(seen) != 1500 {
		t.Errorf("%d seats on %d pages, want 1500 on 3", len(seen), pages)
	}
	if pages, seen := count(seatsPath(guarded), section, "More sections"); pages != 2 || len(seen) != maxListedSections+6 {
		t.Errorf("%d sections on %d pages, want %d on 2", len(seen), pages, maxListedSections+6)
	}
}
