package testenv

import (
	"bufio"
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
type Own interface {
	Kill()   // SIGKILL, the server and all its processes
	Start()  // again, after Kill
	Pause()  // SIGSTOP: connections stay open and nothing answers
	Resume() // after Pause
}

// OwnPostgres is a Postgres of one test.
type OwnPostgres struct {
	DSN string // of a superuser's database

	t      testing.TB
	config local.PostgresConfig
	mu     sync.Mutex // guards server
	server *local.Postgres
}

// FreshPostgres starts an empty server for this test alone.
func FreshPostgres(t testing.TB) *OwnPostgres {
	t.Helper()
	o := &OwnPostgres{t: t, config: local.PostgresConfig{
		Dir: filepath.Join(ownDir(t), "postgres"), NoSync: true,
		Settings: map[string]string{"max_connections": "200", "shared_buffers": "64MB", "fsync": "off", "full_page_writes": "off"},
	}}
	o.Start()
	t.Cleanup(o.Kill)
	return o
}

// ownDir is a folder that the account of a server can reach, removed after it has ended: register it before the server's end.
func ownDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", folderPrefix+"own-")
	must(t, "make a folder", err)
	must(t, "open it to the server's account", os.Chmod(dir, 0o711))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Start starts the server again after Kill. It returns when the server has recovered.
func (o *OwnPostgres) Start() {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	o.server, err = local.StartPostgres(ctx, o.config)
	must(o.t, "start Postgres", err)
	if o.DSN != "" && o.server.DSN() != o.DSN {
		o.t.Fatalf("testenv: somebody took the port of this test's Postgres")
	}
	o.DSN = o.server.DSN()
}

// Kill ends the server and its sessions with SIGKILL.
func (o *OwnPostgres) Kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server != nil {
		signalTree(o.server.Pid(), syscall.SIGSTOP) // so that no session is born meanwhile
		sessions := children(o.server.Pid())
		o.server.Kill()
		for _, session := range sessions { // one that is stopped would keep the server from starting again
			_ = syscall.Kill(session, syscall.SIGKILL)
		}
	}
}

// Pause stops the server and its sessions where they are.
func (o *OwnPostgres) Pause() { o.signal(syscall.SIGSTOP) }

// Resume lets them go on.
func (o *OwnPostgres) Resume() { o.signal(syscall.SIGCONT) }

func (o *OwnPostgres) signal(s syscall.Signal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	signalTree(o.server.Pid(), s)
}

// Pause stops the server where it is.
func (o *OwnRedis) Pause() { o.signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (o *OwnRedis) Resume() { o.signal(syscall.SIGCONT) }

func (o *OwnRedis) signal(s syscall.Signal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = syscall.Kill(o.server.Pid(), s)
}

// OwnKafka is the stand-in for Kafka of one test, in a process of its own: the test program, started once more (see Main). Every write is synced.
type OwnKafka struct {
	Addr string // host:port

	t       testing.TB
	dir     string
	mu      sync.Mutex // guards process
	process *local.Process
}

// brokerVariable makes a test program a broker with its data in the named folder.
const brokerVariable = "USHER_TEST_BROKER"

// FreshKafkaProcess starts an empty broker for this test alone.
func FreshKafkaProcess(t testing.TB) *OwnKafka {
	t.Helper()
	o := &OwnKafka{t: t, dir: ownDir(t)}
	o.Start()
	t.Cleanup(o.Kill)
	return o
}

// Start starts the broker again after Kill, with what it had stored.
func (o *OwnKafka) Start() {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	program, err := os.Executable()
	must(o.t, "find the test program", err)
	out, in, err := os.Pipe()
	must(o.t, "start Kafka", err)
	o.process, err = local.Start(local.Command{
		Name: "kafka", Path: program, Args: []string{"-test.run=^$"}, Env: append(os.Environ(), brokerVariable+"="+o.dir), Out: in,
		PidFile: filepath.Join(o.dir, "pid"), StopSignal: syscall.SIGTERM,
	})
	must(o.t, "start Kafka", err)
	_ = in.Close()
	must(o.t, "start Kafka", out.SetReadDeadline(time.Now().Add(patience)))
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, found := strings.CutPrefix(lines.Text(), "kafka at "); found {
			if o.Addr != "" && addr != o.Addr {
				o.t.Fatalf("testenv: somebody took the port of %s", o.Addr)
			}
			o.Addr = addr
			_ = out.SetReadDeadline(time.Time{})
			go func() { _, _ = io.Copy(io.Discard, out); _ = out.Close() }() // until the broker ends
			return
		}
		o.t.Log(lines.Text())
	}
	o.t.Fatalf("testenv: the broker did not start: %v", lines.Err())
}

// Kill ends the broker with SIGKILL.
func (o *OwnKafka) Kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.process != nil {
		o.process.Kill()
	}
}

// Pause stops the broker where it is.
func (o *OwnKafka) Pause() { o.signal(syscall.SIGSTOP) }

// Resume lets it go on.
func (o *OwnKafka) Resume() { o.signal(syscall.SIGCONT) }

func (o *OwnKafka) signal(s syscall.Signal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = syscall.Kill(o.process.Pid(), s)
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
