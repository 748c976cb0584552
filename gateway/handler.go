package gateway

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"

	"usher/internal/id"
	"usher/internal/problem"
)

const callTime = 10 * time.Second // no call may take longer; each store is given less

var (
	panicsTotal    = metrics.NewCounter("usher_http_panics_total")
	malformedTotal = metrics.NewCounter("usher_http_malformed_total")
)

// call is one request on its way through the edge. It is reused: nothing of it may be kept after the handler has returned. fasthttp's own
// context looks like a context.Context but is reused too, so it is not embedded: stores get context().
type call struct {
	http    *fasthttp.RequestCtx
	in      *fasthttp.RequestHeader
	out     *fasthttp.ResponseHeader
	server  *Server
	route   *route
	params  [maxParams]string // the path's variable segments, in order
	cookies bool              // a credential came as a cookie: the request must come from this site
	ctx     context.Context
	cancel  context.CancelFunc
}

// context is what the call hands to stores: it ends with the call.
func (c *call) context() context.Context {
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithTimeout(c.server.base, callTime)
	}
	return c.ctx
}

var calls = sync.Pool{New: func() any { return &call{} }}

// newCall takes a call from the pool.
func newCall(s *Server, ctx *fasthttp.RequestCtx) *call {
	c, _ := calls.Get().(*call)
	*c = call{http: ctx, in: &ctx.Request.Header, out: &ctx.Response.Header, server: s}
	return c
}

// done ends the call's context and gives the call back.
func (c *call) done() {
	if c.cancel != nil {
		c.cancel()
	}
	*c = call{}
	calls.Put(c)
}

// handler answers every request, whatever happens in it.
func (s *Server) handler(r *router) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		stamp(&ctx.Response.Header)
		c := newCall(s, ctx)
		defer func() {
			if p := recover(); p != nil {
				panicsTotal.Inc()
				s.log.Error("panic in a handler", "panic", p, "path", string(ctx.Path()), "request_id", requestID(c.out))
				s.answerError(c, problem.New("internal", ""))
			}
			c.done()
		}()
		err := twoLengths(ctx)
		if err == nil {
			err = r.serve(c)
		}
		if err != nil {
			s.answerError(c, err)
		}
		if c.route != nil {
			c.route.count(ctx.Response.StatusCode())
		}
	}
}

// twoLengths refuses a request that tells its length twice, as chunks and as a number: a proxy in front of us may have believed the
// other one, and what follows would be somebody's next request (RFC 9112, 6.1). fasthttp has forgotten it by now: the raw header tells.
func twoLengths(ctx *fasthttp.RequestCtx) error {
	var number, chunks bool
	for raw := ctx.Request.Header.RawHeaders(); len(raw) > 0; {
		end := bytes.IndexByte(raw, '\n') + 1
		if end == 0 {
			end = len(raw)
		}
		if first := raw[0] | 0x20; first == 'c' || first == 't' {
			name, _, _ := bytes.Cut(raw[:end], colon)
			number = number || bytes.EqualFold(name, contentLength)
			chunks = chunks || bytes.EqualFold(name, transferEncoding)
		}
		raw = raw[end:]
	}
	if !number || !chunks {
		return nil
	}
	malformedTotal.Inc()
	ctx.SetConnectionClose()
	return problem.Invalid(problem.Field{Field: "Content-Length", Message: "given together with Transfer-Encoding"})
}

var colon, contentLength, transferEncoding = []byte(":"), []byte("Content-Length"), []byte("Transfer-Encoding")

// malformed answers what is not even a request.
func (s *Server) malformed(ctx *fasthttp.RequestCtx, err error) {
	malformedTotal.Inc()
	stamp(&ctx.Response.Header)
	var small *fasthttp.ErrSmallBuffer
	var p *problem.Problem
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		linger(ctx.Conn())
		p = problem.New("body-too-large", "more than 65536 bytes")
	case errors.As(err, &small):
		p = problem.Invalid(problem.Field{Field: "headers", Message: "more than 16384 bytes"})
	default:
		p = problem.Invalid(problem.Field{Field: "request", Message: "not a request of HTTP/1.1"})
	}
	c := newCall(s, ctx)
	defer c.done()
	s.answerError(c, p)
}

const (
	lingerBytes = 1 << 20
	lingerTime  = 2 * time.Second
	lingerPause = 50 * time.Millisecond // after which a client has said all
)

// linger reads on for a moment what a client still sends of a body that is too large. Closing with unread bytes resets the connection,
// and the client would see that instead of the answer.
func linger(conn net.Conn) {
	var buf [4096]byte
	end := time.Now().Add(lingerTime)
	for read := 0; read < lingerBytes && time.Now().Before(end); {
		if conn.SetReadDeadline(time.Now().Add(lingerPause)) != nil {
			return
		}
		n, err := conn.Read(buf[:])
		if err != nil {
			return
		}
		read += n
	}
}

// stamp sets what every answer carries. Request ids are ours alone: one that a client sends is not looked at.
func stamp(h *fasthttp.ResponseHeader) {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], requests.Add(1))
	var text [len(process) + 2*5]byte
	copy(text[:], process[:])
	hex.Encode(text[len(process):], number[3:])
	h.SetCanonical(requestIDName, text[:])
	h.SetCanonical(sniffName, nosniff)
}

// The headers of every poll, spelled as fasthttp sends them: to set one by a string costs its spelling each time.
var (
	requestIDName, sniffName  = []byte("Request-Id"), []byte("X-Content-Type-Options")
	cacheName, retryAfterName = []byte("Cache-Control"), []byte("Retry-After")
	nosniff, noStore          = []byte("nosniff"), []byte("no-store")
	privatelyValue            = []byte(privately)
)

// A request id is ten random characters of this process and a number: unique without a draw for each poll.
var (
	process  = func() (p [10]byte) { copy(p[:], id.NewKey().String()); return p }()
	requests atomic.Uint64
)

// requestID is what stamp has set.
func requestID(h *fasthttp.ResponseHeader) string { return string(h.Peek("Request-Id")) }
