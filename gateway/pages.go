package gateway

import (
	"errors"
	"fmt"
	"time"

	"usher/gateway/page"
	"usher/internal/id"
	"usher/internal/problem"
	"usher/search"
	"usher/waitroom"
)

// render answers with a page.
func (c *call) render(status int, name string, data any) error {
	c.Response.Header.SetContentType("text/html; charset=utf-8")
	c.Response.Header.Set("Content-Security-Policy", page.Policy)
	c.Response.Header.Set("Referrer-Policy", "same-origin")
	if len(c.Response.Header.Peek("Cache-Control")) == 0 {
		c.Response.Header.Set("Cache-Control", "private, no-store")
	}
	c.SetStatusCode(status)
	return page.Render(c.Response.BodyWriter(), name, data)
}

func (s *Server) getProblem(c *call) error {
	k, ok := problem.Find(c.params[0])
	if !ok {
		return problem.New("not-found", "no problem of that name")
	}
	c.Response.Header.Set("Cache-Control", "public, max-age=3600")
	return c.render(200, "problem", k)
}

func (s *Server) getHome(c *call) error {
	found, err := s.Search.Search(c, search.Query{PageSize: 50, StartDate: time.Now().UTC().Truncate(24 * time.Hour)})
	if err != nil {
		return err
	}
	type entry struct {
		search.Hit
		Room string
	}
	data := struct{ Events []entry }{}
	for _, h := range found.Events {
		e := entry{Hit: h}
		if r, ok := s.Waitroom.RoomOf(h.ID); ok && r.Active {
			e.Room = r.Room
		}
		data.Events = append(data.Events, e)
	}
	return c.render(200, "home", data)
}

// roomPage is what the waiting room's page shows.
type roomPage struct {
	Room, Name, Message, State string
	Waiting                    int
	Position                   int64
	Estimate                   string
	Called, Entered, Closed    bool
	SoldOut, Frozen            bool
	Until                      string
	Events                     []id.Event
	Refresh                    int
	Problem                    string
}

// getRoomPage shows a visitor where he stands. First contact gives him a visitor cookie and costs no number.
func (s *Server) getRoomPage(c *call) error {
	r, err := s.Waitroom.Room(c.params[0])
	if err != nil {
		return err
	}
	if _, ok, _ := s.visitor(c); !ok {
		if _, err := s.newVisitor(c); err != nil {
			return err
		}
	}
	data := roomPage{Room: r.Room, Name: r.Name, Message: r.Message, State: string(r.State), Waiting: r.Waiting, Events: r.Events}
	data.Closed = r.State != waitroom.Open && r.State != waitroom.Paused
	if p, ok, err := s.pass(c, r.Room); ok && err == nil && s.Waitroom.CheckActive(c, p) == nil {
		data.Entered, data.Until = true, p.ExpiresAt.Format("15:04 MST")
	} else if place, _, err := s.place(c, r.Room); err == nil {
		line, err := s.Waitroom.Poll(place, 0)
		if err == nil || errors.Is(err, waitroom.ErrPollTooFast) {
			data.show(line)
		} else {
			data.Problem = "Your place belongs to a line that is over. Join again."
		}
	}
	return c.render(200, "room", data)
}

func (d *roomPage) show(l waitroom.Line) {
	d.Called, d.Position, d.Refresh = l.State == waitroom.StandCalled, l.Position, seconds(l.PollAfter)
	d.SoldOut, d.Frozen = l.State == waitroom.StandSoldOut, l.Degraded
	if l.Estimate != nil {
		low, high := int(l.Estimate.Low.Minutes()), int(l.Estimate.High.Minutes())+1
		d.Estimate = fmt.Sprintf("%d to %d minutes", low, high)
	}
	if d.Called {
		d.Refresh = 0
	}
}

// postRoomForm is a form of the waiting room's page: it does what the API call does and shows the page again.
func (s *Server) postRoomForm(do handle) handle {
	return func(c *call) error {
		c.Request.SetBody(nil)
		room := c.params[0]
		if err := do(c); err != nil {
			p := s.problemOf(err)
			if p == nil || p.Status >= 500 {
				return err
			}
			r, err := s.Waitroom.Room(room)
			if err != nil {
				return err
			}
			return c.render(p.Status, "room", roomPage{Room: room, Name: r.Name, Message: r.Message, State: string(r.State), Waiting: r.Waiting, Problem: p.Title + ". " + p.Advice})
		}
		c.Response.ResetBody()
		c.Response.Header.Set("Location", "/rooms/"+room)
		c.SetStatusCode(303)
		return nil
	}
}

// postSandboxAction answers for the payer whom the sandbox asks to approve: {"approve": true} or false.
func (s *Server) postSandboxAction(c *call) error {
	attempt, err := id.ParseKey(c.params[0])
	if err != nil {
		return problem.New("not-found", "no such action")
	}
	var body struct {
		Approve bool `json:"approve"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	found, err := s.Sandbox.Answer(c, attempt, body.Approve)
	if err != nil {
		return err
	}
	if !found {
		return problem.New("not-found", "no such action, or it is over")
	}
	c.SetStatusCode(204)
	return nil
}
