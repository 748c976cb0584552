package million

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"usher/deploy/local"
	"usher/internal/testenv"
)

const (
	adminToken = "million-admin-token"
	room       = "final"

	bareVariable     = "USHER_MILLION_BARE"      // makes the test program a bare server: limitedBare or plainBare
	bareSizeVariable = "USHER_MILLION_BARE_SIZE" // of its answers, in bytes
	limitedBare      = "limited"                 // with the limits of time and memory that the gateway sets
	plainBare        = "plain"                   // as fasthttp comes

	bareHead = 144 // bytes of a bare answer before its body, at most
)

// system is one gateway with its stores.
type system struct {
	public, admin string // host:port, URL
	pid           int
	redis         *testenv.OwnRedis
	redisPid      int
}

// start starts a gateway process whose room lets its visitors ask every few seconds, at most as seldom as pollCap says.
func start(t testing.TB, pollCap time.Duration) *system {
	t.Helper()
	binary, err := buildBinary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rooms := filepath.Join(dir, "rooms.json")
	rules := fmt.Sprintf(`{"rooms": [{"room": %q, "method": "fifo", "capacity": 1000, "calls_per_minute": 1000, "poll_floor_seconds": %g, "poll_cap_seconds": %g}]}`,
		room, min(2, pollCap.Seconds()), pollCap.Seconds())
	if err := os.WriteFile(rooms, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &system{redis: testenv.FreshRedis(t)}
	env := append(os.Environ(), "USHER_POSTGRES="+testenv.Postgres(t, nil), "USHER_REDIS="+s.redis.Addr, "USHER_KAFKA="+testenv.FreshKafka(t),
		"USHER_ADMIN_TOKEN="+adminToken, "USHER_SECRET_FILE="+filepath.Join(dir, "secrets.json"), "USHER_PASS_KEYS_FILE="+filepath.Join(dir, "pass.json"),
		"USHER_LOG_LEVEL=warn", "USHER_VISITOR_RATE=1000000", "USHER_ROOMS_FILE="+rooms)
	migrate := exec.CommandContext(t.Context(), binary, "migrate")
	migrate.Env = env
	if out, err := migrate.CombinedOutput(); err != nil {
		t.Fatalf("usher migrate: %v\n%s", err, out)
	}
	s.public = freeAddress(t)
	adminAddress := freeAddress(t)
	s.admin = "http://" + adminAddress
	s.pid = run(t, append(env, "USHER_ADDR="+s.public, "USHER_ADMIN_ADDR="+adminAddress), binary, "gateway")
	within(t, "the gateway is ready", func() bool {
		answer, err := http.Get(s.admin + "/readyz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	s.redisPid = int(s.info(t).number("process_id"))
	return s
}

func (s *system) info(t testing.TB) redisInfo {
	t.Helper()
	i, err := info(s.redis.Addr)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (s *system) metrics(t testing.TB) counters {
	t.Helper()
	text, err := admin(s.admin, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return counters(text)
}

// memory is what the gateway has, in bytes: of the kernel, and on the heap after a collection.
func (s *system) memory(t testing.TB) (rss, heap int64) {
	t.Helper()
	if _, err := admin(s.admin, "/debug/pprof/heap?gc=1"); err != nil {
		t.Fatal(err)
	}
	rss, err := resident(s.pid)
	if err != nil {
		t.Fatal(err)
	}
	return rss, int64(s.metrics(t).number("go_memstats_heap_alloc_bytes"))
}

// startBare starts a server that answers everything with as many bytes as a poll is answered with, and does nothing else.
func startBare(t testing.TB, kind string, size int) (address string, pid int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address = freeAddress(t)
	pid = run(t, append(os.Environ(), bareVariable+"="+kind+" "+address, bareSizeVariable+"="+strconv.Itoa(size)), program, "-test.run=^$")
	within(t, "the bare server answers", func() bool {
		w, err := dial(address, 0)
		if err != nil {
			return false
		}
		defer w.close()
		_, err = w.ask("GET", "/")
		if err == nil && w.size != size {
			t.Fatalf("a bare answer has %d bytes, not %d", w.size, size)
		}
		return err == nil
	})
	return address, pid
}

// beBare is the bare server. kind is how, and where.
func beBare(kind, size string) error {
	kind, address, _ := strings.Cut(kind, " ")
	n, err := strconv.Atoi(size)
	if err != nil || n < bareHead {
		return fmt.Errorf("answers of %q bytes: want %d or more", size, bareHead)
	}
	body := make([]byte, n)
	for i := range body {
		body[i] = 'x'
	}
	const contentType = "application/json; charset=utf-8"
	// what the server writes before the body: fasthttp's own fields, of fixed lengths but for that of the body, which has three or four digits
	head := len("HTTP/1.1 200 OK\r\nServer: fasthttp\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Type: "+contentType+"\r\nContent-Length: \r\n\r\n") + 3
	if body = body[:n-head]; len(body) >= 1000 {
		body = body[:len(body)-1]
	}
	server := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType(contentType)
		ctx.SetBody(body)
	}}
	if kind == limitedBare {
		server.ReadBufferSize, server.MaxRequestBodySize, server.Concurrency, server.ReduceMemoryUsage = 16<<10, 64<<10, 200_000, true
		server.ReadTimeout, server.WriteTimeout, server.IdleTimeout = 10*time.Second, 40*time.Second, 75*time.Second
	}
	return server.ListenAndServe(address)
}

// run starts a program that ends with the test, and returns its process id.
func run(t testing.TB, env []string, program string, args ...string) int {
	t.Helper()
	p, err := local.Start(local.Command{
		Name: filepath.Base(program), Path: program, Args: args, Env: env, Out: os.Stderr, PidFile: filepath.Join(t.TempDir(), "pid"), StopSignal: syscall.SIGTERM,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return p.Pid()
}

// within waits until something is so.
func within(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute it is not so that %s", what)
		}
	}
}

// freeAddress is free, and below the ports that the kernel gives to outgoing connections.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(10_000))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no port is free between 10000 and 20000")
	return ""
}

var buildDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "usher-million-") })

// buildBinary compiles the binary once a test process.
var buildBinary = sync.OnceValues(func() (string, error) {
	dir, err := buildDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "usher")
	if out, err := exec.Command("go", "build", "-o", path, "usher").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func removeBinary() error {
	dir, err := buildDir()
	return errors.Join(err, os.RemoveAll(dir))
}
