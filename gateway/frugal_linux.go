package gateway

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
)

// frugalListener accepts connections that wait for a request without holding a buffer, and then read all of it at once. With ReduceMemoryUsage fasthttp waits
// with a buffer of one byte, which saves 11 KiB for each silent connection, but reads every request twice: a tenth of what a poll costs.
type frugalListener struct{ net.Listener }

// frugal makes the connections of a listener frugal.
func frugal(l net.Listener) net.Listener { return frugalListener{l} }

// Accept returns the next connection.
func (l frugalListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c, nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c, nil // it is closed already, as who reads from it will see
	}
	f := &frugalConn{TCPConn: tcp, raw: raw}
	f.look = f.take
	return f, nil
}

// aheadSize holds a request without a body as browsers send it: 300 to 1,500 bytes.
const aheadSize = 2 << 10

// aheads are buffers for what was read ahead; one is in use from the arrival of a request until fasthttp has read it.
var aheads = sync.Pool{New: func() any { return new([aheadSize]byte) }}

// frugalConn is a connection. One goroutine reads from it at a time, as from every connection of fasthttp.
type frugalConn struct {
	*net.TCPConn
	raw   syscall.RawConn
	look  func(fd uintptr) bool // take, made once
	ahead *[aheadSize]byte      // nil: nothing was read ahead
	rest  []byte                // of ahead: never empty while there is one
	err   error                 // of the latest take
}

// Read reads, and of a request whose first byte alone is asked for as much as there is.
func (f *frugalConn) Read(p []byte) (int, error) {
	if f.ahead == nil {
		if len(p) != 1 {
			return f.TCPConn.Read(p)
		}
		if err := f.raw.Read(f.look); err != nil {
			return 0, err
		}
		if f.err != nil {
			return 0, f.err
		}
	}
	n := copy(p, f.rest)
	if f.rest = f.rest[n:]; len(f.rest) == 0 {
		aheads.Put(f.ahead)
		f.ahead, f.rest = nil, nil
	}
	return n, nil
}

// take reads what there is; false when there is nothing yet.
func (f *frugalConn) take(fd uintptr) bool {
	buf, _ := aheads.Get().(*[aheadSize]byte)
	n, err := syscall.Read(int(fd), buf[:])
	for errors.Is(err, syscall.EINTR) {
		n, err = syscall.Read(int(fd), buf[:])
	}
	if n > 0 {
		f.ahead, f.rest, f.err = buf, buf[:n], nil
		return true
	}
	aheads.Put(buf)
	if f.err = err; err == nil {
		f.err = io.EOF
	}
	return !errors.Is(err, syscall.EAGAIN)
}

// unwrapped is the connection itself.
func unwrapped(c net.Conn) net.Conn {
	if f, ok := c.(*frugalConn); ok {
		return f.TCPConn
	}
	return c
}
