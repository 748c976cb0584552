package local

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// recipes hold what Maven is asked for, a pom.xml, and what must come of it, as sha256sum writes and reads it:
//
//	mvn -f jars/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory=/tmp/kafka && (cd /tmp/kafka && sha256sum *.jar)
//
//go:embed jars/*/pom.xml jars/*/SHA256SUMS
var recipes embed.FS

const (
	// fetchPatience bounds one download of some 40 MB, on a slow line.
	fetchPatience = 10 * time.Minute
	// copyDependencies is the plugin that we know; without a version each Maven takes another.
	copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
)

// JarCache is the folder in which the jars of engines are kept from start to start, for all data folders of a user: "usher" in the
// folder that the system names for such things, or in fallback where it names none.
func JarCache(fallback string) string {
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "usher")
	}
	return filepath.Join(fallback, "jars")
}

// jarSet is what one engine is made of.
type jarSet struct {
	name string
	sums []jar
	dir  string // where it lies when it is complete; its name says what is in it
}

type jar struct {
	file string
	sum  [sha256.Size]byte
}

// openJars reads the recipe of an engine.
func openJars(cache, name string) (jarSet, error) {
	text, err := recipes.ReadFile(path.Join("jars", name, "SHA256SUMS"))
	if err != nil {
		return jarSet{}, err
	}
	s := jarSet{name: name, dir: filepath.Join(cache, fmt.Sprintf("%s-%.6x", name, sha256.Sum256(text)))}
	s.sums, err = parseSums(string(text))
	return s, err
}

// parseSums reads lines of sha256sum.
func parseSums(text string) (sums []jar, err error) {
	for line := range strings.Lines(text) {
		var j jar
		var sum []byte
		if n, err := fmt.Sscanf(line, "%x  %s", &sum, &j.file); n != 2 || len(sum) != len(j.sum) || path.Base(j.file) != j.file {
			return nil, fmt.Errorf("%q is no line of sha256sum: %w", strings.TrimSpace(line), err)
		}
		copy(j.sum[:], sum)
		sums = append(sums, j)
	}
	return sums, nil
}

// classPath names every jar that was checked, and no other that may lie beside them.
func (s jarSet) classPath() string {
	var paths []string
	for _, j := range s.sums {
		paths = append(paths, filepath.Join(s.dir, j.file))
	}
	return strings.Join(paths, string(filepath.ListSeparator))
}

// fetch makes sure that the folder holds exactly what the recipe says, byte for byte. What is missing or damaged is downloaded by
// Maven, beside its place, and moved there when it has been checked. ErrMissing: Maven is needed and not installed.
func (s jarSet) fetch(ctx context.Context) error {
	if s.check(s.dir) == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	lock, err := waitFolder(ctx, filepath.Dir(s.dir))
	if err != nil {
		return err
	}
	defer lock.Close()
	if s.check(s.dir) == nil {
		return nil // another process was faster
	}
	fresh := s.dir + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.Mkdir(fresh, 0o755)); err != nil {
		return err
	}
	if err := s.download(ctx, fresh); err != nil {
		return fmt.Errorf("download %s: %w", s.name, err)
	}
	if err := s.check(fresh); err != nil {
		return fmt.Errorf("what Maven delivered for %s is not what was asked for: %w", s.name, err)
	}
	return errors.Join(s.publish(fresh), os.RemoveAll(s.dir), os.Rename(fresh, s.dir))
}

// publish lets the engines' users read dir, whatever our umask says.
func (s jarSet) publish(dir string) error {
	errs := []error{os.Chmod(dir, 0o755)}
	for _, j := range s.sums {
		errs = append(errs, os.Chmod(filepath.Join(dir, j.file), 0o644))
	}
	return errors.Join(errs...)
}

// check compares every jar in dir with its sum.
func (s jarSet) check(dir string) error {
	for _, j := range s.sums {
		file, err := os.Open(filepath.Join(dir, j.file))
		if err != nil {
			return err
		}
		h := sha256.New()
		_, err = io.Copy(h, file)
		file.Close()
		if err != nil {
			return err
		}
		if got := [sha256.Size]byte(h.Sum(nil)); got != j.sum {
			return fmt.Errorf("%s has the SHA-256 sum %x, want %x", j.file, got, j.sum)
		}
	}
	return nil
}

// download lets Maven copy the jars into dir, with the settings (mirrors, proxies) that its user has made.
func (s jarSet) download(ctx context.Context, dir string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("%w: Maven (mvn)", errMissingJava)
	}
	pom, err := recipes.ReadFile(path.Join("jars", s.name, "pom.xml"))
	if err != nil {
		return err
	}
	at := filepath.Join(dir, "pom.xml")
	if err := os.WriteFile(at, pom, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "--batch-mode", "--quiet", "--strict-checksums", "--file", at,
		copyDependencies, "-DoutputDirectory="+dir, "-DincludeScope=runtime")
	cmd.SysProcAttr = attributes(syscall.SIGTERM, nil)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) } // mvn is a script before it is a program
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w\n%s", err, out[max(0, len(out)-logTail):])
	}
	return nil
}
