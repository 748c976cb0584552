package gateway

import (
	"encoding/json"
	"fmt"
	"time"

	"usher/gateway/lang"
	"usher/gateway/page"
	"usher/internal/id"
)

// eventPage is what the page shows of an event's view.
type eventPage struct {
	lang  *lang.Lang
	Event struct {
		ID        id.Event  `json:"id"`
		Name      string    `json:"name"`
		Details   string    `json:"details"`
		Performer string    `json:"performer"`
		StartTime time.Time `json:"start_time"`
	} `json:"event"`
	Venue struct {
		Name     string `json:"name"`
		Location string `json:"location"`
		TimeZone string `json:"time_zone"`
	} `json:"venue"`
	Tickets []struct {
		Price    int64  `json:"price"`
		Currency string `json:"currency"`
	} `json:"tickets"`
	Availability struct {
		Capacity int `json:"capacity"`
		Free     int `json:"free"`
	} `json:"availability"`
	Room *struct {
		ID     string `json:"id"`
		Active bool   `json:"active"`
	} `json:"room"`
}

// getEventPage shows an event. It reads the same view that the API serves.
func (s *Server) getEventPage(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	v, err := s.Catalog.Event(c.context(), e, "")
	if err != nil {
		return err
	}
	var data eventPage
	if err := json.Unmarshal(v.Body, &data); err != nil {
		return fmt.Errorf("view of %s: %w", e, err)
	}
	c.set("Cache-Control", briefly)
	data.lang = c.language()
	return c.page(200, "event", page.Frame{Title: data.Event.Name, Index: true, Data: data})
}

// When is the start in the venue's own time.
func (p eventPage) When() string {
	zone, err := time.LoadLocation(p.Venue.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	return p.Event.StartTime.In(zone).Format("Monday 2 January 2006, 15:04 MST")
}

// Prices is the range of the tickets' prices; "" without tickets.
func (p eventPage) Prices() string {
	if len(p.Tickets) == 0 {
		return ""
	}
	low, high := p.Tickets[0].Price, p.Tickets[0].Price
	for _, t := range p.Tickets {
		low, high = min(low, t.Price), max(high, t.Price)
	}
	if low == high {
		return p.lang.Money(low, p.Tickets[0].Currency)
	}
	return p.lang.Money(low, p.Tickets[0].Currency) + " to " + p.lang.Money(high, p.Tickets[0].Currency)
}
