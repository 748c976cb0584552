package gateway

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"usher/booking"
	"usher/internal/problem"
	"usher/search"
)

// plainly asks for an answer that is not compressed: Go's client would ask for gzip.
var plainly = []string{"Accept-Encoding", "identity"}

func TestEventViews(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	view := api + "/events/" + guarded.String()
	for path, kept := range map[string]string{view: briefly, view + "/seats": briefly, view + "/layout": layoutKept} {
		r := e.want(200, "", "GET", path, "", plainly...)
		if r.header.Get("ETag") != `"v1"` || r.header.Get("Cache-Control") != kept {
			t.Errorf("%s: %v", path, r.header)
		}
		for _, tag := range []string{`"v1"`, `W/"v1"`, `"v0", "v1"`, "*"} {
			if r := e.want(304, "", "GET", path, "", "Accept-Encoding", "identity", "If-None-Match", tag); r.raw != "" || r.header.Get("ETag") != `"v1"` {
				t.Errorf("%s of %s: %v", path, tag, r)
			}
		}
		e.want(200, "", "GET", path, "", "Accept-Encoding", "identity", "If-None-Match", `"v0"`)
	}
	e.catalog.stale = 1200 * time.Millisecond
	if r := e.want(200, "", "GET", api+"/events/"+guarded.String(), ""); r.header.Get("Usher-Degraded") != "stale" || r.header.Get("Age") != "2" {
		t.Errorf("stale: %v", r.header)
	}
	e.catalog.err = booking.ErrStoreUnavailable
	if r := e.want(503, "store-unavailable", "GET", api+"/events/"+guarded.String(), ""); r.header.Get("ETag") != "" || r.header.Get("Retry-After") == "" {
		t.Errorf("away: %v", r.header)
	}
	e.catalog.err = nil
	for _, path := range []string{"", "/seats", "/layout", "/stream"} {
		e.want(404, "event-not-found", "GET", api+"/events/"+event(9).String()+path, "")
		e.want(404, "event-not-found", "GET", api+"/events/cake"+path, "")
	}
}

