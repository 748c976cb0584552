package gateway

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"usher/internal/id"
	"usher/internal/problem"
	"usher/search"
)

const (
	maxText      = 200 // bytes of a text parameter
	defaultPage  = 20
	maxPage      = 100
	defaultReach = 50.0 // km
)

func (s *Server) getSearch(c *call) error {
	q, err := parseSearch(func(name string) string { return string(c.QueryArgs().Peek(name)) })
	if err != nil {
		return err
	}
	page, err := s.Search.Search(c, q)
	if err != nil {
		return err
	}
	body := struct {
		Events []hitJSON `json:"events"`
		Next   *string   `json:"next_page_cursor"`
		Total  int       `json:"total"`
		Facets *struct{} `json:"facets"`
	}{Events: []hitJSON{}, Next: text(page.NextCursor), Total: page.Total}
	for _, h := range page.Events {
		body.Events = append(body.Events, hitOf(h, q.Tickets))
	}
	if page.NextCursor != "" {
		next, _ := url.ParseQuery(string(c.QueryArgs().QueryString()))
		next.Set("page_cursor", page.NextCursor)
		c.Response.Header.Set("Link", `</api/v1/events/search?`+next.Encode()+`>; rel="next"`)
	}
	if page.Degraded {
		c.Response.Header.Set("Usher-Degraded", "search-fallback")
	}
	c.Response.Header.Set("Cache-Control", "public, max-age=1")
	return c.answer(200, body)
}

// parseSearch reads and checks every parameter; all faults are named at once.
func parseSearch(get func(name string) string) (q search.Query, err error) {
	var bad []problem.Field
	fault := func(name, want string) { bad = append(bad, problem.Field{Field: name, Message: want}) }
	words := func(name string) string {
		v := get(name)
		if len(v) > maxText || strings.ToValidUTF8(v, "") != v || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' }) {
			fault(name, fmt.Sprintf("want printable text of at most %d bytes", maxText))
		}
		return strings.TrimSpace(v)
	}
	q.Location, q.Venue, q.Performer = words("location"), words("venue"), words("performer")
	if lat, lon, ok := point(q.Location); ok {
		q.HasPoint, q.Latitude, q.Longitude, q.RadiusKM, q.Location = true, lat, lon, defaultReach, ""
	}
	if v := get("radius_km"); v != "" {
		r, e := strconv.ParseFloat(v, 64)
		switch {
		case e != nil || math.IsNaN(r) || r < 1 || r > 500:
			fault("radius_km", "want a number of kilometres from 1 to 500")
		case !q.HasPoint:
			fault("radius_km", "counts only with location=lat,lon")
		default:
			q.RadiusKM = r
		}
	}
	date := func(name string) (t time.Time) {
		v := get(name)
		if v == "" {
			return t
		}
		t, e := time.Parse(time.DateOnly, v)
		if e != nil {
			fault(name, "want a date such as 2026-06-11")
		}
		return t
	}
	q.StartDate, q.EndDate = date("start_date"), date("end_date")
	if !q.StartDate.IsZero() && !q.EndDate.IsZero() && q.EndDate.Before(q.StartDate) {
		fault("end_date", "lies before start_date")
	}
	price := func(name string) *int {
		v := get(name)
		if v == "" {
			return nil
		}
		n, e := strconv.Atoi(v)
		if e != nil || n < 0 || n > math.MaxInt32 {
			fault(name, "want minor units, a whole number from 0")
		}
		return &n
	}
	q.PriceMin, q.PriceMax = price("price_min"), price("price_max")
	q.PageSize = defaultPage
	if v := get("page_size"); v != "" {
		n, e := strconv.Atoi(v)
		if e != nil || n < 1 || n > maxPage {
			fault("page_size", fmt.Sprintf("want a whole number from 1 to %d", maxPage))
		}
		q.PageSize = n
	}
	if q.Cursor = get("page_cursor"); len(q.Cursor) > 1000 {
		return q, problem.New("invalid-cursor", "too long")
	}
	if v := get("sort"); v != "" && v != "date" {
		fault("sort", "want date: other orders are not offered yet")
	}
	if v := get("include"); v != "" {
		if q.Tickets = v == "tickets"; !q.Tickets {
			fault("include", "want tickets")
		}
	}
	if len(bad) > 0 {
		return q, problem.Invalid(bad...)
	}
	return q, nil
}

// point reads "lat,lon" in degrees.
func point(s string) (lat, lon float64, ok bool) {
	a, b, found := strings.Cut(s, ",")
	if !found {
		return 0, 0, false
	}
	lat, err1 := strconv.ParseFloat(strings.TrimSpace(a), 64)
	lon, err2 := strconv.ParseFloat(strings.TrimSpace(b), 64)
	return lat, lon, err1 == nil && err2 == nil && lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180
}

type hitJSON struct {
	ID           id.Event     `json:"id"`
	Name         string       `json:"name"`
	VenueID      string       `json:"venue_id"`
	ImageURL     *string      `json:"s3_image_url"`
	Performer    string       `json:"performer"`
	StartTime    time.Time    `json:"start_time"`
	EndTime      time.Time    `json:"end_time"`
	Date         string       `json:"date"`
	Venue        venueJSON    `json:"venue"`
	PriceFrom    *int         `json:"price_from"`
	PriceTo      *int         `json:"price_to"`
	Currency     string       `json:"currency"`
	Availability string       `json:"availability"`
	DistanceKM   *float64     `json:"distance_km"`
	Tickets      []sampleJSON `json:"tickets,omitempty"`
}

type venueJSON struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Location  string   `json:"location"`
	City      string   `json:"city"`
	Country   string   `json:"country"`
	Latitude  *float64 `json:"latitude"`
	Longitude *float64 `json:"longitude"`
	TimeZone  string   `json:"time_zone"`
}

type sampleJSON struct {
	ID         id.Ticket `json:"id"`
	SeatNumber string    `json:"seat_number"`
	Price      int       `json:"price"`
	Currency   string    `json:"currency"`
}

func hitOf(h search.Hit, tickets bool) hitJSON {
	out := hitJSON{
		ID: h.ID, Name: h.Name, VenueID: h.Venue.ID, ImageURL: text(h.ImageURL), Performer: h.Performer, StartTime: h.Start.UTC(), EndTime: h.End.UTC(),
		Date: h.Date.Format(time.DateOnly), Venue: venueJSON(h.Venue), PriceFrom: &h.PriceFrom, PriceTo: &h.PriceTo, Currency: h.Currency,
		Availability: h.Availability, DistanceKM: h.DistanceKM,
	}
	if tickets {
		for _, t := range h.Tickets {
			out.Tickets = append(out.Tickets, sampleJSON(t))
		}
	}
	return out
}
