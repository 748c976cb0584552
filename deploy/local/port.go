package local

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

// portRange is where an engine's port is looked for: low is the first, high one past the last.
type portRange struct{ low, high int }

// enginePorts lie below the range that systems give to outgoing connections (Linux: from 32768), so that a port we remember is still
// free at the next start.
var enginePorts = portRange{20_000, 32_000}

// errBusy says that the port was free when we looked and taken when the engine came.
var errBusy = errors.New("port is busy")

// onFree calls start with the port kept in file, or with a random free one when there is none or it is busy, and keeps the
// one that worked. Between the look and the engine's own bind another process may be faster: then it tries others.
func (r portRange) onFree(file string, start func(port int) error) error {
	port := keptPort(file)
	for try := 0; ; try++ {
		if port == 0 || !isFree(port) {
			port = r.random()
		}
		err := start(port)
		if err == nil {
			return os.WriteFile(file, fmt.Appendln(nil, port), 0o600)
		}
		if !errors.Is(err, errBusy) || try == 4 {
			return err
		}
		port = 0
	}
}

func keptPort(file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || port < 1 || port > 65535 {
		return 0
	}
	return port
}

// random is a free port, or after many busy ones any.
func (r portRange) random() int {
	port := 0
	for range 100 {
		port = r.low + rand.IntN(r.high-r.low)
		if isFree(port) {
			break
		}
	}
	return port
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
