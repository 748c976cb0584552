package browser

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var keys = map[string]string{
	"Tab": kb.Tab, "Enter": kb.Enter, "Space": " ", "Escape": kb.Escape, "Delete": kb.Delete, "Home": kb.Home, "End": kb.End,
	"ArrowUp": kb.ArrowUp, "ArrowDown": kb.ArrowDown, "ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight,
}

// Press presses keys one after the other: Tab, Enter, Space, Escape, Delete, Home, End, ArrowUp …, each with "Shift+" before it or not.
func (b *Tab) Press(names ...string) {
	b.t.Helper()
	b.watch.touch()
	for _, name := range names {
		plain, shifted := strings.CutPrefix(name, "Shift+")
		key, ok := keys[plain]
		if !ok {
			b.fatalf("no key %q", name)
		}
		var options []chromedp.KeyOption
		if shifted {
			options = append(options, chromedp.KeyModifiers(kb.ModifierShift))
		}
		b.do("press "+name, chromedp.KeyEvent(key, options...))
	}
}

// Focused is what has the keyboard's focus, as `button "Search"`; "" if nothing has.
func (b *Tab) Focused() string {
	b.t.Helper()
	e, ok := b.focused()
	return pick(ok, e.String(), "")
}

func (b *Tab) focused() (e element, ok bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	active, err := chromedp.Run(ctx, chromedp.Evaluate[*runtime.RemoteObject](`document.activeElement === document.body ? null : document.activeElement`))
	if err != nil {
		b.fatalf("focus: %v", err)
	}
	if active == nil || active.ObjectID == "" {
		return e, false
	}
	tree := call(b, "focus", accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{ObjectID: active.ObjectID, FetchRelatives: ptr(false)})
	n := tree.Nodes[0]
	return element{role: spokenValue(n.Role), name: spokenValue(n.Name), node: n.BackendDOMNodeID}, true
}

// TabTo presses Tab until an element of the role and name has the focus, as somebody without a mouse does.
func (b *Tab) TabTo(role, name string) {
	b.t.Helper()
	var passed []string
	for range maxStops {
		b.Press("Tab")
		e, _ := b.focused()
		if e.role == role && called(e.name, name) {
			return
		}
		passed = append(passed, e.String())
	}
	b.fatalf("%d times Tab do not reach %s %q, but %s", maxStops, role, name, strings.Join(passed, ", "))
}

const maxStops = 100 // of the keyboard's focus on one page; more is no way to walk

// TabStops walks the whole page with Tab and says where the focus stops, in order. Each stop must have a name, be on screen, and
// show that it has the focus.
func (b *Tab) TabStops() (stops []string) {
	b.t.Helper()
	Evaluate[any](b, `document.activeElement.blur()`)
	var last element // a date field is one thing with several stops
	for range maxStops {
		b.Press("Tab")
		e, ok := b.focused()
		if ok && e.node == last.node {
			continue
		}
		last = e
		if !ok || len(stops) > 0 && stops[0] == e.String() { // out of the page, or round again
			return stops
		}
		stops = append(stops, e.String())
		for _, fault := range b.stopFaults(e) {
			b.t.Errorf("browser: %s on %s", fault, b.Path())
		}
	}
	b.fatalf("more than %d stops of the keyboard's focus: %v", maxStops, stops)
	return nil
}

func (b *Tab) stopFaults(e element) (out []string) {
	b.t.Helper()
	if e.name == "" {
		out = append(out, fmt.Sprintf("the %s at which the focus stops has no name", e.role))
	}
	if seen, err := b.ring(e); err != nil {
		b.fatalf("focus of %s: %v", e, err)
	} else if !seen {
		out = append(out, fmt.Sprintf("nobody can see that %s has the focus", e))
	}
	return out
}
