package apptest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"usher/internal/browser"
)

// everyDevice are the ways in which each of the fan's ways is walked. The last one's pictures are kept.
var everyDevice = []struct {
	name string
	browser.Device
}{
	{"desktop without scripts", browser.Desktop.NoScript()}, {"phone without scripts", browser.Phone.NoScript()},
	{"desktop", browser.Desktop}, {"phone", browser.Phone},
}

// onEveryDevice runs a walk on each device against one system.
func onEveryDevice(t *testing.T, s *System, walk func(t *testing.T, b *browser.Tab)) {
	for _, d := range everyDevice {
		t.Run(d.name, func(t *testing.T) { walk(t, browser.New(t, s.Public[0], d.Device)) })
	}
}

// frugal reports a page whose load breaks a budget. It leaves the page open.
func frugal(t *testing.T, b *browser.Tab, path string, faults func(browser.Load) []string) {
	t.Helper()
	load := b.Measure(path)
	t.Logf("%s: %s", path, load)
	for _, fault := range faults(load) {
		t.Errorf("%s: %s", path, fault)
	}
}

const browserRooms = `{"rooms": [{"room": "room", "name": "The Room", "method": "fifo", "events": ["concert"], "capacity": 1,
	"calls_per_minute": 60000, "session_seconds": 600, "grace_seconds": 600, "poll_floor_seconds": 3}]}`

// TestInABrowserAFanFindsAnEvent: from the first page by a search to an event and its facts.
func TestInABrowserAFanFindsAnEvent(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(40), Rooms: browserRooms})
	onEveryDevice(t, s, func(t *testing.T, b *browser.Tab) {
		frugal(t, b, "/", browser.Load.Faults)
		b.See("3 events")
		b.Check()
		b.Screen("search")
		b.Fill("Event, performer or venue", "The gig Band")
		b.Click("button", "Search")
		b.See("1 event")
		b.NotSee("matinee")
		b.Check()
		b.Screen("search-found")
		b.Click("link", "gig")
		b.SeeTitle("gig")
		for _, fact := range []string{"The Hall", "Toronto", "The gig Band", "65.00", "38 of 38", "40 tickets for sale", "Choose seats"} {
			b.See(fact)
		}
		b.Check()
		b.Screen("event")
		frugal(t, b, b.Path(), browser.Load.Faults)
	})
}

// TestInABrowserAFanWaitsAndGoesIn: join, wait behind somebody, be called, enter, leave.
func TestInABrowserAFanWaitsAndGoesIn(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(40), Rooms: browserRooms})
	onEveryDevice(t, s, func(t *testing.T, b *browser.Tab) {
		inside := NewFan(t, client, s.Public[0])
		inside.Join("room")
		t.Cleanup(func() { inside.Do("POST", "/api/v1/rooms/room/leave", nil) }) // the next device finds the room empty whatever happens here
		if !inside.Enter("room", 15*time.Second) {
			t.Fatal("the first fan is not let in")
		}
		frugal(t, b, "/rooms/room", browser.Load.WaitingRoomFaults)
		b.Check()
		b.Screen("room-before")
		b.Click("button", "Join the line")
		b.See("You are next")
		b.Reload()
		b.See("You are next")
		if !strings.Contains(t.Name(), "without") { // looking turns scripts on for a moment, in which the page refreshes itself
			b.Check()
		}
		b.Screen("room-waiting")
		tab := b.NewTab()
		for _, t := range []*browser.Tab{b, tab} {
			t.Forgive("429") // a page that is opened counts as a poll, and another tab may have asked a moment ago
		}
		tab.Open("/rooms/room")
		tab.See("You are next")

		must(t, inside.Do("POST", "/api/v1/rooms/room/leave", nil), 204)
		b.See("It is your turn")
		b.Check()
		b.Screen("room-called")
		if strings.Contains(t.Name(), "without") {
			b.Forgive(".js:") // the scripts of the seats' page, which this fan's browser does not load
		}
		b.Click("button", "Enter")
		b.SeePath("/events/") // one event: straight to its seats
		if !tab.Scripted() {  // a page with a button to press does not refresh itself
			tab.Reload()
		}
		tab.See("You are in") // as far as the tab that did not enter is concerned, too
		b.Open("/rooms/room")
		b.See("You are in")
		b.Check()
		b.Screen("room-entered")
		b.Click("DisclosureTriangle", "I am done")
		b.Click("button", "Yes, let somebody else in")
		b.NotSee("You are in")
		b.See("Join the line")
	})
}

