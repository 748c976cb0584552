package gateway

import (
	"usher/gateway/page"
	"usher/internal/id"
	"usher/internal/problem"
)

// problemPage is a problem in words for people, with ways on.
type problemPage struct {
	problem.Kind
	Worded    bool            // title and advice are in the visitor's language
	Faults    []problem.Field // what is wrong with which field
	RequestID string
	Event     *id.Event // whose page may help
	Room      string
	Again     string // the address to try again, where that may help
}

// getProblem explains a problem; problems name this page as their type.
func (s *Server) getProblem(c *call) error {
	k, ok := problem.Find(c.params[0])
	if !ok {
		return problem.New("not-found", "no problem of that name")
	}
	c.set("Cache-Control", "public, max-age=3600")
	return c.page(200, "problem", page.Frame{Title: k.Title, Data: problemPage{Kind: k}})
}

// problemAsPage shows a person what went wrong: the same status as the API's, in words, and where to go from here.
func (c *call) problemAsPage(p *problem.Problem) error {
	data := problemPage{Kind: p.Kind, Faults: p.Errors, RequestID: requestID(c.out)}
	if l := c.language(); l.Has("problem.is." + p.Slug) { // else in the API's words, which are English
		data.Worded, data.Title, data.Advice = true, l.T("problem.is."+p.Slug), l.T("problem.do."+p.Slug)
	}
	if p.Status >= 500 || p.Status == 429 || c.here() != "/" && c.in.IsPost() { // from a form there is a way back to its page
		data.Again = c.here()
	}
	if room, ok := p.Members["room"].(string); ok {
		data.Room = room
	}
	if c.route != nil && len(c.route.pattern) > 1 {
		switch {
		case c.route.pattern[0] == "events":
			if e, err := id.ParseEvent(c.params[0]); err == nil && p.Slug != "event-not-found" {
				data.Event = &e
				if room, ok := c.server.Waitroom.RoomOf(e); ok && refusedPass(p) {
					data.Room = room.Room
				}
			}
		case c.route.pattern[0] == "rooms" && p.Slug != "room-not-found":
			data.Room = c.params[0]
		}
	}
	return c.page(p.Status, "problem", page.Frame{Title: data.Title, Data: data})
}
