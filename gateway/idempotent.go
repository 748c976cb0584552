package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/netip"
	"strings"
	"time"

	"usher/booking"
	"usher/internal/problem"
)

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 255 // visible ASCII characters
	storeTime = 2 * time.Second
)

// replayed are the headers that belong to a stored answer. Cookies are kept as lines of one value.
var replayed = []string{"Content-Type", "Location", "Retry-After", visitorHeader, passHeader}

// idempotent runs a POST, and under an Idempotency-Key at most once: repeats get the first answer. The key's scope is the owner, the
// method and the path; another body under the same key is refused. 401, 429 and 5xx are not kept: they say nothing about the request.
func (s *Server) idempotent(c *call) error {
	key := c.header(keyHeader)
	if key == "" {
		return c.route.handle(c)
	}
	if err := checkKey(key); err != nil {
		return err
	}
	scope := sha256.Sum256([]byte(strings.Join([]string{s.whose(c), c.route.method, string(c.in.RequestURI()), key}, "\x00")))
	stored, err := s.Idempotency.Begin(c.context(), scope, sha256.Sum256(c.http.PostBody()))
	if err != nil {
		return err
	}
	if stored != nil {
		c.replay(stored)
		return nil
	}
	var keep *booking.StoredAnswer
	defer func() { // also after a panic: the key must not stay locked
		ctx, cancel := context.WithTimeout(s.base, storeTime)
		defer cancel()
		if err := s.Idempotency.Finish(ctx, scope, keep); err != nil {
			s.log.Warn("an answer is not kept under its idempotency key", "err", err)
		}
	}()
	if err := c.route.handle(c); err != nil {
		s.answerError(c, err)
	}
	page := len(c.out.Peek("Content-Security-Policy")) > 0 // a refusal on a page is made anew: nothing was done
	if status := c.out.StatusCode(); status < 500 && status != 401 && status != 429 && !page {
		keep = c.stored()
	}
	return nil
}

// checkKey refuses keys that could not be logged or compared without care.
func checkKey(key string) error {
	if len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return problem.Invalid(problem.Field{Field: keyHeader, Message: "want 1 to 255 visible ASCII characters"})
	}
	return nil
}

// stored is a copy of the answer for those who ask again.
func (c *call) stored() *booking.StoredAnswer {
	a := &booking.StoredAnswer{Status: c.out.StatusCode(), Headers: map[string]string{}, Body: bytes.Clone(c.http.Response.Body())}
	for _, name := range replayed {
		if v := c.out.Peek(name); len(v) > 0 {
			a.Headers[name] = string(v)
		}
	}
	var cookies []string
	for _, line := range c.out.Cookies() {
		cookies = append(cookies, string(line))
	}
	if len(cookies) > 0 {
		a.Headers["Set-Cookie"] = strings.Join(cookies, "\n")
	}
	return a
}

// replay answers with what was answered before. The request id is of this request, except in the body of a problem.
func (c *call) replay(a *booking.StoredAnswer) {
	for name, v := range a.Headers {
		if name != "Set-Cookie" {
			c.set(name, v)
			continue
		}
		for line := range strings.SplitSeq(v, "\n") {
			c.out.Add(name, line)
		}
	}
	c.set("Idempotent-Replayed", "true")
	c.set("Cache-Control", privately)
	c.out.SetStatusCode(a.Status)
	c.http.Response.SetBodyRaw(a.Body)
}

// whose names the owner for the scope of a key: the visitor of a pass, of the visitor credential or of a place. Who has no name yet is
// known by his address, so that a first call can be repeated; a key that is drawn at random is then all that tells two such callers
// apart, as the documentation says.
func (s *Server) whose(c *call) string {
	if token, ok, err := c.bearer(); ok && err == nil {
		if p, err := s.Waitroom.Verify(token, ""); err == nil {
			return p.Visitor.String()
		}
	}
	if v, ok, err := s.visitor(c); ok && err == nil {
		return v.String()
	}
	if sealed := c.header(placeHeader); sealed != "" {
		if p, err := s.Waitroom.Place(sealed); err == nil {
			return p.Visitor.String()
		}
	}
	if ip := s.address(c); ip != (netip.Addr{}) {
		return ip.String()
	}
	return "nobody"
}
