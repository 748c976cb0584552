package gateway

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"usher/gateway/lang"
	"usher/search"
)

var asPerson = []string{"Accept", "text/html,application/xhtml+xml"}

func someHits(n int) (hits []search.Hit) {
	for i := range n {
		far := 3.4
		hits = append(hits, search.Hit{
			ID: event(i + 1), Name: "A match", Performer: "Norway", Start: noon, End: time.Now().Add(time.Hour), PriceFrom: 4200, PriceTo: 9900, Currency: "USD",
			OnSale: true, Availability: []string{"many", "few", "none"}[i%3], DistanceKM: &far,
			Venue: search.Venue{ID: "ven-1", Name: "The stadium", Location: "Oslo, NO", TimeZone: "Europe/Oslo"},
		})
	}
	return hits
}

func manyFacets() *search.Facets {
	return &search.Facets{
		Category: []search.Facet{{Value: "concert", Count: 12}, {Value: "<b>", Count: 9}},
		City:     []search.Facet{{Value: "Oslo, NO", Count: 21}, {Value: "Bergen, NO", Count: 2}},
		Venue:    []search.Facet{{Value: "ven-1", Label: "The stadium", Count: 20}}, Month: []search.Facet{{Value: "2027-02", Count: 5}, {Value: "never", Count: 1}},
		Price:     []search.Facet{{Value: "0-2499", Count: 3}, {Value: "20000-", Count: 1}, {Value: "2500-4999", Count: 7}, {Value: "x-y", Count: 1}},
		Available: []search.Facet{{Value: "true", Count: 20}},
	}
}

func TestTheSearchPageShowsWhatIsFound(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.search.page = func(search.Query) search.Page {
		return search.Page{Events: someHits(3), Total: 23, NextCursor: "c2", Facets: manyFacets()}
	}
	r := e.want(200, "", "GET", "/?location=59.9,10.7&sort=distance&available=true", "", asPerson...)
	r.holds(t, "A match", "2:00 PM", "The stadium, Oslo, NO", "3 km away", "$42.00 – $99.00", "Available", "Few left", "None at the moment", "Waiting room", "23 events",
		`href="/?location=59.9%2C10.7&amp;sort=distance"`, // without the tickets
		`category=concert`, `Concert</span> <span class="soft num">12<`, "February 2027", "start_date=2027-02-01", "end_date=2027-02-28", "Up to $24.99", "From $200.00",
		`price_max=4999&amp;price_min=2500`, `rel="next"`, "page_cursor=c2", "start_date=")
	r.lacks(t, "<b>", "never", "x-y")
	if policy := r.header.Get("Permissions-Policy"); !strings.Contains(policy, "geolocation=(self)") || r.header.Get("Cache-Control") != briefly {
		t.Errorf("headers %v", r.header)
	}
	if policy := e.do("GET", "/nowhere", "", asPerson...).header.Get("Permissions-Policy"); !strings.Contains(policy, "geolocation=()") {
		t.Errorf("elsewhere: %q", policy)
	}
	e.search.page = func(search.Query) search.Page {
		return search.Page{Events: someHits(1), Total: search.MaxTotal, TotalCapped: true, Degraded: true, Facets: &search.Facets{Capped: true, City: []search.Facet{{Value: "Oslo", Count: 9000}, {Value: "Rom", Count: 2}}}}
	}
	r = e.want(200, "", "GET", "/?page_cursor=c2", "", asPerson...)
	r.holds(t, "More than 10,000 events", "9,000&#43;", "Start from the first page", "That is everything.", "simpler way")
	if r.header.Get("Usher-Degraded") != "search-fallback" || r.header.Get("Age") != "" {
		t.Errorf("headers %v", r.header)
	}
	e.search.page = func(search.Query) search.Page {
		return search.Page{Events: someHits(1), Total: 1, LeftAge: 61 * time.Second}
	}
	r = e.want(200, "", "GET", "/", "", asPerson...)
	r.holds(t, "numbers below may be 1 minute", "old: a part of the shop")
	r.lacks(t, "simpler way")
	if r.header.Get("Usher-Degraded") != "stale" || r.header.Get("Age") != "61" {
		t.Errorf("headers %v", r.header)
	}
}

