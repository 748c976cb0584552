package local

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// On a machine that has nothing, install.sh names the package of every program that was asked for. It is run without
// root and without sudo, so that it only says what it would install.
func TestInstallNamesWhatIsMissing(t *testing.T) {
	bare := t.TempDir()
	for name, script := range map[string]string{"apt-get": "exit 1", "snap": "exit 1", "id": "echo 1000"} {
		if err := os.WriteFile(filepath.Join(bare, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	grep, err := exec.LookPath("grep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(grep, filepath.Join(bare, "grep")); err != nil {
		t.Fatal(err)
	}
	script, err := os.Open("install.sh")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = script.Close() }()
	cmd := exec.Command("/bin/sh", "-s", "--", "--yes", "make", "chromium", "redis", "fonts", "gcc", "java", "maven")
	cmd.Stdin = script
	cmd.Env = []string{"PATH=" + bare}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("install.sh ended with %v", err)
	}
	want := regexp.MustCompile(`apt-get install make chromium(-browser)? redis-server fontconfig fonts-noto-core fonts-noto-cjk gcc libc6-dev default-jre-headless maven$`)
	if said := strings.TrimSpace(string(out)); !want.MatchString(said) {
		t.Errorf("install.sh said %q", said)
	}
}
