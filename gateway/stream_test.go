package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"usher/internal/id"
)

// told is one event of a stream.
type told struct {
	ID, Name string
	Version  int64
	Seats    string
	Changes  [][2]int
	Degraded *string
}

// listener is a client of a stream.
type listener struct {
	t      *testing.T
	resp   *http.Response
	lines  *bufio.Scanner
	retry  string
	cancel context.CancelFunc
}

// listen opens the stream of an event. Its client waits for as long as the test may take.
func (e *edge) listen(ev id.Event, headers ...string) *listener {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	e.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+e.public+api+"/events/"+ev.String()+"/stream", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Transport: wire}).Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = resp.Body.Close() })
	l := &listener{t: e.t, resp: resp, lines: bufio.NewScanner(resp.Body), cancel: cancel}
	l.lines.Buffer(nil, 1<<20)
	return l
}

// next returns the next event; false at the end of the stream. What comes between events is kept in comments.
func (l *listener) next() (ev told, ok bool) {
	l.t.Helper()
	for l.lines.Scan() {
		field, value, _ := strings.Cut(l.lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "id":
			ev.ID = value
		case "event":
			ev.Name = value
		case "retry":
			l.retry = value
		case "data":
			if err := json.Unmarshal([]byte(value), &ev); err != nil {
				l.t.Fatalf("%s: %v", value, err)
			}
		case "":
			if ev.Name != "" {
				return ev, true
			}
		}
	}
	return ev, false
}

// want reads the next event and compares it. A busy machine may come so late to a look that it says so: that is told in between, and not what this is about.
func (l *listener) want(name string, version int64, what string) {
	l.t.Helper()
	ev, ok := l.next()
	for ok && ev.Name == "degraded" {
		ev, ok = l.next()
	}
	got := ev.Seats
	if ev.Name == "seats" {
		got = fmt.Sprint(ev.Changes)
	}
	if !ok || ev.Name != name || ev.Version != version || ev.ID != fmt.Sprint(version) || got != what {
		l.t.Fatalf("got %v %+v, want %s %d %s", ok, ev, name, version, what)
	}
}

func TestAStreamTellsEveryChange(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	live := e.catalog.live
	l := e.listen(guarded)
	h := l.resp.Header
	if l.resp.StatusCode != 200 || h.Get("Content-Type") != typeStream || h.Get("Cache-Control") != "no-store" || h.Get("X-Accel-Buffering") != "no" ||
		h.Get("Access-Control-Allow-Origin") != "" || len(h.Get("Request-Id")) != 20 || !l.resp.Close {
		t.Errorf("%d %v", l.resp.StatusCode, h)
	}
	l.want("snapshot", 100, "0000000000000000")
	l.want("seats", live.book(3), "[[3 3]]")
	l.want("seats", live.change(func() { live.holds[5] = time.Now().Add(time.Hour) }), "[[5 1]]")
	l.want("seats", live.change(func() { delete(live.holds, 5) }), "[[5 0]]")
	version := live.change(func() { live.holds[6] = time.Now().Add(5 * time.Second) })
	l.want("seats", version, "[[6 1]]")
	l.want("seats", version, "[[6 0]]") // by itself
	var ms int
	if _, err := fmt.Sscan(l.retry, &ms); err != nil || ms < retryFrom || ms >= retryTo {
		t.Errorf("retry %q", l.retry)
	}
}

func TestAStreamGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	live := e.catalog.live
	l := e.listen(guarded)
	l.want("snapshot", 100, "0000000000000000")
	first := live.book(1)
	l.want("seats", first, "[[1 3]]")
	last := live.book(2, 4)
	l.want("seats", last, "[[2 3] [4 3]]")
	l.cancel()
	e.listen(guarded, "Last-Event-ID", fmt.Sprint(first)).want("seats", last, "[[2 3] [4 3]]")
	const everything = "0330300000000000"
	e.listen(guarded, "Last-Event-ID", fmt.Sprint(last-1000)).want("snapshot", last, everything)
	for _, hostile := range []string{"", "cake", "-1", "1e9", "99999999999999999999999", strings.Repeat("9", 8000), `"` + fmt.Sprint(first) + `"`, "00000101x"} {
		e.listen(guarded, "Last-Event-ID", hostile).want("snapshot", last, everything)
	}
	missed := e.listen(guarded, "Last-Event-ID", fmt.Sprint(last)) // nothing
	missed.want("seats", live.book(9), "[[9 3]]")
}

func TestAStreamSaysThatItIsStale(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	l := e.listen(guarded)
	l.want("snapshot", 100, "0000000000000000")
	e.catalog.live.mu.Lock()
	e.catalog.live.away = true
	e.catalog.live.mu.Unlock()
	if ev, ok := l.next(); !ok || ev.Name != "degraded" || ev.Degraded == nil || *ev.Degraded != "stale" || ev.Version != 100 {
		t.Fatalf("%+v", ev)
	}
	second := e.listen(guarded) // is told as well
	second.want("snapshot", 100, "0000000000000000")
	if ev, _ := second.next(); ev.Name != "degraded" || ev.Degraded == nil {
		t.Errorf("who comes later: %+v", ev)
	}
	e.catalog.live.mu.Lock()
	e.catalog.live.away = false
	e.catalog.live.mu.Unlock()
	for _, l := range []*listener{l, second} {
		if ev, ok := l.next(); !ok || ev.Name != "degraded" || ev.Degraded != nil {
			t.Errorf("%+v", ev)
		}
	}
}

