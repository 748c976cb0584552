package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/pgstore"
	"usher/gateway"
	"usher/internal/baseline"
	"usher/internal/id"
	"usher/internal/testenv"
)

const (
	benchClients = 1024
	benchEvents  = 88
	benchSeats   = 500
	benchRound   = 1500 // bookings of two seats that one design makes in one round
	benchRounds  = 3
	benchHolding = 128 // clients that hold the seats before a round
)

// withUsual is the edge's desk with one of the usual ways to book in its place.
type withUsual struct {
	gateway.Desk
	books *baseline.Books
}

// Book books with row locks, or in one statement, instead of the log.
func (d withUsual) Book(ctx context.Context, o booking.Owner, tickets []id.Ticket, key string) (booking.Booking, error) {
	return d.books.Book(ctx, o, tickets, key)
}

// BenchmarkBookings measures committed bookings of two held seats through HTTP: ours (log, worker, one transaction a tick) against SELECT … FOR UPDATE and against
// one statement that compares and sets, behind the same handler, in turn, in one run, with 256 and with 1,024 clients. It reports all rates and how many
// times faster ours is. Afterwards every seat that was booked has one live owner.
func BenchmarkBookings(b *testing.B) {
	for _, clients := range []int{256, benchClients} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			system := startBench(b)
			for b.Loop() {
				var ours, locks, swaps []float64
				for range benchRounds {
					ours = append(ours, system.round(b, system.log, clients))
					locks = append(locks, system.round(b, system.forUpdate, clients))
					swaps = append(swaps, system.round(b, system.atOnce, clients))
				}
				b.ReportMetric(median(ours), "log_bookings/s")
				b.ReportMetric(median(locks), "for_update_bookings/s")
				b.ReportMetric(median(swaps), "compare_and_set_bookings/s")
				b.ReportMetric(median(ours)/median(locks), "times_for_update")
				b.ReportMetric(median(ours)/median(swaps), "times_compare_and_set")
			}
			b.ReportMetric(float64(system.busy.Load()), "refused")
			system.soldOnce(b)
		})
	}
}

// soldOnce complains unless all that was handed out is owned, each seat once.
func (s *benchSystem) soldOnce(b *testing.B) {
	b.Helper()
	bookings, seats, owners, err := s.books.Count(b.Context())
	if want := s.next.Load(); err != nil || bookings != want || seats != 2*want || owners != 2*want {
		b.Fatalf("%d bookings were made; %d are there with %d owners of %d seats, %v", want, bookings, owners, seats, err)
	}
}

// BenchmarkViews measures event views of 500 seats through HTTP.
func BenchmarkViews(b *testing.B) {
	system := startBench(b)
	var bytesRead atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := system.client.Get(system.log + "/api/v1/events/" + system.events[0].String())
			if err != nil {
				b.Error(err)
				return
			}
			n, _ := io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			bytesRead.Add(n)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "views/s")
	b.SetBytes(bytesRead.Load() / int64(b.N))
}

// benchSystem is both designs on one set of stores.
type benchSystem struct {
	log, forUpdate, atOnce string // base URLs
	client                 *http.Client
	books                  *baseline.Books
	events                 []id.Event
	next                   atomic.Int64 // seat pairs handed out
	busy                   atomic.Int64 // calls that were refused because too many were under way
}

func startBench(b *testing.B) *benchSystem {
	b.Helper()
	dir := b.TempDir()
	dsn := testenv.Postgres(b, pgstore.Migrate)
	env := map[string]string{
		"USHER_POSTGRES": dsn, "USHER_REDIS": testenv.FreshRedis(b).Addr, "USHER_KAFKA": testenv.FreshKafka(b), "USHER_ADMIN_TOKEN": "bench-admin-token",
		"USHER_SECRET_FILE": filepath.Join(dir, "s.json"), "USHER_PASS_KEYS_FILE": filepath.Join(dir, "k.json"), "USHER_LOG_LEVEL": "error",
		"USHER_VISITOR_RATE": "1000000", "USHER_PG_CONNS": "32",
	}
	s := &benchSystem{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchClients, MaxConnsPerHost: benchClients}}}
	file := filepath.Join(dir, "catalog.jsonl")
	if err := os.WriteFile(file, []byte(benchCatalog()), 0o600); err != nil {
		b.Fatal(err)
	}
	getenv := func(k string) string { return env[k] }
	if err := runImport(b.Context(), []string{file}, getenv, io.Discard); err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var roles sync.WaitGroup
	b.Cleanup(func() { stop(); roles.Wait() })
	start := func(run func(context.Context, []string, func(string) string, io.Writer) error, args ...string) {
		roles.Go(func() {
			if err := run(ctx, args, getenv, io.Discard); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
		})
	}
	start(runWorker, "--node", "bench-worker")
	start(runRelay, "--node", "bench-relay")
	s.log = s.gateway(b, "log", start, func(_ *role, d gateway.Desk) gateway.Desk { return d })
	usual := func(atOnce bool) func(*role, gateway.Desk) gateway.Desk {
		return func(r *role, d gateway.Desk) gateway.Desk {
			s.books = &baseline.Books{Pool: r.store.Pool(), Currency: "CAD", Checkout: 10 * time.Minute, AtOnce: atOnce}
			return withUsual{d, s.books}
		}
	}
	s.forUpdate = s.gateway(b, "for-update", start, usual(false))
	s.atOnce = s.gateway(b, "at-once", start, usual(true))
	s.findEvents(b)
	return s
}

