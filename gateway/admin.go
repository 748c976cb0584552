package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"math"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"usher/internal/problem"
	"usher/waitroom"
)

// requireAdmin lets a request through that carries the admin token, before it is told what exists. Health needs none.
func (s *Server) requireAdmin(c *call) error {
	if path, _, _ := bytes.Cut(c.in.RequestURI(), []byte("?")); string(path) == "/healthz" || string(path) == "/readyz" {
		return nil
	}
	kind, token, _ := strings.Cut(c.header("Authorization"), " ")
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(s.AdminToken)) // of one length, so that the time tells nothing
	same := subtle.ConstantTimeCompare(given[:], want[:]) == 1
	if !same || !strings.EqualFold(kind, "Bearer") || s.AdminToken == "" {
		p := problem.New("unauthorized", "send the admin token as a bearer token")
		p.Headers = map[string]string{"WWW-Authenticate": `Bearer realm="usher admin"`}
		return p
	}
	return nil
}

// adminRoomJSON is a room as its operator sees it: what everybody sees, and the rules.
type adminRoomJSON struct {
	roomJSON
	Capacity          int      `json:"capacity"`
	MinCallsPerMinute float64  `json:"min_calls_per_minute"`
	MaxCallsPerMinute float64  `json:"calls_per_minute"` // the limit, where the public room has the pace
	SessionSeconds    int      `json:"session_seconds"`
	Renewable         bool     `json:"renewable"`
	SessionCapSeconds int      `json:"session_cap_seconds"`
	GraceSeconds      int      `json:"grace_seconds"`
	PollFloorSeconds  float64  `json:"poll_floor_seconds"`
	PollCapSeconds    float64  `json:"poll_cap_seconds"`
	Paths             []string `json:"paths"`
	ActivateAbove     *int     `json:"activate_above"`
	Bypass            struct{} `json:"bypass"`
}

func adminRoomOf(r waitroom.Room) adminRoomJSON {
	return adminRoomJSON{
		roomJSON: roomOf(r), Capacity: r.Capacity, MinCallsPerMinute: r.MinCallsPerMinute, MaxCallsPerMinute: r.CallsPerMinute,
		SessionSeconds: seconds(r.Session), Renewable: r.Renewable, SessionCapSeconds: seconds(r.SessionCap), GraceSeconds: seconds(r.Grace),
		PollFloorSeconds: r.PollFloor.Seconds(), PollCapSeconds: r.PollCap.Seconds(), Paths: []string{},
	}
}

// adminRooms lists all rooms, from memory.
func (s *Server) adminRooms(c *call) error {
	body := struct {
		Rooms []adminRoomJSON `json:"rooms"`
	}{[]adminRoomJSON{}}
	for _, r := range s.Admin.Rooms() {
		body.Rooms = append(body.Rooms, adminRoomOf(r))
	}
	return c.answer(200, body)
}

// adminRoom shows one.
func (s *Server) adminRoom(c *call) error {
	r, err := s.Waitroom.Room(c.params[0])
	if err != nil {
		return err
	}
	return c.answerRoom(200, r)
}

// adminStats shows the figures of this moment. redis_ok is false while the line has not been heard of for some seconds.
func (s *Server) adminStats(c *call) error {
	t, err := s.Admin.Stats(c.params[0])
	if err != nil {
		return err
	}
	return c.answer(200, statsJSON{t.Waiting, t.Called, t.Active, t.Entered, t.Left, t.NoShowShare, t.CallsPerMinute, math.Round(t.PacePerMinute*10) / 10, !t.Frozen})
}

// statsJSON is what an operator watches during an on-sale.
type statsJSON struct {
	Waiting        int     `json:"waiting"`
	Called         int     `json:"called"`
	Active         int     `json:"active"`
	EnteredTotal   int64   `json:"entered_total"`
	LeftTotal      int64   `json:"left_total"`
	NoShowShare    float64 `json:"no_show_share"`
	CallsPerMinute float64 `json:"calls_per_minute"` // as measured
	PacePerMinute  float64 `json:"pace_per_minute"`  // as the door is set: between the room's least and most
	RedisOK        bool    `json:"redis_ok"`
}

// adminOrder carries out one order and answers with the room as it then is.
func (s *Server) adminOrder(order string) handle {
	return func(c *call) error {
		if err := c.none(); err != nil {
			return err
		}
		r, err := s.Office.Order(c.context(), s.by(c), c.params[0], order)
		if err != nil {
			return err
		}
		return c.answer(200, adminRoomOf(r))
	}
}

// getMetrics writes all metrics of this process, those of the Go runtime and the operating system among them.
func (s *Server) getMetrics(c *call) error {
	var b bytes.Buffer
	if err := s.Admin.WriteMetrics(&b); err != nil {
		return err
	}
	metrics.WritePrometheus(&b, true)
	c.body(200, "text/plain; version=0.0.4; charset=utf-8", b.Bytes())
	return nil
}

// pprofParameters are those of net/http/pprof.
var pprofParameters = []string{"debug", "seconds", "gc", "labels"}

// profiles are those that net/http/pprof serves by functions of their own; its index serves the rest.
var profiles = map[string]http.HandlerFunc{"cmdline": pprof.Cmdline, "profile": pprof.Profile, "symbol": pprof.Symbol, "trace": pprof.Trace}

// getPprof hands over to net/http/pprof, behind the token: a heap profile holds what fans have sent.
func (s *Server) getPprof(c *call) error {
	h, ok := profiles[c.params[0]]
	if !ok {
		h = pprof.Index
	}
	fasthttpadaptor.NewFastHTTPHandler(h)(c.http)
	return nil
}

// getHealth says that the process serves.
func (s *Server) getHealth(c *call) error { return c.answer(200, healthJSON{"ok"}) }

type healthJSON struct {
	Status string `json:"status"`
}

// getReady says whether a load balancer should send anybody here.
func (s *Server) getReady(c *call) error {
	ctx, cancel := context.WithTimeout(c.context(), 2*time.Second)
	defer cancel()
	ready := []func() error{s.Waitroom.Ready, s.Desk.Ready}
	if s.Parts.Ready != nil {
		ready = append(ready, func() error { return s.Parts.Ready(ctx) })
	}
	for _, ask := range ready {
		if err := ask(); err != nil {
			return problem.New("store-unavailable", err.Error())
		}
	}
	return c.answer(200, healthJSON{"ready"})
}
