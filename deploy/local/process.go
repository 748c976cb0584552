package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pollEvery is how often we look whether an engine is up, or a process that is not our child is gone.
const pollEvery = 10 * time.Millisecond

// Command says how to run a child process.
type Command struct {
	Name       string         // in errors
	Path       string         // of the program
	Args       []string       // without the program's name
	Env        []string       // nil: our own environment
	Dir        string         // working folder; "": ours
	Out        io.Writer      // gets its stdout and stderr; nil: thrown away
	PidFile    string         // where its identity is kept for StopLeftOver
	StopSignal syscall.Signal // asks it to end in good order; on Linux it also gets it when we die
	account    *account       // nil: our own user
}

// Process is a running child.
type Process struct {
	cmd     *exec.Cmd
	command Command
	done    chan struct{} // closed when the child has ended; err is set before
	err     error
}

// Start runs the command. The child has its own process group, so that Ctrl-C in a terminal reaches only us and we
// end our children in order.
func Start(c Command) (*Process, error) {
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = c.Env, c.Dir, c.Out, c.Out
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = attributes(c.StopSignal, c.account)
	p := &Process{cmd: cmd, command: c, done: make(chan struct{})}

	started := make(chan error)
	go p.supervise(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	if err := writePid(c.PidFile, cmd.Process.Pid); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	return p, nil
}

// supervise starts the child and waits for its end, on one thread: the kernel sends the parent-death signal when the
// thread that forked ends, and Go ends idle threads as it likes.
func (p *Process) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := startAs(p.command.account, p.cmd)
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	p.forget()
	close(p.done)
}

// startAs starts the command. The calling goroutine has locked its thread.
func startAs(a *account, cmd *exec.Cmd) error {
	undo, err := beforeFork(a)
	if err != nil {
		return err
	}
	defer undo()
	return cmd.Start()
}

// Pid is the process id of the child.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended: nil for exit status 0, else an *exec.ExitError. It is valid after Done.
func (p *Process) Err() error { return p.err }

// Stop asks the child to end and waits for it; when ctx ends first the child is killed. It returns an error only in
// that second case.
func (p *Process) Stop(ctx context.Context) error {
	_ = p.cmd.Process.Signal(p.command.StopSignal) // fails only if it has ended already
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("stop %s: killed: %w", p.command.Name, ctx.Err())
	}
}

// Kill ends the child at once (SIGKILL) and waits for its end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // fails only if it has ended already
	<-p.done
}

// forget removes the pid file, unless another process stands in it by now. A file that stays is found stale by the next start.
func (p *Process) forget() {
	if pid, _, err := readPid(p.command.PidFile); err == nil && pid == p.Pid() {
		_ = os.Remove(p.command.PidFile)
	}
}

// StopLeftOver ends the process that an earlier run of ours wrote into pidFile, if it still runs: with signal first, and
// with SIGKILL when ctx ends. A pid that has been given to another process since is left alone.
func StopLeftOver(ctx context.Context, pidFile string, signal syscall.Signal) error {
	pid, started, err := readPid(pidFile)
	if err != nil || pid == 0 {
		return err
	}
	for first := true; startTime(pid) == started; first = false {
		if first {
			err = syscall.Kill(pid, signal)
		}
		if ctx.Err() != nil {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop process %d, left over from an earlier run: %w", pid, err)
		}
		time.Sleep(pollEvery)
	}
	return nil
}

// writePid records who the child is: a pid alone may be another process tomorrow, with its start time it may not.
func writePid(file string, pid int) error {
	if file == "" {
		return nil
	}
	return os.WriteFile(file, fmt.Appendf(nil, "%d %s\n", pid, startTime(pid)), 0o600)
}

// readPid returns 0 when the file does not exist or was cut short by a crash.
func readPid(file string) (pid int, started string, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("left-over process: %w", err)
	}
	first, started, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, err = strconv.Atoi(first)
	if err != nil || pid <= 1 || started == "" {
		return 0, "", nil
	}
	return pid, started, nil
}
