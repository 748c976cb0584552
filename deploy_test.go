package main

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// instruction is a line of a Dockerfile: COPY, and what follows.
type instruction struct{ word, rest string }

// stages reads a Dockerfile: the instructions of each stage, its FROM first.
func stages(text string) (out [][]instruction) {
	text = regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(text, "")
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" {
			continue
		}
		if strings.EqualFold(word, "FROM") {
			out = append(out, nil)
		}
		if len(out) > 0 {
			out[len(out)-1] = append(out[len(out)-1], instruction{strings.ToUpper(word), strings.TrimSpace(rest)})
		}
	}
	return out
}

// given returns what a stage says by one word.
func given(stage []instruction, word string) (out []string) {
	for _, i := range stage {
		if i.word == word {
			out = append(out, i.rest)
		}
	}
	return out
}

// imageFaults are the ways in which a Dockerfile is not what a deployment may trust.
func imageFaults(text string) (faults []string) {
	all := stages(text)
	if len(all) < 2 {
		return []string{"it has no stage of its own for the build"}
	}
	last := all[len(all)-1]
	say := func(wrong bool, fault string) {
		if wrong {
			faults = append(faults, fault)
		}
	}
	for _, stage := range all {
		from := strings.Fields(stage[0].rest)[0]
		_, tag, tagged := strings.Cut(from, ":")
		say(from != "scratch" && (!tagged || !regexp.MustCompile(`\d+\.\d+\.\d+`).MatchString(tag)), from+" is not pinned to a version")
		say(len(given(stage, "ADD")) > 0, "ADD fetches and unpacks: use COPY")
		for _, secret := range append(given(stage, "ENV"), given(stage, "ARG")...) {
			say(regexp.MustCompile(`(?i)password|token|secret|key`).MatchString(secret), "a secret in a layer: "+secret)
		}
	}
	say(last[0].rest != "scratch", "the last stage holds more than what is copied into it")
	say(len(given(last, "RUN")) > 0, "the last stage runs something")
	user := given(last, "USER")
	say(len(user) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(strings.Join(user, " ")), "it does not run as a user that is seen, by its number, not to be root")
	health := strings.Join(given(last, "HEALTHCHECK"), " ")
	say(!strings.Contains(health, `CMD ["/usher", "health"]`), "nobody asks whether it lives")
	say(!slices.Equal(given(last, "ENTRYPOINT"), []string{`["/usher"]`}), "the binary is not its first process")
	return faults
}

func dockerfile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("deploy/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheImageKeepsTheRules(t *testing.T) {
	t.Parallel()
	for _, fault := range imageFaults(dockerfile(t)) {
		t.Error(fault)
	}
}

func TestControlBrokenRulesOfTheImageAreFound(t *testing.T) {
	t.Parallel()
	good := dockerfile(t)
	f := func(old, new, want string) {
		t.Helper()
		bad := strings.Replace(good, old, new, 1)
		if faults := imageFaults(bad); bad == good || len(faults) != 1 || !strings.Contains(faults[0], want) {
			t.Errorf("%q for %q: %q, want …%s…", new, old, faults, want)
		}
	}
	f(":1.26.8-bookworm", ":latest", "pinned")
	f("COPY . .", "ADD . .", "ADD")
	f("FROM scratch", "FROM debian:12.5.0", "more than what is copied")
	f("USER 65532:65532", "USER root", "root")
	f("USER 65532:65532\n", "", "root")
	f("HEALTHCHECK", "LABEL", "lives")
	f(`ENTRYPOINT ["/usher"]`, "ENTRYPOINT /usher", "first process")
	f("EXPOSE", "ENV ADMIN_TOKEN=x\nEXPOSE", "secret")
	f("STOPSIGNAL", "RUN true\nSTOPSIGNAL", "runs something")
}

// TestTheImageIsOneStaticFile does what a builder does with the Dockerfile's first stage: copies the project without what .dockerignore
// names into an empty folder and runs the steps there. What they make needs nothing of the system that it runs on.
func TestTheImageIsOneStaticFile(t *testing.T) {
	t.Parallel()
	build := stages(dockerfile(t))[0]
	src := filepath.Join(t.TempDir(), "src")
	if copies := given(build, "COPY"); !slices.Equal(copies, []string{". ."}) {
		t.Fatalf("the builder copies %q", copies)
	}
	copyContext(t, src)
	for _, step := range given(build, "RUN") {
		step = regexp.MustCompile(`--mount=\S+ `).ReplaceAllString(step, "") // caches, which we have anyway
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-ec", step)
		cmd.Dir = src
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", step, err, out)
		}
	}
	binary := filepath.Join(src, "bin", "usher")
	if fault := needs(binary); fault != "" {
		t.Errorf("the binary %s", fault)
	}
	if fault := needs("/bin/sh"); fault == "" {
		t.Error("the control, /bin/sh, is said to need nothing")
	}
	runAlone(t, binary)
}

// copyContext copies the project as a builder sends it.
func copyContext(t *testing.T, to string) {
	t.Helper()
	text, err := os.ReadFile(".dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	var ignored []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			ignored = append(ignored, line)
		}
	}
	for _, must := range []string{".git", "deploy/secrets"} {
		if !slices.Contains(ignored, must) {
			t.Errorf(".dockerignore lets %s into the image's build", must)
		}
	}
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(ignored, path):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), content, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// needs says what a program needs of the system beside the kernel; "": nothing.
func needs(path string) string {
	f, err := elf.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "needs a loader"
		}
	}
	if libraries, err := f.ImportedLibraries(); err == nil && len(libraries) > 0 {
		return fmt.Sprintf("needs %q", libraries)
	}
	return ""
}

// runAlone runs the binary where there is no other file, as the user of the image: what it prints tells that it works. Only root can make such a
// place; for others it runs here.
func runAlone(t *testing.T, binary string) {
	t.Helper()
	root := t.TempDir()
	content, err := os.ReadFile(binary)
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "usher"), content, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, "usher"), args...)
		cmd.Env = []string{"USHER_POSTGRES=postgres://usher@127.0.0.1:1/usher?connect_timeout=1"}
		if os.Geteuid() == 0 {
			cmd.Path = "/usher"
			cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
			cmd.Dir = "/"
		}
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) || !bytes.Contains(out, []byte(want)) {
			t.Errorf("usher %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	f("a fair waiting room", "help")
	f("USHER_POSTGRES", "config")
	f("connection refused", "migrate")
	f("it does not answer", "health", "--metrics-addr", "127.0.0.1:1")
}

func TestHealthAsksTheProcessOfTheSameSettings(t *testing.T) {
	t.Parallel()
	ask := func(getenv func(string) string, args ...string) error {
		return runHealth(t.Context(), args, getenv, &strings.Builder{})
	}
	none := func(string) string { return "" }
	ctx, stop := context.WithCancel(t.Context())
	addr, ended := serveMetrics(t, ctx, nil)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if ask(none, "--metrics-addr", addr) == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(ask(none, "--metrics-addr", addr))
		}
	}
	_, port, _ := strings.Cut(addr, ":")
	if err := ask(func(name string) string { return map[string]string{"USHER_METRICS_ADDR": ":" + port}[name] }); err != nil {
		t.Errorf("an address without a host: %v", err)
	}
	if err := ask(none, "--metrics-addr", "no-port"); err == nil {
		t.Error("an address that is none was asked")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := ask(none, "--metrics-addr", addr); err == nil {
		t.Error("a process that has ended is well")
	}
}
