package gateway

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"usher/internal/problem"
	"usher/search"
)

const (
	maxText      = 200 // bytes of a text parameter
	maxCursor    = 1000
	defaultPage  = 20
	maxPage      = 100
	defaultReach = 50.0 // km
	maxReach     = 500.0
)

// searchParameters are those of GET /events/search.
var searchParameters = []string{
	"q", "location", "radius_km", "start_date", "end_date", "venue", "performer", "category", "price_min", "price_max", "available", "sort", "facets",
	"include", "page_size", "page_cursor",
}

// parseSearch reads and checks every parameter; all faults are named at once.
func parseSearch(get func(name string) string) (q search.Query, err error) {
	p := parameters{get: get}
	q.Text, q.Location, q.Venue, q.Performer, q.Category = p.text("q"), p.text("location"), p.text("venue"), p.text("performer"), p.text("category")
	p.near(&q)
	q.StartDate, q.EndDate = p.date("start_date"), p.date("end_date")
	if !q.StartDate.IsZero() && !q.EndDate.IsZero() && q.EndDate.Before(q.StartDate) {
		p.fault("end_date", "lies before start_date")
	}
	q.PriceMin, q.PriceMax = p.price("price_min"), p.price("price_max")
	if q.PriceMin != nil && q.PriceMax != nil && *q.PriceMax < *q.PriceMin {
		p.fault("price_max", "lies below price_min")
	}
	q.PageSize = p.number("page_size", defaultPage, maxPage)
	q.Available, q.Facets = p.one("available", "true"), p.one("facets", "true")
	q.Sort = p.sort(q)
	q.Tickets = p.one("include", "tickets")
	if len(p.bad) > 0 {
		return q, problem.Invalid(p.bad...)
	}
	if q.Cursor = get("page_cursor"); len(q.Cursor) > maxCursor || !utf8.ValidString(q.Cursor) {
		return q, problem.New("invalid-cursor", "")
	}
	return q, nil
}

// parameters reads a query string's parameters and gathers what is wrong with them. Empty ones count as not given.
type parameters struct {
	get func(name string) string
	bad []problem.Field
}

// fault notes what a parameter should be.
func (p *parameters) fault(name, want string) {
	p.bad = append(p.bad, problem.Field{Field: name, Message: want})
}

// text reads printable text. Control characters have no place in a name, and Postgres takes no NUL.
func (p *parameters) text(name string) string {
	v := p.get(name)
	if len(v) > maxText || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) {
		p.fault(name, fmt.Sprintf("want printable text of at most %d bytes", maxText))
	}
	return strings.TrimSpace(v)
}

// near reads a location that is a point, and the radius around it.
func (p *parameters) near(q *search.Query) {
	if lat, lon, ok := point(q.Location); ok {
		q.HasPoint, q.Latitude, q.Longitude, q.RadiusKM, q.Location = true, lat, lon, defaultReach, ""
		if math.Abs(lat) > 90 || math.Abs(lon) > 180 {
			p.fault("location", "want a latitude of -90 to 90 and a longitude of -180 to 180")
		}
	}
	v := p.get("radius_km")
	if v == "" {
		return
	}
	r, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil || !(r >= 1 && r <= maxReach):
		p.fault("radius_km", "want a number of kilometres from 1 to 500")
	case !q.HasPoint:
		p.fault("radius_km", "counts only with location=lat,lon")
	default:
		q.RadiusKM = r
	}
}

// point reads "lat,lon" in degrees.
func point(s string) (lat, lon float64, ok bool) {
	a, b, found := strings.Cut(s, ",")
	lat, err1 := strconv.ParseFloat(strings.TrimSpace(a), 64)
	lon, err2 := strconv.ParseFloat(strings.TrimSpace(b), 64)
	return lat, lon, found && err1 == nil && err2 == nil && !math.IsNaN(lat) && !math.IsNaN(lon)
}

// date reads a day. It has no zone: the engine compares it with the venue's own calendar.
func (p *parameters) date(name string) (t time.Time) {
	v := p.get(name)
	if v == "" {
		return t
	}
	t, err := time.Parse(time.DateOnly, v)
	if err != nil || t.Year() < 1 {
		p.fault(name, "want a date such as 2026-06-11")
	}
	return t
}

// price reads an amount of minor units; nil when none is given.
func (p *parameters) price(name string) *int {
	v := p.get(name)
	if v == "" {
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > math.MaxInt32 {
		p.fault(name, "want minor units, a whole number from 0")
	}
	return &n
}

// number reads a whole number from 1 to most.
func (p *parameters) number(name string, otherwise, most int) int {
	v := p.get(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		p.fault(name, fmt.Sprintf("want a whole number from 1 to %d", most))
	}
	return n
}

// sort reads the order: by relevance where there are words, else by date, unless the caller says otherwise.
func (p *parameters) sort(q search.Query) search.Sort {
	switch by := search.Sort(p.get("sort")); {
	case !p.one("sort", string(search.ByDate), string(search.ByRelevance), string(search.ByDistance)) && q.Text != "":
		return search.ByRelevance
	case by == "":
		return search.ByDate
	case by == search.ByRelevance && q.Text == "":
		p.fault("sort", "relevance counts only with q")
		return by
	case by == search.ByDistance && !q.HasPoint:
		p.fault("sort", "distance counts only with location=lat,lon")
		return by
	default:
		return by
	}
}

// one reports whether a parameter is given; it must have one of the values.
func (p *parameters) one(name string, values ...string) bool {
	v := p.get(name)
	if v != "" && !slices.Contains(values, v) {
		p.fault(name, "want "+strings.Join(values, " or "))
	}
	return v != ""
}

const (
	defaultSuggestions = 8
	maxSuggestions     = 20
)

// parseSuggest reads what somebody is typing, and how many completions are wanted.
func parseSuggest(get func(name string) string) (text string, limit int, err error) {
	p := parameters{get: get}
	if text, limit = p.text("q"), p.number("limit", defaultSuggestions, maxSuggestions); text == "" && len(p.bad) == 0 {
		p.fault("q", "is required")
	}
	if len(p.bad) > 0 {
		return "", 0, problem.Invalid(p.bad...)
	}
	return text, limit, nil
}
