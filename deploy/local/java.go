package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// javaPatience is how long an engine may take to start: 5 to 10 s of CPU, on a machine that may have other things to do.
const javaPatience = 3 * time.Minute

// quickFlags: Kafka starts with 2.4 s of CPU instead of 5.2 s, Elasticsearch with 5.1 s instead of 10.3 s (measured, JDK 17).
var quickFlags = []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}

// traceTime is how long Java may take to write why its main ended.
const traceTime = 300 * time.Millisecond

// errMissingJava is ErrMissing for the engines that are programs for Java.
var errMissingJava = fmt.Errorf("%w; for real engines: ./deploy/local/install.sh java maven", ErrMissing)

// program is a Java program of checked jars.
type program struct {
	jars  jarSet
	java  string   // the path of Java itself
	flags []string // for Java
	main  string   // class
}

// openProgram finds Java and fetches the jars that are missing in the cache.
func (e *engine) openProgram(ctx context.Context, cache, jars, main string, quick bool, flags ...string) (*program, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("%w: Java (java)", errMissingJava)
	}
	cache, err = filepath.Abs(cache)
	if err != nil {
		return nil, err
	}
	p := &program{java: java, main: main, flags: append(flags, "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData", "-Djava.io.tmpdir="+e.path("tmp"))}
	if quick {
		p.flags = append(p.flags, quickFlags...)
	}
	if p.jars, err = openJars(cache, jars); err != nil {
		return nil, err
	}
	if err := p.jars.fetch(ctx); err != nil {
		return nil, err
	}
	if err := e.account.reach(p.jars.dir); err != nil {
		return nil, err
	}
	if e.account != nil {
		e.account.asks = true
	}
	// What a killed run left in its own folder for temporary files is of no use to the next.
	if err := os.RemoveAll(e.path("tmp")); err != nil {
		return nil, err
	}
	return p, e.mkdir("tmp")
}

// args are those of Java.
func (p *program) args(arguments ...string) []string {
	return append(append(append([]string{}, p.flags...), "-cp", p.jars.classPath(), p.main), arguments...)
}

// startJava starts the program. Java goes on with its other threads when main has failed, so the log is what tells of that.
func (e *engine) startJava(ctx context.Context, p *program, arguments []string, ready func(pid int) bool) (*Process, error) {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	process, err := e.start(ctx, p.java, p.args(arguments...), func(pid int) bool {
		if e.logHas(`Exception in thread "main"`) {
			time.AfterFunc(traceTime, giveUp)
			return false
		}
		return ready(pid)
	})
	if err != nil && strings.Contains(err.Error(), "UnsupportedClassVersionError") {
		return nil, fmt.Errorf("%s is too old, Java 17 or newer is needed: %w", p.java, err)
	}
	return process, err
}

// logHas says whether this run has logged text.
func (e *engine) logHas(text string) bool {
	log, err := os.ReadFile(e.path("log"))
	return err == nil && bytes.Contains(log, []byte(text))
}

// mkdir makes a folder that the engine's user owns, if it is missing.
func (e *engine) mkdir(name string) error {
	if err := os.Mkdir(e.path(name), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return e.account.give(e.path(name))
}
