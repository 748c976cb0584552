package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// ErrMissing says that an engine's programs are not installed. The Makefile's target deps installs them.
var ErrMissing = errors.New("not installed (run: make deps)")

const (
	leftOverPatience = 10 * time.Second // how long a left-over engine may take to end in good order
	startPatience    = 60 * time.Second // how long an engine may take to start, recovery after a crash included
	logTail          = 2000             // bytes of an engine's log that an error quotes
)

// engine is what Postgres and Redis have in common: a folder, an account, a log, a child process.
type engine struct {
	name    string
	dir     string // absolute
	account *account
	stop    syscall.Signal
}

// openEngine prepares the folder and ends what an earlier run left over in it.
func openEngine(ctx context.Context, name, dir string, stop syscall.Signal, users ...string) (*engine, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	a, err := openFolder(dir, users...)
	if err != nil {
		return nil, err
	}
	e := &engine{name: name, dir: dir, account: a, stop: stop}
	ctx, cancel := context.WithTimeout(ctx, leftOverPatience)
	defer cancel()
	return e, StopLeftOver(ctx, e.path("pid"), stop)
}

func (e *engine) path(name string) string { return filepath.Join(e.dir, name) }

func (e *engine) data() string { return e.path("data") }

// write makes a file that only the engine's user can read.
func (e *engine) write(name, text string) error {
	if err := os.WriteFile(e.path(name), []byte(text), 0o600); err != nil {
		return err
	}
	return e.account.give(e.path(name))
}

// writeAll makes files that only the engine's user can read.
func (e *engine) writeAll(files map[string]string) error {
	for name, text := range files {
		if err := e.write(name, text); err != nil {
			return err
		}
	}
	return nil
}

// start runs the engine's program and returns when ready says so. The log holds this run only, which bounds it. When the
// program ends early, the error carries the log's last lines.
func (e *engine) start(ctx context.Context, path string, args []string, ready func(pid int) bool) (*Process, error) {
	log, err := os.OpenFile(e.path("log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p, err := Start(Command{Name: e.name, Path: path, Args: args, Dir: "/", Out: log,
		PidFile: e.path("pid"), StopSignal: e.stop, account: e.account})
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !ready(p.Pid()) {
		select {
		case <-tick.C:
		case <-p.Done():
			return nil, e.failure(p.Err())
		case <-ctx.Done():
			p.Kill()
			return nil, errors.Join(ctx.Err(), e.failure(p.Err()))
		}
	}
	return p, nil
}

// failure explains a start that failed by the engine's log.
func (e *engine) failure(err error) error {
	text, _ := os.ReadFile(e.path("log"))
	if bytes.Contains(text, []byte("Address already in use")) {
		return fmt.Errorf("%w: %s", errBusy, text)
	}
	return fmt.Errorf("%s did not start: %w\n%s", e.name, err, text[max(0, len(text)-logTail):])
}

// run executes a helper program to its end as the engine's user, and puts its output into the error.
func (e *engine) run(ctx context.Context, stdin, path string, args ...string) error {
	runtime.LockOSThread() // as in supervise
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Stdin = "/", strings.NewReader(stdin)
	cmd.SysProcAttr = attributes(syscall.SIGTERM, e.account)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := startAs(e.account, cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(path), err, out.Bytes())
	}
	return nil
}
