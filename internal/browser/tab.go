package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performancetimeline"
	"github.com/chromedp/chromedp"
)

// Tab is one tab of one fan. It is used by one goroutine; other tabs, of this fan and of others, may be used at the same time.
// Every method ends the test when it cannot keep its promise.
type Tab struct {
	t      testing.TB
	ctx    context.Context
	base   string
	device Device
	watch  *watch
}

// New opens a browser of a fan's own, with no cookies and an empty cache, before a gateway with the given base URL. The tab is closed
// and judged when the test ends.
func New(t testing.TB, base string, d Device) *Tab {
	t.Helper()
	p := chromium(t)
	return open(t, p.ctx, base, d, chromedp.WithNewBrowserContext())
}

// NewTab opens another tab of the same fan.
func (b *Tab) NewTab() *Tab {
	b.t.Helper()
	return open(b.t, b.ctx, b.base, b.device)
}

func open(t testing.TB, parent context.Context, base string, d Device, options ...chromedp.ContextOption) *Tab {
	t.Helper()
	b := &Tab{t: t, base: base, device: d, watch: &watch{noScript: d.noScript}}
	var cancel context.CancelFunc
	b.ctx, cancel = chromedp.NewContext(parent, append(options, chromedp.WithListener(b.watch.see))...)
	t.Cleanup(func() {
		for _, fault := range b.watch.faults() {
			t.Errorf("browser: %s", fault)
		}
		cancel()
	})
	// The first use binds the tab to its context, so it has no deadline.
	if err := chromedp.Do(b.ctx); err != nil {
		t.Fatalf("browser: new tab: %v", err)
	}
	b.setUp()
	return b
}

// setUp makes the tab the fan's device.
func (b *Tab) setUp() {
	b.t.Helper()
	d := b.device
	call(b, "network", network.Enable, network.EnableParams{})
	call(b, "lifecycle", page.SetLifecycleEventsEnabled, page.SetLifecycleEventsEnabledParams{Enabled: true})
	call(b, "layout shifts", performancetimeline.Enable, performancetimeline.EnableParams{EventTypes: []string{"layout-shift"}})
	agent := emulation.SetUserAgentOverrideParams{UserAgent: running.agent, AcceptLanguage: d.language}
	call(b, "language", emulation.SetUserAgentOverride, agent)
	call(b, "time zone", emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: d.zone})
	call(b, "touch", emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: d.Touch})
	// Each tab believes that it has the keyboard, however many there are.
	call(b, "focus", emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	b.script(!d.noScript)
	media := []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: pick(d.dark, "dark", "light")},
		{Name: "prefers-reduced-motion", Value: pick(d.calm, "reduce", "no-preference")},
	}
	call(b, "media", emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: media})
	b.resize(d)
}

func (b *Tab) resize(d Device) {
	b.t.Helper()
	call(b, "window", emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: d.Width, Height: d.Height, DeviceScaleFactor: d.Scale, Mobile: d.Touch})
}

func (b *Tab) script(on bool) {
	b.t.Helper()
	call(b, "scripts", emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// Scripted reports whether the fan's device runs scripts.
func (b *Tab) Scripted() bool { return !b.device.noScript }

// Offline takes the fan's network away, or gives it back. Requests that fail meanwhile are not the page's fault.
func (b *Tab) Offline(off bool) {
	b.t.Helper()
	b.watch.setOffline(off)
	all := &network.Conditions{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}
	call(b, "offline", network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{all}})
}

// Forgive says that faults whose text contains part are provoked by the test, or known: they are not reported.
func (b *Tab) Forgive(part string) { b.watch.forgive(part) }

// call sends a protocol command and ends the test when it fails.
func call[P, R any](b *Tab, doing string, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.fatalf("%s: %v", doing, err)
	}
	return r
}

// Evaluate runs a JavaScript expression in the page, by the debugger, which no content security policy stops and which works with
// scripts off. A promise is waited for. T is decoded from JSON.
func Evaluate[T any](b *Tab, expression string) T {
	b.t.Helper()
	v, err := evaluate[T](b, expression)
	if err != nil {
		b.fatalf("evaluate %.80s: %v", expression, err)
	}
	return v
}

func evaluate[T any](b *Tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// fatalf ends the test with what the page looks like and what it complained of.
func (b *Tab) fatalf(format string, args ...any) {
	b.t.Helper()
	text, _ := evaluate[string](b, `location.href + "\n" + document.title + "\n" + document.body.innerText`)
	if len(text) > 2000 {
		text = text[:2000] + "…"
	}
	b.t.Fatalf("browser: %s\n── the page\n%s\n── complaints\n%s", fmt.Sprintf(format, args...), text, strings.Join(b.watch.faults(), "\n"))
}

// wait asks until ok, or ends the test. It asks the page itself: no page announces everything that a fan can see.
func (b *Tab) wait(what string, ok func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func ptr[T any](v T) *T { return &v }
