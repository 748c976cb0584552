package gateway

import (
	"net/url"
	"time"

	"usher/gateway/page"
	"usher/search"
)

// homeParameters are those of the search that the first page knows.
var homeParameters = []string{"location", "performer", "start_date", "page_cursor"}

// homePage is a search with its form.
type homePage struct {
	Location, Performer, From, Next string
	Total                           int
	Events                          []homeEvent
}

type homeEvent struct {
	search.Hit
	Room string // of an active room in front
}

// getHome lists what is on, from today.
func (s *Server) getHome(c *call) error {
	args := c.http.QueryArgs()
	q, err := parseSearch(func(name string) string { return string(args.Peek(name)) })
	if err != nil {
		return err
	}
	if q.StartDate.IsZero() {
		q.StartDate = time.Now().UTC().Truncate(24 * time.Hour)
	}
	found, err := s.find(c, q)
	if err != nil {
		return err
	}
	data := homePage{Location: string(args.Peek("location")), Performer: q.Performer, From: q.StartDate.Format(time.DateOnly), Total: found.Total}
	for _, h := range found.Events {
		e := homeEvent{Hit: h}
		if r, ok := s.Waitroom.RoomOf(h.ID); ok && r.Active {
			e.Room = r.Room
		}
		data.Events = append(data.Events, e)
	}
	if found.NextCursor != "" {
		next := url.Values{"start_date": {data.From}, "page_cursor": {found.NextCursor}}
		if data.Location != "" {
			next.Set("location", data.Location)
		}
		if data.Performer != "" {
			next.Set("performer", data.Performer)
		}
		data.Next = "/?" + next.Encode()
	}
	return c.page(200, "home", page.Frame{Title: "What is on", Index: true, Data: data})
}
