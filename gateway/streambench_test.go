package gateway

import (
	"bufio"
	"context"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"usher/booking"
)

// crowd opens n streams of an event, each of which reports when it has seen a change. The addresses are those of as many fans.
func crowd(b *testing.B, address string, n int, seen chan<- time.Time) {
	b.Helper()
	request := "GET " + api + "/events/" + guarded.String() + "/stream HTTP/1.1\r\nHost: usher.test\r\n\r\n"
	var begun, running sync.WaitGroup
	b.Cleanup(running.Wait) // after the connections are closed
	for range n {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, request); err != nil {
			b.Fatal(err)
		}
		begun.Add(1)
		running.Go(func() {
			lines := bufio.NewReaderSize(conn, 512)
			for {
				line, err := lines.ReadString('\n')
				switch {
				case err != nil:
					return
				case strings.HasPrefix(line, "event: snapshot"):
					begun.Done()
				case strings.HasPrefix(line, "event: seats"):
					seen <- time.Now()
				}
			}
		})
	}
	begun.Wait()
}

// BenchmarkStream has thousands of clients of one event in this process, and measures what a change takes from its commit until each of
// them has read it, and what the server keeps for each. Each change is made when the one before has arrived, just after a look: the next
// look is as far away as it can be, which is 300 ms. The clients' own memory is measured with a server that only has them in its backlog,
// and taken off.
func BenchmarkStream(b *testing.B) {
	for _, n := range []int{backlog, 5000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) { benchmarkStream(b, n) })
	}
}

func benchmarkStream(b *testing.B, n int) {
	f := newFakeCatalog()
	s := New(Config{StreamsPerAddress: n, AdminToken: testToken}, Parts{Waitroom: &fakeRoom{}, Catalog: f})
	public, admin := listen(b), listen(b)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, public, admin) }()
	b.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	seen := make(chan time.Time, n)
	before := memory()
	crowd(b, public.Addr().String(), n, seen)
	both := memory() - before
	before = memory()
	idleCrowd(b, backlog)
	client := (memory() - before) / backlog
	var delays []time.Duration
	for i := 0; b.Loop(); i++ {
		f.live.change(func() { f.live.states[3] = []booking.SeatState{booking.SeatBooked, booking.SeatFree}[i%2] })
		began := time.Now()
		for range n {
			delays = append(delays, (<-seen).Sub(began))
		}
	}
	slices.Sort(delays)
	if n == backlog { // the first; the others reuse what it has left
		b.ReportMetric(float64(both)/float64(n)-float64(client), "B/stream")
	}
	b.ReportMetric(float64(delays[len(delays)/2].Milliseconds()), "ms-p50")
	b.ReportMetric(float64(delays[len(delays)*99/100].Milliseconds()), "ms-p99")
	b.ReportMetric(0, "ns/op")
}

// backlog is fewer than a listener keeps for who does not accept.
const backlog = 2000

// idleCrowd is as many clients as crowd's, of a server that holds the connections and nothing else.
func idleCrowd(b *testing.B, n int) {
	b.Helper()
	l := listen(b)
	var running sync.WaitGroup
	b.Cleanup(running.Wait)
	b.Cleanup(func() { _ = l.Close() })
	for range n {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		running.Go(func() {
			lines := bufio.NewReaderSize(conn, 512)
			_, _ = lines.ReadString('\n')
		})
	}
	runtime.Gosched()
}

// memory is the bytes in use by heap and stacks.
func memory() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// What has not changed costs no copy and no rendering: the few allocations are those of any answer.
func TestNotModifiedCostsNothing(t *testing.T) {
	s := New(Config{}, Parts{Waitroom: &fakeRoom{}, Catalog: newFakeCatalog()})
	path := api + "/events/" + guarded.String() + "/seats"
	full, same := answerCost(t, s, path, ""), answerCost(t, s, path, `"v1"`)
	if same > full+1 {
		t.Errorf("304 takes %.0f allocations, 200 takes %.0f", same, full)
	}
	t.Logf("304 takes %.0f allocations, 200 takes %.0f", same, full)
}

// answerCost is how many allocations an answer takes.
func answerCost(t *testing.T, s *Server, path, tag string) float64 {
	t.Helper()
	handle := s.handler(s.public)
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, nil)
	want := 200
	if tag != "" {
		want = 304
	}
	return testing.AllocsPerRun(200, func() {
		ctx.Request.Header.SetRequestURI(path)
		ctx.Request.Header.Set("If-None-Match", tag)
		ctx.Response.Reset()
		handle(&ctx)
		if ctx.Response.StatusCode() != want {
			t.Fatalf("%d, want %d", ctx.Response.StatusCode(), want)
		}
	})
}
