package gateway

import (
	"bytes"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"

	"usher/internal/problem"
)

// handle answers one request; what it returns becomes a problem.
type handle func(c *call) error

// call is one request on its way through the edge.
type call struct {
	*fasthttp.RequestCtx
	params [4]string // the path's variable segments, in order
	route  *route
	caller caller
}

// route is one line of the table of contents.
type route struct {
	method  string
	pattern []string // segments; "{name}" matches any
	handle  handle
	query   []string // parameters that it knows
	plain   bool     // no idempotency: reads
}

// router finds the route of a request. The patterns are few and fixed.
type router struct {
	server *Server
	byLen  map[int][]*route
	guard  func(*call) error // runs before every handler
}

func (r *router) add(method, path string, h handle, query ...string) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	r.byLen[len(segments)] = append(r.byLen[len(segments)], &route{method: method, pattern: segments, handle: h, query: query, plain: method != "POST"})
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

// serve finds and runs the handler. HEAD is GET without its body.
func (r *router) serve(ctx *fasthttp.RequestCtx) error {
	method := string(ctx.Method())
	if method == "HEAD" {
		method = "GET"
		ctx.Response.SkipBody = true
	}
	path, ok := cleanPath(ctx)
	if !ok {
		return problem.New("not-found", "the path is not one of ours")
	}
	c := call{RequestCtx: ctx}
	segments := strings.Split(path, "/")
	var allowed []string
	for _, route := range r.byLen[len(segments)] {
		if !route.matches(segments, &c) {
			continue
		}
		if route.method == method {
			c.route = route
			return r.run(&c)
		}
		allowed = append(allowed, route.method)
	}
	if len(allowed) == 0 {
		return problem.New("not-found", "there is nothing at this path")
	}
	if slices.Contains(allowed, "GET") {
		allowed = append(allowed, "HEAD")
	}
	slices.Sort(allowed)
	p := problem.New("method-not-allowed", "use "+strings.Join(allowed, ", "))
	p.Headers = map[string]string{"Allow": strings.Join(allowed, ", ")}
	return p
}

func (r *router) run(c *call) error {
	if err := c.checkQuery(); err != nil {
		return err
	}
	if r.guard != nil {
		if err := r.guard(c); err != nil {
			return err
		}
	}
	if c.route.plain {
		return c.route.handle(c)
	}
	return r.server.idempotent(c)
}

// matches reports whether the segments fit, and keeps the variable ones.
func (t *route) matches(segments []string, c *call) bool {
	n := 0
	for i, p := range t.pattern {
		if p[:min(1, len(p))] == "{" {
			if n < len(c.params) {
				c.params[n] = segments[i]
			}
			n++
		} else if p != segments[i] {
			return false
		}
	}
	return true
}

// cleanPath returns the path as it was sent, without its first slash. What a proxy and we could read in two ways is refused: encoded
// slashes and dots, backslashes, parameters, empty and dot segments, absolute forms.
func cleanPath(ctx *fasthttp.RequestCtx) (string, bool) {
	raw := ctx.Request.Header.RequestURI()
	if i := bytes.IndexByte(raw, '?'); i >= 0 {
		raw = raw[:i]
	}
	if len(raw) == 0 || raw[0] != '/' || len(raw) > 1024 || bytes.ContainsAny(raw, "%\\;#") {
		return "", false
	}
	path := string(raw[1:])
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." || segment == "" && path != "" {
			return "", false
		}
	}
	for i := range len(path) {
		if path[i] <= ' ' || path[i] >= 0x7f {
			return "", false
		}
	}
	return path, true
}

// checkQuery refuses parameters that the route does not know, and repeated ones.
func (c *call) checkQuery() error {
	args := c.QueryArgs()
	if args.Len() == 0 {
		return nil
	}
	var bad []problem.Field
	seen := map[string]bool{}
	for key := range args.All() {
		name := string(key)
		if len(bad) >= 10 {
			break
		}
		if !slices.Contains(c.route.query, name) {
			message := "not a parameter of this call"
			if len(c.route.query) > 0 {
				message += "; it knows " + strings.Join(c.route.query, ", ")
			}
			bad = append(bad, problem.Field{Field: clip(name), Message: message})
		} else if seen[name] {
			bad = append(bad, problem.Field{Field: name, Message: "given twice"})
		}
		seen[name] = true
	}
	if len(bad) > 0 {
		return problem.Invalid(bad...)
	}
	return nil
}

// clip keeps what is echoed to a caller short.
func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
