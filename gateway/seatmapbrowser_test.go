package gateway

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/catalog/layout"
	"usher/internal/browser"
)

// faultsOf is a JavaScript function that says which of a drawing's promises seatmap.js breaks for a layout.
//
//go:embed testdata/seatmap.js
var faultsOf string

// planJSON is a layout as the API tells it.
func planJSON(t *testing.T, sections []layout.Section) string {
	t.Helper()
	type row struct {
		Name       string `json:"name"`
		Seats      int    `json:"seats"`
		Accessible bool   `json:"accessible"`
	}
	type section struct {
		Name  string `json:"name"`
		Level int    `json:"level"`
		First int    `json:"first"`
		Rows  []row  `json:"rows"`
	}
	var out []section
	first := 0
	for _, s := range sections {
		told := section{Name: s.Name, Level: int(s.Level[0] - 'A'), First: first}
		for _, r := range s.Rows {
			told.Rows = append(told.Rows, row{r.Name, r.Seats, r.Accessible})
			first += r.Seats
		}
		out = append(out, told)
	}
	b, err := json.Marshal(map[string]any{"sections": out})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// generated is the layout that is made for so many seats.
func generated(t *testing.T, seats int) []layout.Section {
	t.Helper()
	l, err := layout.Generate(seats)
	if err != nil {
		t.Fatal(err)
	}
	return l.Sections()
}

// sectionOf is a section of rows with the given numbers of seats.
func sectionOf(name string, rows ...int) layout.Section {
	s := layout.Section{Name: name, Level: "A"}
	for i, n := range rows {
		s.Rows = append(s.Rows, layout.Row{Name: fmt.Sprint(i + 1), Seats: n, Accessible: i == 0})
	}
	return s
}

func sectionsOf(n int, rows ...int) (out []layout.Section) {
	for i := range n {
		out = append(out, sectionOf("Block "+fmt.Sprint(i+1), rows...))
	}
	return out
}

// Whatever the layout, its map shows every seat once, none on another, none outside, and finds the one that is pointed at.
func TestInABrowserTheSeatMapIsDrawnForEveryLayout(t *testing.T) {
	t.Parallel()
	b := onSeatsPage(t)
	f := func(what string, sections []layout.Section) {
		t.Helper()
		if faults := mapFaults(b, "m", planJSON(t, sections)); len(faults) > 0 {
			t.Errorf("%s: %d faults: %q", what, len(faults), faults[:min(len(faults), 5)])
		}
	}
	f("one seat", []layout.Section{sectionOf("A", 1)})
	f("one row", []layout.Section{sectionOf("A", 40)})
	f("a triangle", []layout.Section{sectionOf("A", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)})
	f("a club of two sections", []layout.Section{sectionOf("Floor", 10, 10, 8), sectionOf("Boxes", 1, 1)})
	f("a section that is cut", []layout.Section{sectionOf("A", slices.Repeat([]int{40}, 50)...)})
	f("a row longer than a list", []layout.Section{sectionOf("A", 800, 800)})
	f("wide rows", sectionsOf(3, 120, 110))
	f("many blocks", sectionsOf(17, 12, 14, 16))
	f("uneven blocks", append(sectionsOf(7, 3), sectionsOf(2, 50, 50, 50)...))
	for _, seats := range []int{1, 7, 501, 3000, 5000, 5001, 20000, 94000} {
		f(fmt.Sprintf("%d seats", seats), generated(t, seats))
	}
}

// The control: a map that is drawn wrongly is found out.
func TestInABrowserABrokenSeatMapIsFound(t *testing.T) {
	t.Parallel()
	b := onSeatsPage(t)
	f := func(broken, want string, sections []layout.Section) {
		t.Helper()
		if faults := mapFaults(b, "{...m, "+broken+"}", planJSON(t, sections)); !slices.ContainsFunc(faults, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%s: %q is not among the faults %.300q", broken, want, faults)
		}
	}
	hall := generated(t, 501)
	f(`seatsOf: (...a) => { const d = m.seatsOf(...a); d.seats[1].x = d.seats[0].x + 9, d.seats[1].y = d.seats[0].y; return d }`, "lie on each other", hall)
	f(`seatsOf: (...a) => { const d = m.seatsOf(...a); d.seats.pop(); return d }`, "or not in order", hall)
	f(`seatsOf: (...a) => { const d = m.seatsOf(...a); d.width -= 40; return d }`, "is outside", hall)
	f(`seatsOf: (...a) => { const d = m.seatsOf(...a); d.stage.height += 90; return d }`, "is on the stage", hall)
	f(`seatsOf: (...a) => { const d = m.seatsOf(...a); d.names[0].x = d.seats[0].x, d.names[0].y = d.seats[0].y; return d }`, "is on a seat", hall)
	f(`nearest: (things) => things[0]`, "is not found", hall)
	f(`nearest: (things, x, y) => m.nearest(things, x, y, Infinity)`, "where there is none", hall)
	f(`place: (l, seat) => m.place(l, seat + 1)`, "place of seat 0", hall)
	f(`blocks: (l) => m.blocks(l).slice(1)`, "begins at", hall)
	f(`blocks: (l) => m.blocks(l).map((b) => ({...b, seats: b.seats + 1}))`, "does not hold", hall)
	f(`BLOCK_SEATS: 100`, "has 175 seats", hall)
	f(`overview: (...a) => { const v = m.overview(...a); v.shapes[1].path = v.shapes[0].path; return v }`, "lies on", generated(t, 94000))
	f(`overview: (...a) => { const v = m.overview(...a); v.stage.width *= 2; return v }`, "the stage lies on a section", generated(t, 94000))
	f(`overview: (...a) => { const v = m.overview(...a); v.shapes.pop(); return v }`, "the overview shows", hall)
}

// A stadium is told from a hall by the names of its sections.
func TestInABrowserAStadiumIsKnownByItsSections(t *testing.T) {
	t.Parallel()
	b := onSeatsPage(t)
	f := func(want bool, names ...string) {
		t.Helper()
		var sections []layout.Section
		for _, name := range names {
			sections = append(sections, sectionOf(name, 4))
		}
		if got := browser.Evaluate[bool](b, fmt.Sprintf(`import(document.getElementById("seats").dataset.geometry).then((m) => m.isStadium(%s))`, planJSON(t, sections))); got != want {
			t.Errorf("%q: %v", names, got)
		}
	}
	nine := []string{"101", "102", "103", "104", "105", "201", "202", "203", "204"}
	f(true, nine...)
	f(false, nine[:8]...)
	f(false, append(slices.Clone(nine), "Floor")...)
	f(false, append(slices.Clone(nine), "010")...)
	f(false, append(slices.Clone(nine), "1010")...)
}

// onSeatsPage is a fan on a page that knows where the module is.
func onSeatsPage(t *testing.T) *browser.Tab {
	t.Helper()
	e := newEdge(t)
	e.catalog.start = time.Now().Add(time.Hour)
	b := browser.New(t, "http://"+e.public, browser.Desktop)
	b.Open("/events/" + unguarded.String() + "/seats")
	return b
}

// mapFaults are the faults of the maps that a module draws of a layout. The module is a JavaScript expression in which m is seatmap.js.
func mapFaults(b *browser.Tab, module, plan string) []string {
	return browser.Evaluate[[]string](b, fmt.Sprintf(`import(document.getElementById("seats").dataset.geometry).then((m) => (%s)(%s, %s))`, faultsOf, module, plan))
}
