package gateway

import (
	"errors"
	"net/url"
	"time"

	"usher/internal/id"
	"usher/internal/problem"
	"usher/search"
)

// getSearch finds events. The next page is told twice: as a cursor in the body and as a link that is ready to be followed.
func (s *Server) getSearch(c *call) error {
	q, err := parseSearch(func(name string) string { return string(c.http.QueryArgs().Peek(name)) })
	if err != nil {
		return err
	}
	found, err := s.find(c, q)
	if err != nil {
		return err
	}
	body := searchJSON{Events: make([]hitJSON, 0, len(found.Events)), Next: text(found.NextCursor), Total: found.Total}
	for _, h := range found.Events {
		body.Events = append(body.Events, hitOf(h, q.Tickets))
	}
	if found.NextCursor != "" {
		next, _ := url.ParseQuery(string(c.http.QueryArgs().QueryString()))
		next.Set("page_cursor", found.NextCursor)
		c.set("Link", `</api/v1/events/search?`+next.Encode()+`>; rel="next"`)
	}
	if found.Degraded {
		c.set("Usher-Degraded", "search-fallback")
	}
	c.set("Cache-Control", briefly)
	return c.answer(200, body)
}

// find searches. An engine that fails in whatever way is not available: nothing else of an on-sale needs it.
func (s *Server) find(c *call, q search.Query) (search.Page, error) {
	found, err := s.Search.Search(c.context(), q)
	switch {
	case err == nil, errors.Is(err, search.ErrBadCursor):
		return found, err
	case errors.Is(err, search.ErrBadQuery):
		return found, problem.Invalid(problem.Field{Field: "query", Message: search.ErrBadQuery.Error()})
	default:
		return found, s.told(problem.New("search-unavailable", ""), err)
	}
}

// searchJSON is a page of hits.
type searchJSON struct {
	Events []hitJSON `json:"events"`
	Next   *string   `json:"next_page_cursor"`
	Total  int       `json:"total"`
	Facets *struct{} `json:"facets"` // not counted yet
}

// hitJSON is a partial Event, with what a list of results shows beside it.
type hitJSON struct {
	ID           id.Event      `json:"id"`
	Name         string        `json:"name"`
	VenueID      string        `json:"venue_id"`
	ImageURL     *string       `json:"s3_image_url"`
	Performer    string        `json:"performer"`
	StartTime    time.Time     `json:"start_time"`
	EndTime      time.Time     `json:"end_time"`
	Date         string        `json:"date"`
	Venue        venueJSON     `json:"venue"`
	PriceFrom    *int          `json:"price_from"`
	PriceTo      *int          `json:"price_to"`
	Currency     string        `json:"currency"`
	Availability string        `json:"availability"`
	DistanceKM   *float64      `json:"distance_km"`
	Tickets      *[]sampleJSON `json:"tickets,omitempty"` // only when asked for
}

// venueJSON is the contract's Venue.
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

// sampleJSON is a partial Ticket: it was for sale when the search engine heard of it last, so its state is not told.
type sampleJSON struct {
	ID         id.Ticket `json:"id"`
	SeatNumber string    `json:"seat_number"`
	Price      int       `json:"price"`
	Currency   string    `json:"currency"`
}

func hitOf(h search.Hit, tickets bool) hitJSON {
	out := hitJSON{
		ID: h.ID, Name: h.Name, VenueID: h.Venue.ID, ImageURL: text(h.ImageURL), Performer: h.Performer, StartTime: clock(h.Start), EndTime: clock(h.End),
		Date: h.Date.Format(time.DateOnly), Venue: venueJSON(h.Venue), Currency: h.Currency, Availability: h.Availability, DistanceKM: h.DistanceKM,
	}
	if h.PriceTo > 0 { // else no price is known
		out.PriceFrom, out.PriceTo = &h.PriceFrom, &h.PriceTo
	}
	if tickets {
		samples := make([]sampleJSON, 0, len(h.Tickets))
		for _, t := range h.Tickets {
			samples = append(samples, sampleJSON(t))
		}
		out.Tickets = &samples
	}
	return out
}
