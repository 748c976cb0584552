package contract

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"usher/gateway/openapi"
)

const room = `{"room":"r","name":"R","run":"x","method":"fifo","state":"open","active":true,"event_ids":["e1"],"waiting":3,"watermark":1,` +
	`"calls_per_minute":60,"pre_queue_opens_at":null,"opens_at":"2026-06-11T19:00:00Z","message":null,"updated_at":"2026-06-11T19:00:00Z"}`

const gone = `{"type":"/problems/room-not-found","title":"There is no such room","status":404,"detail":"none","instance":"/x","request_id":"xxccakjc6t0000000001"}`

func header(pairs ...string) http.Header {
	h := http.Header{"Request-Id": {"xxccakjc6t0000000001"}}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// answer is one answer; what is not said is that of a room that is there.
type answer struct {
	name         string
	method, path string
	status       int
	header       http.Header
	body         string
	want         string // part of the complaint; "" for none
}

func (a answer) check(t *testing.T, c *Checker) {
	t.Helper()
	if a.method == "" {
		a.method = "GET"
	}
	if a.path == "" {
		a.path = "/api/v1/rooms/r"
	}
	if a.status == 0 {
		a.status = 200
	}
	if a.header == nil {
		a.header = header("Content-Type", "application/json; charset=utf-8", "Cache-Control", "public, max-age=1")
	}
	err := c.Check(a.method, a.path, a.status, a.header, []byte(a.body))
	switch {
	case a.want == "" && err != nil:
		t.Errorf("%s: %v", a.name, err)
	case a.want != "" && (err == nil || !strings.Contains(err.Error(), a.want)):
		t.Errorf("%s: got %v, want a complaint about %q", a.name, err, a.want)
	}
}

func TestAnswersAreHeldToTheDocument(t *testing.T) {
	t.Parallel()
	c, err := New(openapi.Public)
	if err != nil {
		t.Fatal(err)
	}
	sick := header("Content-Type", typeProblem)
	allow := header("Content-Type", typeProblem, "Allow", "GET, HEAD")
	wrongMethod := strings.NewReplacer("room-not-found", "method-not-allowed", "404", "405").Replace(gone)
	for _, a := range []answer{
		{name: "as documented", body: room},
		{name: "a documented problem", status: 404, header: sick, body: gone},
		{name: "no body for HEAD", method: "HEAD"},
		{name: "nothing at an unknown path", path: "/nowhere", status: 404, header: sick, body: strings.ReplaceAll(gone, "room-not-found", "not-found")},
		{name: "a method that is not there", method: "PUT", status: 405, header: allow, body: wrongMethod},

		{name: "a member is missing", body: strings.Replace(room, `"waiting":3,`, "", 1), want: "waiting"},
		{name: "a member too many", body: strings.Replace(room, `{`, `{"extra":1,`, 1), want: "extra"},
		{name: "a member twice", body: strings.Replace(room, `{`, `{"room":"s",`, 1), want: "twice"},
		{name: "a wrong type", body: strings.Replace(room, `"waiting":3`, `"waiting":"3"`, 1), want: "/waiting"},
		{name: "a wrong word", body: strings.Replace(room, `"open"`, `"ajar"`, 1), want: "/state"},
		{name: "a wrong time", body: strings.Replace(room, `"2026-06-11T19:00:00Z"`, `"yesterday"`, 1), want: "date-time"},
		{name: "a null that may not be", body: strings.Replace(room, `"run":"x"`, `"run":null`, 1), want: "/run"},
		{name: "something after the value", body: room + "{}", want: "follows"},
		{name: "no JSON", body: "<html>", want: "body"},
		{name: "an undocumented status", status: 418, body: room, want: "not documented"},
		{name: "an undocumented path", path: "/nowhere", body: room, want: "no such operation"},
		{name: "an undocumented method", method: "PUT", body: room, want: "no such operation"},
		{name: "an undocumented problem", status: 404, header: sick, body: strings.ReplaceAll(gone, "room-", "event-"), want: "/type"},
		{name: "an unregistered problem", status: 404, header: sick, body: strings.ReplaceAll(gone, "room-", "cake-"), want: "not registered"},
		{name: "a problem of another status", status: 404, header: sick, body: strings.Replace(gone, "404", "403", 1), want: "says status 403"},
		{name: "a problem of another request", status: 404, header: header("Content-Type", typeProblem, "Request-Id", "xxccakjc6t0000000002"), body: gone, want: "request_id"},
		{name: "a problem without detail", status: 404, header: sick, body: strings.Replace(gone, `"none"`, `""`, 1), want: "without title or detail"},
		{name: "a problem with a member of nobody", status: 404, header: sick, body: strings.Replace(gone, `{`, `{"stack":"main.go:1",`, 1), want: "stack"},
		{name: "a wrong content type", header: header("Content-Type", "text/plain"), body: room, want: "text/plain"},
		{name: "no Request-Id", header: http.Header{"Content-Type": {"application/json"}}, body: room, want: "Request-Id"},
		{name: "no Allow", method: "PUT", status: 405, header: sick, body: wrongMethod, want: "Allow"},
		{name: "room-not-found at an unknown path", path: "/nowhere", status: 404, header: sick, body: gone, want: "on what has no operation"},
		{name: "not-found at a known path", method: "PUT", status: 404, header: sick, body: strings.ReplaceAll(gone, "room-not-found", "not-found"), want: "no such operation"},
		{name: "a body where none belongs", method: "POST", path: "/api/v1/rooms/r/leave", status: 204, body: "{}", want: "none belongs"},
		{name: "a 202 without Retry-After", method: "POST", path: "/api/v1/booking", status: 202, body: "{}", want: "Retry-After"},
	} {
		a.check(t, c)
	}
}

func TestTheTransportSeesEveryAnswer(t *testing.T) {
	t.Parallel()
	body := room
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Request-Id", "xxccakjc6t0000000001")
		w.Header().Set("Cache-Control", "public, max-age=1")
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	transport, err := NewTransport(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: transport}
	get := func() {
		resp, err := client.Get(server.URL + "/api/v1/rooms/r?x=1")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	get()
	if got := transport.Complaints(); len(got) > 0 {
		t.Errorf("complaints about a good answer: %v", got)
	}
	if n := transport.Answers()["GET /api/v1/rooms/{room} 200"]; n != 1 {
		t.Errorf("seen: %v", transport.Answers())
	}
	body = "{}"
	get()
	if got := transport.Complaints(); len(got) != 1 {
		t.Errorf("complaints about an empty room: %v", got)
	}
}
