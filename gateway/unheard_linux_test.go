package gateway

import (
	"net"
	"syscall"
	"testing"
)

// A client that is there no more says nothing, and bytes for it lie in the kernel: only the kernel can find out.
func TestTheKernelGivesUpAStreamThatNobodyAcknowledges(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	l := e.listen(guarded)
	l.want("snapshot", 100, "0000000000000000")
	e.streams.mu.Lock()
	defer e.streams.mu.Unlock()
	for st := range e.streams.hubs[guarded].all {
		tcp, ok := st.conn.(*net.TCPConn)
		if !ok {
			t.Fatalf("the stream's connection is a %T", st.conn)
		}
		raw, err := tcp.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		err = raw.Control(func(fd uintptr) {
			ms, err := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout)
			if err != nil || int64(ms) != streamUnheard.Milliseconds() {
				t.Errorf("given up after %d ms, %v", ms, err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := len(e.streams.hubs[guarded].all); n != 1 {
		t.Errorf("%d streams", n)
	}
}
