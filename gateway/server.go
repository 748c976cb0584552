// Package gateway is the edge: the only package that speaks HTTP. It checks who asks and what is asked, calls the waiting room,
// the desk, the catalog or search, and words the answer. Every byte from outside is hostile until checked.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"usher/internal/id"
	"usher/internal/problem"
)

// Config sets an edge up.
type Config struct {
	Addr, AdminAddr string
	AdminToken      string
	PublicURL       string // for join_url
	SecureCookies   bool
	TrustedProxies  []*net.IPNet
	VisitorRate     int // new visitors a minute from one address
	Limit           int // tickets of one hold or booking
	Log             *slog.Logger
}

// Parts are what the edge serves.
type Parts struct {
	Waitroom    Waitroom
	Desk        Desk
	Idempotency Idempotency
	Catalog     Catalog
	Search      Searcher
	Admin       Admin
	Sandbox     Sandbox
	Ready       func(context.Context) error // beyond what the parts say themselves
}

const (
	maxBody     = 64 << 10
	maxHeader   = 16 << 10
	concurrency = 200_000 // connections
	stopWithin  = 8 * time.Second
)

var (
	requestsTotal = metrics.NewCounter("usher_http_requests_total")
	panicsTotal   = metrics.NewCounter("usher_http_panics_total")
	problemsTotal = func(slug string) { metrics.GetOrCreateCounter(`usher_http_problems_total{slug="` + slug + `"}`).Inc() }
)

// Server is the public and the admin port. Make it with New; Run serves.
type Server struct {
	Config
	Parts
	visitors *rateLimit
	public   *router
	admin    *router
}

// New returns a server.
func New(c Config, p Parts) *Server {
	s := &Server{Config: c, Parts: p, visitors: newRateLimit(c.VisitorRate)}
	s.public, s.admin = s.routes(), s.adminRoutes()
	return s
}

// Run serves both ports until ctx ends, then lets requests under way finish.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.serve(ctx, "addr", s.Addr, s.public) })
	g.Go(func() error { return s.serve(ctx, "admin-addr", s.AdminAddr, s.admin) })
	return g.Wait()
}

func (s *Server) serve(ctx context.Context, flag, addr string, r *router) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("--%s: %w; choose another with --%s", flag, err, flag)
	}
	server := s.fasthttp(r)
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		wait, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		stopped <- server.ShutdownWithContext(wait) // Serve returns before the last answers are out: wait for this
	}()
	if err := server.Serve(l); err != nil {
		return err
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (s *Server) fasthttp(r *router) *fasthttp.Server {
	return &fasthttp.Server{
		Handler: s.handler(r), ErrorHandler: s.malformed, Name: "usher", NoDefaultContentType: true,
		Concurrency: concurrency, MaxRequestBodySize: maxBody, ReadBufferSize: maxHeader, ReduceMemoryUsage: true,
		ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second, IdleTimeout: 75 * time.Second, CloseOnShutdown: true,
		Logger: silent{},
	}
}

// silent drops fasthttp's own lines about clients that misbehave: they are counted, not logged.
type silent struct{}

func (silent) Printf(string, ...any) {}

// handler answers every request, whatever happens in it.
func (s *Server) handler(r *router) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		requestsTotal.Inc()
		requestID := id.NewKey().String()
		ctx.Response.Header.Set("Request-Id", requestID)
		ctx.Response.Header.Set("X-Content-Type-Options", "nosniff")
		defer func() {
			if p := recover(); p != nil {
				panicsTotal.Inc()
				s.Log.Error("panic in a handler", "panic", p, "path", string(ctx.Path()), "request_id", requestID)
				s.answerError(ctx, problem.New("internal", ""))
			}
		}()
		if err := r.serve(ctx); err != nil {
			s.answerError(ctx, err)
		}
	}
}

// malformed answers what is not even a request.
func (s *Server) malformed(ctx *fasthttp.RequestCtx, err error) {
	ctx.Response.Header.Set("Request-Id", id.NewKey().String())
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		s.answerError(ctx, problem.New("body-too-large", "more than 65536 bytes"))
	case errors.As(err, &small):
		s.answerError(ctx, problem.Invalid(problem.Field{Field: "headers", Message: "more than 16384 bytes"}))
	default:
		s.answerError(ctx, problem.Invalid(problem.Field{Field: "request", Message: "not HTTP/1.1 as it should be"}))
	}
	ctx.Response.SetConnectionClose()
}
