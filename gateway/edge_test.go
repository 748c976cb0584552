package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
)

const testToken = "a-token-of-the-tests"

// edge is a server on fakes, reached over loopback. Its client follows no redirects and checks every answer against the API description.
type edge struct {
	*Server
	t             *testing.T
	room          *fakeRoom
	office        *fakeOffice
	desk          *fakeDesk
	keys          *fakeKeys
	catalog       *fakeCatalog
	maps          *fakeMap
	search        *fakeSearch
	box           *fakeBox
	hook          *fakeHook
	images        *fakeImages
	hooks         *fakeReceivers
	public, admin string // addresses
	client        *http.Client
	stop          func() // the server; the test's end does, too
}

func newEdge(t *testing.T, change ...func(*Config, *Parts)) *edge {
	t.Helper()
	e := &edge{
		t: t, room: &fakeRoom{active: true}, desk: &fakeDesk{}, catalog: newFakeCatalog(), search: &fakeSearch{}, maps: &fakeMap{}, box: &fakeBox{attempt: id.NewKey()}, hook: &fakeHook{signature: "good"}, images: &fakeImages{}, hooks: newFakeReceivers(),
		keys: &fakeKeys{request: map[[32]byte][32]byte{}, answers: map[[32]byte]*booking.StoredAnswer{}},
	}
	e.office = newFakeOffice(e.room)
	c := Config{AdminToken: testToken, PublicURL: "http://usher.test", VisitorRate: 1000, Limit: 8}
	p := Parts{Waitroom: e.room, Desk: e.desk, Idempotency: e.keys, Catalog: e.catalog, Sitemap: e.maps, Search: e.search, Admin: e.room, Office: e.office, Sandbox: e.box, Webhook: e.hook, Images: e.images, Receivers: e.hooks}
	for _, f := range change {
		f(&c, &p)
	}
	e.Server = New(c, p)
	public, admin := listen(t), listen(t)
	e.public, e.admin = public.Addr().String(), admin.Addr().String()
	wire.AdminAt(e.admin)
	wire.PublicAt(e.public)
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- e.Serve(ctx, public, admin) }()
	e.stop = stop
	e.client = &http.Client{
		Transport: wire, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("the server stopped with: %v", err)
		}
	})
	return e
}

// patience bounds what comes at once on a machine that has time.
const patience = time.Minute

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// slug is the problem that an answer names, or "".
func (r reply) slug() string {
	s, _ := r.body["type"].(string)
	return strings.TrimPrefix(s, "/problems/")
}

func (r reply) str(member string) string { s, _ := r.body[member].(string); return s }

// do sends a request to the public port; headers are names and values in turn.
func (e *edge) do(method, path, body string, headers ...string) reply {
	e.t.Helper()
	return e.send(e.public, method, path, body, headers...)
}

func (e *edge) send(address, method, path, body string, headers ...string) reply {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := e.client.Do(req)
	if err != nil {
		e.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatalf("%s %s: %v", method, path, err)
	}
	e.answered()
	return read(resp, text)
}

// answered makes what a handler has read of the fakes come before what the test does next. The race detector does not see that an answer
// has come over the wire when it was sent with writev; every handler counts its answer before that.
func (e *edge) answered() {
	for _, port := range []*router{e.Server.public, e.Server.admin} {
		for _, routes := range port.byLen {
			for _, r := range routes {
				for _, total := range r.total {
					total.Get()
				}
			}
		}
	}
	panicsTotal.Get()
}

// want sends a request and checks status and problem.
func (e *edge) want(status int, slug, method, path, body string, headers ...string) reply {
	e.t.Helper()
	r := e.do(method, path, body, headers...)
	if r.status != status || r.slug() != slug {
		e.t.Errorf("%s %.80s %.80s: %d %q, want %d %q: %.300s", method, path, body, r.status, r.slug(), status, slug, r.raw)
	}
	return r
}

// raw writes bytes to the public port and reads one answer.
func (e *edge) raw(request string) reply {
	e.t.Helper()
	conn, err := net.Dial("tcp", e.public)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		e.t.Logf("write: %v", err) // the server may answer and close before it has read all
	}
	method, rest, _ := strings.Cut(request, " ")
	target, _, _ := strings.Cut(rest, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		e.t.Fatalf("%.80q: %v", request, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatalf("%.80q: %v", request, err)
	}
	path, _, _ := strings.Cut(target, "?")
	wire.Note(method, path, resp, text)
	return read(resp, text)
}

func read(resp *http.Response, text []byte) reply {
	r := reply{status: resp.StatusCode, header: resp.Header, raw: string(text)}
	_ = json.Unmarshal(text, &r.body)
	return r
}

// visitor returns a visitor and the headers that name him.
func (e *edge) visitor() (id.Visitor, []string) {
	v, sealed := e.room.NewVisitor()
	return v, []string{visitorHeader, sealed}
}

// guest returns a visitor with a pass of the room.
func (e *edge) guest() (id.Visitor, []string) {
	v := id.NewVisitor()
	return v, []string{"Authorization", "Bearer " + passOf(roomName, v)}
}
