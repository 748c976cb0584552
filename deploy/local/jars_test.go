package local

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fakeMaven puts a program mvn before all others: it counts its calls, has the folder that it shall fill in $dir, and does the rest.
func fakeMaven(t *testing.T, rest string) (calls func() int) {
	t.Helper()
	bin := t.TempDir()
	count := filepath.Join(bin, "calls")
	script := "#!/bin/sh\nfor a; do case $a in -DoutputDirectory=*) dir=${a#*=} ;; esac; done\necho called >>" + count + "\n" + rest
	if err := os.WriteFile(filepath.Join(bin, "mvn"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return func() int {
		text, _ := os.ReadFile(count)
		return strings.Count(string(text), "called")
	}
}

// twoJars is a set whose jars hold their names.
func twoJars(t *testing.T) jarSet {
	t.Helper()
	cache := filepath.Join(t.TempDir(), "cache")
	return jarSet{name: "kafka", dir: filepath.Join(cache, "kafka-1"),
		sums: []jar{{"one.jar", sha256.Sum256([]byte("one"))}, {"two.jar", sha256.Sum256([]byte("two"))}}}
}

const bothJars = `printf one >"$dir/one.jar"; printf two >"$dir/two.jar"`

func TestHalfADownloadIsNeverUsed(t *testing.T) {
	s := twoJars(t)
	for what, script := range map[string]string{
		"ends in the middle":      `printf one >"$dir/one.jar"; printf tw >"$dir/two.jar"; echo no network; exit 1`,
		"forgets one":             `printf one >"$dir/one.jar"`,
		"delivers something else": bothJars + `; printf TWO >"$dir/two.jar"`,
	} {
		fakeMaven(t, script)
		if err := s.fetch(t.Context()); err == nil {
			t.Errorf("Maven %s, and that was taken", what)
		}
		if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("Maven %s, and something lies at %s", what, s.dir)
		}
	}
	fakeMaven(t, bothJars)
	if err := s.fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := s.dir + "/one.jar:" + s.dir + "/two.jar"; s.classPath() != want {
		t.Errorf("class path %s, want %s", s.classPath(), want)
	}
}

func TestWhatIsThereIsCheckedAtEveryStart(t *testing.T) {
	s := twoJars(t)
	calls := fakeMaven(t, bothJars)
	fetch := func(want int) {
		t.Helper()
		if err := s.fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
		if calls() != want {
			t.Errorf("%d downloads so far, want %d", calls(), want)
		}
	}
	fetch(1)
	fetch(1) // all is there
	writeFile(t, filepath.Join(s.dir, "two.jar"), "twa")
	fetch(2)
	if err := os.Remove(filepath.Join(s.dir, "one.jar")); err != nil {
		t.Fatal(err)
	}
	fetch(3)
	writeFile(t, filepath.Join(s.dir, "stranger.jar"), "three")
	fetch(3)
	if strings.Contains(s.classPath(), "stranger") {
		t.Errorf("a jar that nobody checked is in the class path: %s", s.classPath())
	}
}

func TestManyStartsDownloadOnce(t *testing.T) {
	s := twoJars(t)
	calls := fakeMaven(t, bothJars)
	var starts sync.WaitGroup
	for range 5 {
		starts.Go(func() {
			if err := s.fetch(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	starts.Wait()
	if calls() != 1 {
		t.Errorf("%d downloads, want 1", calls())
	}
}

func TestWithoutMavenTheErrorSaysHowToGetIt(t *testing.T) {
	s := twoJars(t)
	t.Setenv("PATH", t.TempDir())
	if err := s.fetch(t.Context()); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "install.sh java maven") {
		t.Errorf("error %v, want ErrMissing with the way to Maven", err)
	}
}

// The recipes hold what their poms ask for, and not the log4j that Elasticsearch 7.10.2 came with.
func TestRecipesHoldWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"kafka":         {"kafka_2.13-4.1.1.jar", "kafka-clients-4.1.1.jar", "slf4j-simple-1.7.36.jar"},
		"elasticsearch": {"elasticsearch-7.10.2.jar", "elasticsearch-cluster-runner-7.10.2.0.jar", "log4j-api-2.24.3.jar", "log4j-core-2.24.3.jar"},
	} {
		s, err := openJars("/cache", name)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range want {
			if !strings.Contains(s.classPath(), "/"+file) {
				t.Errorf("%s has no %s", name, file)
			}
		}
		if n := strings.Count(s.classPath(), "/log4j-core-"); n > 1 {
			t.Errorf("%s has %d versions of log4j-core", name, n)
		}
	}
	for _, line := range []string{"", "nonsense\n", "00  short.jar\n", strings.Repeat("0", 64) + "  ../up.jar\n"} {
		if _, err := parseSums(line + "\n"); err == nil {
			t.Errorf("%q was taken for a line of sha256sum", line)
		}
	}
}
