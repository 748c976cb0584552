package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPlantedFaultsAreFound is the control of every check: the good page has no fault, each bad one has the one that was planted.
func TestPlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	base := serve(t)
	f := func(path, want string) {
		t.Helper()
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := New(t, base, Phone)
			b.Open(path)
			b.settle()
			found := append(b.pageFaults(), b.watch.faults()...)
			if want == "" && len(found) > 0 {
				t.Errorf("a good page has faults: %q", found)
			}
			if want != "" && !slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, want) }) {
				t.Errorf("%q was not found, but %q", want, found)
			}
			b.Forgive("")
		})
	}
	f("/good", "")
	f("/contrast", "axe color-contrast")
	f("/label", "axe label")
	f("/tiny", "axe target-size")
	f("/wide", "wider than its window")
	f("/shift", "layout shift")
	f("/inline", "Content Security Policy")
	f("/console", "console: planted 7")
	f("/throw", "exception: Error: planted")
	f("/missing", "answer 404")
}

func TestAFaultOfAPageFailsItsTest(t *testing.T) {
	t.Parallel()
	base := serve(t)
	r := &recorder{TB: t}
	b := New(r, base, Phone)
	b.Open("/contrast")
	b.Check()
	b.Open("/label")
	b.Forgive("axe label")
	b.Check()
	b.Open("/console")
	b.Open("/missing")
	b.Forgive("nowhere.png")
	r.end()
	if len(r.errors) != 2 || !strings.Contains(r.errors[0], "color-contrast") || !strings.Contains(r.errors[1], "console: planted") {
		t.Errorf("want the contrast and the console, and not what was forgiven, got %q", r.errors)
	}
}

// recorder is a test whose failures are expected.
type recorder struct {
	testing.TB
	errors   []string
	cleanups []func()
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, strings.TrimSpace(fmt.Sprintf(format, args...)))
}
func (r *recorder) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}

func TestAFocusThatNobodySeesIsFound(t *testing.T) {
	t.Parallel()
	b := New(t, serve(t), Desktop)
	b.Open("/ringless")
	for _, want := range []bool{false, true} {
		b.Press("Tab")
		e, _ := b.focused()
		if seen, err := b.ring(e); err != nil || seen != want {
			t.Errorf("%s: focus seen %v, %v; want %v", e, seen, err, want)
		}
		if again, _ := b.focused(); again != e {
			t.Errorf("the focus was on %s and is on %s", e, again)
		}
	}
	b.Open("/label")
	b.Press("Tab")
	if e, _ := b.focused(); len(b.stopFaults(e)) != 1 {
		t.Errorf("a field without a name has faults %q", b.stopFaults(e))
	}
}

func TestBudgetsAreMeasured(t *testing.T) {
	t.Parallel()
	b := New(t, serve(t), Phone)
	good := b.Measure("/good")
	t.Log(good)
	if good.HTML < 500 || good.CSS < 300 || good.JS != 0 || good.BeforePaint != 2 || len(good.Faults()) != 0 {
		t.Errorf("good page: %s, faults %q", good, good.Faults())
	}
	if faults := good.WaitingRoomFaults(); len(faults) != 1 || !strings.Contains(faults[0], "style.css") {
		t.Errorf("a style sheet of its own keeps the paint waiting, but the faults are %q", faults)
	}
	if alone := b.Measure("/alone"); len(alone.WaitingRoomFaults()) != 0 || len(alone.Requests) < 2 {
		t.Errorf("a page that paints by itself: %s, faults %q", alone, alone.WaitingRoomFaults())
	}
	if heavy := b.Measure("/heavy"); len(heavy.Faults()) != 1 || len(heavy.WaitingRoomFaults()) != 3 {
		t.Errorf("64 KB of script: %s, faults %q and %q", heavy, heavy.Faults(), heavy.WaitingRoomFaults())
	}
	if shift := b.Measure("/shift"); len(shift.Faults()) != 1 {
		t.Errorf("a page that moves: %s, faults %q", shift, shift.Faults())
	}
	// What came from the cache cost nothing; measuring looks at a first visit each time.
	if again := b.Measure("/good"); again.CSS != good.CSS {
		t.Errorf("measured again: %s", again)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	t.Parallel()
	none := func(string) (string, error) { return "", exec.ErrNotFound }
	if _, err := find("", none); err == nil || !strings.Contains(err.Error(), "chromium") {
		t.Errorf("no browser: %v", err)
	}
	if path, err := find("mine", func(name string) (string, error) { return "/bin/" + name, nil }); err != nil || path != "/bin/mine" {
		t.Errorf("a given name: %s %v", path, err)
	}
	stub := filepath.Join(t.TempDir(), "chromium")
	if err := os.WriteFile(stub, []byte("#!/bin/sh\necho requires the chromium snap\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := find(stub, runnable); err == nil || !strings.Contains(err.Error(), "requires the chromium snap") {
		t.Errorf("a stub: %v", err)
	}
}
