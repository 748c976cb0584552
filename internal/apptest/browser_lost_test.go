package apptest

import (
	"testing"
	"time"

	"usher/internal/browser"
)

// TestInABrowserAnAnswerThatIsLost: the server has held the seat and the browser never hears of it. The seat is the fan's all the same, and the
// page finds that out instead of showing him his own seat as somebody else's.
func TestInABrowserAnAnswerThatIsLost(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(60)})
	b := browser.New(t, s.Public[0], browser.Desktop)
	b.Open("/events/" + s.eventNamed("gig") + "/seats?section=Floor")
	within(t, 20*time.Second, "the map is drawn", func() bool { return browser.Evaluate[bool](b, `!!document.querySelector("#map svg")`) })
	browser.Evaluate[bool](b, `fetch("/api/v1/visitors", {method: "POST"}).then((r) => r.ok)`)
	browser.Evaluate[bool](b, `(() => {
		const real = window.fetch;
		window.fetch = async (url, o) => {
			const answer = await real(url, o);
			if (o?.method === "POST") throw new TypeError("lost");
			return answer;
		};
		return true;
	})()`)
	b.Click("button", "List")
	b.Click("button", "Row 1, seat 1")
	b.See("Floor, row 1, seat 1")
	b.NotSee("That did not get through")
	b.Reload()
	b.See("Floor, row 1, seat 1")
}
