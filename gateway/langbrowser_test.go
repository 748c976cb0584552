package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/gateway/lang"
	"usher/internal/browser"
)

// A page has times, numbers and prices from the server and from its scripts, side by side: both must write them alike.
func TestInABrowserServerAndScriptsWriteAlike(t *testing.T) {
	t.Parallel()
	b := browser.New(t, "", browser.Desktop)
	plain := func(s string) string { return strings.Join(strings.Fields(s), " ") } // blanks of one kind
	f := func(l *lang.Lang, what, server, script string) {
		t.Helper()
		if s := plain(browser.Evaluate[string](b, script)); s != plain(server) {
			t.Errorf("%s: %s is %q on the server and %q in the browser", l.Tag, what, server, s)
		}
	}
	for _, l := range lang.All() {
		for _, at := range []time.Time{noon.Add(-150 * time.Minute), noon, noon.Add(485 * time.Minute)} {
			f(l, "a time", l.Clock(at), fmt.Sprintf(`new Intl.DateTimeFormat(%q, {timeStyle: "short", timeZone: "UTC"}).format(%d)`, l.Tag, at.UnixMilli()))
		}
		f(l, "a number", l.Number(12345), fmt.Sprintf(`new Intl.NumberFormat(%q).format(12345)`, l.Tag))
		for code, minor := range map[string]int64{"USD": 123450, "CAD": 123450, "MXN": 123450, "EUR": 123450, "GBP": 123450, "PLN": 123450, "JPY": 12345} {
			f(l, "a price", l.Money(minor, code), fmt.Sprintf(`(() => {
				const f = new Intl.NumberFormat(%q, {style: "currency", currency: %q});
				return f.formatToParts(%d / 10 ** f.resolvedOptions().maximumFractionDigits).map((p) => p.type === "currency" ? %q : p.value).join("");
			})()`, l.Tag, code, minor, l.Symbol(code)))
		}
	}
}
