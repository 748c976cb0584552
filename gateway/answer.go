package gateway

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/internal/problem"
)

const (
	typeJSON    = "application/json; charset=utf-8"
	typeProblem = "application/problem+json"
	privately   = "private, no-store"
	briefly     = "public, max-age=1"
)

// header returns a header of the request as a string of its own: fasthttp reuses the bytes.
func (c *call) header(name string) string { return string(c.in.Peek(name)) }

// set sets a header of the answer.
func (c *call) set(name, value string) { c.out.Set(name, value) }

// answer writes a JSON answer. Unless the handler has said otherwise, nobody may store it.
func (c *call) answer(status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	c.body(status, typeJSON, text)
	return nil
}

// body writes an answer; text is not copied and must not change.
func (c *call) body(status int, kind string, text []byte) {
	if len(c.out.Peek("Cache-Control")) == 0 {
		c.set("Cache-Control", privately)
	}
	c.out.SetContentType(kind)
	c.out.SetStatusCode(status)
	c.http.Response.SetBodyRaw(text)
}

// empty writes an answer without a body.
func (c *call) empty(status int) error {
	if len(c.out.Peek("Cache-Control")) == 0 {
		c.set("Cache-Control", privately)
	}
	c.http.Response.ResetBody()
	c.out.SetStatusCode(status)
	return nil
}

// problemsTotal counts answers by problem. The registry bounds its labels.
func problemsTotal(slug string) *metrics.Counter {
	return metrics.GetOrCreateCounter(`usher_http_problems_total{slug="` + slug + `"}`)
}

// unsaid are the headers of an answer that did not come about.
var unsaid = []string{
	"ETag", "Age", "Content-Disposition", "Content-Encoding", "Content-Security-Policy", "Permissions-Policy", "Vary", "Usher-Degraded", "Location", "Link",
	"Retry-After", visitorHeader, passHeader,
}

// answerError writes an error as application/problem+json, or as a page where a person looks.
func (s *Server) answerError(c *call, err error) {
	p := s.problemOf(err)
	if p == nil {
		s.log.Error("a call failed", "method", string(c.in.Method()), "path", string(c.http.Path()), "err", err, "request_id", requestID(c.out))
		p = problem.New("internal", "")
	}
	problemsTotal(p.Slug).Inc()
	c.out.DelAllCookies()
	for _, name := range unsaid {
		c.out.Del(name)
	}
	if wait, wanted := retryAfter(p); wanted {
		c.set("Retry-After", strconv.Itoa(wait))
	}
	for name, v := range p.Headers {
		c.set(name, v)
	}
	c.set("Cache-Control", "no-store")
	if c.wantsPage() && c.problemAsPage(p) == nil {
		return
	}
	text, err := json.Marshal(problemBody(c, p))
	if err != nil {
		s.log.Error("a problem cannot be worded", "slug", p.Slug, "err", err)
	}
	c.body(p.Status, typeProblem, text)
}

// retryAfter is how many seconds the caller should wait; every 429 and 503 says so, and those 409 that pass by themselves.
func retryAfter(p *problem.Problem) (seconds int, wanted bool) {
	wanted = p.Status == 429 || p.Status == 503 || p.Slug == "room-full" || p.Slug == "not-called" || p.Slug == "hold-cool-down" || p.Slug == "request-in-progress"
	return max(p.RetryAfter, 1), wanted
}

// problemBody is the document of RFC 9457. Members of a kind stand beside the common ones, as the RFC has it.
func problemBody(c *call, p *problem.Problem) map[string]any {
	detail := p.Detail
	if detail == "" {
		detail = p.Advice
	}
	body := map[string]any{
		"type": "/problems/" + p.Slug, "title": p.Title, "status": p.Status, "detail": detail,
		"instance": instance(c.in.RequestURI()), "request_id": requestID(c.out),
	}
	for k, v := range p.Members {
		body[k] = v
	}
	if len(p.Errors) > 0 {
		body["errors"] = p.Errors
	}
	return body
}

// instance is the target of the request as a URI reference, without its query, whatever was sent.
func instance(target []byte) string {
	const maxInstance = 200
	b := make([]byte, 0, maxInstance)
	for i := 0; i < len(target) && len(b) < maxInstance-3; i++ {
		switch ch := target[i]; {
		case ch == '?':
			return string(b)
		case ch == '/' && i > 0 && target[i-1] == '/': // "//" begins another authority
			b = append(b, "%2F"...)
		case ch >= 'a' && ch <= 'z', ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9', ch == '/', ch == '-', ch == '.', ch == '_', ch == '~':
			b = append(b, ch)
		default:
			b = append(b, '%', upperHex[ch>>4], upperHex[ch&15])
		}
	}
	return string(b)
}

const upperHex = "0123456789ABCDEF"

// seconds rounds up: a caller who waits so long is never too early.
func seconds(d time.Duration) int { return max(1, int(math.Ceil(d.Seconds()))) }

// maybe is a time as JSON has it: null for none, and no digits that nobody needs.
func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = clock(t)
	return &t
}

// clock is a time as JSON has it: UTC, to the millisecond, which is as exact as Redis keeps it.
func clock(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// text is a string as JSON has it: null for none.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
