package contract

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"usher/gateway/openapi"
)

func TestEventsOfAStreamAreHeldToTheDocument(t *testing.T) {
	t.Parallel()
	c, err := New(openapi.Public)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []struct{ text, want string }{
		{"id: 3\nevent: seats\ndata: {\"version\":3,\"changes\":[[0,1]]}", ""},
		{"retry: 1000\nid: 3\nevent: degraded\ndata: {\"version\":3,\"degraded\":null,\"age\":0}", ""},
		{":", ""},
		{"retry: 1000", ""},
		{"retry: soon", "retry"},
		{"id: 4\nevent: seats\ndata: {\"version\":3,\"changes\":[[0,1]]}", "not the version"},
		{"event: seats\ndata: {\"version\":3,\"changes\":[[0,1]]}", "not the version"},
		{"id: 3\nevent: seats\ndata: {\"version\":3,\"changes\":[]}", "changes"},
		{"id: 3\nevent: seats\ndata: {\"version\":3,\"changes\":[[0,5]]}", "changes"},
		{"id: 3\nevent: seats\ndata: {\"version\":3,\"changes\":[[0,1]],\"more\":1}", "more"},
		{"id: 3\nevent: party\ndata: {\"version\":3}", "not documented"},
		{"id: 3\nevent: seats\ndata: {\ndata: }", "two lines"},
		{"mood: good", "field"},
	} {
		err := c.Event("GET", "/api/v1/events/e1/stream", []byte(e.text))
		if e.want == "" && err != nil || e.want != "" && (err == nil || !strings.Contains(err.Error(), e.want)) {
			t.Errorf("%q: got %v, want a complaint about %q", e.text, err, e.want)
		}
	}
	if c.Event("GET", "/api/v1/rooms/r", []byte(":")) != nil || c.Event("GET", "/nowhere", []byte(":")) == nil {
		t.Error("a comment belongs where there is an operation")
	}
}

// A stream has no end that the transport could wait for: its events are checked when they come.
func TestTheTransportChecksAStreamWhileItIsRead(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range map[string]string{"Request-Id": "xxccakjc6t0000000001", "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"} {
			w.Header().Set(k, v)
		}
		for text := range next {
			_, _ = io.WriteString(w, text)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	defer server.Close()
	transport, err := NewTransport(nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { next <- ": hello\n\n" }()
	resp, err := (&http.Client{Transport: transport}).Get(server.URL + "/api/v1/events/e1/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if transport.Answers()["GET /api/v1/events/{event_id}/stream 200"] != 1 || len(transport.Complaints()) != 0 {
		t.Errorf("before its end: %v, %v", transport.Answers(), transport.Complaints())
	}
	next <- "id: 3\nevent: seats\ndata: {\"vers"
	next <- "ion\":3,\"changes\":[[0,9]]}\n\n"
	close(next)
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	if got := transport.Complaints(); len(got) != 1 || !strings.Contains(got[0], "seats") {
		t.Errorf("complaints: %q", got)
	}
}
