package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"usher/booking"
	"usher/booking/pgstore"
	"usher/deploy/local"
	"usher/gateway"
	"usher/internal/baseline"
	"usher/internal/id"
	"usher/internal/testenv"
)

// The designs that are compared, each a gateway of its own: ours, and the usual ones behind the same edge.
const (
	ours      = "log"
	forUpdate = "for_update"
	atOnce    = "compare_and_set"
)

const (
	// asDesk makes this test program a gateway that books in the usual way that it names.
	asDesk = "USHER_TEST_AS_DESK"
	// asProfiled names a file for the processor profile of this test program while it is a role.
	asProfiled = "USHER_TEST_PROFILE"

	benchToken = "bench-admin-token"
	benchRoom  = "bench"
	benchRow   = 20 // seats
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

// beDesk is a gateway with a usual desk, until it is told to stop.
func beDesk(way string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return runGatewayWith(ctx, nil, os.Getenv, os.Stdout, func(r *role, d gateway.Desk) gateway.Desk {
		return withUsual{d, &baseline.Books{Pool: r.store.Pool(), Currency: "CAD", Checkout: 10 * time.Minute, AtOnce: way == atOnce}}
	})
}

// profiled profiles this process into the file that is named for it, if one is, until stop.
func profiled() (stop func()) {
	name := os.Getenv(asProfiled)
	if name == "" {
		return func() {}
	}
	file, err := os.Create(name)
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
	return func() { pprof.StopCPUProfile(); _ = file.Close() }
}

// benchSystem is a whole Usher, each role in a process of its own, and the usual designs beside it. The client is this process.
type benchSystem struct {
	desks  map[string]*fasthttp.HostClient // by design
	store  *pgstore.Store                  // to check and to count
	events []id.Event                      // in the order of the catalog
	kafka  string                          // the folder of the stand-in's log; "": Apache Kafka, or none of ours
	env    []string
	pids   map[string]int // of the processes, by what they are

	postgres int // the server's process; it has a child for each connection

	fans []fan        // who are inside the room
	won  atomic.Int64 // bookings that fans were told of
}

// startBench starts a system with that catalog, whose events are named e0, e1, …, behind a room that lets everybody in, and with so many fans inside.
// With usual, the other two designs stand beside ours.
func startBench(b *testing.B, catalog string, fans int, usual bool) *benchSystem {
	b.Helper()
	dir := b.TempDir()
	dsn := testenv.Postgres(b, pgstore.Migrate)
	redis := testenv.FreshRedis(b)
	s := &benchSystem{desks: map[string]*fasthttp.HostClient{}, pids: map[string]int{"redis": redis.Pid()}}
	broker := s.startKafka(b)
	count := strings.Count(catalog, `"type": "event"`)
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%q", eventName(i))
	}
	rooms := `{"rooms": [{"room": "` + benchRoom + `", "method": "fifo", "events": [` + strings.Join(names, ", ") + `], "capacity": 1000000,
		"calls_per_minute": 1000000, "min_calls_per_minute": 1000000, "session_seconds": 7200, "grace_seconds": 3600, "poll_floor_seconds": 0.05}]}`
	for name, text := range map[string]string{"catalog.jsonl": catalog, "rooms.json": rooms} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	s.env = append(os.Environ(), "USHER_POSTGRES="+dsn, "USHER_REDIS="+redis.Addr, "USHER_KAFKA="+broker, "USHER_ADMIN_TOKEN="+benchToken,
		"USHER_SECRET_FILE="+filepath.Join(dir, "s.json"), "USHER_PASS_KEYS_FILE="+filepath.Join(dir, "k.json"), "USHER_ROOMS_FILE="+filepath.Join(dir, "rooms.json"),
		"USHER_LOG_LEVEL=error", "USHER_VISITOR_RATE=1000000", "USHER_PG_CONNS=32", "USHER_SEAT_LIMIT=50")
	named := func(k string) string { return map[string]string{"USHER_POSTGRES": dsn}[k] }
	if err := runImport(b.Context(), []string{"--tickets", filepath.Join(dir, "catalog.jsonl")}, named, io.Discard); err != nil {
		b.Fatal(err)
	}
	var err error
	if s.store, err = pgstore.Open(b.Context(), dsn, 4); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.store.Close)
	var session int
	if err := s.store.Pool().QueryRow(b.Context(), "SELECT pg_backend_pid()").Scan(&session); err != nil {
		b.Fatal(err)
	}
	if fields := statOf(session); len(fields) > 1 {
		s.postgres, _ = strconv.Atoi(fields[1])
	}
	s.role(b, "worker", nil, asMain+"=1")
	s.role(b, "relay", nil, asMain+"=1")
	s.gateway(b, ours, asMain+"=1")
	if usual {
		s.gateway(b, forUpdate, asDesk+"="+forUpdate)
		s.gateway(b, atOnce, asDesk+"="+atOnce)
	}
	s.findEvents(b, count)
	s.admit(b, fans)
	return s
}

// startKafka starts the stand-in for Kafka in a process of its own, whose writes wait for the disk, or borrows Apache Kafka.
func (s *benchSystem) startKafka(b *testing.B) string {
	b.Helper()
	if testenv.Engines() {
		return testenv.FreshKafka(b)
	}
	broker := testenv.FreshKafkaProcess(b)
	s.pids["kafka"], s.kafka = broker.Pid(), broker.Dir
	return broker.Addr
}