func TestTheSearchPageTellsUnopenedSalesFromEmptyOnes(t *testing.T) {
	t.Parallel()
	for why, c := range map[string]struct {
		change func(*search.Hit)
		says   string
		onSale bool
	}{
		"not on sale yet": {func(h *search.Hit) { h.OnSale, h.Availability = false, "none" }, "Not on sale yet", false},
		"none left":       {func(h *search.Hit) { h.Availability = "none" }, "None at the moment", true},
		"over":            {func(h *search.Hit) { h.End = time.Now().Add(-time.Minute) }, "This event is over", true},
	} {
		e := newEdge(t)
		e.search.page = func(search.Query) search.Page {
			hits := someHits(1)
			c.change(&hits[0])
			return search.Page{Events: hits, Total: 1}
		}
		r := e.want(200, "", "GET", "/", "", asPerson...)
		r.holds(t, `<span class="tag none">`+c.says+`<`)
		for _, other := range []string{"Not on sale yet", "None at the moment", "This event is over", "Available"} {
			if other != c.says {
				r.lacks(t, other)
			}
		}
		if told := e.want(200, "", "GET", "/api/v1/events/search", "").raw; strings.Contains(told, `"on_sale":true`) != c.onSale {
			t.Errorf("%s: %s", why, told)
		}
	}
}

func TestTheSearchPageWhenNothingIsFound(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.search.page = func(search.Query) search.Page { return search.Page{Facets: &search.Facets{}} }
	r := e.want(200, "", "GET", "/?q=zz&location=Oslo&start_date=2027-06-01&end_date=2027-06-30&price_min=1000&venue=ven-9&performer=Nobody&category=dance&available=true", "", asPerson...)
	r.holds(t, "Nothing fits all of that", "Without: “zz”", "Without: In Oslo", "Without: June 2027", "Without: From 10", "Without: At ven-9", "Without: With Nobody",
		"Without: Dance", "Without: With tickets now", `name="robots" content="noindex"`)
	e.want(200, "", "GET", "/?page_cursor=c9", "", asPerson...).holds(t, "Start from the first page")
}

func TestTheSearchPageKeepsAFormThatIsWrong(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for query, texts := range map[string][]string{
		"q=%22%3E%3Cscript%3Ex%3C/script%3E&start_date=%3Cb%3E": {`value="&#34;&gt;&lt;script&gt;x&lt;/script&gt;"`, "“&lt;b&gt;” is not a date", `aria-describedby="start-fault"`},
		"budget_max=abc&q=owls":                                 {`value="abc"`, `value="owls"`, `aria-describedby="budget-fault"`, "amounts such as"},
		"end_date=x&available=true":                             {`aria-describedby="end-fault"`, `value="true" checked`},
		"q=%ff":                                                 {`aria-describedby="q-fault"`, "\uFFFD"},
		"location=91,0":                                         {`aria-describedby="location-fault"`},
		"location=0,0&radius_km=9999":                           {`aria-describedby="radius-fault"`, "9999"},
		"sort=price":                                            {"a filter that does not exist"},
		"price_max=-1":                                          {`aria-describedby="budget-fault"`},
		"location=" + strings.Repeat("x", maxText+1):            {`aria-describedby="location-fault"`},
	} {
		r := e.want(400, "", "GET", "/?"+query, "", asPerson...)
		r.holds(t, append(texts, `role="alert"`, "is marked below")...)
		r.lacks(t, "<b>", "<script>x")
		if r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", query, r.header)
		}
		e.want(400, "invalid-request", "GET", "/?"+query, "") // a machine gets the problem
	}
	if r := e.want(400, "", "GET", "/?zz=1", "", asPerson...); !strings.Contains(r.raw, "zz") {
		t.Error(r.raw)
	}
	e.want(400, "", "GET", "/?q=a&q=b", "", asPerson...)
}

func TestTheSearchPagePassesOverACurrencyThatIsNone(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.search.page = func(search.Query) search.Page { return search.Page{Total: 0} }
	for _, code := range []string{"usd", "zz", "%3Cb%3E", "%ff", strings.Repeat("Z", 4000)} {
		r := e.want(200, "", "GET", "/?price_max=4999&currency="+code, "", asPerson...)
		r.holds(t, "Up to 49.99", `value="49.99"`)
		r.lacks(t, `name="currency"`, "4,999", "4999 ")
	}
	e.want(200, "", "GET", "/?price_max=4999&currency=JPY", "", asPerson...).holds(t, "¥4,999", "currency=JPY", `value="4999"`)
}

func TestTheSearchPageWhenTheSearchRefuses(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.search.err = search.ErrBadCursor
	e.want(400, "", "GET", "/?q=owls&page_cursor=forged", "", asPerson...).holds(t, "no longer valid", `href="/?q=owls"`, `value="owls"`)
	e.search.err = search.ErrBadQuery
	e.want(400, "", "GET", "/?q=owls", "", asPerson...).holds(t, "cannot be understood")
	e.search.err = errUnheard
	r := e.want(503, "", "GET", "/?q=owls&sort=date", "", asPerson...)
	r.holds(t, "The search is away", `href="/?q=owls&amp;sort=date"`, `value="owls"`, `role="alert"`)
	if r.header.Get("Retry-After") == "" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", r.header)
	}
}

