package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performancetimeline"
	"github.com/chromedp/cdproto/runtime"
)

// watch collects what a tab does behind the page: its faults, its traffic, its layout shifts. The driver calls see for every event,
// in the order in which the browser sent them.
type watch struct {
	mu       sync.Mutex // guards all below
	found    []string
	forgiven []string
	offline  bool
	noScript bool
	main     cdp.FrameID
	loader   cdp.LoaderID // of the document that is shown
	pages    []*traffic   // by loader; the newest last
}

func (w *watch) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			w.complain("console: %s", spoken(e.Args))
		}
	case *runtime.EventExceptionThrown:
		w.complain("exception: %s", thrown(e.ExceptionDetails))
	case *log.EventEntryAdded:
		// What the network says stands in its own events as well, with more detail.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			w.complain("%s: %s", e.Entry.Source, e.Entry.Text)
		}
	case *page.EventJavascriptDialogOpening:
		w.complain("a dialog stops the page: %s", e.Message)
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			w.main, w.loader = e.Frame.ID, e.Frame.LoaderID
		}
	case *page.EventLifecycleEvent:
		w.live(e)
	case *performancetimeline.EventTimelineEventAdded:
		w.moved(e.Event)
	default:
		w.carry(event)
	}
}

// complain notes a fault. The caller holds mu.
func (w *watch) complain(format string, args ...any) {
	w.found = append(w.found, fmt.Sprintf(format, args...))
}

func (w *watch) live(e *page.EventLifecycleEvent) {
	p := w.of(e.LoaderID)
	if p == nil || e.FrameID != w.main && w.main != "" {
		return
	}
	switch e.Name {
	case "firstContentfulPaint":
		p.painted = e.Timestamp.Float64()
	case "networkAlmostIdle": // a page that keeps a stream open is never quite idle
		p.idle = true
	}
}

// moved adds a layout shift to the document that is shown, until the fan touches it: what moves then may be the answer. The browser's
// own hadRecentInput is no help, for it also excuses half a second after a phone's window has found its size, which is when pages load.
func (w *watch) moved(e *performancetimeline.TimelineEvent) {
	p := w.of(w.loader)
	if p == nil || e.LayoutShiftDetails == nil || p.touched {
		return
	}
	p.shift += e.LayoutShiftDetails.Value
	for _, s := range e.LayoutShiftDetails.Sources[:min(len(e.LayoutShiftDetails.Sources), 5)] {
		a, b := s.PreviousRect, s.CurrentRect
		p.shifts = append(p.shifts, fmt.Sprintf("%.0f×%.0f at (%.0f,%.0f) → %.0f×%.0f at (%.0f,%.0f)", a.Width, a.Height, a.X, a.Y, b.Width, b.Height, b.X, b.Y))
	}
}

// touch notes that the fan does something to the document that is shown.
func (w *watch) touch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.of(w.loader); p != nil {
		p.touched = true
	}
}

func (w *watch) of(loader cdp.LoaderID) *traffic {
	for _, p := range slices.Backward(w.pages) {
		if p.loader == loader {
			return p
		}
	}
	return nil
}

func (w *watch) forgive(part string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forgiven = append(w.forgiven, part)
}

func (w *watch) setOffline(off bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offline = off
}

// faults are those that the test has not forgiven.
func (w *watch) faults() []string {
	w.mu.Lock()
	found := slices.Clone(w.found)
	w.mu.Unlock()
	return w.unforgiven(found)
}

func (w *watch) unforgiven(found []string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(found, func(f string) bool {
		return slices.ContainsFunc(w.forgiven, func(part string) bool { return strings.Contains(f, part) })
	})
}

// thrown words an exception, with the place where it was thrown.
func thrown(d *runtime.ExceptionDetails) string {
	text := d.Text
	if d.Exception != nil && d.Exception.Description != "" {
		text = d.Exception.Description
	}
	return fmt.Sprintf("%s (%s:%d)", text, d.URL, d.LineNumber+1)
}

// spoken joins what was given to the console.
func spoken(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		var text string
		if json.Unmarshal(a.Value, &text) != nil {
			text = pick(a.Description != "", a.Description, string(a.Value))
		}
		words = append(words, text)
	}
	return strings.Join(words, " ")
}
