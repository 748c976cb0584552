package gateway

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// frugalPair is a frugal connection and its other end.
func frugalPair(t *testing.T) (*frugalConn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	other, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := frugal(l).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Close(), other.Close() })
	f, ok := c.(*frugalConn)
	if !ok {
		t.Fatalf("a TCP connection is accepted as %T", c)
	}
	if err := f.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return f, other
}

func TestAFrugalConnectionReadsAheadAndKeepsNothing(t *testing.T) {
	t.Parallel()
	f, other := frugalPair(t)
	one, many := make([]byte, 1), make([]byte, 16<<10)
	for _, length := range []int{1, 2, 300, aheadSize, aheadSize + 1, 5000} {
		sent := bytes.Repeat([]byte("request "), length/8+1)[:length]
		arrived := make(chan error, 1)
		go func() { // after the reader waits, or before: both happen
			_, err := other.Write(sent)
			arrived <- err
		}()
		n, err := f.Read(one)
		got := append([]byte{}, one[:n]...)
		if err != nil || n != 1 {
			t.Fatalf("of %d bytes the first: %d, %v", length, n, err)
		}
		if err := <-arrived; err != nil {
			t.Fatal(err)
		}
		for len(got) < length {
			n, err := f.Read(many)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, many[:n]...)
		}
		if !bytes.Equal(got, sent) || f.ahead != nil {
			t.Errorf("of %d bytes %d arrived, and a buffer is kept: %v", length, len(got), f.ahead != nil)
		}
	}
}

func TestAFrugalConnectionEndsAsOthersDo(t *testing.T) {
	t.Parallel()
	one := make([]byte, 1)
	f, other := frugalPair(t)
	if err := f.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Read(one); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || f.ahead != nil {
		t.Errorf("nobody wrote until the deadline: %d, %v", n, err)
	}
	if err := f.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	if n, err := f.Read(one); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the other end has closed: %d, %v", n, err)
	}
	f, other = frugalPair(t)
	if err := other.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	if n, err := f.Read(one); n != 0 || err == nil {
		t.Errorf("the other end has broken off: %d, %v", n, err)
	}
	f, _ = frugalPair(t)
	_ = f.Close()
	if n, err := f.Read(one); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("it is closed: %d, %v", n, err)
	}
}

// Requests that come in pieces, together, and with more than is read ahead are answered one by one, on one connection.
func TestRequestsInPiecesAreReadOnFrugalConnections(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	conn, err := net.Dial("tcp", e.public)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	const head = "GET /api/v1/rooms/final HTTP/1.1\r\nHost: usher.test\r\n"
	plain := head + "\r\n"
	large := head + "X-Large: " + strings.Repeat("x", 5000) + "\r\n\r\n"
	pieces := []string{plain, plain[:1], plain[1:], plain[:40], plain[40:], plain + plain + plain, large, large + plain, plain + large[:3000], large[3000:]}
	for _, piece := range pieces {
		if _, err := io.WriteString(conn, piece); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // so that pieces mostly arrive as such; it is right either way
	}
	const want = 1 + 1 + 1 + 3 + 1 + 2 + 2
	var got bytes.Buffer
	buf := make([]byte, 16<<10)
	for strings.Count(got.String(), "HTTP/1.1 200 OK\r\n") < want {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("%v after\n%s", err, got.String())
		}
		got.Write(buf[:n])
	}
	if strings.Count(got.String(), "HTTP/1.1 ") != want {
		t.Errorf("%d requests were answered\n%s", want, got.String())
	}
}
