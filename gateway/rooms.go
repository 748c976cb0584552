package gateway

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"usher/internal/id"
	"usher/internal/problem"
	"usher/waitroom"
)

func (s *Server) postVisitor(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	if sealed := c.credential("Usher-Visitor", visitorCookie); sealed != "" {
		if v, err := s.Waitroom.Visitor(sealed); err == nil {
			return c.answer(200, visitorJSON{sealed, v})
		}
	}
	v, err := s.newVisitor(c)
	if err != nil {
		return err
	}
	return c.answer(201, visitorJSON{string(c.Response.Header.Peek("Usher-Visitor")), v})
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
	CallsPerMinute  float64         `json:"calls_per_minute"`
	PreQueueOpensAt *time.Time      `json:"pre_queue_opens_at"`
	OpensAt         *time.Time      `json:"opens_at"`
	Message         *string         `json:"message"`
	UpdatedAt       time.Time       `json:"updated_at"`
}

func roomOf(r waitroom.Room) roomJSON {
	events := r.Events
	if events == nil {
		events = []id.Event{}
	}
	return roomJSON{
		Room: r.Room, Name: r.Name, Run: r.Run, Method: r.Method, State: r.State, Active: r.Active, EventIDs: events, Waiting: r.Waiting,
		Watermark: r.Watermark, CallsPerMinute: r.CallsPerMinute, OpensAt: maybe(r.OpensAt), Message: text(r.Message), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func (s *Server) getRoom(c *call) error {
	r, err := s.Waitroom.Room(c.params[0])
	if err != nil {
		return err
	}
	c.Response.Header.Set("Cache-Control", "public, max-age=1")
	return c.answer(200, roomOf(r))
}

func (s *Server) postJoin(c *call) error {
	var body struct {
		ProofOfWork string `json:"proof_of_work"`
	}
	if len(c.PostBody()) > 0 {
		if err := c.decode(&body); err != nil {
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
	line, first, err := s.Waitroom.Join(c, room, v, shown)
	if err != nil {
		return err
	}
	line.Sealed = s.Waitroom.SealPlace(line.Place)
	s.setCookie(c, placeCookie+room, line.Sealed)
	status := 200
	if first {
		status = 201
	}
	return s.answerLine(c, status, line)
}

// shown reads the position that a visitor was told last: 1 to 10^12.
func (c *call) shown() (int64, error) {
	arg := c.QueryArgs().Peek("shown")
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
	if errors.Is(err, waitroom.ErrPollTooFast) {
		p := problem.New("poll-too-fast", err.Error())
		p.RetryAfter = seconds(line.PollAfter)
		return p
	}
	if err != nil {
		return err
	}
	line.Sealed = sealed
	return s.answerLine(c, 200, line)
}

func (s *Server) postEnter(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	p, sealed, err := s.place(c, c.params[0])
	if err != nil {
		return err
	}
	line, err := s.Waitroom.Enter(c, p)
	switch {
	case errors.Is(err, waitroom.ErrNotCalled):
		return problem.New("not-called", err.Error()).With("position", line.Position)
	case errors.Is(err, waitroom.ErrRoomFull):
		p := problem.New("room-full", err.Error())
		p.RetryAfter = seconds(line.PollAfter)
		return p
	case err != nil:
		return err
	}
	line.Sealed = sealed
	return s.answerLine(c, 200, line)
}

func (s *Server) postRenew(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	p, ok, err := s.pass(c, c.params[0])
	if err != nil {
		return err
	}
	if !ok {
		return problem.New("pass-required", "the pass to be renewed").With("room", c.params[0]).With("join_url", s.joinURL(c.params[0]))
	}
	token, expires, err := s.Waitroom.Renew(c, p)
	if err != nil {
		return err
	}
	s.setCookie(c, passCookie+p.Room, token)
	return c.answer(200, map[string]any{"pass": token, "pass_expires_at": expires})
}

func (s *Server) postLeave(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	room := c.params[0]
	p, ok, err := s.pass(c, room)
	if err != nil {
		return err
	}
	if ok {
		err = s.Waitroom.LeaveSession(c, p)
	} else if place, _, e := s.place(c, room); e != nil {
		err = e
	} else {
		err = s.Waitroom.Leave(c, place)
	}
	if err != nil {
		return err
	}
	c.SetStatusCode(204)
	return nil
}

// getCheck is for proxies in front of other sites: is the pass good?
func (s *Server) getCheck(c *call) error {
	room := c.params[0]
	if _, err := s.Waitroom.Room(room); err != nil {
		return err
	}
	redirect := string(c.QueryArgs().Peek("redirect"))
	if redirect != "" && redirect != "1" {
		return problem.Invalid(problem.Field{Field: "redirect", Message: "want 1, or leave it out"})
	}
	p, ok, err := s.pass(c, room)
	if err == nil && ok {
		c.Response.Header.Set("Usher-Visitor-Id", p.Visitor.String())
		return c.answer(200, struct{}{})
	}
	if redirect == "1" {
		c.Response.Header.Set("Location", s.joinURL(room))
		return c.answer(302, struct{}{})
	}
	refused := problem.New("pass-required", "join the room and enter when called").With("room", room).With("join_url", s.joinURL(room))
	if err != nil {
		if refused = s.problemOf(err); refused == nil || refused.Status != 401 && refused.Status != 403 {
			return err
		}
	}
	refused.Headers = map[string]string{"Location": s.joinURL(room)}
	refused.Status = 401 // what forward-auth proxies understand
	return refused
}

func (s *Server) getJWKS(c *call) error {
	c.Response.Header.Set("Cache-Control", "public, max-age=60")
	c.Response.Header.SetContentType("application/jwk-set+json")
	c.SetBody(s.Waitroom.JWKS())
	return nil
}

// answerLine writes a line by hand: a poll is answered millions of times, and reflection would be most of its cost.
func (s *Server) answerLine(c *call, status int, l waitroom.Line) error {
	if l.Pass != "" {
		s.setCookie(c, passCookie+l.Room.Room, l.Pass)
	}
	if l.Degraded {
		c.Response.Header.Set("Usher-Degraded", "line-frozen")
	}
	c.Response.Header.Set("Cache-Control", "private, no-store")
	c.Response.Header.SetContentType("application/json; charset=utf-8")
	c.SetStatusCode(status)
	c.Response.SetBodyRaw(nil)
	b := appendLine(c.Response.Body()[:0], l)
	c.Response.SetBody(b)
	return nil
}

func appendLine(b []byte, l waitroom.Line) []byte {
	b = append(b, `{"room":"`...)
	b = append(append(b, l.Room.Room...), `","run":"`...)
	b = append(append(b, l.Place.Run...), `","state":"`...)
	b = append(append(b, l.State...), `","room_state":"`...)
	b = append(append(b, l.Room.State...), `","number":`...)
	b = append(strconv.AppendInt(b, l.Place.Number, 10), `,"position":`...)
	if l.Position > 0 {
		b = strconv.AppendInt(b, l.Position, 10)
	} else {
		b = append(b, `null`...)
	}
	b = strconv.AppendInt(append(b, `,"watermark":`...), l.Room.Watermark, 10)
	b = strconv.AppendInt(append(b, `,"waiting":`...), int64(l.Room.Waiting), 10)
	b = append(b, `,"estimate":`...)
	if l.Estimate != nil {
		b = strconv.AppendInt(append(b, `{"low_seconds":`...), int64(l.Estimate.Low.Seconds()), 10)
		b = strconv.AppendInt(append(b, `,"high_seconds":`...), int64(math.Ceil(l.Estimate.High.Seconds())), 10)
		b = append(b, '}')
	} else {
		b = append(b, `null`...)
	}
	b = strconv.AppendInt(append(b, `,"poll_after_seconds":`...), int64(seconds(l.PollAfter)), 10)
	b = appendTime(append(b, `,"enter_before":`...), l.EnterBefore)
	b = appendTime(append(b, `,"joined_at":`...), l.Place.IssuedAt)
	b = appendTime(append(b, `,"updated_at":`...), l.UpdatedAt)
	b = append(b, `,"message":`...)
	if l.Room.Message == "" {
		b = append(b, `null`...)
	} else {
		b = appendString(b, l.Room.Message)
	}
	b = append(b, `,"tickets_left":`...)
	if l.TicketsLeft < 0 {
		b = append(b, `null`...)
	} else {
		b = strconv.AppendInt(b, int64(l.TicketsLeft), 10)
	}
	b = append(append(b, `,"place":"`...), l.Sealed...)
	b = append(b, `","pass":`...)
	if l.Pass == "" {
		b = append(b, `null`...)
	} else {
		b = append(append(append(b, '"'), l.Pass...), '"')
	}
	return append(appendTime(append(b, `,"pass_expires_at":`...), l.PassExpiresAt), '}')
}

func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, `null`...)
	}
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range strings.ToValidUTF8(s, "�") {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == '<' || r == '>' || r == '&' || r == 0x2028 || r == 0x2029:
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}

// seconds rounds up: a caller who waits so long is never too early.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
