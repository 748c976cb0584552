package gateway

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"usher/internal/problem"
	"usher/waitroom"
)

// postRoomForm is a form of the waiting room's page: it does what the API call does and leads on. Whatever a person can wait for or mend is told
// on the page, with where he stands.
func (s *Server) postRoomForm(do handle, done func(c *call, r waitroom.Room) string) handle {
	return func(c *call) error {
		if _, err := c.form(); err != nil {
			return err
		}
		r, err := s.Waitroom.Room(c.params[0])
		if err != nil {
			return err
		}
		c.http.Request.ResetBody() // the call that it stands for has none
		if err := do(c); err != nil {
			return s.roomRefusal(c, r, err)
		}
		c.set("Location", done(c, r))
		return c.empty(303)
	}
}

// afterJoin leads back to the page. An earlier session is over: its pass would say so on every page from now on.
func (s *Server) afterJoin(c *call, r waitroom.Room) string {
	var fresh fasthttp.Cookie
	fresh.SetKey(passCookie + r.Room)
	if !c.out.Cookie(&fresh) && len(c.in.Cookie(passCookie+r.Room)) > 0 {
		s.dropCookie(c, passCookie+r.Room)
	}
	return "/rooms/" + r.Room
}

// afterEnter leads to the seats.
func (s *Server) afterEnter(_ *call, r waitroom.Room) string { return insideOf(r) }

// afterLeave forgets what was given up: it must not look like a place.
func (s *Server) afterLeave(c *call, r waitroom.Room) string {
	s.dropPlace(c, r.Room)
	return "/rooms/" + r.Room
}

func (s *Server) dropPlace(c *call, room string) {
	for _, name := range []string{placeCookie + room, passCookie + room} {
		if len(c.in.Cookie(name)) > 0 {
			s.dropCookie(c, name)
		}
	}
}

// dropCookie makes a browser forget a credential.
func (s *Server) dropCookie(c *call, name string) {
	s.setCookie(c, name, "")
	var k fasthttp.Cookie
	k.SetKey(name)
	if c.out.Cookie(&k) {
		k.SetExpire(fasthttp.CookieExpireDelete)
		k.SetMaxAge(0)
		c.out.SetCookie(&k)
	}
}

// roomRefusal shows on the page why a form of it was refused; what has nothing to do with the room stays a problem.
func (s *Server) roomRefusal(c *call, r waitroom.Room, err error) error {
	p := s.problemOf(err)
	if p == nil || !onPage(c, p) {
		return err
	}
	data, e := s.roomPageOf(c, r)
	if e != nil {
		return err
	}
	data.refused(c, p)
	switch p.Slug {
	case "place-used", "grace-over", "place-expired", "place-invalid":
		s.dropPlace(c, r.Room) // shown again, it would be refused again
		data.Kind, data.Line, data.Lost = roomOut, nil, true
	case "room-full":
		if data.Line != nil { // the line may be a moment behind the store
			data.Kind, data.Line.State = roomTurn, waitroom.StandCalled
			data.Notice = "" // it stands beside the button
		}
	}
	if wait, wanted := retryAfter(p); wanted {
		c.set("Retry-After", strconv.Itoa(wait))
		data.Wait = wait
	}
	problemsTotal(p.Slug).Inc()
	return s.roomPage(c, p.Status, data)
}

// onPage reports whether a refusal is told on the room's page. Programs that post forms get the problem itself where the page has no say.
func onPage(c *call, p *problem.Problem) bool {
	switch p.Slug {
	case "room-closed", "line-unavailable", "store-unavailable", "overloaded", "pass-wrong-room":
		return c.wantsPage()
	}
	return p.Status == 401 || p.Status == 409 || p.Status == 410
}

// refused words a refusal: as the room says it, else as every page does.
func (d *roomPage) refused(c *call, p *problem.Problem) {
	for _, family := range []string{"room.refused.", "problem.is."} {
		if c.language().Has(family + p.Slug) {
			d.Notice = family + p.Slug
			break
		}
	}
	if d.Notice == "" {
		d.Problem = &p.Kind
	}
	d.NoVisit = p.Slug == "visitor-required"
}
