package apptest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/internal/browser"
)

// What an organiser might plant in a name: it ends an attribute, a script's block and a tag, it is a placeholder of ours and one of JavaScript's
// replace, and it turns the direction of what follows. Names of seats have less room.
const (
	planted     = `"><img src=x onerror="planted=1"></script><script>planted=1</script>{{n}}{seat}$&` + "\u202e" + `txt`
	plantedSeat = `<img src=x onerror=planted=1>$&`
	plantedRow  = `{left}{section}{seat}$&<b>`
	plantedLink = `javascript:planted=1`
)

// plantedCatalog is one page of events and a bit, whose every name is hostile.
func plantedCatalog() string {
	var b strings.Builder
	line := func(v map[string]any) {
		text, _ := json.Marshal(v) // of text and numbers
		b.Write(append(text, '\n'))
	}
	line(map[string]any{"type": "venue", "id": "hall", "name": "Zhall " + planted, "city": "Zcity " + planted, "country": "CA", "location": "Zplace " + planted,
		"time_zone": "America/Toronto", "latitude": 43.64, "longitude": -79.38, "sections": []map[string]any{
			{"name": plantedSeat, "level": "A", "rows": []map[string]any{{"name": plantedRow, "seats": 6}, {"name": plantedLink, "seats": 6}}}}})
	line(map[string]any{"type": "performer", "id": "band", "name": "Zband " + planted})
	line(map[string]any{"type": "performer", "id": "link", "name": plantedLink})
	for n := range 24 {
		line(map[string]any{"type": "event", "id": fmt.Sprintf("e%d", n), "name": fmt.Sprintf("Zevent %d %s", n, planted), "venue": "hall", "performers": []string{"band", "link"},
			"category": plantedSeat, "details": planted, "start_time": time.Now().AddDate(0, 1, n).UTC().Format(time.DateOnly) + "T20:00:00", "currency": "CAD",
			"prices": map[string]int{"A": 6500}})
	}
	return b.String()
}

// literal waits until a page shows a planted text as it was written, and reports anything of it that has come to life.
func literal(t *testing.T, b *browser.Tab, text string) {
	t.Helper()
	b.See(text)
	lively := browser.Evaluate[string](b, `String(self.planted ?? "") + [...document.querySelectorAll("img, [onerror], a[href^='javascript:' i]")].map((e) => e.outerHTML).join()`)
	if lively != "" {
		t.Errorf("%s: what was planted lives: %s", b.Path(), lively)
	}
}

// enter presses the key on what a JavaScript expression yields, whatever it is called.
func enter(b *browser.Tab, expression string) {
	browser.Evaluate[any](b, expression+".focus()")
	b.Press("Enter")
}

// TestInABrowserNamesAreOnlyText: what scripts write from names is text: suggestions, cards that are appended, seats in list, map, basket and
// announcements. The policy of the pages would stop most of what a name could do; that it was asked to would be a fault on the console, and fail.
func TestInABrowserNamesAreOnlyText(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: plantedCatalog()})
	for name, d := range map[string]browser.Device{"phone": browser.Phone, "desktop in Arabic": browser.Desktop.Speaking("ar")} {
		t.Run(name, func(t *testing.T) {
			b := browser.New(t, s.Public[0], d)
			b.Open("/")
			literal(t, b, "Zevent 3 "+planted)
			cards := browser.Evaluate[int](b, `document.querySelectorAll("#cards > li").length`)
			enter(b, `document.querySelector("#more a[rel=next]")`)
			literal(t, b, "Zevent 23 "+planted)
			if all := browser.Evaluate[int](b, `document.querySelectorAll("#cards > li").length`); cards >= 24 || all != 24 {
				t.Errorf("%d cards, then %d", cards, all)
			}

			browser.Evaluate[any](b, `document.getElementById("q").focus()`)
			for typed, shown := range map[string]string{"Zevent": "Zevent", "Zband": "Zband", "Zhall": "Zhall", "Zcity": "Zplace"} { // of a city the whole place
				browser.Evaluate[any](b, `document.getElementById("q").select()`)
				b.Type(typed)
				within(t, 20*time.Second, typed+" is suggested as it was written", func() bool {
					return browser.Evaluate[bool](b, fmt.Sprintf(`[...document.querySelectorAll("#suggestions li")].some((li) => li.textContent.startsWith(%q) && li.textContent.includes(%q))`, shown, planted))
				})
				literal(t, b, shown)
			}
			b.Press("Escape")
			b.Check()

			event := browser.Evaluate[string](b, `document.querySelector("#cards a").getAttribute("href")`)
			b.Open(event)
			literal(t, b, planted)
			b.Open(event + "/seats")
			within(t, 20*time.Second, "the map is drawn", func() bool { return browser.Evaluate[int](b, `document.querySelectorAll("#map .place").length`) == 12 })
			literal(t, b, plantedSeat)
			enter(b, `document.getElementById("show-list")`)
			enter(b, `document.querySelector("#list .sections a")`)
			enter(b, `document.querySelector("#list button.seat")`)
			within(t, 20*time.Second, "the seat is said to be mine", func() bool {
				said := browser.Evaluate[string](b, `document.getElementById("news").textContent`)
				return strings.Contains(said, plantedSeat) && strings.Contains(said, plantedRow)
			})
			if held := browser.Evaluate[string](b, `document.getElementById("held").textContent`); !strings.Contains(held, plantedSeat) || !strings.Contains(held, plantedRow) {
				t.Errorf("the basket reads %q", held)
			}
			literal(t, b, plantedRow)
			b.Check()
			enter(b, `document.querySelector("#held button")`)
			within(t, 20*time.Second, "the seat is given back", func() bool { return browser.Evaluate[int](b, `document.querySelectorAll("#held li").length`) == 0 })
			literal(t, b, plantedSeat)
		})
	}
}