func TestTitlesAndCanonicalAddresses(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	f := func(query, title, canonical string) {
		t.Helper()
		r := e.want(200, "", "GET", "/?"+query, "", asPerson...)
		got := regexp.MustCompile(`<title>(.*) · Usher</title>`).FindStringSubmatch(r.raw)
		if len(got) < 2 || got[1] != title {
			t.Errorf("%s: title %q, want %q", query, got, title)
		}
		link := regexp.MustCompile(`<link rel="canonical" href="(.*)">`).FindStringSubmatch(r.raw)
		if indexed := !strings.Contains(r.raw, "noindex"); canonical == "" && (link != nil || indexed) || canonical != "" && (link == nil || link[1] != canonical || !indexed) {
			t.Errorf("%s: canonical %q, want %q", query, link, canonical)
		}
	}
	const site = "http://usher.test/"
	f("", "What is on", site)
	f("q=&sort=date", "What is on", site)
	f("location=Toronto&start_date=2027-06-01&end_date=2027-06-30", "Events in Toronto, June 2027", site+"?end_date=2027-06-30&amp;location=Toronto&amp;start_date=2027-06-01")
	f("category=concert&location=Oslo", "Concert in Oslo", site+"?category=concert&amp;location=Oslo")
	f("venue=ven-1", "What is on", site+"?venue=ven-1")
	f("location=1,2", "Events nearby", "")
	f("q=%3Cb%3E", "Events: &lt;b&gt;", "")
	f("q=owls&location=Oslo&start_date=2027-06-03&end_date=2027-06-04", "owls in Oslo, Jun 3, 2027 – Jun 4, 2027", "")
	f("start_date=2027-06-03&end_date=2027-06-03", "Events, Jun 3, 2027", "")
	f("start_date=2027-06-03", "Events, From Jun 3, 2027", "")
	f("location=Oslo&page_cursor=c2", "Events in Oslo", "")
	f("location=Oslo&price_max=100", "Events in Oslo", "")
}

// Names come from imports: none of them may become markup, an attribute, a script or another address.
func TestHostileNamesInAList(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.search.page = func(search.Query) search.Page {
		h := someHits(1)[0]
		h.Name, h.Performer, h.Currency, h.Availability = hostile, "x"+hostile, hostile, hostile
		h.Venue = search.Venue{ID: "ven-1", Name: hostile, Location: hostile, TimeZone: hostile}
		v := []search.Facet{{Value: hostile, Label: hostile, Count: 2}, {Value: "x", Label: "x", Count: 1}}
		return search.Page{Events: []search.Hit{h}, Total: 3, NextCursor: hostile, Facets: &search.Facets{Category: v, City: v, Venue: v, Month: v, Price: v, Available: v}}
	}
	r := e.want(200, "", "GET", "/?venue=ven-1&q="+url.QueryEscape(strings.ReplaceAll(hostile, "\r\n", "")), "", asPerson...)
	r.lacks(t, "<img", "onerror=alert(1)>", "</script><")
	if strings.Count(r.raw, "<script") != 2 {
		t.Errorf("%d scripts", strings.Count(r.raw, "<script"))
	}
}

func TestDaysAtHand(t *testing.T) {
	t.Parallel()
	f := func(now, weekend string) {
		t.Helper()
		day, err := time.Parse(time.DateOnly, now)
		if err != nil {
			t.Fatal(err)
		}
		form, _ := readSearchForm(func(string) string { return "" }, day)
		p := &searchPage{lang: lang.English(), Form: form}
		p.choices(day)
		if p.Quick[1].Href != weekend {
			t.Errorf("%s: %s, want %s", now, p.Quick[1].Href, weekend)
		}
	}
	f("2026-06-10", "/?end_date=2026-06-14&start_date=2026-06-13") // Wednesday
	f("2026-06-13", "/?end_date=2026-06-14&start_date=2026-06-13") // Saturday
	f("2026-06-14", "/?end_date=2026-06-14&start_date=2026-06-14") // Sunday: what is left of it
	f("2026-12-31", "/?end_date=2027-01-03&start_date=2027-01-02") // Thursday
}

func TestAPictureIsTheSameForTheSameEvent(t *testing.T) {
	t.Parallel()
	if first, again := draw("a", "b"), draw("a", "b"); first != again || first == draw("c", "d") {
		t.Error("pictures do not follow their events")
	}
	light := regexp.MustCompile(`^oklch\(0\.(3[0-9]|4[0-9]|5[0-3]) 0\.1[0-5] [0-9]+\)$`) // white letters stand on it
	for i := range 200 {
		a := draw(event(i).String(), strings.Repeat("x", i))
		for _, c := range []string{a.Back, a.Near, a.Far} {
			if !light.MatchString(c) {
				t.Errorf("colour %q", c)
			}
		}
		if a.A == "" && a.B == "" || strings.ContainsAny(a.A+a.B, `<>"'&`) {
			t.Errorf("paths %q %q", a.A, a.B)
		}
	}
}
