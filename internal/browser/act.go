package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Open goes to a path of the gateway, or to a whole URL, as if typed into the address bar, and waits until it has loaded.
func (b *Tab) Open(path string) {
	b.t.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = b.base + path
	}
	b.load("open "+path, func(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Navigate(url)) })
}

// Reload loads the page again, as the browser's button does.
func (b *Tab) Reload() { b.t.Helper(); b.load("reload", reload) }

func reload(ctx context.Context) error { return chromedp.Do(ctx, chromedp.Reload()) }

// load has the browser load a page, and again while the one it shows refreshes itself in that moment.
func (b *Tab) load(what string, once func(context.Context) error) {
	b.t.Helper()
	b.wait("a page that leaves time to "+what, func() bool {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		defer cancel()
		err := once(ctx)
		if err != nil && !overtaken(err) {
			b.fatalf("%s: %v", what, err)
		}
		return err == nil
	})
}

// overtaken tells that the page went elsewhere by itself before the browser could do what it was asked: Chromium says it in these words only.
func overtaken(err error) bool {
	return strings.Contains(err.Error(), "Not attached to an active page") || strings.Contains(err.Error(), "net::ERR_ABORTED")
}

// Back goes back one page, as the browser's button does: out of its memory where the page allows that. The server may lead elsewhere from there.
func (b *Tab) Back() {
	b.t.Helper()
	history := call(b, "history", page.GetNavigationHistory, cdp.Empty{})
	if history.CurrentIndex == 0 {
		b.fatalf("there is nothing to go back to")
	}
	index := history.CurrentIndex - 1
	to := history.Entries[index]
	call(b, "back", page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: to.ID})
	b.wait("the way back to "+to.URL, func() bool {
		now, err := chromedp.Call(b.ctx, page.GetNavigationHistory, cdp.Empty{}) // while one page gives way to the other there may be none
		if err != nil || now.CurrentIndex != index {
			return false
		}
		state, err := evaluate[string](b, `document.readyState`)
		return err == nil && state == "complete"
	})
}

// Click clicks, or taps on a touch device, the one element with a role and an accessible name: "button", "link", "checkbox", "radio" …
// It waits for it to appear, to be enabled and to lie free; it does not wait for what the click does.
func (b *Tab) Click(role, name string) {
	b.t.Helper()
	var at point
	var e element
	b.wait(fmt.Sprintf("a free place to click %s %q", role, name), func() (ok bool) {
		e = b.find(name, role)
		at, ok = b.reach(e)
		return ok
	})
	b.press(at, e.String())
}

// ClickDrawing clicks, or taps, the middle of what a JavaScript expression yields: a part of a drawing, which no screen reader tells and Click
// does not find. It waits for it to be there and to lie free.
func (b *Tab) ClickDrawing(expression string) {
	b.t.Helper()
	b.clickMiddle(expression, "e.ownerSVGElement?.contains(hit)")
}

// ClickFrame clicks, or taps, the middle of a frame that a selector finds: what is in the frame belongs to another document, which Click does not see.
func (b *Tab) ClickFrame(selector string) {
	b.t.Helper()
	b.clickMiddle(fmt.Sprintf("document.querySelector(%q)", selector), "e === hit")
}

// clickMiddle clicks, or taps, the middle of the element e that an expression yields, once it is there and another one says that what is hit there will do.
func (b *Tab) clickMiddle(expression, free string) {
	b.t.Helper()
	var at [2]float64
	b.wait("a free place to click "+expression, func() bool {
		var err error
		at, err = evaluate[[2]float64](b, fmt.Sprintf(`(() => {
			const e = %s;
			e.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
			const r = e.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + r.height / 2, hit = document.elementFromPoint(x, y);
			if (!hit || !(%s)) throw new Error("covered");
			return [x, y];
		})()`, expression, free))
		return err == nil
	})
	b.press(point{at[0], at[1]}, expression)
}