// TestInABrowserTheKeyboardIsEnough: the whole way without a mouse; every stop of the focus is seen.
func TestInABrowserTheKeyboardIsEnough(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(40), Rooms: browserRooms})
	b := browser.New(t, s.Public[0], browser.Desktop)
	b.Open("/")
	walkStops(t, b)
	b.TabTo("combobox", "Event, performer or venue")
	b.Type("The concert Band")
	b.TabTo("button", "Search")
	b.Press("Enter")
	b.See("1 event")
	b.TabTo("link", "concert")
	b.Press("Enter")
	b.SeeTitle("concert")
	walkStops(t, b)
	b.TabTo("link", "Join the waiting room")
	b.Press("Enter")
	b.SeePath("/rooms/room")
	walkStops(t, b)
	b.TabTo("button", "Join the line")
	b.Press("Space")
	b.See("It is your turn")
	b.TabTo("button", "Enter")
	b.Press("Enter")
	b.SeePath("/events/")
	chooseByKeyboard(t, b)
	payByKeyboard(t, b)
	s.CheckTruth()
}

// walkStops looks at every stop of the focus, and begins again at the top of the page.
func walkStops(t *testing.T, b *browser.Tab) {
	t.Helper()
	t.Log(b.Path(), b.TabStops())
	b.Reload()
}

// chooseByKeyboard moves the map, takes three seats of the list, gives one back, and books.
func chooseByKeyboard(t *testing.T, b *browser.Tab) {
	t.Helper()
	mapDrawn(t, b)
	walkStops(t, b)
	mapDrawn(t, b)
	b.TabTo("button", "Zoom in")
	b.Press("Enter", "Enter")
	b.TabTo("group", "Map of the seats")
	const view = `document.querySelector("#map svg > g").getAttribute("transform")`
	before := browser.Evaluate[string](b, view)
	if b.Press("ArrowRight", "ArrowDown"); browser.Evaluate[string](b, view) == before {
		t.Errorf("the arrow keys leave the map at %s", before)
	}
	b.Press("Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab")
	if at := b.Focused(); at != `button "List"` {
		t.Fatalf("four stops before the map is %s", at)
	}
	b.Press("Space")
	b.TabTo("link", "Floor…")
	b.Press("Enter")
	b.See("Section Floor")
	b.TabTo("button", "Row 1, seat 1")
	b.Press("ArrowRight", "ArrowDown", "Space")
	b.See("Floor, row 2, seat 2")
	b.Press("Home", "Enter")
	b.See("Floor, row 2, seat 1")
	b.Press("End", "Enter")
	b.See("Floor, row 2, seat 10")
	b.Press("Enter") // the same key gives it back
	b.See("seat 10 was given back")
	if at := b.Focused(); at != `button "Row 2, seat 10"` {
		t.Errorf("after a seat is given back the focus is on %s", at)
	}
	b.Reload() // the list stays a list
	mapDrawn(t, b)
	stops := b.TabStops()
	t.Log(b.Path(), stops)
	if n := len(slices.DeleteFunc(stops, func(stop string) bool { return !strings.HasPrefix(stop, `button "Row `) })); n != 1 {
		t.Errorf("a section is %d stops of the focus, want 1", n)
	}
	b.Reload()
	mapDrawn(t, b)
	b.TabTo("button", "Continue to checkout")
	b.Press("Enter")
	b.SeePath("/checkout/")
}

// payByKeyboard has a card declined, chooses another by the arrow keys, and reads his number.
func payByKeyboard(t *testing.T, b *browser.Tab) {
	t.Helper()
	walkStops(t, b)
	b.TabTo("textbox", "Name")
	b.Type("Ada Lovelace")
	b.TabTo("textbox", "E-mail")
	b.Type("ada@example.org")
	b.TabTo("radio", "Test card that is accepted") // one stop: the card that is chosen
	b.Press("ArrowUp")
	for at := b.Focused(); at != `radio "Test card that is declined"`; at = b.Focused() {
		b.Press("ArrowUp")
	}
	b.TabTo("button", "Pay…")
	b.Press("Enter")
	b.See("The payment did not go through")
	b.TabTo("radio", "Test card that is declined")
	for at := b.Focused(); at != `radio "Test card that is accepted"`; at = b.Focused() {
		b.Press("ArrowUp")
	}
	b.Press("Enter") // as in any form, from where one is
	b.SeePath("/booking/")
	b.See("You are going!")
	b.See("Confirmation number")
	stops := b.TabStops()
	t.Log(b.Path(), stops)
	for _, want := range []string{`link "Add to calendar"`, `button "Print"`} {
		if !slices.Contains(stops, want) {
			t.Errorf("the focus never stops at %s, but at %v", want, stops)
		}
	}
}
