package gateway

import (
	"errors"
	"fmt"
	"time"

	"usher/gateway/page"
	"usher/internal/id"
	"usher/waitroom"
)

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
	Refresh                    int // seconds; 0: it stays as it is
	Problem                    string
}

// pageOf shows a room to somebody who is not in line.
func pageOf(r waitroom.Room) roomPage {
	return roomPage{
		Room: r.Room, Name: r.Name, Message: r.Message, State: string(r.State), Waiting: r.Waiting, Events: r.Events,
		Closed: r.State != waitroom.Open && r.State != waitroom.Paused,
	}
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
	data := pageOf(r)
	if p, ok, err := s.pass(c, r.Room); ok && err == nil && s.Waitroom.CheckActive(c.context(), p) == nil {
		data.Entered, data.Until = true, p.ExpiresAt.Format("15:04 MST")
		data.Refresh = seconds(time.Until(p.ExpiresAt))
	} else if err := s.standing(c, &data); err != nil {
		return err
	}
	return c.roomPage(200, data)
}

// roomPage answers with the room's page, which carries its style and script.
func (c *call) roomPage(status int, data roomPage) error {
	c.set("Content-Security-Policy", page.RoomPolicy)
	return c.page(status, "room", page.Frame{Title: data.Name, Data: data})
}

// standing shows where the visitor's place stands, if he has one.
func (s *Server) standing(c *call, data *roomPage) error {
	shown, err := c.shown()
	if err != nil {
		return err
	}
	place, _, err := s.place(c, data.Room)
	if err != nil {
		return nil // nobody in line: the page offers to join
	}
	line, err := s.Waitroom.Poll(place, shown)
	switch {
	case errors.Is(err, waitroom.ErrPlaceExpired):
		data.Problem = "Your place belongs to a line that is over. Join again."
	case err != nil && !errors.Is(err, waitroom.ErrPollTooFast):
		return err
	default:
		data.show(&line)
	}
	return nil
}

// show adds where somebody in line stands. The page asks again by itself until it is his turn.
func (d *roomPage) show(l *waitroom.Line) {
	d.Called, d.Position, d.Refresh = l.State == waitroom.StandCalled, l.Position, seconds(l.PollAfter)
	d.SoldOut, d.Frozen = l.State == waitroom.StandSoldOut, l.Degraded
	if l.Estimate != nil {
		d.Estimate = fmt.Sprintf("%d to %d minutes", int(l.Estimate.Low.Minutes()), int(l.Estimate.High.Minutes())+1)
	}
	if d.Called {
		d.Refresh = 0 // a button must not move under the finger
	}
}

// postRoomForm is a form of the waiting room's page: it does what the API call does and shows the page again.
func (s *Server) postRoomForm(do handle) handle {
	return func(c *call) error {
		if _, err := c.form(); err != nil {
			return err
		}
		c.http.Request.ResetBody() // the call that it stands for has none
		name := c.params[0]
		err := do(c)
		if err == nil {
			c.set("Location", "/rooms/"+name)
			return c.empty(303)
		}
		p := s.problemOf(err)
		if p == nil || p.Status >= 500 || p.Status == 403 {
			return err
		}
		r, e := s.Waitroom.Room(name)
		if e != nil {
			return err
		}
		data := pageOf(r)
		data.Problem, data.Refresh = p.Title+". "+p.Advice, p.RetryAfter
		return c.roomPage(p.Status, data)
	}
}
