package gateway

import (
	"errors"
	"time"

	"usher/gateway/page"
	"usher/internal/problem"
	"usher/waitroom"
)

// What the waiting room's page shows somebody: he is outside, in line, called, or inside.
const (
	roomOut  = "out"
	roomLine = "line"
	roomTurn = "turn"
	roomIn   = "in"
)

// roomPage is what the waiting room's page shows.
type roomPage struct {
	waitroom.Room
	Kind    string
	Line    *waitroom.Line // of somebody in line or called; else nil
	From    int64          // the position that he began with, as far as his address remembers it
	Shows   []roomShow     // the events behind the room
	More    bool           // there are more of them
	Until   time.Time      // when the session ends; zero for one who is not inside
	Notice  string         // the word that explains what was refused or has ended; "" for none
	Problem *problem.Kind  // the same where there is no such word: in English
	Lost    bool           // what he came with is no use any more: he may join again
	NoVisit bool           // the browser sends no cookie: joining cannot work from here
	Wait    int            // seconds until it makes sense to try again; 0: now
	Now     time.Time
}

// getRoomPage shows a visitor where he stands. First contact gives him a visitor cookie and costs no number.
func (s *Server) getRoomPage(c *call) error {
	r, err := s.Waitroom.Room(c.params[0])
	if err != nil {
		return err
	}
	if _, err := c.shown(); err != nil {
		return err
	}
	if _, err := c.position("from"); err != nil {
		return err
	}
	if _, ok, _ := s.visitor(c); !ok {
		if _, err := s.newVisitor(c); err != nil {
			return err
		}
	}
	data, err := s.roomPageOf(c, r)
	if err != nil {
		return err
	}
	return s.roomPage(c, 200, data)
}

// roomPageOf says where the visitor of a request stands.
func (s *Server) roomPageOf(c *call, r waitroom.Room) (*roomPage, error) {
	data := &roomPage{Room: r, Kind: roomOut, Now: time.Now().UTC()}
	p, ok, refused := s.pass(c, r.Room)
	if ok && refused == nil {
		err := s.Waitroom.CheckActive(c.context(), p)
		if err == nil || errors.Is(err, waitroom.ErrLineUnavailable) { // who is inside is not disturbed by a store that is away
			data.Kind, data.Until = roomIn, p.ExpiresAt
			return data, nil
		}
		refused = err
	}
	if errors.Is(refused, waitroom.ErrSessionOver) || s.problemIs(refused, "pass-expired") {
		data.Notice, data.Lost = "room.over.session", true // his place has become this session: it is used
		return data, nil
	}
	return data, s.standing(c, data)
}

// problemIs reports whether an error is told as the problem with that slug.
func (s *Server) problemIs(err error, slug string) bool {
	if err == nil {
		return false
	}
	p := s.problemOf(err)
	return p != nil && p.Slug == slug
}

// standing says where the visitor's place stands, if he has one.
func (s *Server) standing(c *call, data *roomPage) error {
	shown, _ := c.shown() // of a form's page there is none; getRoomPage has refused garbage
	from, _ := c.position("from")
	place, _, err := s.place(c, data.Room.Room)
	if err != nil {
		if s.problemIs(err, "place-invalid") {
			data.Notice, data.Lost = "room.over.invalid", true
		}
		return nil // nobody in line: the page offers to join
	}
	line, err := s.Waitroom.Poll(place, shown)
	switch {
	case errors.Is(err, waitroom.ErrPlaceExpired):
		data.Notice, data.Lost = "room.over.run", true
	case err != nil && !errors.Is(err, waitroom.ErrPollTooFast):
		return err
	default:
		data.stand(&line, max(from, shown))
	}
	return nil
}

// stand adds where somebody's place stands.
func (d *roomPage) stand(l *waitroom.Line, from int64) {
	d.Line, d.Kind, d.From = l, roomLine, max(from, l.Position)
	d.Waiting, d.Pace = l.Room.Waiting, l.Room.Pace
	switch l.State {
	case waitroom.StandCalled:
		d.Kind = roomTurn
	case waitroom.StandEntered:
		d.Kind, d.Until = roomIn, l.PassExpiresAt
	case waitroom.StandLeft:
		d.Kind, d.Line, d.Notice, d.Lost = roomOut, nil, "room.over.left", true
	case waitroom.StandExpired: // as the form would say
		d.Kind, d.Line, d.Notice, d.Lost = roomOut, nil, "room.refused.grace-over", true
	case waitroom.StandEnded:
		d.Kind, d.Line, d.Notice, d.Lost = roomOut, nil, "room.over.run", true
	}
}

// roomPage answers with the room's page, which carries its style and script.
func (s *Server) roomPage(c *call, status int, data *roomPage) error {
	s.showEvents(c, data)
	if status == 200 && data.Line != nil && data.Line.Degraded {
		c.set("Usher-Degraded", "line-frozen")
	}
	c.set("Content-Security-Policy", page.RoomPolicy)
	return c.page(status, "room", page.Frame{Title: data.title(c.language()), Path: "/rooms/" + data.Room.Room, Data: data})
}
