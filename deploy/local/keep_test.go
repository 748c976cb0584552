package local

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var quickly = Restarts{Pause: time.Millisecond, Steady: time.Minute, Tries: 3, Grace: 10 * time.Second}

func shell(t *testing.T, script string) Command {
	t.Helper()
	return Command{Name: "test", Path: "/bin/sh", Args: []string{"-c", script}, Dir: t.TempDir(), StopSignal: syscall.SIGTERM}
}

func TestProcessThatEndsAtOnceIsGivenUp(t *testing.T) {
	t.Parallel()
	c := shell(t, "echo x >> starts; exit 7")
	err := quickly.Keep(t.Context(), c, slog.New(slog.DiscardHandler))
	if !errors.Is(err, ErrKeepsEnding) || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("error %v, want ErrKeepsEnding and the exit status", err)
	}
	if got := readFile(t, filepath.Join(c.Dir, "starts")); got != "x\nx\nx\nx\n" {
		t.Errorf("started %q, want the first start and three more", got)
	}
}

func TestProcessThatCrashesIsStartedAgainAndStopped(t *testing.T) {
	t.Parallel()
	c := shell(t, "[ -e crashed ] || { touch crashed; exit 1; }; touch up; exec sleep 60")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- quickly.Keep(ctx, c, slog.New(slog.DiscardHandler)) }()
	for end := time.Now().Add(time.Minute); ; time.Sleep(pollEvery) {
		if _, err := os.Stat(filepath.Join(c.Dir, "up")); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("not started again")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestLinesStayWhole(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	lines := NewLines(&out)
	a, b := lines.Of("a"), lines.Of("b")
	for _, w := range []struct {
		to   string
		text string
	}{{"a", "one\ntw"}, {"b", "three\n"}, {"a", "o\n"}, {"b", strings.Repeat("x", maxLine+1) + "\n"}} {
		to := a
		if w.to == "b" {
			to = b
		}
		if n, err := to.Write([]byte(w.text)); n != len(w.text) || err != nil {
			t.Fatalf("wrote %d of %d, %v", n, len(w.text), err)
		}
	}
	want := "a | one\nb | three\na | two\nb | " + strings.Repeat("x", maxLine) + "\nb | x\n"
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
}
