package gateway

import (
	"time"
)

// postEnter turns a called visitor's place into a session. The pass is told in the body, for programs, and in a cookie, for browsers.
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

// renewedJSON is a pass that replaces an earlier one.
type renewedJSON struct {
	Pass      string    `json:"pass"`
	ExpiresAt time.Time `json:"pass_expires_at"`
}

// postRenew gives a session more time, as far as its room allows it. It wants the pass itself: a place does not keep a session alive.
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
	return c.answer(200, renewedJSON{token, clock(expires)})
}

// postLeave gives up a session or a place, whichever the caller shows. A pass that has run out does not stop him from leaving by his
// place; without one, what is wrong with the pass is the answer.
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
