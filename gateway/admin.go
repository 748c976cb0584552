package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"usher/internal/problem"
	"usher/waitroom"
)

// requireAdmin lets a request through that carries the admin token. Health needs none.
func (s *Server) requireAdmin(c *call) error {
	if path := string(c.Path()); path == "/healthz" || path == "/readyz" {
		return nil
	}
	kind, token, _ := strings.Cut(string(c.Request.Header.Peek("Authorization")), " ")
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.AdminToken))
	if !strings.EqualFold(kind, "Bearer") || subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		p := problem.New("unauthorized", "send the admin token as a bearer token")
		p.Headers = map[string]string{"WWW-Authenticate": `Bearer realm="usher admin"`}
		return p
	}
	return nil
}

type adminRoomJSON struct {
	roomJSON
	Capacity          int      `json:"capacity"`
	MinCallsPerMinute float64  `json:"min_calls_per_minute"`
	SessionSeconds    int      `json:"session_seconds"`
	Renewable         bool     `json:"renewable"`
	SessionCapSeconds int      `json:"session_cap_seconds"`
	GraceSeconds      int      `json:"grace_seconds"`
	Paths             []string `json:"paths"`
	ActivateAbove     *int     `json:"activate_above"`
	Bypass            struct{} `json:"bypass"`
}

func adminRoomOf(r waitroom.Room) adminRoomJSON {
	return adminRoomJSON{
		roomJSON: roomOf(r), Capacity: r.Capacity, MinCallsPerMinute: r.MinCallsPerMinute, SessionSeconds: seconds(r.Session),
		Renewable: r.Renewable, SessionCapSeconds: seconds(r.SessionCap), GraceSeconds: seconds(r.Grace), Paths: []string{},
	}
}

func (s *Server) adminRooms(c *call) error {
	rooms := []adminRoomJSON{}
	for _, r := range s.Admin.Rooms() {
		rooms = append(rooms, adminRoomOf(r))
	}
	return c.answer(200, map[string]any{"rooms": rooms})
}

func (s *Server) adminRoom(c *call) error {
	r, err := s.Waitroom.Room(c.params[0])
	if err != nil {
		return err
	}
	return c.answer(200, adminRoomOf(r))
}

func (s *Server) adminStats(c *call) error {
	t, err := s.Admin.Stats(c.params[0])
	if err != nil {
		return err
	}
	return c.answer(200, map[string]any{
		"waiting": t.Waiting, "called": t.Called, "active": t.Active, "entered_total": t.Entered, "left_total": t.Left,
		"no_show_share": t.NoShowShare, "calls_per_minute": t.CallsPerMinute, "redis_ok": !t.Frozen,
	})
}

func (s *Server) adminOrder(order string) handle {
	return func(c *call) error {
		if err := c.none(); err != nil {
			return err
		}
		if err := s.Admin.Order(c, c.params[0], order); err != nil {
			return err
		}
		return s.adminRoom(c)
	}
}

func (s *Server) getMetrics(c *call) error {
	var b bytes.Buffer
	metrics.WritePrometheus(&b, true)
	c.Response.Header.SetContentType("text/plain; version=0.0.4; charset=utf-8")
	c.SetBody(b.Bytes())
	return nil
}

func (s *Server) getPprof(c *call) error {
	serve := http.HandlerFunc(pprof.Index)
	switch c.params[0] {
	case "profile":
		serve = pprof.Profile
	case "trace":
		serve = pprof.Trace
	case "cmdline":
		serve = pprof.Cmdline
	case "symbol":
		serve = pprof.Symbol
	}
	fasthttpadaptor.NewFastHTTPHandler(serve)(c.RequestCtx)
	return nil
}

func (s *Server) getHealth(c *call) error {
	return c.answer(200, map[string]string{"status": "ok"})
}

func (s *Server) getReady(c *call) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, ready := range []func() error{s.Waitroom.Ready, s.Desk.Ready, func() error { return s.Ready(ctx) }} {
		if err := ready(); err != nil {
			return problem.New("store-unavailable", err.Error())
		}
	}
	return c.answer(200, map[string]string{"status": "ready"})
}
