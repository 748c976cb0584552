package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"usher/internal/testenv"
)

// asMain makes this test program be `usher`: it has the same code, and `usher dev` starts its roles from its own file.
const asMain = "USHER_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		stop := profiled()
		main()
		stop()
		os.Exit(0)
	}
	if way := os.Getenv(asDesk); way != "" {
		if err := beDesk(way); err != nil {
			fmt.Fprintln(os.Stderr, "usher:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(testenv.Main(m))
}

// devRun is a running `usher dev`.
type devRun struct {
	cmd   *exec.Cmd
	ended chan error
	log   *strings.Builder // whole after ended
}

func usherCommand(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asMain+"=1")
	return cmd
}

// startDev returns when the system says that it is ready.
func startDev(t *testing.T, args ...string) *devRun {
	t.Helper()
	r := &devRun{cmd: usherCommand(append([]string{"dev"}, args...)...), ended: make(chan error, 1), log: &strings.Builder{}}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = r.cmd.Stdout
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			fmt.Fprintln(r.log, lines.Text())
			if lines.Text() == "Usher is ready." {
				close(ready)
			}
		}
		r.ended <- r.cmd.Wait()
	}()
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	select {
	case <-ready:
	case err := <-r.ended:
		t.Fatalf("usher dev ended: %v\n%s", err, r.log)
	case <-time.After(5 * time.Minute):
		t.Fatal("usher dev is not ready after five minutes")
	}
	return r
}

func TestDevServesRecoversAndStops(t *testing.T) {
	t.Parallel()
	serveRecoverAndStop(t, "embedded", "postgres/pid", "redis/pid")
}

func TestDevServesRecoversAndStopsOnRealEngines(t *testing.T) {
	t.Parallel()
	testenv.NeedEngines(t)
	serveRecoverAndStop(t, "real", "postgres/pid", "redis/pid", "apache-kafka/pid", "elasticsearch/pid", "indexer.pid")
}

func serveRecoverAndStop(t *testing.T, engines string, stores ...string) {
	t.Helper()
	data, public, admin := filepath.Join(t.TempDir(), "data"), freeAddr(t), freeAddr(t)
	args := []string{"--data", data, "--addr", public, "--admin-addr", admin, "--engines", engines}

	first := startDev(t, args...)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.ended

	// After a kill -9 the second start finds what the first made.
	second := startDev(t, args...)
	for until, ready := time.Now().Add(2*time.Minute), false; !ready; { // a busy machine may leave a check of the stores waiting
		answer, err := http.Get("http://" + admin + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if ready = answer.StatusCode == http.StatusOK; !ready && time.Now().After(until) {
			t.Fatalf("/readyz answers %s", answer.Status)
		}
	}
	refused(t, "in use: "+data, args...)
	refused(t, "--addr: port "+public+" is busy", "--data", t.TempDir(), "--addr", public)
	refused(t, "--admin-addr: port "+admin+" is busy", "--data", t.TempDir(), "--addr", freeAddr(t), "--admin-addr", admin)

	pids := childrenIn(t, data, stores)
	if err := second.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-second.ended; err != nil {
		t.Errorf("Ctrl-C: %v\n%s", err, second.log)
	}
	for name, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s still runs: %v", name, err)
		}
	}
}

// refused starts a `usher dev` that must end with an error that says why.
func refused(t *testing.T, why string, args ...string) {
	t.Helper()
	out, err := usherCommand(append([]string{"dev"}, args...)...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), why) {
		t.Errorf("usher dev %s: %v, want an error with %q:\n%s", strings.Join(args, " "), err, why, out)
	}
}

// childrenIn reads the pids that a running system wrote down.
func childrenIn(t *testing.T, data string, stores []string) map[string]int {
	t.Helper()
	pids := map[string]int{}
	for _, name := range append(stores, "relay.pid", "worker.pid", "gateway.pid") {
		text, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		var pid int
		if _, err := fmt.Sscan(string(text), &pid); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		pids[name] = pid
	}
	return pids
}

// freeAddr keeps out of the range of outgoing connections, which could take the port before we do, and out of those in which other packages' tests start servers.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 10_000+rand.IntN(2_000)))
		if err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}
