package gateway

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"usher/catalog"
)

const (
	typeStream = "text/event-stream"
	heartbeat  = ":\n\n" // a comment: nobody is told

	// What may lie unread in the kernel for one stream. By default a client that reads nothing costs megabytes.
	streamSendBuffer, streamReceiveBuffer = 32 << 10, 4 << 10

	// A client that lost its connection comes back after a time of its own in this range, in ms: a gateway that stops has thousands.
	retryFrom, retryTo = 1000, 5000
)

// stream is an open connection to somebody who follows an event. It belongs to whoever has it from the hub: the hub's goroutine, or one of
// its own while it is behind.
type stream struct {
	conn    net.Conn
	hub     *hub
	address netip.Prefix
	mark    uint64
	stale   bool // it was told that what it has is old
}

// getStream tells the state of the seats and then every change, as server-sent events. The connection is taken from fasthttp, whose
// buffers and deadline are made for answers that end.
func (s *Server) getStream(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	if c.in.IsHead() {
		if _, err := s.Catalog.Seats(c.context(), e); err != nil {
			return err
		}
		c.set("Cache-Control", "no-store")
		c.set("X-Accel-Buffering", "no")
		c.body(200, typeStream, nil)
		return nil
	}
	address := network(s.address(c))
	if err := s.streams.room(address); err != nil {
		return err
	}
	h, err := s.streams.follow(c.context(), e)
	if err != nil {
		return err
	}
	head, seen := streamHead(requestID(c.out)), c.header("Last-Event-ID")
	c.http.HijackSetNoResponse(true)
	c.http.Hijack(func(conn net.Conn) {
		if inner, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
			conn = unwrapped(inner.UnsafeConn()) // without fasthttp's buffer of 16 KiB
		}
		h.serve(&stream{conn: conn, hub: h, address: address}, head, seen)
	})
	return nil
}

// serve writes the beginning of a stream and leaves it to the hub.
func (h *hub) serve(st *stream, head []byte, seen string) {
	if !h.streams.enter(st) {
		_ = st.conn.Close()
		return
	}
	if tcp, ok := st.conn.(*net.TCPConn); ok { // an error only means that the kernel decides
		_ = tcp.SetWriteBuffer(streamSendBuffer)
		_ = tcp.SetReadBuffer(streamReceiveBuffer)
		giveUp(tcp, streamUnheard)
	}
	var first catalog.Message
	first, st.mark = h.feed.Begin(seen)
	text := append(head, "retry: "...)
	text = strconv.AppendInt(text, int64(retryFrom+rand.IntN(retryTo-retryFrom)), 10)
	text = append(text, '\n')
	if len(first.Body) == 0 {
		text = append(text, '\n')
	}
	text = appendMessage(text, first)
	if version, age := h.feed.Stale(); age > 0 {
		text, st.stale = append(text, notice(version, age)...), true
	}
	h.deliver(st, text)
}

// put writes to a stream, for so long at most, and says how much of it was taken.
func (st *stream) put(text []byte, within time.Duration) (n int, err error) {
	if len(text) == 0 {
		return 0, nil
	}
	if err = st.conn.SetWriteDeadline(time.Now().Add(within)); err == nil {
		n, err = st.conn.Write(text)
	}
	streamBytes.Add(n)
	if err == nil {
		streamMessages.Inc()
	}
	return n, err
}

// streamHead is the head of the answer. It has no length: the body ends with the connection, which every client and proxy understands.
func streamHead(request string) []byte {
	b := append(make([]byte, 0, 512), "HTTP/1.1 200 OK\r\nDate: "...)
	b = fasthttp.AppendHTTPDate(b, time.Now())
	b = append(append(b, "\r\nRequest-Id: "...), request...)
	return append(b, "\r\nContent-Type: "+typeStream+"\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"+
		"X-Accel-Buffering: no\r\nConnection: close\r\n\r\n"...)
}

// appendMessage words a message as a server-sent event; nothing for an empty one.
func appendMessage(b []byte, m catalog.Message) []byte {
	kind := "seats"
	switch {
	case len(m.Body) == 0:
		return b
	case m.All:
		kind = "snapshot"
	}
	return appendEvent(b, m.Version, kind, m.Body)
}

// appendEvent words a server-sent event; data is one line.
func appendEvent(b []byte, version int64, kind string, data []byte) []byte {
	b = strconv.AppendInt(append(b, "id: "...), version, 10)
	b = append(append(b, "\nevent: "...), kind...)
	b = append(append(b, "\ndata: "...), data...)
	return append(b, "\n\n"...)
}

// notice tells that the seats could not be checked for so long, or, when age is zero, that they are checked again.
func notice(version int64, age time.Duration) []byte {
	b := strconv.AppendInt([]byte(`{"version":`), version, 10)
	if age == 0 {
		b = append(b, `,"degraded":null,"age":0}`...)
	} else {
		b = strconv.AppendInt(append(b, `,"degraded":"stale","age":`...), int64(seconds(age)), 10)
		b = append(b, '}')
	}
	return appendEvent(nil, version, "degraded", b)
}
