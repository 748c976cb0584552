package browser

import (
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
)

// The budgets of every page. They are promises of the project, so they are never raised to fit a page.
const (
	PageBudget        = 60 << 10 // bytes of HTML, CSS and JavaScript on the wire, with headers
	WaitingRoomBudget = 14 << 10 // bytes of everything: what a server may send before the first acknowledgement

	// ShiftBudget is the cumulative layout shift that counts as none. A browser on a busy machine paints a page of which it has read but
	// the half, and the end of the page then moves a little: 0.0064 at most was seen of that. What is good enough elsewhere is 0.1.
	ShiftBudget = 0.01
)

// Load is what showing one page for the first time took.
type Load struct {
	HTML, CSS, JS, Other int       // bytes on the wire, with headers
	Requests             []Request // all of them, the page itself first
	BeforePaint          int       // requests sent before the first contentful paint, the page's own among them
	Shift                float64   // cumulative layout shift so far
}

// Measure opens a path with an empty cache and waits until the page has painted and stands still.
func (b *Tab) Measure(path string) Load {
	b.t.Helper()
	call(b, "empty the cache", network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	b.Open("about:blank") // in Chromium 156 a page that is opened over itself is sometimes never drawn, as if the tab were asleep
	b.Open(path)
	b.settle()
	call(b, "use the cache", network.SetCacheDisabled, network.SetCacheDisabledParams{})
	p, requests := b.watch.shown()
	l := Load{Requests: requests, Shift: b.shift().shift}
	for _, r := range requests {
		if r.sent < p.painted {
			l.BeforePaint++
		}
		switch network.ResourceType(r.Kind) {
		case network.ResourceTypeDocument:
			l.HTML += r.Bytes
		case network.ResourceTypeStylesheet:
			l.CSS += r.Bytes
		case network.ResourceTypeScript:
			l.JS += r.Bytes
		default:
			l.Other += r.Bytes
		}
	}
	return l
}

// settle waits until the page has painted and stands still.
func (b *Tab) settle() {
	b.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		why := b.watch.unsettled()
		if why == "" {
			return
		}
		if time.Now().After(deadline) {
			b.fatalf("waited %s in vain for the page to settle: %s", patience, why)
		}
	}
}

// Faults says how a page's load breaks the budgets of every page.
func (l Load) Faults() (out []string) {
	if sum := l.HTML + l.CSS + l.JS; sum > PageBudget {
		out = append(out, fmt.Sprintf("%d bytes of HTML, CSS and JavaScript, budget %d: %s", sum, PageBudget, l))
	}
	if l.Shift > ShiftBudget {
		out = append(out, fmt.Sprintf("layout shift %.4f while it loads", l.Shift))
	}
	return out
}

// WaitingRoomFaults says how a waiting room's load breaks the budgets of every page and its own.
func (l Load) WaitingRoomFaults() []string {
	out := l.Faults()
	if sum := l.HTML + l.CSS + l.JS + l.Other; sum > WaitingRoomBudget {
		out = append(out, fmt.Sprintf("%d bytes in all, budget of a waiting room %d: %s", sum, WaitingRoomBudget, l))
	}
	for _, r := range l.Requests[1:] {
		if r.Blocking {
			out = append(out, "the first paint waits for a second request: "+r.URL)
		}
	}
	return out
}

func (l Load) String() string {
	lines := []string{fmt.Sprintf("HTML %d, CSS %d, JS %d, other %d bytes; %d of %d requests before the first paint",
		l.HTML, l.CSS, l.JS, l.Other, l.BeforePaint, len(l.Requests))}
	for _, r := range l.Requests {
		lines = append(lines, fmt.Sprintf("  %6d %s %s%s", r.Bytes, r.Kind, r.URL, pick(r.Blocking, " (blocks painting)", "")))
	}
	return strings.Join(lines, "\n")
}

// shift is the cumulative layout shift of the page that is shown, until the fan touches it. It is 0 for a page on which nothing moves
// by itself.
func (b *Tab) shift() traffic {
	b.t.Helper()
	// A frame is drawn, so that what has moved is known.
	b.shoot(page.CaptureScreenshotParams{Clip: &page.Viewport{Width: 1, Height: 1, Scale: 1}})
	p, _ := b.watch.shown()
	return p
}
