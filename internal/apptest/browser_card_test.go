package apptest

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"usher/booking/payment/stripe/stripetest"
	"usher/internal/browser"
)

// toCheckout leads a fan to the checkout of a seat.
func toCheckout(b *browser.Tab, event string) {
	b.Open("/events/" + event + "/seats")
	b.Click("button", "Find the best seats")
	b.See("Floor, row")
	b.Click("button", "Continue to checkout")
	b.SeePath("/checkout/")
}

// TestInABrowserAFanPaysByCard: the card is typed in Stripe's frame. One is unfinished, one is declined, one is good; a bank asks; and without a
// script the page says what is missing. What the page itself weighs stays within its budget, and the money is there once for each ticket.
func TestInABrowserAFanPaysByCard(t *testing.T) {
	t.Parallel()
	s, server := withStripe(t, threeEvents(60))
	gig := s.eventNamed("gig")
	for name, d := range map[string]browser.Device{"desktop": browser.Desktop, "phone": browser.Phone} {
		t.Run(name, func(t *testing.T) {
			b := browser.New(t, s.Public[0], d)
			toCheckout(b, gig)
			frugal(t, b, b.Path(), ourOwn)
			typeCard(t, b, "4242")
			b.Fill("Name", "Ada Lovelace")
			b.Fill("E-mail", "ada@example.org")
			b.Check()
			b.Screen("checkout-card")
			b.Click("button", "…Pay…")
			b.See("Your card number is incomplete.")
			b.Reload()
			typeCard(t, b, "4000000000009995")
			b.Click("button", "…Pay…") // who buys was kept
			b.See("does not have enough money")
			b.Check()
			typeCard(t, b, "4242424242424242")
			b.Click("button", "…Pay…")
			b.SeePath("/booking/")
			showTicket(t, b)
		})
	}
	t.Run("a bank asks", func(t *testing.T) {
		b := browser.New(t, s.Public[0], browser.Desktop)
		toCheckout(b, gig)
		typeCard(t, b, "4000002760003184")
		b.Fill("Name", "Ada Lovelace")
		b.Fill("E-mail", "ada@example.org")
		b.Click("button", "…Pay…")
		b.See("Your bank asks you to approve the payment")
		if to := browser.Evaluate[string](b, `document.querySelector("#wait a.button.wide").href`); !strings.HasPrefix(to, "https://bank.example/") {
			t.Errorf("the link leads to %s", to)
		}
		for _, attempt := range server.Asking() {
			if err := server.Act(attempt, true); err != nil {
				t.Error(err)
			}
		}
		b.SeePath("/booking/")
		b.See("You are going!")
	})
	t.Run("without a script", func(t *testing.T) {
		b := browser.New(t, s.Public[0], browser.Phone.NoScript())
		toCheckout(b, gig)
		b.See("Paying by card needs JavaScript")
		if n := b.Count("button", "…Pay…"); n != 0 {
			t.Errorf("%d buttons that can do nothing", n)
		}
		b.Screen("checkout-card-noscript")
	})
	var captured int64
	for _, i := range server.Intents("") {
		captured += i.Captured
	}
	due := s.Query(`SELECT sum(total)::bigint FROM bookings WHERE status = 'confirmed'`)
	if captured == 0 || !slices.Equal(due, []string{strconv.FormatInt(captured, 10)}) {
		t.Errorf("captured %d; confirmed bookings cost %v", captured, due)
	}
}

// ourOwn are the faults of a load in what comes from Usher; Stripe's script is its own.
func ourOwn(l browser.Load) []string {
	for _, r := range l.Requests {
		if strings.Contains(r.URL, stripetest.ScriptPath) && r.Kind == "Script" {
			l.JS -= r.Bytes
		} else if strings.Contains(r.URL, stripetest.ScriptPath) && r.Kind == "Document" {
			l.HTML -= r.Bytes
		}
	}
	return l.Faults()
}

// typeCard types a number into Stripe's frame, as far as the keyboard goes: the frame is the one stop that the page does not know from inside.
func typeCard(t *testing.T, b *browser.Tab, number string) {
	t.Helper()
	within(t, time.Minute, "the card form is there", func() bool {
		return browser.Evaluate[bool](b, `!!document.querySelector("#token iframe") && !document.querySelector("button.pay").hidden`)
	})
	b.ClickFrame("#token iframe")
	b.Type(number)
}
