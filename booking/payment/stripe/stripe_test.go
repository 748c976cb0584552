package stripe_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"usher/booking/payment"
	"usher/booking/payment/paymenttest"
	"usher/booking/payment/stripe"
	"usher/booking/payment/stripe/stripetest"
	"usher/internal/id"
)

func open(t *testing.T, server *stripetest.Server) *stripe.Provider {
	t.Helper()
	p, err := stripe.New(stripe.Config{
		Key: stripetest.Key, URL: server.URL, Return: func(b id.Booking) string { return "https://tickets.example/checkout/" + b.String() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func subject(t *testing.T, server *stripetest.Server) paymenttest.Subject {
	return paymenttest.Subject{
		Provider: open(t, server), OK: stripetest.OK, Declined: stripetest.Declined, Action: stripetest.Action,
		Approve: func(_ context.Context, a id.Key) error { return server.Act(a.String(), true) },
		Refuse:  func(_ context.Context, a id.Key) error { return server.Act(a.String(), false) },
	}
}

func TestStripe(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(t *testing.T) paymenttest.Subject { return subject(t, stripetest.New(t, stripetest.Config{})) })
}

func charge(token string) payment.Charge {
	return payment.Charge{Attempt: id.NewKey(), Booking: id.Booking{Event: 1 << 30, Key: id.NewKey()}, Amount: 700, Currency: "EUR", Token: token}
}

// want checks one answer: its state, and its reason if any.
func want(t *testing.T, state payment.State, reason string) func(payment.Answer, error) payment.Answer {
	return func(said payment.Answer, err error) payment.Answer {
		t.Helper()
		if err != nil || said.State != state || said.Reason != reason {
			t.Errorf("answer %+v, %v; want %s %q", said, err, state, reason)
		}
		return said
	}
}

func TestDeclinesSayWhy(t *testing.T) {
	t.Parallel()
	p := open(t, stripetest.New(t, stripetest.Config{}))
	want(t, payment.Declined, "declined")(p.Authorise(t.Context(), charge(stripetest.Declined)))
	want(t, payment.Declined, "insufficient_funds")(p.Authorise(t.Context(), charge(stripetest.Insufficient)))
	want(t, payment.Declined, "invalid_token")(p.Authorise(t.Context(), charge("pm_nobody_knows")))
}

func TestAPaymentTakesFourRequests(t *testing.T) {
	t.Parallel()
	server := stripetest.New(t, stripetest.Config{})
	p, c := open(t, server), charge(stripetest.OK)
	c.Ref = want(t, payment.Authorised, "")(p.Authorise(t.Context(), c)).Ref
	want(t, payment.Captured, "")(p.Capture(t.Context(), c))
	if n := server.Calls(); n != 4 {
		t.Errorf("%d requests", n)
	}
}

// A refusal that Stripe remembers, eight times over, is over within the hour, and not only when the day is.
func TestKeysAreNotUsedUpForADay(t *testing.T) {
	t.Parallel()
	broken := true
	server := stripetest.New(t, stripetest.Config{Fault: func(call string, _ int) stripetest.Fault {
		if broken && call == "refund" {
			return stripetest.ErrorBefore
		}
		return stripetest.Fine
	}})
	p, c := open(t, server), charge(stripetest.OK)
	c.Ref = want(t, payment.Authorised, "")(p.Authorise(t.Context(), c)).Ref
	want(t, payment.Captured, "")(p.Capture(t.Context(), c))
	for range 8 {
		if said, err := p.Refund(t.Context(), c); err == nil {
			t.Errorf("a refund through a 500: %+v", said)
		}
	}
	broken = false
	if said, err := p.Refund(t.Context(), c); err == nil { // the control: within the hour nothing else is tried
		t.Errorf("a ninth: %+v", said)
	}
	c.Age = time.Hour
	want(t, payment.Refunded, "")(p.Refund(t.Context(), c))
}

func TestADeclineLeavesNothingToConfirm(t *testing.T) {
	t.Parallel()
	server := stripetest.New(t, stripetest.Config{})
	p := open(t, server)
	for token, reason := range map[string]string{stripetest.Declined: "declined", "pm_nobody_knows": "invalid_token"} {
		c := charge(token)
		want(t, payment.Declined, reason)(p.Authorise(t.Context(), c))
		c.Token = stripetest.OK // an authorise of another card, under the same attempt
		if said, err := p.Authorise(t.Context(), c); err != nil || said.State != payment.Declined {
			t.Errorf("%s, then a good card: %+v, %v", token, said, err)
		}
		if found := server.Intents(c.Attempt.String()); len(found) != 1 || found[0].Status != "canceled" {
			t.Errorf("%s: %+v", token, found)
		}
	}
}

func TestAnActionTakenTooLateIsDeclined(t *testing.T) {
	t.Parallel()
	server := stripetest.New(t, stripetest.Config{})
	p, c := open(t, server), charge(stripetest.Action)
	want(t, payment.ActionRequired, "")(p.Authorise(t.Context(), c))
	server.Age(4 * time.Minute)
	want(t, payment.ActionRequired, "")(p.Ask(t.Context(), c))
	server.Age(2 * time.Minute)
	want(t, payment.Declined, "action_expired")(p.Ask(t.Context(), c))
}

func TestAnAttemptKeepsItsAmount(t *testing.T) {
	t.Parallel()
	server := stripetest.New(t, stripetest.Config{})
	p, c := open(t, server), charge(stripetest.OK)
	c.Ref = want(t, payment.Authorised, "")(p.Authorise(t.Context(), c)).Ref
	other := c
	other.Amount++
	if _, err := p.Capture(t.Context(), other); !errors.Is(err, stripe.ErrOtherCharge) {
		t.Errorf("another amount: %v", err)
	}
	other = c
	other.Attempt = id.NewKey()
	if _, err := p.Capture(t.Context(), other); !errors.Is(err, stripe.ErrOtherCharge) {
		t.Errorf("another attempt: %v", err)
	}
	want(t, payment.Authorised, "")(p.Ask(t.Context(), c))
}

func TestWhatStripeCannotChargeFails(t *testing.T) {
	t.Parallel()
	server := stripetest.New(t, stripetest.Config{})
	p := open(t, server)
	f := func(amount int64, currency, reason string) {
		t.Helper()
		c := charge(stripetest.OK)
		c.Amount, c.Currency = amount, currency
		for _, do := range []func(context.Context, payment.Charge) (payment.Answer, error){p.Authorise, p.Ask, p.Void} {
			want(t, payment.Failed, reason)(do(t.Context(), c))
		}
	}
	f(0, "EUR", "amount_invalid")
	f(1, "EUR", "amount_invalid") // below Stripe's least
	f(-700, "EUR", "amount_invalid")
	f(100_000_000, "EUR", "amount_invalid")
	f(1001, "KWD", "amount_invalid")
	f(1001, "MGA", "amount_invalid")
	f(700, "EURO", "amount_invalid")
	if n := len(server.Intents("")); n != 0 {
		t.Errorf("%d intents were made", n)
	}
}

func TestAmountsAsStripeCountsThem(t *testing.T) {
	t.Parallel()
	server := stripetest.New(t, stripetest.Config{})
	p := open(t, server)
	f := func(amount int64, currency string, stripes int64) {
		t.Helper()
		c := charge(stripetest.OK)
		c.Amount, c.Currency = amount, currency
		want(t, payment.Authorised, "")(p.Authorise(t.Context(), c))
		found := server.Intents(c.Attempt.String())
		if len(found) != 1 || found[0].Amount != stripes || found[0].Currency != strings.ToLower(currency) {
			t.Errorf("%d %s: %+v", amount, currency, found)
		}
	}
	f(1234, "EUR", 1234)
	f(1234, "JPY", 1234) // no decimals, here and there
	f(500, "UGX", 50000) // none here, two zeros there
	f(500, "ISK", 50000)
	f(12300, "MGA", 123) // two here, none there
	f(12340, "KWD", 12340)
}

// What Stripe answers to a key is forgotten after a day. An attempt whose intent's name was lost is found all the same.
func TestALostNameIsFoundAfterKeysAreForgotten(t *testing.T) {
	t.Parallel()
	f := func(age time.Duration, state payment.State, intents int) {
		t.Helper()
		server := stripetest.New(t, stripetest.Config{})
		p, c := open(t, server), charge(stripetest.OK)
		want(t, payment.Authorised, "")(p.Authorise(t.Context(), c))
		want(t, payment.Captured, "")(p.Capture(t.Context(), c))
		server.ForgetKeys()
		c.Age = age
		want(t, state, "")(p.Void(t.Context(), c))
		if n := len(server.Intents(c.Attempt.String())); n != intents {
			t.Errorf("%d intents, want %d", n, intents)
		}
	}
	f(30*time.Hour, payment.Captured, 1)
	f(0, payment.Voided, 2) // the control: without the search the captured charge is lost
}

// Whatever fails on the way, money is given back once.
func TestARefundThroughEveryFault(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"refund", "read"} {
		for fault := stripetest.CutBefore; fault <= stripetest.Slow; fault++ {
			refunding := false
			server := stripetest.New(t, stripetest.Config{Fault: func(c string, _ int) stripetest.Fault {
				if !refunding || c != call {
					return stripetest.Fine
				}
				refunding = false
				return fault
			}})
			p, c := open(t, server), charge(stripetest.OK)
			c.Ref = want(t, payment.Authorised, "")(p.Authorise(t.Context(), c)).Ref
			want(t, payment.Captured, "")(p.Capture(t.Context(), c))
			refunding = true
			said, err := p.Refund(t.Context(), c)
			for range 3 {
				if err != nil {
					said, err = p.Refund(t.Context(), c)
				}
			}
			want(t, payment.Refunded, "")(said, err)
			want(t, payment.Refunded, "")(p.Ask(t.Context(), c))
			if found := server.Intents(c.Attempt.String()); len(found) != 1 || found[0].Refunded != found[0].Amount || refunding {
				t.Errorf("fault %d at %s: %+v", fault, call, found)
			}
		}
	}
}

func TestAnErrorTellsNothingOfTheCard(t *testing.T) {
	t.Parallel()
	server := stripetest.New(t, stripetest.Config{Fault: func(call string, _ int) stripetest.Fault {
		if call == "confirm" {
			return stripetest.ErrorBefore
		}
		return stripetest.Fine
	}})
	p, c := open(t, server), charge(stripetest.OK)
	_, err := p.Authorise(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "status 500") || strings.Contains(err.Error(), stripetest.Key) || strings.Contains(err.Error(), "{") {
		t.Errorf("error %v", err)
	}
}

func TestKeysAndTokens(t *testing.T) {
	t.Parallel()
	f := func(token string, valid bool) {
		t.Helper()
		if got := stripe.Valid(token); got != valid {
			t.Errorf("Valid(%q) = %v", token, got)
		}
	}
	f("pm_1NXWPnFAK3cRyabcd", true)
	f("pm_card_visa", true)
	f("", false)
	f("pm_", false)
	f("tok_visa", false)
	f("pm_x/../capture", false)
	f("pm_x\n", false)
	f("pm_"+strings.Repeat("x", 200), false)
	f("4242424242424242", false)
	g := func(key string, good bool) {
		t.Helper()
		if _, err := stripe.New(stripe.Config{Key: key}); (err == nil) != good || err != nil && !errors.Is(err, stripe.ErrKey) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	g("sk_test_x", true)
	g("rk_live_x", true)
	g("pk_test_x", false)
	g("whsec_x", false)
	g("", false)
	g("sk_test_x\n", false)
}
