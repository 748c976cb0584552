package apptest

import (
	"strings"
	"testing"
	"time"

	"usher/internal/browser"
)

// shopRooms lets everybody in at once: these walks are about what comes behind the door.
const shopRooms = `{"rooms": [{"room": "room", "name": "The Room", "method": "fifo", "events": ["concert"], "capacity": 100,
	"calls_per_minute": 60000, "session_seconds": 600, "grace_seconds": 600, "poll_floor_seconds": 0.5, "message": "Doors at seven."}]}`

// TestInABrowserAFanBuysATicket is the whole way: search, event, line, seats, a card that is declined and one that is not, confirmation. Every
// page is reloaded on the way, and nothing is lost or done twice.
func TestInABrowserAFanBuysATicket(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(60), Rooms: shopRooms})
	onEveryDevice(t, s, func(t *testing.T, b *browser.Tab) {
		b.Open("/")
		b.Fill("Where", "Toronto")
		b.Click("button", "Search")
		b.See("3 events")
		b.Click("link", "concert")
		b.See("tickets for sale")
		b.Click("link", "Join the waiting room")
		b.Click("button", "Join the line")
		b.See("It is your turn")
		b.Reload()
		b.Click("button", "Enter")
		b.SeePath("/events/")
		takeTwoSeats(t, b)
		b.Click("button", "Continue to checkout")
		b.SeePath("/checkout/")
		b.See("Section Floor")
		b.Check()
		b.Screen("checkout")
		frugal(t, b, b.Path(), browser.Load.Faults)
		pay(b, "Test card without enough money")
		b.See("does not have enough money")
		b.Check()
		b.Screen("checkout-declined")
		b.Reload()
		b.Click("radio", "Test card that is accepted")
		b.Click("button", "…Pay…")
		b.SeePath("/booking/")
		showTicket(t, b)
	})
}

// takeTwoSeats lets the page choose, and sees the seats in the basket, also after a reload.
func takeTwoSeats(t *testing.T, b *browser.Tab) {
	t.Helper()
	b.Check()
	b.Screen("seats")
	frugal(t, b, b.Path(), browser.Load.Faults)
	b.Fill("Seats together", "2")
	b.Click("button", "Find the best seats")
	b.See("Floor, row")
	b.Reload()
	b.See("Floor, row")
	b.Check()
	b.Screen("seats-basket")
}

// pay fills in who buys and chooses a card.
func pay(b *browser.Tab, card string) {
	b.Fill("Name", "Ada Lovelace")
	b.Fill("E-mail", "ada@example.org")
	b.Click("radio", card)
	b.Click("button", "…Pay…")
}

// showTicket is what a buyer sees and can do, also when he goes back.
func showTicket(t *testing.T, b *browser.Tab) {
	t.Helper()
	b.See("You are going!")
	b.See("Ada Lovelace")
	b.Check()
	b.Screen("confirmation")
	ticket := b.Path()
	frugal(t, b, ticket, browser.Load.Faults)
	b.Open(strings.Replace(ticket, "/booking/", "/checkout/", 1)) // whoever goes back to the till is shown his ticket
	b.SeePath("/booking/")
	b.See("You are going!")
}

// TestInABrowserTwoFansWantOneSeat: the slower one is told, keeps what he had, and is offered what is near. Without a script by the answer to
// his button, with one before he presses it.
func TestInABrowserTwoFansWantOneSeat(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(60)})
	gig := s.eventNamed("gig")
	t.Run("without scripts", func(t *testing.T) {
		quick, slow := browser.New(t, s.Public[0], browser.Phone.NoScript()), browser.New(t, s.Public[0], browser.Phone.NoScript())
		slow.Forgive("409")
		for _, b := range []*browser.Tab{quick, slow} {
			b.Open("/events/" + gig + "/seats?section=Floor")
			b.See("Section Floor")
		}
		quick.Click("button", "Row 2, seat 5")
		quick.See("Floor, row 2, seat 5")
		slow.Click("button", "Row 2, seat 5")
		slow.See("Somebody else has just taken this seat.")
		slow.Check()
		slow.Screen("seats-refused")
		slow.Click("button", "Floor, row 2, seat 6…")
		slow.See("Floor, row 2, seat 6")
		quick.Click("button", "Give back…")
		quick.See("Nothing yet.")
	})
	t.Run("with scripts", func(t *testing.T) {
		quick, slow := NewFan(t, client, s.Public[0]), browser.New(t, s.Public[0], browser.Desktop)
		slow.Open("/events/" + gig + "/seats?section=Floor")
		mapDrawn(t, slow)
		slow.Click("button", "List")
		slow.TabTo("button", "Row 1, seat 1") // the one stop of a section; arrows go on from there
		slow.Screen("seats-list")
		must(t, quick.Hold(gig, gig+"-0"), 201)
		slow.See("was just taken by somebody else")
		if at := slow.Focused(); !strings.Contains(at, "Row 1, seat 1") {
			t.Errorf("the focus is lost to %s", at)
		}
		slow.Check()
	})
}