// role starts a process.
func (s *benchSystem) role(b *testing.B, name string, args []string, settings ...string) {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	env := append(append([]string{}, s.env...), append(settings, "USHER_NODE=bench-"+name)...)
	if *profiles != "" {
		env = append(env, asProfiled+"="+filepath.Join(*profiles, strings.ReplaceAll(b.Name(), "/", "_")+"-"+name+".pprof"))
	}
	if args == nil {
		args = []string{name}
	}
	p, err := local.Start(local.Command{
		Name: name, Path: program, Args: args, Env: env, Out: os.Stderr, PidFile: filepath.Join(b.TempDir(), "pid"), StopSignal: syscall.SIGTERM,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			b.Error(err)
		}
	})
	s.pids[name] = p.Pid()
}

// gateway starts the gateway of a design, and waits until it is ready.
func (s *benchSystem) gateway(b *testing.B, design, as string) {
	b.Helper()
	public, admin := freeAddress(b), freeAddress(b)
	s.role(b, "gateway "+design, []string{"gateway"}, as, "USHER_ADDR="+public, "USHER_ADMIN_ADDR="+admin)
	s.desks[design] = &fasthttp.HostClient{Addr: public, MaxConns: 16_000, ReadTimeout: benchPatience, WriteTimeout: benchPatience, MaxIdemponentCallAttempts: 1}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if answer, err := http.Get("http://" + admin + "/readyz"); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			b.Fatalf("the gateway %s is not ready", design)
		}
	}
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

func eventName(i int) string { return fmt.Sprintf("e%d", i) }

// benchCatalog is a hall of that many seats, in rows of benchRow, and so many events in it.
func benchCatalog(events, seats int) string {
	var out strings.Builder
	var rows []string
	for r := range seats / benchRow {
		rows = append(rows, fmt.Sprintf(`{"name": "%d", "seats": %d}`, r+1, benchRow))
	}
	fmt.Fprintln(&out, `{"type": "venue", "id": "v", "name": "V", "city": "Toronto", "country": "CA", "time_zone": "America/Toronto"}`)
	fmt.Fprintln(&out, `{"type": "layout", "id": "l", "venue": "v", "sections": [{"name": "A", "level": "A", "rows": [`+strings.Join(rows, ", ")+`]}]}`)
	fmt.Fprintln(&out, `{"type": "performer", "id": "p", "name": "P"}`)
	for e := range events {
		fmt.Fprintf(&out, `{"type": "event", "id": %q, "name": "E%d", "venue": "v", "layout": "l", "performers": ["p"], "start_time": "2030-01-%02dT20:00:00", "currency": "CAD", "prices": {"A": 5000}, "on_sale": true}`+"\n",
			eventName(e), e, e%28+1)
	}
	return out.String()
}

func (s *benchSystem) findEvents(b *testing.B, want int) {
	b.Helper()
	var page struct {
		Events []struct {
			ID id.Event `json:"id"`
		} `json:"events"`
	}
	a, err := s.ask(ours, http.MethodGet, "/api/v1/events/search?page_size=100", fan{}, nil)
	if err == nil {
		err = json.Unmarshal(a.body, &page)
	}
	if err != nil || len(page.Events) != want {
		b.Fatalf("%d events, want %d, %v", len(page.Events), want, err)
	}
	for _, e := range page.Events {
		s.events = append(s.events, e.ID)
	}
}

// admit brings fans through the room. Every gateway has seen their passes then.
func (s *benchSystem) admit(b *testing.B, n int) {
	b.Helper()
	s.fans = make([]fan, n)
	for _, step := range []func(*fan) error{s.join, s.enter, s.show} {
		each(b, benchHolding, n, func(i int) error { return step(&s.fans[i]) })
	}
}

func (s *benchSystem) join(f *fan) error {
	var got struct{ Visitor, Place string }
	a, err := s.ask(ours, http.MethodPost, "/api/v1/visitors", *f, nil)
	if err := a.read(err, &got, http.StatusCreated, http.StatusOK); err != nil {
		return err
	}
	f.visitor = got.Visitor
	a, err = s.ask(ours, http.MethodPost, "/api/v1/rooms/"+benchRoom+"/join", *f, nil)
	err = a.read(err, &got, http.StatusCreated, http.StatusOK)
	f.place = got.Place
	return err
}

func (s *benchSystem) enter(f *fan) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var got struct{ Pass string }
		a, err := s.ask(ours, http.MethodPost, "/api/v1/rooms/"+benchRoom+"/enter", *f, nil)
		if err = a.read(err, &got, http.StatusOK); err == nil {
			f.pass = got.Pass
			return nil
		}
		if a.status != http.StatusConflict && a.status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return err
		}
	}
}

func (s *benchSystem) show(f *fan) error {
	for design := range s.desks {
		a, err := s.ask(design, http.MethodGet, "/api/v1/events/"+s.events[0].String()+"/holds", *f, nil)
		if err := a.read(err, nil, http.StatusOK); err != nil {
			return err
		}
	}
	return nil
}
