package gateway

import (
	"errors"

	"usher/internal/problem"
	"usher/waitroom"
)

// getCheck is for proxies in front of other sites: may this request pass? A room that is not active lets everybody pass. When the line
// cannot be asked, a pass that is valid counts, for admitted visitors are not disturbed, and the answer says so: whoever has left passes, too.
func (s *Server) getCheck(c *call) error {
	room, err := s.Waitroom.Room(c.params[0])
	if err != nil {
		return err
	}
	redirect := string(c.http.QueryArgs().Peek("redirect"))
	if redirect != "" && redirect != "1" {
		return problem.Invalid(problem.Field{Field: "redirect", Message: "want 1, or leave it out"})
	}
	p, ok, err := s.pass(c, room.Room)
	if err == nil && ok && room.Active {
		if err = s.Waitroom.CheckActive(c.context(), p); err != nil && !errors.Is(err, waitroom.ErrSessionOver) {
			c.set("Usher-Degraded", "line-frozen")
			err = nil
		}
	}
	if err == nil && (ok || !room.Active) {
		if ok {
			c.set("Usher-Visitor-Id", p.Visitor.String())
		}
		return c.empty(200)
	}
	if redirect == "1" {
		c.set("Location", s.joinURL(room.Room))
		return c.empty(302)
	}
	refused := s.passRequired(room.Room)
	if err != nil {
		if refused = s.problemOf(err); refused == nil {
			return err
		}
	}
	if refused.Status == 403 { // forward-auth proxies understand 401
		refused = problem.New("pass-invalid", refused.Detail)
	}
	refused.Headers = map[string]string{"Location": s.joinURL(room.Room)}
	return refused
}

// getJWKS is the keys that third parties verify passes with.
func (s *Server) getJWKS(c *call) error {
	c.set("Cache-Control", "public, max-age=60")
	c.body(200, typeJSON, s.Waitroom.JWKS())
	return nil
}
