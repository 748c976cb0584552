// Package gateway is the edge: the only package that speaks HTTP. It checks who asks and what is asked, calls the waiting room,
// the desk, the catalog or search, and words the answer. Every byte from outside is hostile until checked.
//
// A request passes handler (request id, recover) → router (path, method, parameters) → idempotent (POST with a key) → the call's own
// function. What a function returns as an error becomes a problem in one table (errors.go).
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sync/errgroup"

	"usher/gateway/page"
	"usher/images"
)

// Config sets an edge up.
type Config struct {
	Addr, AdminAddr string
	AdminToken      string // empty: nobody may use the admin port
	Card            CardForm
	PublicURL       string        // how fans reach the public port, for join_url
	Site            images.Site   // where pictures are found
	SecureCookies   bool          // behind TLS
	TrustedProxies  []*net.IPNet  // whose X-Forwarded-For is believed
	VisitorRate     int           // new visitors a minute from one address
	Checkout        time.Duration // how long a reservation lasts, and how much an extension adds
	Limit           int           // tickets of one hold or booking

	Streams, StreamsPerAddress int // open at most; 0: 50,000 and 100

	streamLinger, streamBeat time.Duration // tests shorten them
	Log                      *slog.Logger  // nil: nothing is logged
}

// CardForm is Stripe's form on the checkout page.
type CardForm struct {
	Key    string // publishable; empty: no form
	Script string // the address of Stripe's script
}

// Parts are what the edge serves.
type Parts struct {
	Waitroom    Waitroom
	Desk        Desk
	Idempotency Idempotency
	Catalog     Catalog
	Sitemap     Sitemap
	Search      Searcher
	Admin       Admin
	Office      Office
	Receivers   Receivers
	Sandbox     Sandbox                     // nil: payments are never approved by hand
	Webhook     Webhook                     // nil: no provider tells anything
	Images      Images                      // nil: no picture is served here
	Ready       func(context.Context) error // beyond what the parts say themselves; may be nil
}

const (
	maxBody      = 64 << 10
	maxHeader    = 16 << 10
	concurrency  = 200_000          // connections of one port
	readTimeout  = 10 * time.Second // for a whole request: slow senders hold nothing for long
	writeTimeout = 40 * time.Second // a CPU profile takes 30 s
	idleTimeout  = 75 * time.Second // above the longest poll interval: a waiting fan keeps his connection
	stopWithin   = 8 * time.Second  // for requests under way
)

// Server is the public and the admin port. Make it with New; Run serves.
type Server struct {
	Config
	Parts
	log      *throttle
	visitors *rateLimit
	streams  *streams
	maps     *siteMaps
	turns    *turns
	policy   string        // of pages without styles or scripts of their own
	cards    string        // of the page with Stripe's card form
	pictures chan struct{} // has an entry for each picture that is on its way
	public   *router
	admin    *router
	base     context.Context // of all calls; ends when the server has stopped
	end      context.CancelFunc
}

// New returns a server.
func New(c Config, p Parts) *Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{Config: c, Parts: p, log: newThrottle(c.Log), visitors: newRateLimit(c.VisitorRate)}
	s.streams = newStreams(c, p, s.log)
	s.maps = newSiteMaps(p.Sitemap, c.PublicURL)
	s.turns = newTurns()
	s.cards = page.CardPolicy(c.Site.Origin(), c.Card.Script)
	s.policy, s.pictures = page.Policy(c.Site.Origin()), make(chan struct{}, maxOpenImages)
	s.base, s.end = context.WithCancel(context.Background())
	s.public, s.admin = s.routes(), s.adminRoutes()
	return s
}

// Run listens on both addresses and serves until ctx ends; then requests under way may finish. A server runs once.
func (s *Server) Run(ctx context.Context) error {
	public, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("public port: %w; choose another with --addr", err)
	}
	admin, err := net.Listen("tcp", s.AdminAddr)
	if err != nil {
		return errors.Join(fmt.Errorf("admin port: %w; choose another with --admin-addr", err), public.Close())
	}
	return s.Serve(ctx, public, admin)
}

// Serve is Run on listeners that exist; it closes them.
func (s *Server) Serve(ctx context.Context, public, admin net.Listener) error {
	defer s.end()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(ctx, s.fasthttp(s.public), public) })
	g.Go(func() error { return serve(ctx, s.fasthttp(s.admin), admin) })
	context.AfterFunc(ctx, s.streams.close) // at once: they would go on for ever
	defer s.streams.close()                 // and not before they are closed
	return g.Wait()
}

// serve serves one port until ctx ends, and then waits until what is under way has been answered, for stopWithin at most.
func serve(ctx context.Context, server *fasthttp.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(frugal(l)) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	// Serve returns before the last answers are out: Shutdown is what to wait for.
	if err := server.ShutdownWithContext(wait); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	_ = l.Close() // Shutdown does not know a listener that Serve has not got to yet, and Serve would wait at it for ever
	if err := <-failed; err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// fasthttp sets every limit that fasthttp leaves open: it has none by default.
func (s *Server) fasthttp(r *router) *fasthttp.Server {
	return &fasthttp.Server{
		Handler: s.handler(r), ErrorHandler: s.malformed, NoDefaultServerHeader: true, NoDefaultContentType: true,
		Concurrency: concurrency, MaxRequestBodySize: maxBody, ReadBufferSize: maxHeader, ReduceMemoryUsage: true,
		ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, CloseOnShutdown: true,
		Logger: silent{}, KeepHijackedConns: true, // streams close theirs
	}
}

// silent drops fasthttp's own lines about clients that misbehave: they are counted, not logged.
type silent struct{}

func (silent) Printf(string, ...any) {}