// mapDrawn waits until the script has taken over the seats' page.
func mapDrawn(t *testing.T, b *browser.Tab) {
	t.Helper()
	within(t, 20*time.Second, "the map is drawn", func() bool { return browser.Evaluate[bool](b, `!!document.querySelector("#list.ready")`) })
}

// TestInABrowserTimeRunsOut: a reservation ends in front of its buyer, who is told and can begin again; an extension puts the end off.
func TestInABrowserTimeRunsOut(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(60), Env: map[string]string{"USHER_CHECKOUT": "8s"}})
	gig := s.eventNamed("gig")
	for name, d := range map[string]browser.Device{"with scripts": browser.Phone, "without scripts": browser.Phone.NoScript()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := browser.New(t, s.Public[0], d)
			b.Open("/events/" + gig + "/seats")
			b.Click("button", "Find the best seats")
			b.See("Floor, row")
			b.Click("button", "Continue to checkout")
			b.SeePath("/checkout/")
			b.See("go back on sale") // the warning
			b.Click("button", "I need more time")
			b.See("It cannot be extended again")
			b.Screen("checkout-warning")
			if strings.Contains(name, "without") {
				within(t, 60*time.Second, "the end is shown", func() bool {
					b.Reload()
					return strings.Contains(b.Text(), "The time for these seats is over")
				})
			}
			b.See("The time for these seats is over")
			b.See("Nothing was charged")
			b.Check()
			b.Screen("checkout-expired")
			b.Click("link", "Choose other seats")
			b.See("Choose your seats")
		})
	}
}

// TestInABrowserABankAsks: the payer approves on his bank's page and comes back to his ticket.
func TestInABrowserABankAsks(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(60)})
	gig := s.eventNamed("gig")
	onEveryDevice(t, s, func(t *testing.T, b *browser.Tab) {
		b.Open("/events/" + gig + "/seats")
		b.Click("button", "Find the best seats")
		b.See("Floor, row")
		b.Click("button", "Continue to checkout")
		b.SeePath("/checkout/")
		pay(b, "Test card whose bank asks you to approve")
		b.See("Your bank asks you to approve the payment")
		b.Check()
		b.Screen("checkout-approve")
		b.Click("link", "Approve the payment")
		b.See("Approve the payment?")
		b.Check()
		b.Click("button", "Approve")
		b.SeePath("/booking/")
		b.See("You are going!")
	})
}

// languages are what pages must speak, with a word of the waiting room and the direction of each.
var languages = []string{"en", "es", "fr", "de", "pt", "it", "nl", "pl", "tr", "ar", "he", "hi", "zh-Hans", "ja", "ko"}

// TestInABrowserEveryLanguageReads: each language has its own words, direction and no fault of accessibility or layout on the narrowest screen.
func TestInABrowserEveryLanguageReads(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(60), Rooms: shopRooms})
	seen := map[string]string{}
	for _, l := range languages {
		b := browser.New(t, s.Public[0], browser.Phone.Speaking(l))
		frugal(t, b, "/rooms/room", browser.Load.WaitingRoomFaults)
		b.Check()
		b.Screen("room-" + l)
		button := browser.Evaluate[string](b, `document.querySelector("#join button").textContent`)
		if other := seen[button]; other != "" {
			t.Errorf("%s and %s both say %q", l, other, button)
		}
		seen[button] = l
		lang, dir := browser.Evaluate[string](b, `document.documentElement.lang`), browser.Evaluate[string](b, `getComputedStyle(document.body).direction`)
		if rtl := l == "ar" || l == "he"; lang != l || (dir == "rtl") != rtl {
			t.Errorf("%s: the page says it is %s, %s", l, lang, dir)
		}
		b.Open("/")
		b.Check()
	}
}
