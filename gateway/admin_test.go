package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"usher/waitroom"
)

func TestOperators(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	ask := func(status int, slug, method, path, body string) reply {
		t.Helper()
		r := e.send(e.admin, method, path, body, "Authorization", "bearer "+testToken)
		if r.status != status || r.slug() != slug {
			t.Errorf("%s %s: %d %s", method, path, r.status, r.raw)
		}
		return r
	}
	ask(200, "", "GET", "/admin/v1/rooms", "")
	if r := ask(200, "", "GET", "/admin/v1/rooms/final", ""); r.body["calls_per_minute"] != 600.0 || r.body["capacity"] != 100.0 {
		t.Errorf("room: %s", r.raw)
	}
	ask(200, "", "GET", "/admin/v1/rooms/final/stats", "")
	ask(404, "room-not-found", "GET", "/admin/v1/rooms/nothing", "")
	ask(404, "room-not-found", "GET", "/admin/v1/rooms/nothing/stats", "")
	for _, order := range []string{"open", "pause", "resume", "drain", "end"} {
		ask(200, "", "POST", "/admin/v1/rooms/final/"+order, "{}")
		ask(404, "room-not-found", "POST", "/admin/v1/rooms/nothing/"+order, "")
	}
	e.office.refuse = true
	for _, order := range []string{"open", "pause", "resume", "drain", "end"} {
		ask(409, "invalid-transition", "POST", "/admin/v1/rooms/final/"+order, "")
	}
	ask(404, "not-found", "POST", "/admin/v1/rooms/final/destroy", "")
	ask(405, "method-not-allowed", "DELETE", "/admin/v1/rooms/final", "")
	if r := ask(200, "", "GET", "/metrics", ""); !strings.Contains(r.raw, "usher_room_waiting_visitors{") || !strings.Contains(r.raw, "usher_http_requests_total{") || !strings.Contains(r.raw, "process_") {
		t.Errorf("metrics: %.300s", r.raw)
	}
	ask(200, "", "GET", "/debug/pprof/", "")
	ask(200, "", "GET", "/debug/pprof/goroutine?debug=1", "")
	ask(200, "", "GET", "/debug/pprof/cmdline", "")
	ask(200, "", "GET", "/openapi.json", "")
}

func TestTheAdminPortWantsItsToken(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for _, path := range []string{"/admin/v1/rooms", "/metrics", "/debug/pprof/", "/debug/pprof/heap", "/nowhere", "/healthz/", "/healthz/x", "/openapi.json"} {
		for _, header := range []string{"", "Bearer", "Bearer ", "Bearer " + testToken + "x", "Bearer " + testToken[1:], "Basic " + testToken, testToken} {
			if r := e.send(e.admin, "GET", path, "", "Authorization", header); r.status != 401 || r.slug() != "unauthorized" || r.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %q: %d %s", path, header, r.status, r.raw)
			}
		}
	}
	if r := e.send(e.admin, "POST", "/admin/v1/rooms/final/end", ""); r.status != 401 {
		t.Errorf("an order without token: %d", r.status)
	}
	if r := e.send(e.admin, "GET", "/healthz", ""); r.status != 200 {
		t.Errorf("healthz: %d", r.status)
	}
	open := newEdge(t, func(c *Config, _ *Parts) { c.AdminToken = "" })
	if r := open.send(open.admin, "GET", "/admin/v1/rooms", "", "Authorization", "Bearer "); r.status != 401 {
		t.Errorf("without a configured token everybody is an operator: %d", r.status)
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	var away error
	e := newEdge(t, func(_ *Config, p *Parts) { p.Ready = func(context.Context) error { return away } })
	ready := func(want int) {
		t.Helper()
		if r := e.send(e.admin, "GET", "/readyz", ""); r.status != want {
			t.Errorf("readyz: %d %s, want %d", r.status, r.raw, want)
		}
	}
	ready(200)
	away = errors.New("redis is away")
	ready(503)
	away = nil
	e.room.ready = func() error { return waitroom.ErrLineUnavailable }
	ready(503)
}

// Requests under way are answered before Serve returns, and nobody new is taken.
func TestStoppingWaitsForRequestsUnderWay(t *testing.T) {
	t.Parallel()
	room := &fakeRoom{}
	s := New(Config{}, Parts{Waitroom: room, Desk: &fakeDesk{}})
	entered, leave := make(chan struct{}), make(chan struct{})
	room.leave = func() error {
		close(entered)
		<-leave
		return nil
	}
	public, admin := listen(t), listen(t)
	e := &edge{t: t, public: public.Addr().String(), room: room}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Serve(ctx, public, admin) }()
	_, place := e.placed()
	answered := make(chan reply, 1)
	go func() {
		answered <- e.raw("POST /api/v1/rooms/final/leave HTTP/1.1\r\nHost: usher.test\r\n" + placeHeader + ": " + place[1] + "\r\n\r\n")
	}()
	<-entered
	stop()
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a request under way: %v", err)
	case <-time.After(300 * time.Millisecond): // long enough for a server that does not wait
	}
	close(leave)
	if r := <-answered; r.status != 204 {
		t.Errorf("the request under way got %d %s", r.status, r.raw)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestABusyPortNamesItsFlag(t *testing.T) {
	t.Parallel()
	busy := listen(t)
	defer func() { _ = busy.Close() }()
	for flag, c := range map[string]Config{
		"--addr": {Addr: busy.Addr().String(), AdminAddr: "127.0.0.1:0"}, "--admin-addr": {Addr: "127.0.0.1:0", AdminAddr: busy.Addr().String()},
	} {
		if err := New(c, Parts{}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), flag+" ") && !strings.HasSuffix(err.Error(), flag) {
			t.Errorf("want an error that names %s, got %v", flag, err)
		}
	}
}
