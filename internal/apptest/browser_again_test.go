package apptest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/internal/browser"
)

// bothWays are the devices of those walks that are about what pages keep, not about how they look.
var bothWays = map[string]browser.Device{"with scripts": browser.Phone, "without scripts": browser.Phone.NoScript()}

// charges are the payments that were taken, whatever became of them.
func (s *System) charges() int {
	s.t.Helper()
	return len(s.Query(`SELECT attempt_id FROM sandbox_ledger WHERE captured_at IS NOT NULL`))
}

// confirmation is the number that the ticket shows.
func confirmation(b *browser.Tab) string {
	b.See("You are going!")
	return browser.Evaluate[string](b, `document.querySelector(".number").textContent`)
}

// TestInABrowserBackTellsWhatIsTheCase: who goes back from the checkout finds his seats reserved, and who goes back from his ticket finds his
// ticket, at every step: never a page of before, and never a second charge.
func TestInABrowserBackTellsWhatIsTheCase(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(60)})
	gig := s.eventNamed("gig")
	for name, d := range bothWays {
		t.Run(name, func(t *testing.T) {
			b, before := browser.New(t, s.Public[0], d), s.charges()
			b.Open("/events/" + gig + "/seats")
			b.Click("button", "Find the best seats")
			b.See("Floor, row")
			b.Click("button", "Continue to checkout")
			b.SeePath("/checkout/")
			checkout := b.Path()
			b.Back()
			b.SeePath("/events/")
			b.See("Kept for you until")
			b.NotSee("Nothing yet.")
			b.Check()
			if b.Scripted() {
				b.Screen("seats-booked")
			}
			b.Click("link", "Pay CA$130.00")
			b.SeePath(checkout)
			b.Click("link", "gig")
			b.SeePath("/events/")
			// Something of his that is no page asks for more time: only the server knows.
			extend := `fetch("/api/v1/booking/` + strings.TrimPrefix(checkout, "/checkout/") + `/extend", {method: "POST"}).then(a => a.status)`
			if b.Scripted() && browser.Evaluate[int](b, extend) != 200 {
				t.Error("no more time")
			}
			b.Back()
			b.SeePath(checkout)
			b.See("Kept for you until")
			if b.Scripted() {
				b.See("It cannot be extended again")
			}

			pay(b, "Test card without enough money")
			b.See("does not have enough money")
			b.Click("radio", "Test card that is accepted")
			b.Click("button", "…Pay…")
			b.SeePath("/booking/")
			number := confirmation(b)
			for range 2 { // the checkout after the declined card, and before
				b.Back()
				b.SeePath("/booking/")
				if again := confirmation(b); again != number {
					t.Errorf("the way back leads to ticket %s, want %s", again, number)
				}
			}
			b.Open("/events/" + gig + "/seats")
			b.See("Nothing yet.")
			b.NotSee("Kept for you until")
			if n := s.charges() - before; n != 1 {
				t.Errorf("charged %d times", n)
			}
		})
	}
	s.CheckTruth()
}

// TestInABrowserTwoTabsTellTheSame: what one tab takes, gives back, books and pays, the other shows: by itself, or without a script with its
// next page. Nothing is paid twice.
func TestInABrowserTwoTabsTellTheSame(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(60)})
	gig := s.eventNamed("gig")
	for name, d := range bothWays {
		t.Run(name, func(t *testing.T) {
			first, before := browser.New(t, s.Public[0], d), s.charges()
			second := first.NewTab()
			look := func(b *browser.Tab) {
				if !b.Scripted() {
					b.Reload()
				}
			}
			for _, b := range []*browser.Tab{first, second} {
				b.Open("/events/" + gig + "/seats?section=Floor")
				if b.Scripted() {
					mapDrawn(t, b)
					b.Click("button", "List")
				}
			}
			first.Click("button", "Row 2, seat 5")
			first.See("Floor, row 2, seat 5")
			look(second)
			second.Click("button", "Give back section Floor, row 2, seat 5")
			second.See("Nothing yet.")
			look(first)
			first.See("Nothing yet.")
			seat := fmt.Sprint("ow 3, seat ", before+1) // that nobody has bought yet
			second.Click("button", "R"+seat)
			second.See("Floor, r" + seat)
			look(first)
			first.Click("button", "Continue to checkout")
			first.SeePath("/checkout/")
			checkout := first.Path()

			if second.Scripted() {
				second.See("Kept for you until")
				second.NotSee("Not kept for you any more")
				second.Click("link", "Pay CA$65.00")
			} else { // a page of before: its button is no second booking
				second.Click("button", "Continue to checkout")
			}
			second.SeePath(checkout)
			away := first.NewTab()
			away.Open(checkout)
			away.Click("link", "gig")
			away.SeePath("/events/")

			pay(first, "Test card that is accepted")
			first.SeePath("/booking/")
			number := confirmation(first)
			if !second.Scripted() { // a page of before: its button is no second payment
				pay(second, "Test card that is accepted")
			}
			second.SeePath("/booking/")
			away.Back()
			away.SeePath("/booking/")
			for _, b := range []*browser.Tab{second, away} {
				if got := confirmation(b); got != number {
					t.Errorf("the other tab shows ticket %s, want %s", got, number)
				}
			}
			if n := s.charges() - before; n != 1 {
				t.Errorf("charged %d times", n)
			}
		})
	}
	s.CheckTruth()
}

