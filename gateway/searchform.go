package gateway

import (
	"maps"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bojanz/currency"

	"usher/internal/problem"
	"usher/search"
)

// searchPageParameters are those of the search page. What the API knows means here what it means there, so the query of one address works in the
// other. People type amounts in whole units of money: budget_min and budget_max are the page's own, in units of currency (two digits unless it is
// given), and become price_min and price_max in every link that the page makes.
var searchPageParameters = []string{
	"q", "location", "radius_km", "start_date", "end_date", "venue", "performer", "category", "price_min", "price_max", "available", "sort",
	"budget_min", "budget_max", "currency", "page_cursor",
}

// searchForm is what was asked of the search page, as it was typed. Empty fields count as not given: a form sends them all.
type searchForm struct {
	values  map[string]string // by parameter, prices in minor units
	typed   map[string]string // what stands in a field, where that is not the value
	faults  map[string]bool   // fields that cannot be understood
	query   search.Query
	today   time.Time // the day from which events are shown unless another is asked for
	assumed bool      // that day was not asked for
}

// readSearchForm reads the page's parameters. An error is a problem; where faults are named, they are the form's too.
func readSearchForm(get func(name string) string, now time.Time) (*searchForm, error) {
	f := &searchForm{values: map[string]string{}, typed: map[string]string{}, faults: map[string]bool{}}
	for _, name := range searchPageParameters {
		if v := strings.TrimSpace(get(name)); v != "" {
			f.values[name] = v
		}
	}
	f.budget("budget_min", "price_min")
	f.budget("budget_max", "price_max")
	f.dropMeaningless()
	f.today = now.UTC().Add(-12 * time.Hour).Truncate(24 * time.Hour) // it is still that day somewhere
	q, err := parseSearch(func(name string) string {
		if name == "facets" {
			return "true"
		}
		return f.values[name]
	})
	if p, ok := err.(*problem.Problem); ok {
		for _, e := range p.Errors {
			f.faults[e.Field] = true
		}
	}
	if err == nil && len(f.faults) > 0 {
		err = problem.Invalid(f.fields()...)
	}
	if err == nil {
		f.assume(&q)
	}
	f.query = q
	return f, err
}

// assume hides what is over, unless somebody asks for the past.
func (f *searchForm) assume(q *search.Query) {
	if q.StartDate.IsZero() && (q.EndDate.IsZero() || !q.EndDate.Before(f.today)) {
		q.StartDate = f.today
	}
	f.assumed = q.StartDate.Equal(f.today)
}

// dropMeaningless takes out what the API would refuse because it says nothing any more: somebody who types a city after having searched
// around a point has done nothing wrong. A currency that is none would have amounts told wrongly.
func (f *searchForm) dropMeaningless() {
	_, _, near := point(f.values["location"])
	if !near {
		delete(f.values, "radius_km")
	}
	if by := search.Sort(f.values["sort"]); by == search.ByDistance && !near || by == search.ByRelevance && f.values["q"] == "" {
		delete(f.values, "sort")
	}
	if f.values["price_min"] == "" && f.values["price_max"] == "" || !currency.IsValid(f.values["currency"]) {
		delete(f.values, "currency")
	}
}

// fields are the page's own fields that cannot be understood.
func (f *searchForm) fields() (out []problem.Field) {
	for _, name := range searchPageParameters {
		if f.faults[name] {
			out = append(out, problem.Field{Field: name, Message: "want an amount of money such as 50 or 49.90, once"})
		}
	}
	return out
}

// budget turns an amount that somebody has typed into minor units.
func (f *searchForm) budget(field, price string) {
	v, given := f.values[field]
	if !given {
		return
	}
	delete(f.values, field)
	f.typed[field] = v
	minor, ok := parseAmount(v, digitsOf(f.values["currency"]))
	if _, twice := f.values[price]; !ok || twice {
		f.faults[field] = true
		return
	}
	f.values[price] = strconv.Itoa(minor)
}

// digitsOf is how many digits the minor unit of a currency has: two unless we know better.
func digitsOf(code string) int {
	if digits, ok := currency.GetDigits(code); ok {
		return int(digits)
	}
	return 2
}

// parseAmount reads an amount of money, with a point or a comma, as minor units of the given digits.
func parseAmount(s string, digits int) (minor int, ok bool) {
	whole, part, _ := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	if whole == "" || len(whole) > 9 || len(part) > digits {
		return 0, false
	}
	n, err := strconv.ParseUint(whole+part+strings.Repeat("0", digits-len(part)), 10, 64)
	return int(n), err == nil && n <= math.MaxInt32
}

// formatAmount writes minor units as somebody would type them.
func formatAmount(minor, digits int) string {
	text := strconv.Itoa(minor)
	if digits == 0 {
		return text
	}
	if len(text) <= digits {
		text = strings.Repeat("0", digits+1-len(text)) + text
	}
	whole, part := text[:len(text)-digits], text[len(text)-digits:]
	if strings.Trim(part, "0") == "" {
		return whole
	}
	return whole + "." + part
}

// Value is what a field shows: as it was typed, for a form that is kept. Letters that are none are shown as such.
func (f *searchForm) Value(name string) string {
	v, ok := f.typed[name]
	if !ok {
		v = f.values[name]
	}
	if price, own := strings.CutPrefix(name, "budget_"); own && !ok && v == "" {
		v = f.values["price_"+price]
		if minor, err := strconv.Atoi(v); err == nil && minor >= 0 {
			v = formatAmount(minor, digitsOf(f.values["currency"]))
		}
	}
	if len(v) > maxText {
		v = v[:maxText]
	}
	return strings.ToValidUTF8(v, "\uFFFD")
}

// Fault reports whether a field cannot be understood. An amount can be faulty as it was typed and as it was linked.
func (f *searchForm) Fault(name string) bool {
	price, own := strings.CutPrefix(name, "budget_")
	return f.faults[name] || own && f.faults["price_"+price]
}

// link is the address of the first page of this search with some parameters changed, given as names and values in turn; an empty value takes
// one out.
func (f *searchForm) link(change ...string) string {
	values := maps.Clone(f.values)
	delete(values, "page_cursor")
	if f.assumed {
		delete(values, "start_date")
	}
	for i := 0; i+1 < len(change); i += 2 {
		if values[change[i]] = change[i+1]; change[i+1] == "" {
			delete(values, change[i])
		}
	}
	g := &searchForm{values: values}
	g.dropMeaningless()
	return g.address()
}

// next is the address of the page after this one. It names the first day, on which the cursor depends: that day may be over meanwhile.
func (f *searchForm) next(cursor string) string {
	g := &searchForm{values: maps.Clone(f.values)}
	g.dropMeaningless()
	g.values["page_cursor"] = cursor
	if !f.query.StartDate.IsZero() {
		g.values["start_date"] = f.query.StartDate.Format(time.DateOnly)
	}
	return g.address()
}

func (f *searchForm) address() string {
	out := url.Values{}
	for name, value := range f.values {
		out.Set(name, value)
	}
	if len(out) == 0 {
		return "/"
	}
	return "/?" + out.Encode()
}