// gateway starts a gateway with the desk that swap returns, and waits until it is ready.
func (s *benchSystem) gateway(b *testing.B, name string, start func(func(context.Context, []string, func(string) string, io.Writer) error, ...string),
	swap func(*role, gateway.Desk) gateway.Desk,
) string {
	b.Helper()
	public, admin := freeAddress(b), freeAddress(b)
	start(func(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
		return runGatewayWith(ctx, args, getenv, out, swap)
	}, "--node", "bench-"+name, "--addr", public, "--admin-addr", admin)
	for range 200 {
		if resp, err := http.Get("http://" + admin + "/readyz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + public
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Fatalf("the gateway %s is not ready", name)
	return ""
}

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func benchCatalog() string {
	var out strings.Builder
	var rows []string
	for r := range benchSeats / 20 {
		rows = append(rows, fmt.Sprintf(`{"name": "%d", "seats": 20}`, r+1))
	}
	fmt.Fprintln(&out, `{"type": "venue", "id": "v", "name": "V", "city": "Toronto", "country": "CA", "time_zone": "America/Toronto"}`)
	fmt.Fprintln(&out, `{"type": "layout", "id": "l", "venue": "v", "sections": [{"name": "A", "level": "A", "rows": [`+strings.Join(rows, ", ")+`]}]}`)
	fmt.Fprintln(&out, `{"type": "performer", "id": "p", "name": "P"}`)
	for e := range benchEvents {
		fmt.Fprintf(&out, `{"type": "event", "id": "e%d", "name": "E%d", "venue": "v", "layout": "l", "performers": ["p"], "start_time": "2030-01-%02dT20:00:00", "currency": "CAD", "prices": {"A": 5000}, "on_sale": true}`+"\n", e, e, e%28+1)
	}
	return out.String()
}

func (s *benchSystem) findEvents(b *testing.B) {
	b.Helper()
	var page struct {
		Events []struct {
			ID id.Event `json:"id"`
		} `json:"events"`
	}
	if err := s.call(http.MethodGet, s.log+"/api/v1/events/search?page_size=100", "", nil, &page); err != nil || len(page.Events) != benchEvents {
		b.Fatalf("%d events, %v", len(page.Events), err)
	}
	for _, e := range page.Events {
		s.events = append(s.events, e.ID)
	}
}

type benchBooking struct {
	visitor string
	tickets []string
}

// round lets every client hold its seats, then measures how fast all of them are booked.
func (s *benchSystem) round(b *testing.B, base string, clients int) (perSecond float64) {
	b.Helper()
	todo := make([]benchBooking, benchRound)
	s.each(benchHolding, benchRound, func(i int) error {
		pair := int(s.next.Add(1)) - 1
		e, seat := s.events[pair%benchEvents], pair/benchEvents*2
		if seat+1 >= benchSeats {
			return fmt.Errorf("the benchmark has run out of seats")
		}
		var v struct {
			Visitor string `json:"visitor"`
		}
		if err := s.call(http.MethodPost, base+"/api/v1/visitors", "", nil, &v); err != nil {
			return err
		}
		todo[i] = benchBooking{v.Visitor, []string{e.Ticket(seat).String(), e.Ticket(seat + 1).String()}}
		return s.call(http.MethodPost, base+"/api/v1/events/"+e.String()+"/holds", v.Visitor, map[string]any{"ticketIds": todo[i].tickets}, nil)
	}, b)
	started := time.Now()
	s.each(clients, benchRound, func(i int) error {
		return s.call(http.MethodPost, base+"/api/v1/booking", todo[i].visitor, map[string]any{"ticketIds": todo[i].tickets}, nil)
	}, b)
	return benchRound / time.Since(started).Seconds()
}

// each does n things with so many clients at once.
func (s *benchSystem) each(clients, n int, do func(i int) error, b *testing.B) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

// call calls, and asks again a moment later while it is told that too many calls are under way.
func (s *benchSystem) call(method, url, visitor string, body, into any) error {
	for {
		err := s.try(method, url, visitor, body, into)
		if !errors.Is(err, errBusy) {
			return err
		}
		s.busy.Add(1)
		time.Sleep(10 * time.Millisecond)
	}
}

var errBusy = errors.New("too many calls are under way")

func (s *benchSystem) try(method, url, visitor string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		text = nil
	}
	req, err := http.NewRequest(method, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if visitor != "" {
		req.Header.Set("Usher-Visitor", visitor)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusServiceUnavailable && bytes.Contains(answer, []byte("/problems/overloaded")) {
		return errBusy
	}
	if err != nil || resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %s %w", method, url, resp.Status, answer, err)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
