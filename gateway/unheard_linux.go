package gateway

import (
	"net"
	"syscall"
	"time"
)

const tcpUserTimeout = 18 // TCP_USER_TIMEOUT in <linux/tcp.h>, which package syscall does not have

// giveUp makes the kernel end a connection whose other end acknowledges nothing of what was sent for so long (RFC 5482). Otherwise it sends
// again for a quarter of an hour, and a phone that has left its network keeps a stream all that time.
func giveUp(c *net.TCPConn, after time.Duration) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // an error only means that the kernel decides
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(after.Milliseconds()))
	})
}
