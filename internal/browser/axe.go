package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// axeCore is axe-core 4.14.1 as npm has it (axe.min.js, MPL-2.0; the licences lie beside it).
//
//go:embed testdata/axe/axe.min.js
var axeCore string

// axeRun asks for WCAG 2.2 A and AA and for what axe-core calls best practice, and lets it request nothing.
const axeRun = `axe.run(document, {preload: false, resultTypes: ["violations"],
	runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
}).then(r => JSON.stringify(r.violations))`

// violation is one rule that a page breaks.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		Target  []any  `json:"target"`
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

func (v violation) String() string {
	lines := []string{fmt.Sprintf("axe %s: %s", v.ID, v.Help)}
	for _, n := range v.Nodes {
		lines = append(lines, fmt.Sprintf("  %v  %.160s\n    %s", n.Target, n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n    ")))
	}
	return strings.Join(lines, "\n")
}

// Check reports what is wrong with the page as it is shown now: what axe-core finds, a layout that has moved by itself, and a page that is
// wider than its window.
func (b *Tab) Check() {
	b.t.Helper()
	for _, fault := range b.watch.unforgiven(b.pageFaults()) {
		b.t.Errorf("browser: %s, %d px wide: %s", b.Path(), b.device.Width, fault)
	}
}

func (b *Tab) pageFaults() (out []string) {
	b.t.Helper()
	moved := b.shift()
	if b.device.noScript { // for axe they are on for a moment, and styles that ask whether they are move the page
		b.watch.touch()
	}
	for _, v := range b.axe() {
		out = append(out, v.String())
	}
	if !b.device.noScript {
		moved = b.shift()
	}
	if moved.shift > ShiftBudget {
		out = append(out, fmt.Sprintf("layout shift %.4f: %s", moved.shift, strings.Join(moved.shifts, "; ")))
	}
	var wide int
	b.wait("the page's width", func() (ok bool) { // a page that loads just now has none
		var err error
		wide, err = evaluate[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
		return err == nil
	})
	if wide > 0 {
		out = append(out, fmt.Sprintf("it is %d px wider than its window", wide))
	}
	return out
}

// axe runs axe-core in a world of its own beside the page's scripts, by the debugger: the page's content security policy would
// rightly refuse an injected script. With scripts off they are on for the moment; the page's own have not been loaded. A page that
// gives way to the next one meanwhile is looked at again.
func (b *Tab) axe() (found []violation) {
	b.t.Helper()
	if b.device.noScript {
		b.script(true)
		defer b.script(false)
	}
	b.wait("axe-core", func() bool {
		text, err := b.axeOnce()
		if err != nil {
			b.t.Logf("axe-core is asked again: %v", err)
			return false
		}
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			b.fatalf("axe: %v: %.200s", err, text)
		}
		return true
	})
	// WCAG 2.2.1 excepts real-time events, and without scripts a line's page has no other way to go on.
	return slices.DeleteFunc(found, func(v violation) bool { return b.device.noScript && v.ID == "meta-refresh" })
}

func (b *Tab) axeOnce() (text string, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	tree, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return "", err
	}
	world, err := chromedp.Call(ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.Frame.ID, WorldName: "axe"})
	if err != nil {
		return "", err
	}
	there := func(p *runtime.EvaluateParams) { p.ContextID, p.AwaitPromise = world.ExecutionContextID, ptr(true) }
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](axeCore+"; true", there)); err != nil {
		return "", err
	}
	return chromedp.Run(ctx, chromedp.Evaluate[string](axeRun, there))
}
