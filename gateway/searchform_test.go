package gateway

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"usher/internal/problem"
	"usher/search"
)

func readQuery(t *testing.T, query string) (*searchForm, error) {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return readSearchForm(values.Get, noon)
}

func TestWhatTheSearchPageUnderstands(t *testing.T) {
	t.Parallel()
	f := func(query string, want func(q search.Query) bool) {
		t.Helper()
		if form, err := readQuery(t, query); err != nil || !want(form.query) {
			t.Errorf("%q: %+v, %v", query, form.query, err)
		}
	}
	today := time.Date(2026, 6, 11, 0, 0, 0, 0, time.UTC)
	f("", func(q search.Query) bool {
		return q.StartDate.Equal(today) && q.EndDate.IsZero() && q.Facets && q.PageSize == defaultPage
	})
	empty := "q=&location=&radius_km=&start_date=&end_date=&venue=&performer=&category=&price_min=&price_max=&available=&sort=&budget_min=&budget_max=&currency=&page_cursor="
	f(empty, func(q search.Query) bool {
		return q.StartDate.Equal(today) && q.PriceMin == nil && q.Sort == search.ByDate
	})
	f("q=+copper+owls+", func(q search.Query) bool { return q.Text == "copper owls" && q.Sort == search.ByRelevance })
	f("location=Oslo", func(q search.Query) bool { return q.Location == "Oslo" })
	f("location=59.9,10.7", func(q search.Query) bool { return q.HasPoint && q.RadiusKM == defaultReach })
	f("location=59.9,10.7&radius_km=100&sort=distance", func(q search.Query) bool { return q.RadiusKM == 100 && q.Sort == search.ByDistance })
	f("start_date=2027-06-01&end_date=2027-06-30", func(q search.Query) bool { return q.StartDate.Month() == 6 && q.EndDate.Day() == 30 })
	f("end_date=2026-07-01", func(q search.Query) bool { return q.StartDate.Equal(today) })
	f("end_date=2020-07-01", func(q search.Query) bool { return q.StartDate.IsZero() }) // who asks for the past gets it
	f("start_date=2020-07-01", func(q search.Query) bool { return q.StartDate.Year() == 2020 })
	f("venue=ven-1&performer=Norway&category=Rock&available=true", func(q search.Query) bool {
		return q.Venue == "ven-1" && q.Performer == "Norway" && q.Category == "Rock" && q.Available
	})
	f("price_min=1000&price_max=2000", func(q search.Query) bool { return *q.PriceMin == 1000 && *q.PriceMax == 2000 })
	f("budget_min=10&budget_max=49.9", func(q search.Query) bool { return *q.PriceMin == 1000 && *q.PriceMax == 4990 })
	f("budget_max=49,90", func(q search.Query) bool { return *q.PriceMax == 4990 })
	f("budget_max=5000&currency=JPY", func(q search.Query) bool { return *q.PriceMax == 5000 })
	f("budget_max=5&currency=KWD", func(q search.Query) bool { return *q.PriceMax == 5000 })
	f("budget_max=5&currency=%3Cx%3E", func(q search.Query) bool { return *q.PriceMax == 500 })
	f("page_cursor=c2", func(q search.Query) bool { return q.Cursor == "c2" })
	// what has lost its meaning is passed over: the form sends what stood in it before the city was typed
	f("location=Oslo&radius_km=25&sort=distance", func(q search.Query) bool { return q.Location == "Oslo" && q.Sort == search.ByDate })
	f("sort=relevance", func(q search.Query) bool { return q.Sort == search.ByDate })
}

