package gateway

import (
	"errors"
	"math"
	"time"

	"usher/internal/id"
	"usher/internal/problem"
	"usher/waitroom"
)

// postVisitor is the first contact. It costs no number, so that counting visitors says nothing about the line, and it is the one call
// that anybody can repeat at will: the rate of one address is bounded.
func (s *Server) postVisitor(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	v, ok, err := s.visitor(c)
	if err != nil && !errors.Is(err, waitroom.ErrVisitorInvalid) {
		return err
	}
	if ok && err == nil {
		return c.answer(200, visitorJSON{c.credential(visitorHeader, visitorCookie), v})
	}
	if v, err = s.newVisitor(c); err != nil {
		return err
	}
	return c.answer(201, visitorJSON{string(c.out.Peek(visitorHeader)), v})
}

// visitorJSON tells the credential and the id that it carries, which is the owner of holds and bookings.
type visitorJSON struct {
	Visitor   string     `json:"visitor"`
	VisitorID id.Visitor `json:"visitor_id"`
}

// roomJSON is the contract's Room: what everybody may know.
type roomJSON struct {
	Room            string          `json:"room"`
	Name            string          `json:"name"`
	Run             string          `json:"run"`
	Method          waitroom.Method `json:"method"`
	State           waitroom.State  `json:"state"`
	Active          bool            `json:"active"`
	EventIDs        []id.Event      `json:"event_ids"`
	Waiting         int             `json:"waiting"`
	Watermark       int64           `json:"watermark"`
	CallsPerMinute  float64         `json:"calls_per_minute"` // as measured
	PreQueueOpensAt *time.Time      `json:"pre_queue_opens_at"`
	OpensAt         *time.Time      `json:"opens_at"`
	Message         *string         `json:"message"`
	UpdatedAt       time.Time       `json:"updated_at"`
}

func roomOf(r waitroom.Room) roomJSON {
	return roomJSON{
		Room: r.Room, Name: r.Name, Run: r.Run, Method: r.Method, State: r.State, Active: r.Active, EventIDs: append([]id.Event{}, r.Events...),
		Waiting: r.Waiting, Watermark: r.Watermark, CallsPerMinute: math.Round(r.Pace*10) / 10, OpensAt: maybe(r.OpensAt),
		Message: text(r.Message), UpdatedAt: clock(r.UpdatedAt),
	}
}

// getRoom shows a room from memory. A shared cache may keep it for a second: a crowd asks for it at once.
func (s *Server) getRoom(c *call) error {
	r, err := s.Waitroom.Room(c.params[0])
	if err != nil {
		return err
	}
	c.set("Cache-Control", briefly)
	return c.answer(200, roomOf(r))
}

// postJoin gives a number, to visitors only: what issues a visitor never issues a number, or one request would be one place in line and a
// script would have a thousand. A valid place that is shown wins over a line that has forgotten it.
func (s *Server) postJoin(c *call) error {
	if len(c.http.PostBody()) > 0 {
		body, err := c.object("proof_of_work")
		if err != nil {
			return err
		}
		body.text("proof_of_work", maxText) // no room asks for one yet
		if err := body.err(); err != nil {
			return err
		}
	}
	room := c.params[0]
	v, ok, err := s.visitor(c)
	if err != nil {
		return err
	}
	if !ok {
		return problem.New("visitor-required", "the first contact gives a visitor, the second a number")
	}
	var shown *waitroom.Place
	if p, _, err := s.place(c, room); err == nil {
		shown = &p
	}
	line, first, err := s.Waitroom.Join(c.context(), room, v, shown)
	if err != nil {
		return err
	}
	line.Sealed = s.Waitroom.SealPlace(line.Place)
	s.setCookie(c, placeCookie+room, line.Sealed)
	status := 200
	if first {
		status = 201
	}
	s.answerLine(c, status, &line)
	return nil
}
