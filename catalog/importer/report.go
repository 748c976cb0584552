package importer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"usher/catalog/pgcatalog"
)

// plainEvery is how often an import tells how far it is where there is no terminal.
const plainEvery = 5 * time.Second

// report counts what becomes of the records, tells what is refused at once, and how far the import is.
type report struct {
	mu      sync.Mutex // guards all below
	out     io.Writer
	bar     *progressbar.ProgressBar // nil: out is no terminal
	began   time.Time
	told    time.Time
	counts  map[string]*[4]int // by kind and outcome
	records int
	tickets int
	selling time.Time // when the first tickets were asked for
	sold    time.Time // when the last ones were made
	refused int
}

// kinds are those of the summary, in its order.
var kinds = []string{"venues", "layouts", "performers", "events"}

func newReport(out io.Writer) *report {
	r := &report{out: out, began: time.Now(), told: time.Now(), counts: map[string]*[4]int{}}
	for _, k := range kinds {
		r.counts[k] = &[4]int{}
	}
	if f, is := out.(*os.File); is && term.IsTerminal(int(f.Fd())) {
		r.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription("importing"),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("rows"), progressbar.OptionClearOnFinish())
	}
	return r
}

// refuse tells of a record that is left out.
func (r *report) refuse(at Place, reason error) {
	r.tell("refused", at, strings.ReplaceAll(reason.Error(), "\n", "; "))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused++
}

// tell writes a line about a record.
func (r *report) tell(what string, at Place, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bar != nil {
		_ = r.bar.Clear() // a bar is decoration
	}
	fmt.Fprintf(r.out, "%s: %s, line %d: %s\n", what, at.File, at.Line, text)
}

func (r *report) count(kind string, outcomes []pgcatalog.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range outcomes {
		r.counts[kind][o]++
	}
	r.records += len(outcomes)
	r.step(len(outcomes))
}

// sell notes that tickets are going to be made.
func (r *report) sell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.selling.IsZero() {
		r.selling = time.Now()
	}
}

func (r *report) made(tickets int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tickets += tickets
	r.sold = time.Now()
	r.step(tickets)
}

// step shows that n rows more are done. The caller holds mu.
func (r *report) step(n int) {
	if r.bar != nil {
		_ = r.bar.Add(n)
		return
	}
	if time.Since(r.told) >= plainEvery {
		r.told = time.Now()
		fmt.Fprintf(r.out, "%s: %d records, %d tickets\n", time.Since(r.began).Round(time.Second), r.records, r.tickets)
	}
}

// close tells the summary, and returns an error if something was refused.
func (r *report) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bar != nil {
		_ = r.bar.Finish()
	}
	for _, k := range kinds {
		c := r.counts[k]
		if c[pgcatalog.Added]+c[pgcatalog.Changed]+c[pgcatalog.Same] > 0 {
			fmt.Fprintf(r.out, "%-10s %d added, %d changed, %d unchanged\n", k, c[pgcatalog.Added], c[pgcatalog.Changed], c[pgcatalog.Same])
		}
	}
	if took := r.sold.Sub(r.selling); r.tickets > 0 {
		fmt.Fprintf(r.out, "%-10s %d made in %s, %.0f a second\n", "tickets", r.tickets, took.Round(time.Millisecond), float64(r.tickets)/took.Seconds())
	}
	fmt.Fprintf(r.out, "%-10s %s\n", "took", time.Since(r.began).Round(time.Millisecond))
	if r.refused > 0 {
		return fmt.Errorf("%w: %d", ErrRefused, r.refused)
	}
	return nil
}

// ErrRefused reports that records were left out.
var ErrRefused = errors.New("records were refused")
