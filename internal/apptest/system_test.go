package apptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"usher/internal/guard"
	"usher/internal/testenv"
)

// adminToken is the token of every system under test.
const adminToken = "apptest-admin-token"

// Options says what a system consists of. Zero counts mean one.
type Options struct {
	Gateways, Workers, Relays int
	Catalog                   string            // JSON Lines for `usher import --tickets`
	Rooms                     string            // the rooms file
	Env                       map[string]string // USHER_* settings
	Off                       []guard.Guard     // guards switched off: a negative control
	Skew                      []time.Duration   // of the gateways' clocks; they are of the build whose guards can be switched off
	Own                       bool              // stores in processes of their own, to be taken away: System.Stores
	Secured                   bool              // every store speaks TLS and asks for a password
	RedisCluster              bool              // Redis is three masters
	Search                    bool              // in a run with real engines, searches are on Elasticsearch
}

// System is a running Usher with stores of its own.
type System struct {
	Public, Admin []string // base URLs of the gateways
	Postgres      string
	Redis         string
	Stores        map[string]*testenv.Own // with Options.Own, by the names that docs/failures.md uses
	OwnRedis      *testenv.OwnRedis       // likewise

	t             *testing.T
	binary        string
	env           []string
	skew          []time.Duration
	elasticsearch string     // URL; "": searches are on Postgres
	mu            sync.Mutex // guards procs
	procs         map[string]*process
}

type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has been waited for
	log  *tail
}

// Start starts a system and stops it when the test ends.
func Start(t *testing.T, o Options) *System {
	t.Helper()
	dir := t.TempDir()
	s := &System{t: t, binary: build(t, len(o.Off) > 0 || len(o.Skew) > 0), skew: o.Skew, procs: map[string]*process{}}
	s.env = append(append(os.Environ(), s.stores(o)...),
		"USHER_ADMIN_TOKEN="+adminToken, "USHER_LOG_LEVEL=warn", "USHER_PG_CONNS=8",
		"USHER_SECRET_FILE="+filepath.Join(dir, "secrets.json"), "USHER_PASS_KEYS_FILE="+filepath.Join(dir, "pass.json"),
		"USHER_VISITOR_RATE=1000000")
	for k, v := range o.Env {
		s.env = append(s.env, k+"="+v)
	}
	var off []string
	for _, g := range o.Off {
		off = append(off, string(g))
	}
	s.env = append(s.env, "USHER_GUARDS_OFF="+strings.Join(off, ","))
	s.must("migrate")
	if o.Catalog != "" {
		s.must("import", "--tickets", write(t, dir, "catalog.jsonl", o.Catalog))
	}
	if o.Rooms != "" {
		s.env = append(s.env, "USHER_ROOMS_FILE="+write(t, dir, "rooms.json", o.Rooms))
	}
	t.Cleanup(s.stopAll)
	for i := range max(o.Workers, 1) {
		s.StartRole("worker", i)
	}
	for i := range max(o.Relays, 1) {
		s.StartRole("relay", i)
	}
	for i := range max(o.Gateways, 1) {
		public, admin := freePort(t), freePort(t)
		s.Public = append(s.Public, "http://"+public)
		s.Admin = append(s.Admin, "http://"+admin)
		s.StartRole("gateway", i)
	}
	for i := range s.Admin {
		s.WaitReady(i)
	}
	if s.elasticsearch != "" {
		s.StartRole("indexer", 0)
		s.waitIndexed()
	}
	return s
}

// waitIndexed waits until every gateway's searches are answered by Elasticsearch.
func (s *System) waitIndexed() {
	s.t.Helper()
	for _, public := range s.Public {
		within(s.t, time.Minute, "searches on Elasticsearch", func() bool {
			answer, err := client.Get(public + "/api/v1/events/search")
			if err != nil {
				return false
			}
			_ = answer.Body.Close()
			return answer.StatusCode == http.StatusOK && answer.Header.Get("Usher-Degraded") == ""
		})
	}
}

// stores starts the stores and returns the settings that name them.
func (s *System) stores(o Options) []string {
	s.t.Helper()
	switch {
	case o.Secured:
		return s.securedStores()
	case o.Own:
		return s.ownStores()
	}
	s.Postgres = testenv.Postgres(s.t, nil)
	if o.RedisCluster {
		s.Redis = testenv.FreshRedisCluster(s.t).URL
	} else {
		s.Redis = testenv.FreshRedis(s.t).Addr
	}
	settings := []string{"USHER_POSTGRES=" + s.Postgres, "USHER_REDIS=" + s.Redis, "USHER_KAFKA=" + testenv.FreshKafka(s.t)}
	if o.Search {
		s.elasticsearch = os.Getenv(testenv.ElasticsearchVariable)
	}
	if s.elasticsearch == "" {
		return settings
	}
	// The indices of a system have fixed names. With real engines one test at a time has the broker, and so these.
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodDelete, s.elasticsearch+"/usher-events*", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = answer.Body.Close()
	return append(settings, "USHER_ELASTICSEARCH="+s.elasticsearch)
}

// ownStores are stores in processes of their own; with real engines Elasticsearch is one of them.
func (s *System) ownStores() []string {
	s.t.Helper()
	postgres, redis, broker := testenv.FreshPostgres(s.t), testenv.FreshRedis(s.t), testenv.FreshKafkaProcess(s.t)
	s.Postgres, s.Redis, s.OwnRedis = postgres.Addr, redis.Addr, redis
	s.Stores = map[string]*testenv.Own{"Postgres": postgres, "Redis": redis.Own, "Kafka": broker}
	names := []string{"USHER_POSTGRES=" + s.Postgres, "USHER_REDIS=" + s.Redis, "USHER_KAFKA=" + broker.Addr}
	if testenv.Engines() {
		index := testenv.FreshElasticsearch(s.t)
		s.Stores["Elasticsearch"], s.elasticsearch = index, index.Addr
		names = append(names, "USHER_ELASTICSEARCH="+index.Addr)
	}
	return names
}

