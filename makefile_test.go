package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A run of all tests that has left some out says so in its last line, and says how to run them. The programs that would run tests are
// replaced by true.
func TestWhatWasNotRunIsNamedLast(t *testing.T) {
	t.Parallel()
	f := func(browser, engines string, named ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "make", "test", "GO=true", "MAKE=true")
		cmd.Env = append(os.Environ(), "MAKEFLAGS=", "USHER_BROWSER="+browser, "USHER_TEST_ENGINES="+engines)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make test: %v\n%s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		last := lines[len(lines)-1]
		if strings.HasPrefix(last, "NOT RUN:") != (len(named) > 0) {
			t.Errorf("browser %s, engines %s: the last line is %q", browser, engines, last)
		}
		for _, how := range named {
			if !strings.Contains(last, how) {
				t.Errorf("browser %s, engines %s: the last line does not name %s: %q", browser, engines, how, last)
			}
		}
	}
	f("required", "required")
	f("skip", "required", "make browser")
	f("required", "skip", "make engines")
	f("skip", "skip", "make browser", "make engines")
}
