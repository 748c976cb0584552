package gateway

import (
	"bytes"
	"strings"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/problem"
	"usher/waitroom"
	"usher/waitroom/pass"
)

const (
	visitorHeader = "Usher-Visitor"
	visitorCookie = "usher_visitor"
	placeHeader   = "Usher-Place"
	placeCookie   = "usher_place_" // and the room
	passHeader    = "Usher-Pass"   // of answers; requests use Authorization
	passCookie    = "usher_pass_"  // and the room
)

// credential returns a credential from its header, or else its cookie.
func (c *call) credential(header, cookie string) string {
	if v := c.in.PeekCanonical([]byte(header)); len(v) > 0 { // our names are spelled as fasthttp keeps them
		return string(v)
	}
	return c.cookie(cookie)
}

// tokenIn finds a cookie of ours in a Cookie header; nil when it is not there as we have set it. fasthttp would take all cookies apart first.
func tokenIn(header []byte, name string) []byte {
	for len(header) > 0 {
		pair, rest, _ := bytes.Cut(header, semicolon)
		if len(pair) > len(name) && pair[len(name)] == '=' && string(pair[:len(name)]) == name {
			value := pair[len(name)+1:]
			if len(value) == 0 || stripped(value[0]) || stripped(value[len(value)-1]) {
				return nil
			}
			return value
		}
		header = bytes.TrimPrefix(rest, space)
	}
	return nil
}

// stripped reports whether fasthttp takes such bytes off the ends of a cookie's value.
func stripped(b byte) bool { return b <= ' ' || b == '"' }

var cookieName, semicolon, space = []byte("Cookie"), []byte(";"), []byte(" ")

// cookie returns a cookie, and remembers that one was used: what it vouches for must not come from another site.
func (c *call) cookie(name string) string {
	v := tokenIn(c.in.PeekCanonical(cookieName), name)
	if len(v) == 0 {
		v = c.in.Cookie(name)
	}
	if len(v) > 0 {
		c.cookies = true
	}
	return string(v)
}

// visitor returns the visitor of the request; ok is false when none was sent. One that is not ours is told as visitor-required.
func (s *Server) visitor(c *call) (v id.Visitor, ok bool, err error) {
	sealed := c.credential(visitorHeader, visitorCookie)
	if sealed == "" {
		return v, false, nil
	}
	if v, err = s.Waitroom.Visitor(sealed); err != nil {
		return v, false, err
	}
	return v, true, s.sameSite(c)
}

// place returns the place that the request shows for the room.
func (s *Server) place(c *call, room string) (p waitroom.Place, sealed string, err error) {
	sealed = c.credential(placeHeader, placeCookie+room)
	if sealed == "" {
		return p, "", problem.New("place-required", "no Usher-Place header and no cookie of this room")
	}
	if p, err = s.Waitroom.Place(sealed); err != nil {
		return p, "", err
	}
	if p.Room != room {
		return p, "", problem.New("place-invalid", "the place is in another room")
	}
	return p, sealed, s.sameSite(c)
}

// bearer returns the token of the Authorization header; ok is false when there is none.
func (c *call) bearer() (token string, ok bool, err error) {
	authorization := c.header("Authorization")
	if authorization == "" {
		return "", false, nil
	}
	kind, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(kind, "Bearer") || token == "" {
		return "", false, problem.New("pass-invalid", "Authorization is not a bearer token")
	}
	return token, true, nil
}

// pass returns the pass that the request shows for the room; ok is false when none was sent.
func (s *Server) pass(c *call, room string) (p pass.Claims, ok bool, err error) {
	token, ok, err := c.bearer()
	if err != nil {
		return p, false, err
	}
	if !ok {
		if token = c.cookie(passCookie + room); token == "" {
			return p, false, nil
		}
	}
	if p, err = s.Waitroom.Verify(token, room); err != nil {
		return p, false, err
	}
	return p, true, s.sameSite(c)
}

// passFor is pass of the room that guards an event, or of the one that the event came from, if its session began before.
func (s *Server) passFor(c *call, room waitroom.Room, e id.Event) (p pass.Claims, ok bool, err error) {
	p, ok, err = s.pass(c, room.Room)
	from, moved := room.Former[e]
	if !moved || ok && err == nil {
		return p, ok, err
	}
	if old, has, refused := s.pass(c, from.Room); has && refused == nil && old.IssuedAt.Before(from.Until) {
		return old, true, nil
	}
	return p, ok, err
}

// buyer returns who holds or books on an event, and the pass if he came with one. A room that is active wants a pass whose session
// still lives; a pass alone is enough. With issue, a visitor is drawn for an event that no room guards.
func (s *Server) buyer(c *call, e id.Event, issue bool) (o booking.Owner, p pass.Claims, err error) {
	room, known := s.Waitroom.RoomOf(e)
	if known {
		p, ok, err := s.passFor(c, room, e)
		switch {
		case ok && err == nil && room.Active:
			if err := s.Waitroom.CheckActive(c.context(), p); err != nil {
				return o, p, err
			}
			return booking.Owner{Visitor: p.Visitor, Session: booking.Session{Room: p.Room, JTI: p.JTI}}, p, nil
		case ok && err == nil:
			return booking.Owner{Visitor: p.Visitor}, pass.Claims{}, nil
		case room.Active && err != nil:
			return o, p, err
		case room.Active:
			return o, p, s.passRequired(room.Room)
		}
	}
	v, ok, err := s.visitor(c)
	if err == nil && !ok {
		if issue {
			v, err = s.newVisitor(c)
		} else {
			err = problem.New("visitor-required", "send the visitor who holds the tickets")
		}
	}
	return booking.Owner{Visitor: v}, p, err
}

// passRequired sends a caller to the room.
func (s *Server) passRequired(room string) *problem.Problem {
	return problem.New("pass-required", "join the room, and enter when called").With("room", room).With("join_url", s.joinURL(room))
}

// owner returns the visitor who owns holds or bookings on an event: of a valid pass, or else of the visitor credential, which counts
// also after the pass has run out. ok is false when neither was sent.
func (s *Server) owner(c *call, e id.Event) (v id.Visitor, ok bool, err error) {
	if room, known := s.Waitroom.RoomOf(e); known {
		p, ok, refused := s.passFor(c, room, e)
		if ok && refused == nil {
			return p.Visitor, true, nil
		}
		err = refused
	}
	v, ok, wrong := s.visitor(c)
	if ok || wrong != nil {
		return v, ok && wrong == nil, wrong
	}
	return v, false, err
}

// newVisitor draws a visitor and hands it over as cookie and header, at a bounded rate for each address.
func (s *Server) newVisitor(c *call) (id.Visitor, error) {
	if !c.in.IsGet() && !c.in.IsHead() { // a form on another site comes without cookies, and must not replace the visitor that this browser has
		if err := s.sameOrigin(c); err != nil {
			return id.Visitor{}, err
		}
	}
	if wait, ok := s.visitors.allow(s.address(c)); !ok {
		p := problem.New("too-many-requests", "too many new visitors from this address")
		p.RetryAfter = seconds(wait)
		return id.Visitor{}, p
	}
	v, sealed := s.Waitroom.NewVisitor()
	s.setCookie(c, visitorCookie, sealed)
	c.set(visitorHeader, sealed)
	return v, nil
}

func (s *Server) joinURL(room string) string { return s.PublicURL + "/rooms/" + room }