// StartRole starts process i of a role, for the first time or after Kill.
func (s *System) StartRole(role string, i int) {
	s.t.Helper()
	name := fmt.Sprintf("%s-%d", role, i)
	cmd := exec.Command(s.binary, role)
	cmd.Env = append(append([]string{}, s.env...), fmt.Sprintf("USHER_NODE=%s-%d", name, time.Now().UnixNano()))
	if role == "gateway" {
		cmd.Env = append(cmd.Env, "USHER_ADDR="+strings.TrimPrefix(s.Public[i], "http://"), "USHER_ADMIN_ADDR="+strings.TrimPrefix(s.Admin[i], "http://"), "USHER_PUBLIC_URL="+s.Public[0])
		if i < len(s.skew) {
			cmd.Env = append(cmd.Env, "USHER_CLOCK_SKEW="+s.skew[i].String())
		}
	}
	p := &process{cmd: cmd, done: make(chan struct{}), log: &tail{}}
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("start %s: %v", name, err)
	}
	go func() { _ = cmd.Wait(); close(p.done) }()
	s.mu.Lock()
	s.procs[name] = p
	s.mu.Unlock()
}

// Kill sends SIGKILL to process i of a role and waits until it is gone.
func (s *System) Kill(role string, i int) {
	s.t.Helper()
	p := s.process(fmt.Sprintf("%s-%d", role, i))
	_ = p.cmd.Process.Kill()
	<-p.done
}

// signal sends a signal to process i of a role: SIGSTOP lets it stand still with all its connections, SIGCONT go on.
func (s *System) signal(role string, i int, what syscall.Signal) {
	s.t.Helper()
	if err := s.process(fmt.Sprintf("%s-%d", role, i)).cmd.Process.Signal(what); err != nil {
		s.t.Errorf("%s to %s-%d: %v", what, role, i, err)
	}
}

// WaitReady waits until gateway i answers that it is ready.
func (s *System) WaitReady(i int) {
	s.t.Helper()
	patience := make(chan struct{}) // closed when there is none left
	defer time.AfterFunc(2*time.Minute, func() { close(patience) }).Stop()
	if last, ready := s.untilReady(i, patience); !ready {
		name := fmt.Sprintf("gateway-%d", i)
		s.t.Fatalf("%s is not ready: %s\n%s", name, last, s.process(name).log)
	}
}

// untilReady waits until gateway i answers that it is ready, has ended, or stop is closed. last is what it has answered otherwise.
func (s *System) untilReady(i int, stop <-chan struct{}) (last string, ready bool) {
	p := s.process(fmt.Sprintf("gateway-%d", i))
	for {
		resp, err := client.Get(s.Admin[i] + "/readyz")
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if last = string(body); resp.StatusCode == http.StatusOK {
				return last, true
			}
		}
		select {
		case <-p.done:
			return "it has ended", false
		case <-stop:
			return last, false
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *System) process(name string) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.procs[name]
}

func (s *System) must(args ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Env = s.env
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("usher %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Audit runs `usher audit` as an operator would, and returns its exit code and what it wrote.
func (s *System) Audit(args ...string) (code int, out string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.binary, append([]string{"audit"}, args...)...)
	cmd.Env = s.env
	b, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		s.t.Fatalf("usher audit: %v\n%s", err, b)
	}
	return cmd.ProcessState.ExitCode(), string(b)
}

// stopAll asks every process to end, kills those that do not, and shows the logs of a failed test.
func (s *System) stopAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.procs {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	for name, p := range s.procs {
		select {
		case <-p.done:
		case <-time.After(time.Minute):
			s.t.Errorf("%s did not stop within a minute of SIGTERM", name)
			_ = p.cmd.Process.Kill()
			<-p.done
		}
		if s.t.Failed() {
			s.t.Logf("── %s\n%s", name, p.log)
		}
	}
}

var (
	builds   = map[bool]func() (string, error){false: sync.OnceValues(compile(false)), true: sync.OnceValues(compile(true))}
	buildDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "usher-apptest-") })
)

// build compiles the binary once a test process: with faults, the one whose guards can be switched off.
func build(t *testing.T, faults bool) string {
	t.Helper()
	path, err := builds[faults]()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func compile(faults bool) func() (string, error) {
	return func() (string, error) {
		dir, err := buildDir()
		if err != nil {
			return "", err
		}
		path, tags := filepath.Join(dir, "usher"), ""
		if faults {
			path, tags = path+"-faults", "faults"
		}
		out, err := exec.Command("go", "build", "-tags", tags, "-o", path, "usher").CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("go build: %w\n%s", err, out)
		}
		return path, nil
	}
}

// CleanUp removes the binaries that the tests built.
func CleanUp() error {
	dir, err := buildDir()
	return errors.Join(err, os.RemoveAll(dir))
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// portsGiven are those that freePort has returned.
var portsGiven sync.Map

// freePort returns a free address of a port that no other test of this process is given. It lies below the range that the kernel takes the ports of
// outgoing connections from: one of those, freed a moment ago, may be somebody's again before a gateway has bound it.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000))
		if _, taken := portsGiven.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no port is free between 10000 and 30000")
	return ""
}

// tail keeps the last 16 KiB of a process's output.
type tail struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *tail) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf.Len() > 16<<10 {
		b.buf.Next(b.buf.Len() - 8<<10)
	}
	return b.buf.Write(p)
}

func (b *tail) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
