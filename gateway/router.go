package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"usher/internal/problem"
)

const (
	maxSegments = 8 // of a path
	maxParams   = 2 // variable segments
)

// handle answers one request; what it returns becomes a problem.
type handle func(c *call) error

// route is one line of the table of contents.
type route struct {
	method  string
	path    string
	pattern []string // segments; "{name}" matches any that is not empty
	handle  handle
	query   []string                       // parameters that it knows, at most 32
	total   [maxClass + 1]*metrics.Counter // answers by class of status
}

const maxClass = 5 // of a status: 5xx

// router finds the route of a request. The patterns are few and fixed.
type router struct {
	server *Server
	name   string // for metrics
	byLen  [maxSegments + 1][]*route
	guard  func(*call) error // runs before anything else
}

// add appends a line to the table of contents. Literal paths stand before patterns that would fit them.
func (r *router) add(method, path string, h handle, query ...string) {
	t := &route{method: method, path: path, pattern: strings.Split(strings.TrimPrefix(path, "/"), "/"), handle: h, query: query}
	for class := range t.total {
		t.total[class] = metrics.GetOrCreateCounter(fmt.Sprintf(`usher_http_requests_total{port=%q,call=%q,status="%dxx"}`, r.name, method+" "+path, class))
	}
	r.byLen[len(t.pattern)] = append(r.byLen[len(t.pattern)], t)
}

// count counts an answer of this call by the class of its status.
func (t *route) count(status int) { t.total[min(status/100, maxClass)].Inc() }

// serve finds and runs the call of a request. HEAD is GET without its body.
func (r *router) serve(c *call) error {
	if r.guard != nil {
		if err := r.guard(c); err != nil {
			return err
		}
	}
	path, ok := cleanPath(c.in.RequestURI())
	if !ok {
		return problem.New("not-found", "the path is not one of ours")
	}
	var room [maxSegments]string
	segments, ok := split(path, room[:0])
	if !ok {
		return problem.New("not-found", "there is nothing at this path")
	}
	method := c.in.Method()
	if string(method) == "HEAD" {
		method = get
	}
	for _, t := range r.byLen[len(segments)] {
		if t.method == string(method) && t.matches(segments, c) {
			c.route = t
			return r.run(c)
		}
	}
	return r.refuse(c, segments)
}

var get = []byte("GET")

// run checks the parameters and runs the call, a POST at most once under its key.
func (r *router) run(c *call) error {
	if err := c.checkQuery(); err != nil {
		return err
	}
	if c.route.method == "POST" {
		return r.server.idempotent(c)
	}
	return c.route.handle(c)
}

// refuse says which methods a path knows, or that there is nothing.
func (r *router) refuse(c *call, segments []string) error {
	var allowed []string
	for _, t := range r.byLen[len(segments)] {
		if t.matches(segments, c) && !slices.Contains(allowed, t.method) {
			allowed = append(allowed, t.method)
		}
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

// matches reports whether the segments fit, and keeps the variable ones.
func (t *route) matches(segments []string, c *call) bool {
	n := 0
	for i, p := range t.pattern {
		switch {
		case p != "" && p[0] == '{' && segments[i] != "":
			c.params[n] = segments[i]
			n++
		case p != segments[i]:
			return false
		}
	}
	return true
}
