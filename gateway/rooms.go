package gateway

import (
	"errors"
	"math"
	"strconv"
	"time"

	"usher/internal/id"
	"usher/internal/problem"
	"usher/waitroom"
)

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

type visitorJSON struct {
	Visitor   string     `json:"visitor"`
	VisitorID id.Visitor `json:"visitor_id"`
}

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

func (s *Server) getRoom(c *call) error {
	r, err := s.Waitroom.Room(c.params[0])
	if err != nil {
		return err
	}
	c.set("Cache-Control", briefly)
	return c.answer(200, roomOf(r))
}

// postJoin gives a number, to visitors only: what issues a visitor never issues a number.
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

// shown reads the position that a visitor was told last.
func (c *call) shown() (int64, error) {
	arg := c.http.QueryArgs().Peek("shown")
	if arg == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(arg), 10, 64)
	if err != nil || n < 1 || n > 1e12 {
		return 0, problem.Invalid(problem.Field{Field: "shown", Message: "want the last position, a whole number from 1"})
	}
	return n, nil
}

// getPlace is the poll: the one call that a waiting crowd makes. It touches no store and allocates next to nothing.
func (s *Server) getPlace(c *call) error {
	p, sealed, err := s.place(c, c.params[0])
	if err != nil {
		return err
	}
	shown, err := c.shown()
	if err != nil {
		return err
	}
	line, err := s.Waitroom.Poll(p, shown)
	if err != nil {
		return stillWaiting(err, &line)
	}
	line.Sealed = sealed
	s.answerLine(c, 200, &line)
	return nil
}

func (s *Server) postEnter(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	p, sealed, err := s.place(c, c.params[0])
	if err != nil {
		return err
	}
	line, err := s.Waitroom.Enter(c.context(), p)
	if err != nil {
		return stillWaiting(err, &line)
	}
	line.Sealed = sealed
	s.answerLine(c, 200, &line)
	return nil
}

// stillWaiting tells those who come too early when to come again.
func stillWaiting(err error, line *waitroom.Line) error {
	slug := ""
	switch {
	case errors.Is(err, waitroom.ErrPollTooFast):
		slug = "poll-too-fast"
	case errors.Is(err, waitroom.ErrNotCalled):
		slug = "not-called"
	case errors.Is(err, waitroom.ErrRoomFull):
		slug = "room-full"
	default:
		return err
	}
	p := problem.New(slug, err.Error())
	p.RetryAfter = seconds(line.PollAfter)
	if slug == "not-called" {
		p.With("position", line.Position)
	}
	return p
}

func (s *Server) postRenew(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	p, ok, err := s.pass(c, c.params[0])
	if err == nil && !ok {
		err = s.passRequired(c.params[0])
	}
	if err != nil {
		return err
	}
	token, expires, err := s.Waitroom.Renew(c.context(), p)
	if err != nil {
		return err
	}
	s.setCookie(c, passCookie+p.Room, token)
	return c.answer(200, struct {
		Pass      string    `json:"pass"`
		ExpiresAt time.Time `json:"pass_expires_at"`
	}{token, clock(expires)})
}

// postLeave gives up a session or a place, whichever the caller shows.
func (s *Server) postLeave(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	room := c.params[0]
	p, ok, refused := s.pass(c, room)
	if ok && refused == nil {
		if err := s.Waitroom.LeaveSession(c.context(), p); err != nil {
			return err
		}
		return c.empty(204)
	}
	place, _, err := s.place(c, room)
	if err == nil {
		err = s.Waitroom.Leave(c.context(), place)
	} else if refused != nil {
		err = refused
	}
	if err != nil {
		return err
	}
	return c.empty(204)
}