// TestInABrowserAReloadLosesNothing: at every step of the way the page that is loaded again is the page that was there.
func TestInABrowserAReloadLosesNothing(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(60), Rooms: browserRooms})
	for name, d := range bothWays {
		t.Run(name, func(t *testing.T) {
			b := browser.New(t, s.Public[0], d)
			b.Forgive("429") // a page that is opened counts as a poll
			again := func(texts ...string) {
				t.Helper()
				path := b.Path()
				b.Reload()
				for _, text := range texts {
					b.See(text)
				}
				if at := b.Path(); at != path {
					t.Errorf("%s loaded again is %s", path, at)
				}
			}
			value := func(field string) string {
				return browser.Evaluate[string](b, `document.getElementById("`+field+`").value`)
			}
			b.Open("/")
			b.Fill("Event, performer or venue", "The concert Band")
			b.Fill("Where", "Toronto")
			b.Click("button", "Search")
			b.See("1 event")
			again("1 event")
			if q, where := value("q"), value("location"); q != "The concert Band" || where != "Toronto" {
				t.Errorf("after a reload the search asks for %q in %q", q, where)
			}
			b.Click("link", "concert")
			b.See("Join the waiting room")
			again("Join the waiting room", "tickets for sale")

			inside := NewFan(t, client, s.Public[0])
			inside.Join("room")
			if !inside.Enter("room", 15*time.Second) {
				t.Fatal("the first fan is not let in")
			}
			b.Click("link", "Join the waiting room")
			b.See("Join the line")
			again("Join the line")
			b.Click("button", "Join the line")
			b.See("You are next")
			again("You are next")
			must(t, inside.Do("POST", "/api/v1/rooms/room/leave", nil), 204)
			b.See("It is your turn")
			again("It is your turn")
			if !b.Scripted() {
				b.Forgive(".js:") // the scripts of the seats' page, which this fan's browser does not load
			}
			b.Click("button", "Enter")
			b.SeePath("/events/")
			b.Open("/rooms/room")
			b.See("You are in")
			again("You are in")
			b.Click("link", "Choose seats…")
			b.Click("button", "Find the best seats")
			b.See("Floor, row")
			again("Floor, row", "CA$130.00")

			b.Click("button", "Continue to checkout")
			b.SeePath("/checkout/")
			again("Section Floor", "Pay CA$130.00")
			b.Fill("Name", "Ada Lovelace")
			if b.Scripted() { // what is typed lives in the page until it is sent
				again("Pay CA$130.00")
				if kept := value("name"); kept != "Ada Lovelace" {
					t.Errorf("after a reload the name is %q", kept)
				}
			}
			pay(b, "Test card without enough money")
			b.See("does not have enough money")
			tries := len(s.Query(`SELECT id FROM payment_attempts`))
			again("does not have enough money")
			if n := len(s.Query(`SELECT id FROM payment_attempts`)); n != tries {
				t.Errorf("a reload has tried the card again: %d attempts, want %d", n, tries)
			}
			if who, where := value("name"), value("email"); who != "Ada Lovelace" || where != "ada@example.org" {
				t.Errorf("after a declined card the form has %q and %q", who, where)
			}
			b.Click("radio", "Test card whose bank asks you to approve")
			b.Click("button", "…Pay…")
			b.See("Your bank asks you to approve the payment")
			again("Your payment is being made", "Your bank asks you to approve the payment")
			b.Click("link", "Approve the payment")
			b.See("Approve the payment?")
			again("Approve the payment?")
			b.Click("button", "Approve")
			b.SeePath("/booking/")
			number := confirmation(b)
			again("You are going!")
			if got := confirmation(b); got != number || !strings.Contains(b.Text(), "Ada Lovelace") {
				t.Errorf("after a reload the ticket is %s, want %s", got, number)
			}
		})
	}
	s.CheckTruth()
}
