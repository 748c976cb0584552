package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"usher/deploy/local"
)

// The environment of the browser tests.
const (
	ModeVariable     = "USHER_BROWSER"  // "skip": leave the browser tests out; anything else: a missing Chromium is a failure
	ChromiumVariable = "USHER_CHROMIUM" // the program, where it is not one of names
	ScreensVariable  = "USHER_SCREENS"  // the folder for screenshots; empty: none are taken
)

// names are those under which distributions have it, best first.
var names = []string{"chromium", "chromium-browser", "google-chrome"}

// patience is how long anything that a page should do may take. It is long, for the machine may be busy; no test waits for it to pass
// unless it fails.
const patience = 20 * time.Second

const profilePrefix = "usher-browser-"

// process is the Chromium of this test process.
type process struct {
	ctx    context.Context // of the browser; tabs derive from it
	cancel context.CancelFunc
	lock   *local.Folder // the profile's: nobody else's sweep removes it while we live
	agent  string        // its User-Agent, as a browser with a window sends it
}

var (
	start   = sync.OnceValues(startChromium)
	running *process // set by start
)

// Main runs the tests of a package, then ends the Chromium that they started. It returns the exit code for os.Exit.
func Main(run func() int) int {
	code := run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		return max(code, 1)
	}
	return code
}

// chromium returns the running browser, or ends the test: skipped where that was asked for, else failed.
func chromium(t testing.TB) *process {
	t.Helper()
	if os.Getenv(ModeVariable) == "skip" {
		t.Skipf("%s=skip: browser tests are left out", ModeVariable)
	}
	p, err := start()
	if err != nil {
		t.Fatalf("browser: %v\nWithout Chromium: `make browser` installs it; %s=skip leaves the browser tests out.", err, ModeVariable)
	}
	return p
}

func startChromium() (*process, error) {
	path, err := find(os.Getenv(ChromiumVariable), runnable)
	if err != nil {
		return nil, err
	}
	sweep()
	dir, err := os.MkdirTemp("", profilePrefix)
	if err != nil {
		return nil, err
	}
	lock, err := local.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	// The driver kills it when our process ends, however that ends; it also ends by itself when its pipe closes.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		// Text looks the same on every machine, and no scroll bar takes room at one width but not at the other.
		chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en"),
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	p := &process{ctx: ctx, lock: lock, cancel: func() { cancel(); cancelAllocator() }}
	running = p
	p.agent, err = chromedp.Run(ctx, chromedp.Evaluate[string](`navigator.userAgent`))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s does not start: %w", path, err), stop())
	}
	p.agent = strings.ReplaceAll(p.agent, "HeadlessChrome", "Chrome")
	return p, nil
}

// find returns the path of the first program that look finds. given is what the environment says.
func find(given string, look func(string) (string, error)) (string, error) {
	tried := names
	if given != "" {
		tried = []string{given}
	}
	var errs []error
	for _, name := range tried {
		path, err := look(name)
		if err == nil {
			return path, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
	}
	return "", fmt.Errorf("no Chromium that can run: %w", errors.Join(errs...))
}

// runnable returns the path of a program that can say its version. A stub that only says where to get the real one cannot.
func runnable(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w: %.200s", path, err, out)
	}
	return path, nil
}

// stop ends the browser and removes its profile.
func stop() error {
	if running == nil {
		return nil
	}
	p := running
	running = nil
	p.cancel()
	return errors.Join(p.lock.Close(), os.RemoveAll(p.lock.Path))
}

// sweep removes the profiles of test processes that were killed: those that nobody has locked.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), profilePrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute { // it may be about to be locked
			continue
		}
		if lock, err := local.OpenFolder(dir); err == nil {
			_ = lock.Close()
			_ = os.RemoveAll(dir) // another sweeper may be at it
		}
	}
}
