package apptest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"usher/booking/payment/stripe/stripetest"
)

// withStripe starts a system whose fans pay through a Stripe of our own, which tells the gateway what has come of each payment.
func withStripe(t *testing.T, catalog string) (*System, *stripetest.Server) {
	t.Helper()
	return startStripe(t, Options{Catalog: catalog}, stripetest.Config{})
}

// startStripe starts a system and a Stripe as they are described, which know each other.
func startStripe(t *testing.T, o Options, c stripetest.Config) (*System, *stripetest.Server) {
	t.Helper()
	dir, secret := t.TempDir(), "whsec_of_this_test"
	c.Hooks.Secret = secret
	server := stripetest.New(t, c)
	env := map[string]string{
		"USHER_PAYMENT_PROVIDER": "stripe", "USHER_STRIPE_URL": server.URL, "USHER_PUBLIC_URL": "https://tickets.example",
		"USHER_STRIPE_KEY_FILE":            write(t, dir, "key", stripetest.Key+"\n"),
		"USHER_STRIPE_WEBHOOK_SECRET_FILE": write(t, dir, "secret", secret+"\n"),
		"USHER_STRIPE_PUBLISHABLE_KEY":     "pk_test_usher", "USHER_STRIPE_JS_URL": server.URL + stripetest.ScriptPath,
	}
	maps.Copy(env, o.Env)
	o.Env = env
	s := Start(t, o)
	server.TellTo(s.Public[0] + "/webhooks/stripe")
	return s, server
}

// Real processes take money through Stripe.
func TestPayingByStripe(t *testing.T) {
	t.Parallel()
	s, server := withStripe(t, eventOf(20))
	event := s.EventID()
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(event)
	pay := func(f *Fan, booking, method string) Answer {
		return f.Do("POST", "/api/v1/booking/"+booking+"/confirm", map[string]any{"paymentDetails": map[string]any{"method": "stripe", "payment_method": method}})
	}

	f, b := s.buyer(t, event, tickets[0])
	if a := pay(f, b, stripetest.Insufficient); a.Problem() != "payment-declined" || a.Str("reason") != "insufficient_funds" {
		t.Errorf("no funds: %s", a)
	}
	must(t, pay(f, b, stripetest.OK), 200)
	must(t, pay(f, b, stripetest.OK), 200) // again: nothing more is charged

	g, c := s.buyer(t, event, tickets[1])
	must(t, pay(g, c, stripetest.Action), 202)
	within(t, 10*time.Second, "told where to act", func() bool {
		action, _ := g.Do("GET", "/api/v1/booking/"+c, nil).Body["action"].(map[string]any)
		where, _ := action["url"].(string)
		return strings.HasPrefix(where, "https://bank.example/")
	})
	for _, attempt := range server.Asking() {
		if err := server.Act(attempt, true); err != nil {
			t.Error(err)
		}
	}
	if a := g.Settled(c, time.Minute); a.Str("status") != "confirmed" {
		t.Errorf("after the payer approved: %s", a)
	}

	want(t, "the sandbox's token", f.Confirm(b, "tok_ok"), 422, "payment-details-invalid")
	want(t, "an unsigned webhook", f.Do("POST", "/webhooks/stripe", map[string]any{"type": "payment_intent.succeeded"}), 400, "invalid-request")
	want(t, "the sandbox's payer", f.Do("POST", "/sandbox/actions/"+c, map[string]any{"approve": true}), 404, "not-found")

	var captured int64
	for _, i := range server.Intents("") {
		captured += i.Captured
	}
	due := s.Query(`SELECT sum(total)::bigint FROM bookings WHERE status = 'confirmed'`)
	if n := len(server.Intents("")); n != 3 || captured == 0 || !slices.Equal(due, []string{strconv.FormatInt(captured, 10)}) {
		t.Errorf("%d intents, captured %d; confirmed bookings cost %v", n, captured, due)
	}
	within(t, 10*time.Second, "webhooks are heard", func() bool { return server.Heard() > 0 })
	if code, out := s.Audit(); code != 0 || !strings.Contains(out, "3 payments and") || strings.Contains(out, "LATE") {
		t.Errorf("audit: %d\n%s", code, out)
	}
	if code, out := s.Audit("--stripe-key-file="); code != 0 || !strings.Contains(out, "LATE") || !strings.Contains(out, "stripe: 3 payments") {
		t.Errorf("audit without the key: %d\n%s", code, out)
	}
	server.Change(server.Intents("")[2].ID, func(i *stripetest.Intent) { i.Refunded = i.Amount })
	if code, out := s.Audit(); code != 3 || !strings.Contains(out, "ticket_without_charge: booking "+c) {
		t.Errorf("audit after a refund at Stripe: %d\n%s", code, out)
	}
}
