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
	docker := "true"
	f := func(browser, engines, s3 string, named ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "make", "test", "GO=true", "MAKE=true", "DOCKER="+docker)
		cmd.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "USHER_BROWSER="+browser, "USHER_TEST_ENGINES="+engines, "USHER_TEST_S3="+s3)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make test: %v\n%s", err, out)
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		last := lines[len(lines)-1]
		if strings.HasPrefix(last, "NOT RUN:") != (len(named) > 0) {
			t.Errorf("browser %s, engines %s, S3 %s: the last line is %q", browser, engines, s3, last)
		}
		for _, how := range named {
			if !strings.Contains(last, how) {
				t.Errorf("browser %s, engines %s, S3 %s: the last line does not name %s: %q", browser, engines, s3, how, last)
			}
		}
	}
	f("required", "required", "")
	f("skip", "required", "", "make browser")
	f("required", "skip", "", "make engines")
	f("required", "required", "skip", "make s3")
	f("skip", "skip", "skip", "make browser", "make engines", "make s3")
	docker = "false"
	f("required", "required", "", "Docker Compose")
}