// press sends a click, or a tap, at a point of the window.
func (b *Tab) press(at point, what string) {
	b.t.Helper()
	b.watch.touch()
	if b.device.Touch {
		touch := []*input.TouchPoint{{X: at.x, Y: at.y}}
		call(b, "touch "+what, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchStart, TouchPoints: touch})
		call(b, "let go", input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{}})
		return
	}
	mouse := input.DispatchMouseEventParams{X: at.x, Y: at.y, Button: input.MouseButtonLeft, ClickCount: 1}
	for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMouseMoved, input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
		mouse.Type = kind
		call(b, "click "+what, input.DispatchMouseEvent, mouse)
	}
}

type point struct{ x, y float64 }

// reach scrolls to an element and returns its middle, if that is where a click would hit it. The page may change meanwhile.
func (b *Tab) reach(e element) (at point, ok bool) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: e.node}); err != nil {
		return at, false
	}
	r, err := chromedp.Call(ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: e.node})
	if err != nil || len(r.Quads) == 0 || len(r.Quads[0]) != 8 {
		return at, false
	}
	q := r.Quads[0]
	at = point{(q[0] + q[2] + q[4] + q[6]) / 4, (q[1] + q[3] + q[5] + q[7]) / 4}
	hit, err := onElement[bool](b, e, fmt.Sprintf(`function() {
		if (this.disabled || this.closest?.("[inert]")) return false;
		const hit = document.elementFromPoint(%f, %f);
		return !!hit && (this.contains(hit) || hit.contains(this) && hit.tagName == "LABEL" || [...(this.labels ?? [])].some(l => l.contains(hit)));
	}`, at.x, at.y))
	return at, err == nil && hit && !math.IsNaN(at.x)
}

// Fill puts text into the one field with a label, in place of what is there. A date is YYYY-MM-DD. In a list of options it chooses
// the one that reads so.
func (b *Tab) Fill(label, text string) {
	b.t.Helper()
	e := b.find(label, editable...)
	b.watch.touch()
	kind := must(b, e, `function() { this.focus(); this.select?.(); return this.tagName + " " + this.type }`)
	switch {
	case strings.HasPrefix(kind, "SELECT"):
		option := must(b, e, fmt.Sprintf(`function() {
			const o = [...this.options].find(o => o.text.trim() === %s);
			if (!o) return "";
			this.value = o.value;
			this.dispatchEvent(new Event("input", {bubbles: true})); this.dispatchEvent(new Event("change", {bubbles: true}));
			return "chosen";
		}`, quote(text)))
		if option == "" {
			b.fatalf("%s has no option %q", e, text)
		}
	case strings.HasSuffix(kind, " date"), strings.HasSuffix(kind, "-local"), strings.HasSuffix(kind, " time"):
		// How one types a date depends on the language; what arrives is the same.
		must(b, e, fmt.Sprintf(`function() { this.value = %s; this.dispatchEvent(new Event("input", {bubbles: true}));
			this.dispatchEvent(new Event("change", {bubbles: true})); return "" }`, quote(text)))
	case text == "":
		b.Press("Delete")
	default:
		b.Type(text)
	}
}

// Type types text where the keyboard's focus is.
func (b *Tab) Type(text string) {
	b.t.Helper()
	b.watch.touch()
	call(b, "type", input.InsertText, input.InsertTextParams{Text: text})
}

func (b *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fatalf("%s: %v", what, err)
	}
}

// onElement calls a JavaScript function on an element and decodes its result.
func onElement[T any](b *Tab, e element, function string) (v T, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	o, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: e.node})
	if err != nil {
		return v, err
	}
	r, err := chromedp.Call(ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		ObjectID: o.Object.ObjectID, FunctionDeclaration: function, ReturnByValue: ptr(true)})
	if err != nil {
		return v, err
	}
	if r.ExceptionDetails != nil {
		return v, fmt.Errorf("exception: %s", thrown(r.ExceptionDetails))
	}
	if len(r.Result.Value) > 0 { // undefined has no JSON form
		err = json.Unmarshal(r.Result.Value, &v)
	}
	return v, err
}

// must is onElement for functions that return text and that do not fail.
func must(b *Tab, e element, function string) string {
	b.t.Helper()
	v, err := onElement[string](b, e, function)
	if err != nil {
		b.fatalf("%s: %v", e, err)
	}
	return v
}

// quote makes text a JavaScript string.
func quote(text string) string {
	q, _ := json.Marshal(text) // text always has a JSON form
	return string(q)
}
