package gateway

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/valyala/fasthttp"

	"usher/booking"
	"usher/internal/problem"
)

// replayed are the headers that belong to a stored answer.
var replayed = []string{"Content-Type", "Location", "Retry-After", "Usher-Visitor", "Usher-Pass"}

// idempotent runs a POST, and under an Idempotency-Key at most once: repeats get the first answer. The key's scope is the caller's
// credentials, the method and the path; another body under the same key is refused. 429 and 5xx are not kept.
func (s *Server) idempotent(c *call) error {
	key := string(c.Request.Header.Peek("Idempotency-Key"))
	if key == "" {
		return c.route.handle(c)
	}
	if err := checkKey(key); err != nil {
		return err
	}
	scope := sha256.Sum256([]byte(s.whose(c) + "\x00" + string(c.Method()) + "\x00" + string(c.Path()) + "\x00" + key))
	request := sha256.Sum256(c.PostBody())
	stored, err := s.Idempotency.Begin(c, scope, request)
	if err != nil {
		return err
	}
	if stored != nil {
		replay(c, stored)
		return nil
	}
	var keep *booking.StoredAnswer
	defer func() { // also after a panic: the key must not stay locked
		after, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := s.Idempotency.Finish(after, scope, keep); err != nil {
			s.Log.Warn("an answer is not kept under its idempotency key", "err", err)
		}
	}()
	if err := c.route.handle(c); err != nil {
		s.answerError(c.RequestCtx, err)
	}
	if status := c.Response.StatusCode(); status < 500 && status != 429 {
		keep = &booking.StoredAnswer{Status: status, Headers: map[string]string{}, Body: append([]byte(nil), c.Response.Body()...)}
		for _, name := range replayed {
			if v := c.Response.Header.Peek(name); len(v) > 0 {
				keep.Headers[name] = string(v)
			}
		}
	}
	return nil
}

func checkKey(key string) error {
	if len(key) > 255 {
		return problem.Invalid(problem.Field{Field: "Idempotency-Key", Message: "longer than 255 characters"})
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return problem.Invalid(problem.Field{Field: "Idempotency-Key", Message: "want visible ASCII characters"})
		}
	}
	return nil
}

func replay(c *call, stored *booking.StoredAnswer) {
	for name, v := range stored.Headers {
		c.Response.Header.Set(name, v)
	}
	c.Response.Header.Set("Idempotent-Replayed", "true")
	c.Response.Header.Set("Cache-Control", "private, no-store")
	c.SetStatusCode(stored.Status)
	c.SetBody(stored.Body)
}

// whose names the owner for the scope of a key: the visitor if there is one, else the credentials as they are.
func (s *Server) whose(c *call) string {
	if sealed := c.credential("Usher-Visitor", visitorCookie); sealed != "" {
		if v, err := s.Waitroom.Visitor(sealed); err == nil {
			return v.String()
		}
	}
	if auth := string(c.Request.Header.Peek(fasthttp.HeaderAuthorization)); len(auth) > 7 {
		if p, err := s.Waitroom.Verify(auth[7:], ""); err == nil {
			return p.Visitor.String()
		}
		return auth
	}
	if sealed := string(c.Request.Header.Peek("Usher-Place")); sealed != "" {
		if p, err := s.Waitroom.Place(sealed); err == nil {
			return p.Visitor.String()
		}
	}
	return s.address(c)
}