func TestViewsAreCompressed(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.catalog.pad = 5000
	checked := e.client // holds answers to the contract, of which it reads the plain ones
	view := api + "/events/" + guarded.String()
	for _, path := range []string{view, view + "/seats", view + "/layout"} {
		e.client = checked
		plain := e.want(200, "", "GET", path, "", plainly...)
		tags := []string{plain.header.Get("ETag")}
		for encoding, unpack := range map[string]func([]byte) ([]byte, error){
			"br":   func(b []byte) ([]byte, error) { return fasthttp.AppendUnbrotliBytes(nil, b) },
			"gzip": func(b []byte) ([]byte, error) { return fasthttp.AppendGunzipBytes(nil, b) },
		} {
			e.client = http.DefaultClient
			r := e.want(200, "", "GET", path, "", "Accept-Encoding", encoding)
			body, err := unpack([]byte(r.raw))
			if err != nil || string(body) != plain.raw || len(r.raw) > 500 || r.header.Get("Content-Encoding") != encoding {
				t.Errorf("%s as %s: %d bytes, %v, %v", path, encoding, len(r.raw), r.header, err)
			}
			tag := r.header.Get("ETag")
			if slices.Contains(tags, tag) || r.header.Get("Vary") != "Accept-Encoding" || plain.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s as %s: %v", path, encoding, r.header)
			}
			tags = append(tags, tag)
			if again := e.want(304, "", "GET", path, "", "Accept-Encoding", encoding, "If-None-Match", tag); again.header.Get("Content-Encoding") != "" || again.header.Get("ETag") != tag {
				t.Errorf("%s as %s again: %v", path, encoding, again.header)
			}
			e.want(200, "", "GET", path, "", "Accept-Encoding", "identity", "If-None-Match", tag)
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	r := e.want(200, "", "GET", api+"/events/search?location=Oslo&include=tickets&page_size=1", "")
	link := r.header.Get("Link")
	target, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	u, err := url.Parse(target)
	if err != nil || u.Query().Get("page_cursor") != "c2" || u.Query().Get("location") != "Oslo" || !strings.HasSuffix(link, `rel="next"`) {
		t.Errorf("Link is %q", link)
	}
	if r := e.want(200, "", "GET", u.RequestURI(), ""); r.header.Get("Usher-Degraded") != "" {
		t.Errorf("%q of a page on which all is as it should be", r.header.Get("Usher-Degraded"))
	}
	for mark, page := range map[string]search.Page{"search-fallback": {Degraded: true}, "stale": {LeftAge: 1500 * time.Millisecond}} {
		e.search.page = func(search.Query) search.Page { return page }
		r := e.want(200, "", "GET", u.RequestURI(), "")
		if old := r.header.Get("Age"); r.header.Get("Usher-Degraded") != mark || (old == "2") != (mark == "stale") {
			t.Errorf("%s: %v", mark, r.header)
		}
	}
	e.search.page = nil
	e.search.err = search.ErrBadCursor
	e.want(400, "invalid-cursor", "GET", api+"/events/search?page_cursor=forged", "")
	e.want(400, "invalid-cursor", "GET", "/?page_cursor=forged", "")
	e.search.err = search.ErrBadQuery
	e.want(400, "invalid-request", "GET", api+"/events/search", "")
	for _, err := range []error{search.ErrUnavailable, errUnheard} {
		e.search.err = err
		if r := e.want(503, "search-unavailable", "GET", api+"/events/search", ""); r.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		e.want(503, "search-unavailable", "GET", "/", "")
	}
}

func TestSearchParameters(t *testing.T) {
	t.Parallel()
	parse := func(query string) (search.Query, error) {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		return parseSearch(values.Get)
	}
	f := func(query string, want func(q search.Query) bool) {
		t.Helper()
		if q, err := parse(query); err != nil || !want(q) {
			t.Errorf("%q: %+v, %v", query, q, err)
		}
	}
	f("", func(q search.Query) bool { return q.PageSize == defaultPage && !q.HasPoint && !q.Tickets })
	f("location=Oslo", func(q search.Query) bool { return q.Location == "Oslo" && !q.HasPoint })
	f("location=Paris,+TX", func(q search.Query) bool { return q.Location == "Paris, TX" && !q.HasPoint })
	f("location=59.9,-10.7", func(q search.Query) bool {
		return q.HasPoint && q.Latitude == 59.9 && q.Longitude == -10.7 && q.RadiusKM == defaultReach
	})
	f("location=59.9,10.7&radius_km=500", func(q search.Query) bool { return q.RadiusKM == 500 })
	f("start_date=2026-06-11&end_date=2026-06-11", func(q search.Query) bool { return q.StartDate.Equal(q.EndDate) && q.StartDate.Day() == 11 })
	f("price_min=0&price_max=100", func(q search.Query) bool { return *q.PriceMin == 0 && *q.PriceMax == 100 })
	f("", func(q search.Query) bool { return q.Sort == search.ByDate && !q.Available && !q.Facets })
	f("q=copper+owls", func(q search.Query) bool { return q.Text == "copper owls" && q.Sort == search.ByRelevance })
	f("q=owls&sort=date", func(q search.Query) bool { return q.Sort == search.ByDate })
	f("q=owls&sort=distance&location=1,2", func(q search.Query) bool { return q.Sort == search.ByDistance })
	f("location=1,2", func(q search.Query) bool { return q.Sort == search.ByDate })
	f("q=%25_%5C%27%26%7C!", func(q search.Query) bool { return q.Text == `%_\'&|!` })
	f("category=Rock&available=true&facets=true", func(q search.Query) bool { return q.Category == "Rock" && q.Available && q.Facets })
	f("include=tickets&page_size=100&sort=date", func(q search.Query) bool { return q.Tickets && q.PageSize == 100 })

	refused := func(query, field string) {
		t.Helper()
		_, err := parse(query)
		p, ok := err.(*problem.Problem)
		if !ok || p.Slug != "invalid-request" || len(p.Errors) != 1 || p.Errors[0].Field != field {
			t.Errorf("%q: %v, want a fault in %s", query, err, field)
		}
	}
	refused("location=91,0", "location")
	refused("location=0,181", "location")
	refused("location=Inf,0", "location")
	refused("location="+strings.Repeat("x", 201), "location")
	refused("location=%ff", "location")
	refused("venue=a%00b", "venue")
	refused("radius_km=10", "radius_km")
	refused("location=0,0&radius_km=0.5", "radius_km")
	refused("location=0,0&radius_km=501", "radius_km")
	refused("location=0,0&radius_km=NaN", "radius_km")
	refused("start_date=11.6.2026", "start_date")
	refused("start_date=2026-02-30", "start_date")
	refused("start_date=0000-01-01", "start_date")
	refused("start_date=2026-06-12&end_date=2026-06-11", "end_date")
	refused("price_min=-1", "price_min")
	refused("price_max=1.5", "price_max")
	refused("price_max=99999999999999999999", "price_max")
	refused("price_min=2&price_max=1", "price_max")
	refused("page_size=0", "page_size")
	refused("page_size=101", "page_size")
	refused("page_size=ten", "page_size")
	refused("sort=relevance", "sort")
	refused("sort=distance", "sort")
	refused("sort=distance&location=Oslo", "sort")
	refused("sort=price", "sort")
	refused("q="+strings.Repeat("x", 10_000), "q")
	refused("q=a%00b", "q")
	refused("q=%ff", "q")
	refused("category=%0a", "category")
	refused("available=false", "available")
	refused("available=1", "available")
	refused("facets=yes", "facets")
	refused("include=everything", "include")
	if _, err := parse("page_cursor=" + strings.Repeat("x", 1001)); err == nil {
		t.Error("a cursor of 1001 bytes passes")
	}
}

func TestFacetsAreCountedWhenAsked(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	r := e.want(200, "", "GET", api+"/events/search?q=match&facets=true&available=true&category=sport&sort=date", "")
	if !strings.Contains(r.raw, `"city":[{"value":"Oslo, NO","label":"Oslo, NO","count":21}]`) || !strings.Contains(r.raw, `"venue":[]`) || r.body["total_capped"] != false {
		t.Error(r.raw)
	}
	if r := e.want(200, "", "GET", api+"/events/search?q=match", ""); r.body["facets"] != nil {
		t.Error(r.raw)
	}
}

func TestSuggestions(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	r := e.want(200, "", "GET", api+"/suggestions?q=nor&limit=2", "")
	if r.header.Get("Cache-Control") != "public, max-age=60" || r.header.Get("Usher-Degraded") != "" || r.raw != `{"suggestions":[{"kind":"performer","text":"nor","detail":null,"id":"per-1"},`+
		`{"kind":"city","text":"Oslo","detail":"Oslo, NO","id":null}]}` {
		t.Errorf("%v %q", r.header, r.raw)
	}
	for query, field := range map[string]string{
		"": "q", "?q=": "q", "?q=%20": "q", "?limit=3": "q", "?q=a%00": "q", "?q=%ff": "q", "?q=" + strings.Repeat("x", maxText+1): "q", "?q=a&q=b": "q",
		"?q=a&limit=0": "limit", "?q=a&limit=21": "limit", "?q=a&limit=x": "limit", "?q=a&sort=date": "sort",
	} {
		if r := e.want(400, "invalid-request", "GET", api+"/suggestions"+query, ""); !strings.Contains(r.raw, `"field":"`+field+`"`) {
			t.Errorf("%s: %s", query, r.raw)
		}
	}
	e.search.other = true
	if r := e.want(200, "", "GET", api+"/suggestions?q=nor", ""); r.header.Get("Usher-Degraded") != "search-fallback" {
		t.Errorf("another engine suggests: %v", r.header)
	}
	e.search.err = search.ErrBadQuery
	e.want(400, "invalid-request", "GET", api+"/suggestions?q=a", "")
	e.search.err = errUnheard
	e.want(503, "search-unavailable", "GET", api+"/suggestions?q=a", "")
}

func TestPapers(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.want(200, "", "GET", "/openapi.json", "")
	e.want(200, "", "GET", "/.well-known/jwks.json", "")
	e.want(200, "", "GET", "/healthz", "")
	for _, k := range problem.Kinds() {
		if r := e.want(200, "", "GET", "/problems/"+k.Slug, ""); !strings.Contains(r.raw, k.Title) || k.Advice == "" {
			t.Errorf("%s: %s", k.Slug, r.raw)
		}
	}
	if r := e.want(200, "", "GET", api+"/rooms/final", ""); r.header.Get("Cache-Control") != briefly || r.body["calls_per_minute"] != 60.0 {
		t.Errorf("room: %v %s", r.header, r.raw)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	html := []string{"Accept", "text/html,application/xhtml+xml"}
	holds := func(r reply, texts ...string) {
		t.Helper()
		if !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || !strings.Contains(r.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("headers %v", r.header)
		}
		for _, want := range texts {
			if !strings.Contains(r.raw, want) {
				t.Errorf("no %q in %s", want, r.raw)
			}
		}
	}
	holds(e.want(200, "", "GET", "/?location=Oslo&performer=Norway", "", html...), "A match", "/events/"+guarded.String(), "Waiting room", `value="Oslo"`, "page_cursor=c2")
	holds(e.want(200, "", "GET", "/?location=%22%3E%3Cscript%3E", "", html...), "&#34;&gt;&lt;script&gt;")
	holds(e.want(200, "", "GET", "/events/"+guarded.String(), "", html...), "A &lt;match&gt;", "8:00 PM", "$42.00")
	holds(e.want(404, "", "GET", "/events/nothing", "", html...), "We do not know this event")
	holds(e.want(404, "", "GET", "/nowhere", "", html...), "There is nothing here")
	e.want(404, "not-found", "GET", api+"/nowhere", "", html...) // the API answers as the API
	if r := e.want(200, "", "GET", "/assets/"+baseAsset, ""); !strings.HasPrefix(r.header.Get("Content-Type"), "text/css") {
		t.Errorf("style: %v", r.header)
	}
	e.want(404, "", "GET", "/assets/base.css", "", html...)

	room := e.want(200, "", "GET", "/rooms/final", "", html...)
	holds(room, "12 people", "Doors &lt;open&gt; soon")
	jar := "usher_visitor=" + room.header.Get(visitorHeader)
	form := []string{"Cookie", jar, "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Sec-Fetch-Site", "same-origin"}
	holds(e.want(401, "", "POST", "/rooms/final/enter", "", form...), "You have no place in this line")
	r := e.want(303, "", "POST", "/rooms/final/join", "", form...)
	place, _, _ := strings.Cut(r.header.Get("Set-Cookie"), ";")
	jar += "; " + place
	holds(e.want(200, "", "GET", "/rooms/final?shown=13", "", "Cookie", jar), `id="position">12<`, `content="5; url=/rooms/final?shown=12&amp;from=13"`, "between 2 minutes and 3 minutes")
	form[1] = jar
	r = e.want(303, "", "POST", "/rooms/final/enter", "", form...)
	pass, _, _ := strings.Cut(r.header.Get("Set-Cookie"), ";")
	holds(e.want(200, "", "GET", "/rooms/final", "", "Cookie", jar+"; "+pass), "You are in", fmt.Sprintf("/events/%s/seats", guarded))
	e.want(303, "", "POST", "/rooms/final/leave", "", form...)
}