func TestWhatTheSearchPageRefuses(t *testing.T) {
	t.Parallel()
	f := func(query, field string) {
		t.Helper()
		form, err := readQuery(t, query)
		p, ok := err.(*problem.Problem)
		if !ok || p.Slug != "invalid-request" || len(p.Errors) != 1 || p.Errors[0].Field != field || !form.Fault(field) {
			t.Errorf("%q: %v %v, want a fault in %s", query, err, form.faults, field)
		}
	}
	f("q="+strings.Repeat("x", maxText+1), "q")
	f("q=a%00b", "q")
	f("q=%ff", "q")
	f("location=91,0", "location")
	f("location=0,0&radius_km=501", "radius_km")
	f("start_date=tomorrow", "start_date")
	f("end_date=2026-02-30", "end_date")
	f("start_date=2026-06-12&end_date=2026-06-11", "end_date")
	f("venue=a%00", "venue")
	f("performer=%ff", "performer")
	f("category=a%0ab", "category")
	f("price_min=1.5", "price_min")
	f("price_max=-1", "price_max")
	f("available=yes", "available")
	f("sort=price", "sort")
	f("budget_min=ten", "budget_min")
	f("budget_min=-1", "budget_min")
	f("budget_max=1.999", "budget_max")
	f("budget_max=1.5&currency=JPY", "budget_max")
	f("budget_max=9999999999", "budget_max")
	f("budget_max=5&price_max=500", "budget_max") // one of them, not both
	if _, err := readQuery(t, "page_cursor="+strings.Repeat("x", maxCursor+1)); err == nil {
		t.Error("a cursor without end passes")
	}
	if form, err := readQuery(t, "budget_min=20&budget_max=10"); err == nil || !form.Fault("budget_max") || form.Value("budget_min") != "20" {
		t.Errorf("the greater first: %v", err)
	}
}

func TestAmountsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	f := func(text string, digits, want int) {
		t.Helper()
		got, ok := parseAmount(text, digits)
		if !ok && want >= 0 || ok && got != want {
			t.Errorf("%q with %d digits: %d %t, want %d", text, digits, got, ok, want)
		}
	}
	f("0", 2, 0)
	f("12", 2, 1200)
	f("12.5", 2, 1250)
	f("12,05", 2, 1205)
	f("12.", 2, 1200)
	f("7", 0, 7)
	for _, bad := range []string{"", ".5", "1e3", "+1", "-1", "1 000", "1,000.00", "0x10", "١", "1.2.3", "99999999999"} {
		f(bad, 2, -1)
	}
	g := func(minor, digits int, want string) {
		t.Helper()
		if got := formatAmount(minor, digits); got != want {
			t.Errorf("%d with %d digits: %q, want %q", minor, digits, got, want)
		}
	}
	g(1200, 2, "12")
	g(1205, 2, "12.05")
	g(5, 2, "0.05")
	g(0, 2, "0")
	g(7, 0, "7")
}

func TestLinksOfASearch(t *testing.T) {
	t.Parallel()
	f := func(query, want string, change ...string) {
		t.Helper()
		form, err := readQuery(t, query)
		if got := form.link(change...); err != nil || got != want {
			t.Errorf("%q with %q: %q %v, want %q", query, change, got, err, want)
		}
	}
	f("", "/")
	f("q=&location=&currency=USD", "/")
	f("q=a%26b&page_cursor=c2", "/?q=a%26b")
	f("budget_max=50&currency=USD", "/?currency=USD&price_max=5000")
	f("budget_max=50&currency=USD", "/", "price_max", "")
	f("location=1,2&radius_km=10&sort=distance", "/?location=Oslo", "location", "Oslo")
	f("location=1,2&radius_km=10&sort=distance", "/", "location", "")
	f("q=a&sort=relevance", "/", "q", "")
	f("q=a", "/?location=Paris&q=a", "location", "Paris")
	f("start_date=2026-06-11", "/") // today is what there is anyway
	form, _ := readQuery(t, "q=owls&budget_max=50")
	if got := form.next("c&2"); got != "/?page_cursor=c%262&price_max=5000&q=owls&start_date=2026-06-11" {
		t.Errorf("next: %q", got)
	}
}