func TestHeadOfAStreamOpensNone(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	r := e.do("HEAD", api+"/events/"+guarded.String()+"/stream", "")
	if r.status != 200 || r.header.Get("Content-Type") != typeStream || r.raw != "" {
		t.Errorf("%d %v %q", r.status, r.header, r.raw)
	}
	if s := e.streams; s.open != 0 || len(s.hubs) != 0 {
		t.Errorf("%d streams, %d hubs", s.open, len(s.hubs))
	}
	if r := e.do("HEAD", api+"/events/"+event(9).String()+"/stream", ""); r.status != 404 {
		t.Errorf("of no event: %d", r.status)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	path := api + "/events/" + guarded.String() + "/stream"
	for name, change := range map[string]func(*Config, *Parts){
		"of an address": func(c *Config, _ *Parts) { c.StreamsPerAddress = 2 },
		"in all":        func(c *Config, _ *Parts) { c.Streams = 2 },
	} {
		e := newEdge(t, change)
		first := e.listen(guarded)
		first.want("snapshot", 100, "0000000000000000")
		e.listen(unguarded).want("snapshot", 100, "0000000000000000")
		if r := e.want(503, "overloaded", "GET", path, ""); r.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
		first.cancel()
		e.streams.mu.Lock()
		for st := range e.streams.hubs[guarded].all { // what a heartbeat does when the client has gone
			e.streams.drop(st)
		}
		e.streams.mu.Unlock()
		e.listen(guarded).want("snapshot", 100, "0000000000000000")
	}
	e := newEdge(t, func(c *Config, _ *Parts) { c.Streams = 3 }) // the control: one more goes in where the bound is one more
	for range 3 {
		e.listen(guarded).want("snapshot", 100, "0000000000000000")
	}
}

// Two addresses do not count as one, and a network of IPv6 does.
func TestTheBoundIsThatOfTheAddress(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config, _ *Parts) { c.StreamsPerAddress, c.TrustedProxies = 1, loopback(t) })
	e.listen(guarded, "X-Forwarded-For", "192.0.2.1").want("snapshot", 100, "0000000000000000")
	e.listen(guarded, "X-Forwarded-For", "192.0.2.2").want("snapshot", 100, "0000000000000000")
	e.listen(guarded, "X-Forwarded-For", "2001:db8::1").want("snapshot", 100, "0000000000000000")
	for _, again := range []string{"192.0.2.1", "2001:db8::2"} {
		e.want(503, "overloaded", "GET", api+"/events/"+guarded.String()+"/stream", "", "X-Forwarded-For", again)
	}
}

// This test is alone, so that every goroutine it sees is of its own server.
func TestStreamsEndWithTheServer(t *testing.T) {
	e := newEdge(t)
	e.listen(guarded).want("snapshot", 100, "0000000000000000")
	l := e.listen(guarded)
	l.want("snapshot", 100, "0000000000000000")
	if !strings.Contains(stacks(t), "(*hub).run") { // the control
		t.Error("no hub runs")
	}
	e.stop()
	if ev, ok := l.next(); ok || l.lines.Err() != nil {
		t.Errorf("after the end: %+v, %v", ev, l.lines.Err())
	}
	s := e.streams
	s.close() // waits for the goroutines
	if s.open != 0 || len(s.hubs) != 0 || len(s.addresses) != 0 {
		t.Errorf("left are %d streams, %d hubs, %d addresses", s.open, len(s.hubs), len(s.addresses))
	}
	if all := stacks(t); strings.Contains(all, "gateway.(*hub)") {
		t.Errorf("a hub still runs:\n%s", all)
	}
	if err := s.room(network(netip.Addr{})); err == nil {
		t.Error("there is room for new streams")
	}
}

func stacks(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&b, 2); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// An event that nobody follows any more is forgotten, and one that has ceased to be closes its streams.
func TestHubsEnd(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config, _ *Parts) { c.streamLinger, c.streamBeat = time.Second, time.Millisecond })
	l := e.listen(guarded)
	l.want("snapshot", 100, "0000000000000000")
	e.streams.mu.Lock()
	h := e.streams.hubs[guarded]
	e.streams.mu.Unlock()
	l.cancel()
	<-h.stop // a heartbeat has found the client gone
	e.streams.mu.Lock()
	defer e.streams.mu.Unlock()
	if len(e.streams.hubs) != 0 || e.streams.open != 0 {
		t.Errorf("%d hubs and %d streams are left", len(e.streams.hubs), e.streams.open)
	}
}

func TestSilentStreamsBeat(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config, _ *Parts) { c.streamBeat = time.Millisecond })
	l := e.listen(guarded)
	l.want("snapshot", 100, "0000000000000000")
	for range 2 {
		if !l.lines.Scan() || l.lines.Text() != ":" || !l.lines.Scan() || l.lines.Text() != "" {
			t.Fatalf("got %q, want a comment", l.lines.Text())
		}
	}
}

func TestAnOldClientIsServedUntilTheConnectionEnds(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	conn := dial(t, e.public)
	if _, err := io.WriteString(conn, "GET "+api+"/events/"+guarded.String()+"/stream HTTP/1.0\r\nHost: usher.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() && lines.Text() != "event: snapshot" {
	}
	if lines.Text() != "event: snapshot" {
		t.Error("no snapshot")
	}
}
