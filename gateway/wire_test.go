package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// A path that a proxy and we could read in two ways is none of ours, and what is not HTTP is told so in our own words.
func TestTricksWithTargets(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for _, target := range []string{
		"/api/v1/..%2f..%2fadmin", "/api/v1/%2e%2e/healthz", "/api/v1/../../healthz", "/./healthz", "//healthz", "/api//v1/visitors", "/healthz/.", "/healthz/..",
		"/healthz;x=1", "/public/..;/booking", "/healthz%00", "/healthz%20", "/heal%74hz", "/healthz%5c", `/\healthz`, "/healthz#x", "http://evil.test/healthz",
		"https://usher.test/healthz", "healthz", "*", "/\x80", "/healthz\x7f",
	} {
		r := e.raw("GET " + target + " HTTP/1.1\r\nHost: usher.test\r\nConnection: close\r\n\r\n")
		if r.status != 404 && r.status != 400 || r.slug() != "not-found" && r.slug() != "invalid-request" {
			t.Errorf("%q: %d %s", target, r.status, r.raw)
		}
	}
	if r := e.raw("GET /healthz HTTP/1.1\r\nHost: usher.test\r\nConnection: close\r\n\r\n"); r.status != 200 {
		t.Errorf("the plain path: %d %s", r.status, r.raw)
	}
}

func TestWhatIsNoRequestIsAnsweredAsAProblem(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	const host = "Host: usher.test\r\n"
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"noise", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 noise of TLS\r\n\r\n", 400},
		{"a header without colon", "GET /healthz HTTP/1.1\r\n" + host + "x\r\n\r\n", 400},
		{"two lengths", "POST /api/v1/booking HTTP/1.1\r\n" + host + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400},
		{"a length that is none", "POST /api/v1/booking HTTP/1.1\r\n" + host + "Content-Length: two\r\n\r\n{}", 400},
		{"length and chunks", "POST /api/v1/visitors HTTP/1.1\r\n" + host + "content-length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"length first of all", "POST /api/v1/visitors HTTP/1.1\r\nContent-Length: 2\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"a chunk that is none", "POST /api/v1/booking HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		{"headers of 20 KiB", "GET /healthz HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", 400},
		{"a body of 64 KiB and one", "POST /api/v1/booking HTTP/1.1\r\n" + host + fmt.Sprintf("Content-Length: %d\r\n\r\n", maxBody+1), 413},
		{"a chunk of 1 MiB", "POST /api/v1/booking HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + strings.Repeat("x", 70<<10), 413},
	} {
		r := e.raw(c.request)
		if r.status != c.status || r.slug() == "" || r.header.Get("Request-Id") == "" {
			t.Errorf("%s: %d %q %s", c.name, r.status, r.header, r.raw)
		}
	}
}

// A cookie jar of 12 KiB is more than fasthttp's default header limit and less than ours.
func TestBigCookiesPass(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.want(200, "", "GET", "/healthz", "", "Cookie", "a="+strings.Repeat("x", 12<<10))
}

func TestRequestIDsAreOursAndUnique(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	seen := map[string]bool{}
	for range 50 {
		r := e.do("GET", "/healthz", "", "Request-Id", "mine", "X-Request-Id", "mine")
		got := r.header.Get("Request-Id")
		if got == "mine" || len(got) != 20 || seen[got] {
			t.Errorf("Request-Id %q", got)
		}
		seen[got] = true
	}
}

func TestHeadIsGetWithoutItsBody(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for _, path := range []string{"/healthz", "/api/v1/rooms/final", "/openapi.json", "/api/v1/rooms/nothing"} {
		get, head := e.do("GET", path, ""), e.do("HEAD", path, "")
		if head.status != get.status || head.raw != "" || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d %q, GET %d", path, head.status, head.raw, get.status)
		}
	}
}

func TestAPanicIsAnInternalProblemAndTheServerGoesOn(t *testing.T) {
	t.Parallel()
	s := newEdge(t)
	s.room.active = false
	s.desk.panics = true
	before := panicsTotal.Get()
	path := api + "/events/" + unguarded.String() + "/ticket/" + unguarded.Ticket(1).String() + "/hold"
	if r := s.want(500, "internal", "POST", path, ""); strings.Contains(r.raw, "fault of ours") {
		t.Errorf("the panic is told: %s", r.raw)
	}
	if panicsTotal.Get() <= before {
		t.Error("the panic is not counted")
	}
	s.desk.panics = false
	s.want(201, "", "POST", path, "")
}

// A server that is told to end before it has begun ends, and closes its listeners.
func TestAServerThatIsStoppedAtOnceStops(t *testing.T) {
	t.Parallel()
	for range 50 {
		s := New(Config{}, Parts{})
		public, admin := listen(t), listen(t)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := s.Serve(ctx, public, admin); err != nil {
			t.Fatal(err)
		}
		if _, err := public.Accept(); err == nil {
			t.Fatal("the listener is open")
		}
	}
}
