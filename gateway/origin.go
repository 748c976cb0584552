package gateway

import (
	"net/netip"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"usher/internal/problem"
)

const cookieLasts = 7 * 24 * time.Hour

// setCookie hands a credential to a browser. Lax keeps it out of other sites' posts; sameSite is for browsers that do not know Lax.
func (s *Server) setCookie(c *call, name, value string) {
	var k fasthttp.Cookie
	k.SetKey(name)
	k.SetValue(value)
	k.SetPath("/")
	k.SetHTTPOnly(true)
	k.SetSecure(s.SecureCookies)
	k.SetSameSite(fasthttp.CookieSameSiteLaxMode)
	k.SetMaxAge(int(cookieLasts.Seconds()))
	c.out.SetCookie(&k)
}

// sameSite refuses a change that a cookie vouches for and another site has sent. Browsers say where a request comes from in
// Sec-Fetch-Site, older ones in Origin; who sends neither is no browser that follows links to us.
func (s *Server) sameSite(c *call) error {
	if !c.cookies || c.in.IsGet() || c.in.IsHead() {
		return nil
	}
	return s.sameOrigin(c)
}

// sameOrigin refuses a request that a browser has sent from another site.
func (s *Server) sameOrigin(c *call) error {
	foreign := false
	if site := c.header("Sec-Fetch-Site"); site != "" {
		foreign = site != "same-origin" && site != "none"
	} else if origin := c.header("Origin"); origin != "" {
		_, host, _ := strings.Cut(origin, "://")
		foreign = host != string(c.http.Host()) && origin != s.PublicURL
	}
	if foreign {
		return problem.New("cross-site", "sent from another site")
	}
	return nil
}

// address is the client's address: the connection's, or, behind proxies that are trusted, the last one in X-Forwarded-For that is not
// theirs.
func (s *Server) address(c *call) netip.Addr {
	ip, _ := netip.AddrFromSlice(c.http.RemoteIP())
	if ip = ip.Unmap(); !s.trusted(ip) {
		return ip
	}
	hops := strings.Split(c.header("X-Forwarded-For"), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if ip = hop.Unmap(); !s.trusted(ip) {
			break
		}
	}
	return ip
}

func (s *Server) trusted(ip netip.Addr) bool {
	for _, n := range s.TrustedProxies {
		if n.Contains(ip.AsSlice()) {
			return true
		}
	}
	return false
}
