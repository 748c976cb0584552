package gateway

import (
	"context"
	"time"

	"usher/catalog"
	"usher/gateway/lang"
	"usher/internal/id"
)

const (
	maxShows   = 3  // events that are named to those who wait
	maxInside  = 24 // events that are listed to those who are inside
	showWithin = 250 * time.Millisecond
)

// roomShow is an event behind a room.
type roomShow struct {
	*lang.Lang
	ID    id.Event
	Name  string // "" while the catalog does not say
	Venue catalog.Venue
	Start time.Time // in the venue's own zone
}

// showEvents adds what is behind the room. It is a courtesy: a catalog that is away or slow leaves the names out and never the page.
func (s *Server) showEvents(c *call, d *roomPage) {
	limit := maxShows
	if d.Kind == roomIn || d.Straight() {
		limit = maxInside
	}
	ctx, cancel := context.WithTimeout(c.context(), showWithin)
	defer cancel()
	away := false
	for i, e := range d.Events {
		if i == limit {
			d.More = true
			return
		}
		show := roomShow{Lang: c.language(), ID: e}
		if !away {
			found, err := s.Catalog.Show(ctx, e)
			if away = err != nil; !away {
				show.Name, show.Venue, show.Start = found.Name, found.Venue, found.Start
			}
			if !away && found.Venue.Zone != nil {
				show.Start = found.Start.In(found.Venue.Zone)
			}
		}
		if show.Name != "" || limit == maxInside {
			d.Shows = append(d.Shows, show)
		}
	}
}
