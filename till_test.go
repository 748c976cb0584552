package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"usher/booking/payment/stripe"
	"usher/internal/config"
)

// What the settings say of payment, and what a role makes of it or says against it.
func TestThePaymentProviderIsChosenBySettings(t *testing.T) {
	t.Parallel()
	f := func(c config.Config, takes, refuses string, hears bool, methods int, wrong string) {
		t.Helper()
		r := &role{Config: c}
		gate, err := r.till()
		all, more := r.providers()
		if err = errors.Join(err, more); wrong != "" {
			if err == nil || !strings.Contains(err.Error(), wrong) || c.StripeKey != "" && strings.Contains(err.Error(), c.StripeKey) {
				t.Errorf("%+v: error %v, want one of %s", c, err, wrong)
			}
			return
		}
		if err != nil || !gate.valid(takes) || gate.valid(refuses) || (gate.hook != nil) != hears || (gate.box != nil) != (c.PaymentProvider == "sandbox") || len(all) != methods {
			t.Errorf("%+v: %+v, %d methods, %v", c, gate, len(all), err)
		}
	}
	const key, secret = "sk_test_x", "whsec_x"
	f(config.Config{PaymentProvider: "sandbox"}, "tok_ok", "pm_x", false, 1, "")
	f(config.Config{PaymentProvider: "sandbox", StripeKey: key}, "tok_ok", "pm_x", false, 2, "") // for what is under way
	f(config.Config{PaymentProvider: "stripe", StripeKey: key, StripeWebhookSecret: secret}, "pm_x", "tok_ok", true, 2, "")
	f(config.Config{PaymentProvider: "stripe", StripeKey: key}, "pm_x", "tok_ok", false, 2, "")
	f(config.Config{PaymentProvider: "stripe"}, "", "", false, 0, "--stripe-key-file")
	f(config.Config{PaymentProvider: "stripe", StripeKey: "pk_live_x"}, "", "", false, 0, "--stripe-key-file")
	f(config.Config{PaymentProvider: "stripe", StripeKey: key, StripeWebhookSecret: "we_x"}, "", "", false, 0, "--stripe-webhook-secret-file")
}

// A webhook that is not signed is told apart from one that is, and from a store that is away.
func TestWhatIsNotSignedIsNotHeard(t *testing.T) {
	t.Parallel()
	reader, err := stripe.NewHook("whsec_x")
	if err != nil {
		t.Fatal(err)
	}
	if genuine, err := (&hook{stripe: reader}).Hear(context.Background(), []byte(`{}`), "t=1,v1=00"); genuine || err != nil {
		t.Errorf("heard: %v, %v", genuine, err)
	}
}
