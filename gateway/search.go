package gateway

import (
	"errors"
	"net/url"
	"strconv"
	"time"

	"usher/images"
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
	body := searchJSON{Events: make([]hitJSON, 0, len(found.Events)), Next: text(found.NextCursor), Total: found.Total, Capped: found.TotalCapped}
	if f := found.Facets; f != nil {
		body.Facets = facetsOf(f)
	}
	for _, h := range found.Events {
		body.Events = append(body.Events, s.hitOf(h, q.Tickets))
	}
	if found.NextCursor != "" {
		next, _ := url.ParseQuery(string(c.http.QueryArgs().QueryString()))
		next.Set("page_cursor", found.NextCursor)
		c.set("Link", `</api/v1/events/search?`+next.Encode()+`>; rel="next"`)
	}
	degraded(c, found)
	c.set("Cache-Control", briefly)
	return c.answer(200, body)
}

// degraded tells what of a page is not as it should be: who answers, or how old it is what is left.
func degraded(c *call, found search.Page) {
	switch {
	case found.Degraded:
		c.set("Usher-Degraded", "search-fallback")
	case found.LeftAge > 0:
		c.set("Usher-Degraded", "stale")
		c.set("Age", strconv.Itoa(seconds(found.LeftAge)))
	}
}

// find searches. An engine that fails in whatever way is not available: nothing else of an on-sale needs it.
func (s *Server) find(c *call, q search.Query) (search.Page, error) {
	found, err := s.Search.Search(c.context(), q)
	return found, s.searchFault(err)
}

func (s *Server) searchFault(err error) error {
	switch {
	case err == nil, errors.Is(err, search.ErrBadCursor):
		return err
	case errors.Is(err, search.ErrBadQuery):
		return problem.Invalid(problem.Field{Field: "query", Message: search.ErrBadQuery.Error()})
	default:
		return s.told(problem.New("search-unavailable", ""), err)
	}
}

// getSuggestions completes what somebody is typing. Names change seldom, and the same first letters are typed by many: a minute is fresh enough.
func (s *Server) getSuggestions(c *call) error {
	typed, limit, err := parseSuggest(func(name string) string { return string(c.http.QueryArgs().Peek(name)) })
	if err != nil {
		return err
	}
	found, err := s.Search.Suggest(c.context(), typed, limit)
	if err != nil {
		return s.searchFault(err)
	}
	body := suggestionsJSON{Suggestions: make([]suggestionJSON, 0, len(found.List))}
	for _, f := range found.List {
		body.Suggestions = append(body.Suggestions, suggestionJSON{Kind: f.Kind, Text: f.Text, Detail: text(f.Detail), ID: text(f.ID)})
	}
	if found.Degraded {
		c.set("Usher-Degraded", "search-fallback")
	}
	c.set("Cache-Control", "public, max-age=60")
	return c.answer(200, body)
}

// suggestionsJSON is the answer to a text that somebody is typing.
type suggestionsJSON struct {
	Suggestions []suggestionJSON `json:"suggestions"`
}

// suggestionJSON is one completion.
type suggestionJSON struct {
	Kind   string  `json:"kind"`
	Text   string  `json:"text"`
	Detail *string `json:"detail"`
	ID     *string `json:"id"`
}

// searchJSON is a page of hits.
type searchJSON struct {
	Events []hitJSON   `json:"events"`
	Next   *string     `json:"next_page_cursor"`
	Total  int         `json:"total"`
	Capped bool        `json:"total_capped"` // there are more
	Facets *facetsJSON `json:"facets"`
}

// facetsJSON counts what is found by what it could be narrowed to.
type facetsJSON struct {
	Category  []facetJSON `json:"category"`
	City      []facetJSON `json:"city"`
	Venue     []facetJSON `json:"venue"`
	Month     []facetJSON `json:"month"`
	Price     []facetJSON `json:"price"`
	Available []facetJSON `json:"available"`
	Capped    bool        `json:"capped"`
}

// facetJSON is one value, as the parameter of its name takes it, and how many events have it.
type facetJSON struct {
	Value string  `json:"value"`
	Label *string `json:"label"`
	Count int     `json:"count"`
}

func facetsOf(f *search.Facets) *facetsJSON {
	list := func(facets []search.Facet) []facetJSON {
		out := make([]facetJSON, 0, len(facets))
		for _, v := range facets {
			out = append(out, facetJSON{v.Value, text(v.Label), v.Count})
		}
		return out
	}
	return &facetsJSON{list(f.Category), list(f.City), list(f.Venue), list(f.Month), list(f.Price), list(f.Available), f.Capped}
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
	OnSale       bool          `json:"on_sale"`
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

func (s *Server) hitOf(h search.Hit, tickets bool) hitJSON {
	out := hitJSON{
		ID: h.ID, Name: h.Name, VenueID: h.Venue.ID, ImageURL: text(s.Site.URL(h.ImageURL, images.Full)), Performer: h.Performer, StartTime: clock(h.Start), EndTime: clock(h.End),
		Date: h.Date.Format(time.DateOnly), Venue: venueJSON(h.Venue), Currency: h.Currency, OnSale: h.OnSale, Availability: h.Availability,
		DistanceKM: h.DistanceKM,
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
