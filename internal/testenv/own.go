package testenv

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"usher/deploy/local"
)

// Own is a server of one test, to be taken away and brought back at the same address, with what it had stored.
type Own struct {
	Addr string // how it is reached: host:port, or a URL
	Dir  string // where FreshKafkaProcess keeps its log

	t      testing.TB
	name   string
	start  func(context.Context) (server, string, error)
	mu     sync.Mutex // guards server
	server server
}

// server is a process with all that it has started.
type server interface {
	Pid() int
	Kill()
}

// newOwn starts a server, which ends with the test. start makes it anew each time, in the same folder, and returns its address.
func newOwn(t testing.TB, name string, start func(context.Context) (server, string, error)) *Own {
	t.Helper()
	o := &Own{t: t, name: name, start: start}
	o.Start()
	t.Cleanup(o.Kill)
	return o
}

// Start starts the server, at first and again after Kill. It returns when the server has recovered and answers.
func (o *Own) Start() {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	started, addr, err := o.start(ctx)
	must(o.t, "start "+o.name, err)
	o.server = started
	if o.Addr != "" && addr != o.Addr {
		o.t.Fatalf("testenv: somebody took the port of this test's %s", o.name)
	}
	o.Addr = addr
}

// Kill ends the server and its children with SIGKILL.
func (o *Own) Kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server == nil {
		return
	}
	signalTree(o.server.Pid(), syscall.SIGSTOP) // so that no child is born meanwhile
	born := children(o.server.Pid())
	o.server.Kill()
	for _, child := range born { // a session of Postgres that is stopped would keep the server from starting again
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	o.server = nil
}

// Pause stops the server and its children where they are (SIGSTOP): connections stay open and nothing answers.
func (o *Own) Pause() { o.signal(syscall.SIGSTOP) }

// Resume lets them go on after Pause.
func (o *Own) Resume() { o.signal(syscall.SIGCONT) }

// Pid is the process id of the server. It runs.
func (o *Own) Pid() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.server.Pid()
}

func (o *Own) signal(s syscall.Signal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	signalTree(o.server.Pid(), s)
}

// signalTree sends a signal to a process, then to its children: a stopped parent has no more of them.
func signalTree(pid int, s syscall.Signal) {
	_ = syscall.Kill(pid, s)
	for _, child := range children(pid) {
		_ = syscall.Kill(child, s)
	}
}

// children are the processes that a process has started. Linux only; elsewhere there are none.
func children(pid int) (out []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(after) // state, parent, …
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			out = append(out, child)
		}
	}
	return out
}

// ownDir is a folder that the account of a server can reach, removed after it has ended: it is asked for before the server is started. It is locked, or
// another test process would sweep it when it is a minute old.
func ownDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", folderPrefix+"own-")
	must(t, "make a folder", err)
	must(t, "open it to the server's account", os.Chmod(dir, 0o711))
	lock, err := local.OpenFolder(dir)
	must(t, "lock it", err)
	t.Cleanup(func() { _ = lock.Close(); _ = os.RemoveAll(dir) })
	return dir
}

// FreshPostgres starts an empty server for this test alone. Its Addr is the URL of a superuser's database.
func FreshPostgres(t testing.TB) *Own {
	t.Helper()
	config := local.PostgresConfig{
		Dir: filepath.Join(ownDir(t), "postgres"), NoSync: true,
		Settings: map[string]string{"max_connections": "200", "shared_buffers": "64MB", "fsync": "off", "full_page_writes": "off"},
	}
	return newOwn(t, "Postgres", func(ctx context.Context) (server, string, error) {
		p, err := local.StartPostgres(ctx, config)
		if err != nil {
			return nil, "", err
		}
		return p, p.DSN(), nil
	})
}

// FreshElasticsearch starts an empty node for this test alone, or ends the test as NeedEngines does. Its Addr is a URL.
func FreshElasticsearch(t testing.TB) *Own {
	t.Helper()
	NeedEngines(t)
	config := local.ElasticsearchConfig{Dir: filepath.Join(ownDir(t), "elasticsearch"), Cache: local.JarCache(os.TempDir()), Quick: true}
	return newOwn(t, "Elasticsearch", func(ctx context.Context) (server, string, error) {
		e, err := local.StartElasticsearch(ctx, config)
		if err != nil {
			return nil, "", err
		}
		return e, e.URL(), nil
	})
}

// brokerVariable makes a test program a broker with its data in the named folder: see Main.
const brokerVariable = "USHER_TEST_BROKER"

// FreshKafkaProcess starts an empty stand-in for Kafka for this test alone, in a process of its own: the test program, started once more. Every write
// is synced.
func FreshKafkaProcess(t testing.TB) *Own {
	t.Helper()
	dir := ownDir(t)
	o := newOwn(t, "Kafka", func(context.Context) (server, string, error) { return startBroker(t, dir) })
	o.Dir = filepath.Join(dir, "kafka")
	return o
}

func startBroker(t testing.TB, dir string) (*local.Process, string, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	p, err := local.Start(local.Command{
		Name: "kafka", Path: program, Args: []string{"-test.run=^$"}, Env: append(os.Environ(), brokerVariable+"="+dir), Out: in,
		PidFile: filepath.Join(dir, "pid"), StopSignal: syscall.SIGTERM,
	})
	_ = in.Close()
	if err != nil {
		_ = out.Close()
		return nil, "", err
	}
	_ = out.SetReadDeadline(time.Now().Add(patience))
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, found := strings.CutPrefix(lines.Text(), "kafka at "); found {
			_ = out.SetReadDeadline(time.Time{})
			go func() { _, _ = io.Copy(io.Discard, out); _ = out.Close() }() // until the broker ends
			return p, addr, nil
		}
		t.Log(lines.Text())
	}
	p.Kill()
	_ = out.Close()
	return nil, "", fmt.Errorf("the broker did not start: %w", cmp.Or(lines.Err(), io.ErrUnexpectedEOF))
}

// beBroker serves until it is killed.
func beBroker(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	k, err := local.StartKafka(ctx, local.KafkaConfig{Dir: filepath.Join(dir, "kafka")})
	if err != nil {
		return err
	}
	fmt.Println("kafka at", k.Addr())
	select {}
}
