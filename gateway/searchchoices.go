package gateway

import (
	"strconv"
	"strings"
	"time"

	"usher/search"
)

// facetGroup is one way to narrow a search.
type facetGroup struct {
	Title string
	Links []facetLink
}

// facetLink narrows the search to one value.
type facetLink struct {
	Label, Href, Count string
}

// radius is a distance to choose.
type radius struct {
	KM      int
	Current bool
}

var radii = []int{10, 25, 50, 100, 250, 500}

// choices are the days at hand, the orders and the distances.
func (p *searchPage) choices(now time.Time) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	saturday := today.AddDate(0, 0, (int(time.Saturday)-int(today.Weekday())+7)%7)
	sunday := saturday.AddDate(0, 0, 1)
	if today.Weekday() == time.Sunday {
		saturday, sunday = today, today // what is left of it
	}
	p.quick("search.today", today, today)
	p.quick("search.weekend", saturday, sunday)
	p.quick("search.month30", today, today.AddDate(0, 0, 29))
	q := p.Form.query
	for _, by := range []search.Sort{search.ByRelevance, search.ByDate, search.ByDistance} {
		if by == search.ByRelevance && q.Text == "" || by == search.ByDistance && !q.HasPoint {
			continue
		}
		p.Sorts = append(p.Sorts, searchLink{p.lang.T("search.sort." + string(by)), p.Form.link("sort", string(by)), q.Sort == by})
	}
	if q.HasPoint {
		known := false
		for _, km := range radii {
			known = known || float64(km) == q.RadiusKM
			p.Radii = append(p.Radii, radius{km, float64(km) == q.RadiusKM})
		}
		if !known && p.Form.values["radius_km"] != "" {
			p.Radii = append([]radius{{int(q.RadiusKM), true}}, p.Radii...)
		}
	}
}

func (p *searchPage) quick(key string, from, to time.Time) {
	a, b := from.Format(time.DateOnly), to.Format(time.DateOnly)
	href := p.Form.link("start_date", a, "end_date", b)
	q := p.Form.query
	p.Quick = append(p.Quick, searchLink{p.lang.T(key), href, q.StartDate.Equal(from) && q.EndDate.Equal(to)})
}

// narrow makes links of facets. A value that is chosen already is a chip: it is not offered again.
func (p *searchPage) narrow(f *search.Facets) {
	if f == nil || p.State != "found" {
		return
	}
	q := p.Form.query
	for _, v := range f.Available {
		p.Available = p.counted(f, v)
	}
	p.group(f, "category", q.Category != "", f.Category, func(v search.Facet) (string, []string) {
		return p.category(v.Value), []string{"category", v.Value}
	})
	_, month := p.month()
	p.group(f, "month", month, f.Month, p.monthFacet)
	p.group(f, "city", q.Location != "", f.City, func(v search.Facet) (string, []string) { return v.Value, []string{"location", v.Value} })
	p.group(f, "venue", q.Venue != "", f.Venue, func(v search.Facet) (string, []string) { return v.Label, []string{"venue", v.Value} })
	p.group(f, "price", q.PriceMin != nil || q.PriceMax != nil, f.Price, p.priceFacet)
}

// group adds a group with something to choose. A single value that everything has narrows nothing.
func (p *searchPage) group(f *search.Facets, name string, chosen bool, values []search.Facet, word func(search.Facet) (string, []string)) {
	if chosen || len(values) == 0 || len(values) == 1 && values[0].Count >= p.Total {
		return
	}
	g := facetGroup{Title: p.lang.T("search.facet." + name)}
	for _, v := range values {
		label, change := word(v)
		if label == "" || len(change) == 0 {
			continue
		}
		g.Links = append(g.Links, facetLink{label, p.Form.link(change...), p.counted(f, v)})
	}
	p.Facets = append(p.Facets, g)
}

// counted writes how many events a value has: at least so many, where counting has stopped.
func (p *searchPage) counted(f *search.Facets, v search.Facet) string {
	if f.Capped {
		return p.lang.T("search.atleast", "n", v.Count)
	}
	return p.lang.Number(int64(v.Count))
}

// monthFacet narrows to a month, from its first day to its last.
func (p *searchPage) monthFacet(v search.Facet) (string, []string) {
	from, err := time.Parse("2006-01", v.Value)
	if err != nil {
		return "", nil
	}
	return p.monthName(from), []string{"start_date", from.Format(time.DateOnly), "end_date", from.AddDate(0, 1, -1).Format(time.DateOnly)}
}

// priceFacet narrows to a band of prices, told in whole units.
func (p *searchPage) priceFacet(v search.Facet) (string, []string) {
	a, b, _ := strings.Cut(v.Value, "-")
	from, err := strconv.Atoi(a)
	if err != nil {
		return "", nil
	}
	if b == "" {
		return p.band(&from, nil), []string{"price_min", a, "price_max", ""}
	}
	to, err := strconv.Atoi(b)
	if err != nil {
		return "", nil
	}
	change := []string{"price_min", a, "price_max", b}
	if from == 0 {
		return p.band(nil, &to), []string{"price_min", "", "price_max", b}
	}
	return p.band(&from, &to), change
}
