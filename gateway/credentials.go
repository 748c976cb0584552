package gateway

import (
	"net"
	"strings"

	"github.com/valyala/fasthttp"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/problem"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// caller is who asks: what the credentials of a request say. A header wins over a cookie.
type caller struct {
	cookies bool // a cookie was used: the request must come from this site
}

const (
	visitorCookie = "usher_visitor"
	placeCookie   = "usher_place_"
	passCookie    = "usher_pass_"
)

// credential returns a credential from its header or its cookie.
func (c *call) credential(header, cookie string) string {
	if v := c.Request.Header.Peek(header); len(v) > 0 {
		return string(v)
	}
	if v := c.Request.Header.Cookie(cookie); len(v) > 0 {
		c.caller.cookies = true
		return string(v)
	}
	return ""
}

// sameSite refuses a change that a cookie vouches for and another site has sent.
func (s *Server) sameSite(c *call) error {
	if !c.caller.cookies || c.IsGet() || c.IsHead() {
		return nil
	}
	switch site := string(c.Request.Header.Peek("Sec-Fetch-Site")); site {
	case "same-origin", "none":
		return nil
	case "":
	default:
		return problem.New("cross-site", "sent from another site")
	}
	origin := string(c.Request.Header.Peek("Origin"))
	if origin == "" {
		return nil // neither header: no browser that follows links to us
	}
	_, host, _ := strings.Cut(origin, "://")
	if host != string(c.Host()) {
		return problem.New("cross-site", "sent from another site")
	}
	return nil
}

// visitor returns the visitor of the request. ok is false when none was sent.
func (s *Server) visitor(c *call) (v id.Visitor, ok bool, err error) {
	sealed := c.credential("Usher-Visitor", visitorCookie)
	if sealed == "" {
		return v, false, nil
	}
	v, err = s.Waitroom.Visitor(sealed)
	if err != nil {
		return v, false, problem.New("visitor-required", "the visitor is not one of ours")
	}
	return v, true, s.sameSite(c)
}

// place returns the place that the request shows for the room.
func (s *Server) place(c *call, room string) (p waitroom.Place, sealed string, err error) {
	sealed = c.credential("Usher-Place", placeCookie+room)
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

// pass returns the pass that the request shows for the room; ok is false when none was sent.
func (s *Server) pass(c *call, room string) (p pass.Claims, ok bool, err error) {
	token := ""
	if auth := string(c.Request.Header.Peek("Authorization")); auth != "" {
		kind, rest, _ := strings.Cut(auth, " ")
		if !strings.EqualFold(kind, "Bearer") {
			return p, false, problem.New("pass-invalid", "Authorization is not a bearer token")
		}
		token = rest
	} else if v := c.Request.Header.Cookie(passCookie + room); len(v) > 0 {
		c.caller.cookies, token = true, string(v)
	}
	if token == "" {
		return p, false, nil
	}
	p, err = s.Waitroom.Verify(token, room)
	if err != nil {
		return p, false, err
	}
	return p, true, s.sameSite(c)
}

// buyer returns who holds or books on an event, and the pass if a room guards it. With issue, a visitor is drawn for an event that no
// room guards.
func (s *Server) buyer(c *call, e id.Event, issue bool) (o booking.Owner, p pass.Claims, err error) {
	room, guarded := s.Waitroom.RoomOf(e)
	if guarded && room.Active {
		p, ok, err := s.pass(c, room.Room)
		if err != nil {
			return o, p, err
		}
		if !ok {
			return o, p, problem.New("pass-required", "join the room and enter when called").With("room", room.Room).With("join_url", s.joinURL(room.Room))
		}
		if err := s.Waitroom.CheckActive(c, p); err != nil {
			return o, p, err
		}
		o = booking.Owner{Visitor: p.Visitor, Session: booking.Session{Room: p.Room, JTI: p.JTI}}
		return o, p, nil
	}
	v, ok, err := s.visitor(c)
	if err != nil {
		return o, p, err
	}
	if !ok {
		if !issue {
			return o, p, problem.New("visitor-required", "send the visitor who holds the tickets")
		}
		if v, err = s.newVisitor(c); err != nil {
			return o, p, err
		}
	}
	return booking.Owner{Visitor: v}, p, nil
}

// owner returns the visitor who owns holds or bookings: of a pass that is valid, or of the visitor credential.
func (s *Server) owner(c *call, e id.Event) (id.Visitor, error) {
	if room, guarded := s.Waitroom.RoomOf(e); guarded && room.Active {
		if p, ok, err := s.pass(c, room.Room); ok && err == nil {
			return p.Visitor, nil
		}
	}
	v, ok, err := s.visitor(c)
	if err == nil && !ok {
		err = problem.New("visitor-required", "send the visitor, or a valid pass")
	}
	return v, err
}

// newVisitor draws a visitor and hands it over as cookie and header, at a bounded rate for each address.
func (s *Server) newVisitor(c *call) (id.Visitor, error) {
	if !s.visitors.allow(s.address(c)) {
		return id.Visitor{}, problem.New("too-many-requests", "too many new visitors from this address")
	}
	v, sealed := s.Waitroom.NewVisitor()
	s.setCookie(c, visitorCookie, sealed)
	c.Response.Header.Set("Usher-Visitor", sealed)
	return v, nil
}

func (s *Server) setCookie(c *call, name, value string) {
	var k fasthttp.Cookie
	k.SetKey(name)
	k.SetValue(value)
	k.SetPath("/")
	k.SetHTTPOnly(true)
	k.SetSecure(s.SecureCookies)
	k.SetSameSite(fasthttp.CookieSameSiteLaxMode)
	k.SetMaxAge(7 * 24 * 3600)
	c.Response.Header.SetCookie(&k)
}

func (s *Server) joinURL(room string) string { return s.PublicURL + "/rooms/" + room }

// address is the client's address: the connection's, or, behind proxies that are trusted, the last one in X-Forwarded-For that is not theirs.
func (s *Server) address(c *call) string {
	ip := c.RemoteIP()
	if !s.trusted(ip) {
		return ip.String()
	}
	hops := strings.Split(string(c.Request.Header.Peek("X-Forwarded-For")), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := net.ParseIP(strings.TrimSpace(hops[i]))
		if hop == nil {
			break
		}
		if ip = hop; !s.trusted(ip) {
			break
		}
	}
	return ip.String()
}

func (s *Server) trusted(ip net.IP) bool {
	for _, n := range s.TrustedProxies {
		if n.Contains(ip) {
			return true
		}
	}
	return false
}
