package gateway

import (
	"bytes"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"usher/internal/id"
	"usher/waitroom"
)

// sealedRoom opens places as the real room does.
type sealedRoom struct {
	*fakeRoom
	sealer *waitroom.Sealer
}

func (r sealedRoom) Place(sealed string) (waitroom.Place, error) { return r.sealer.OpenPlace(sealed) }

// pollRequest is a poll as a browser sends it, and the server that answers it.
func pollRequest(b testing.TB) (*Server, []byte) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "secrets.json")
	if err := waitroom.EnsureSecrets(path); err != nil {
		b.Fatal(err)
	}
	sealer, err := waitroom.LoadSecrets(path)
	if err != nil {
		b.Fatal(err)
	}
	s := New(Config{}, Parts{Waitroom: sealedRoom{&fakeRoom{}, sealer}})
	place := sealer.SealPlace(waitroom.Place{Room: roomName, Run: "run1", Visitor: id.NewVisitor(), Number: 41, IssuedAt: noon})
	return s, []byte("GET /api/v1/rooms/final/place?shown=12 HTTP/1.1\r\nHost: usher.test\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n" + placeHeader + ": " + place + "\r\n\r\n")
}

// BenchmarkPollHandler is a poll from the bytes of the request to those of the answer, without the kernel. Compare it with
// BenchmarkBareHandler, which answers as many bytes and does nothing.
func BenchmarkPollHandler(b *testing.B) {
	s, request := pollRequest(b)
	serveMany(b, s.fasthttp(s.public), request)
}

// BenchmarkBareHandler is the least that a request costs with fasthttp.
func BenchmarkBareHandler(b *testing.B) {
	s, request := pollRequest(b)
	var body []byte
	answer := new(bytes.Buffer)
	if err := s.fasthttp(s.public).ServeConn(&replay{request: request, left: 1, out: answer}); err != nil && err != io.EOF {
		b.Fatal(err)
	}
	_, body, _ = bytes.Cut(answer.Bytes(), []byte("\r\n\r\n"))
	server := s.fasthttp(s.public)
	server.Handler = func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType(typeJSON)
		ctx.SetBody(body)
	}
	serveMany(b, server, request)
}

func serveMany(b *testing.B, server *fasthttp.Server, request []byte) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	if err := server.ServeConn(&replay{request: request, left: b.N, out: io.Discard}); err != nil && err != io.EOF {
		b.Fatal(err)
	}
}

// A poll allocates next to nothing: what is counted is the token as a string, and room and run out of it.
func TestAPollAllocatesNextToNothing(t *testing.T) {
	s, request := pollRequest(t)
	handle := s.handler(s.public)
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, nil)
	header := string(bytes.Split(bytes.Split(request, []byte(placeHeader+": "))[1], []byte("\r\n"))[0])
	allocated := testing.AllocsPerRun(1000, func() {
		ctx.Request.Header.SetRequestURI("/api/v1/rooms/final/place?shown=12")
		ctx.Request.Header.Set(placeHeader, header)
		ctx.Response.Reset()
		handle(&ctx)
		if ctx.Response.StatusCode() != 200 {
			t.Fatalf("%d %s", ctx.Response.StatusCode(), ctx.Response.Body())
		}
	})
	if allocated > 12 {
		t.Errorf("%.0f allocations a poll", allocated)
	}
	t.Logf("%.0f allocations a poll", allocated)
}

// replay is a connection on which one request comes many times.
type replay struct {
	request []byte
	left    int
	at      int
	out     io.Writer
}

func (c *replay) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.request[c.at:])
	if c.at += n; c.at == len(c.request) {
		c.at, c.left = 0, c.left-1
	}
	return n, nil
}
func (c *replay) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *replay) Close() error                     { return nil }
func (c *replay) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (c *replay) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (c *replay) SetDeadline(time.Time) error      { return nil }
func (c *replay) SetReadDeadline(time.Time) error  { return nil }
func (c *replay) SetWriteDeadline(time.Time) error { return nil }
