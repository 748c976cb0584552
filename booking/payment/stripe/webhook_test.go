package stripe_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"usher/booking/payment/stripe"
	"usher/booking/payment/stripe/stripetest"
	"usher/internal/id"
)

const hookSecret = "whsec_test"

func TestWebhooks(t *testing.T) {
	t.Parallel()
	hook, err := stripe.NewHook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	attempt := id.NewKey()
	news, err := stripetest.Event("payment_intent.succeeded", "evt_1", map[string]any{"object": "payment_intent", "metadata": map[string]string{"attempt": attempt.String()}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	f := func(name string, body []byte, signature string, want id.Key, fault error) {
		t.Helper()
		if got, err := hook.Read(body, signature); got != want || !errors.Is(err, fault) {
			t.Errorf("%s: %s, %v; want %s, %v", name, got, err, want, fault)
		}
	}
	sign := func(body string) string { return stripetest.Sign(hookSecret, now, []byte(body)) }
	good := sign(string(news))
	f("as it is", news, good, attempt, nil)
	f("told twice", news, good, attempt, nil)
	f("while the secret changes", news, good+",v1="+strings.Repeat("0", 64), attempt, nil)
	f("another body", append([]byte(" "), news...), good, id.Key{}, stripe.ErrForged)
	f("another secret", news, stripetest.Sign("whsec_other", now, news), id.Key{}, stripe.ErrForged)
	f("no signature", news, "", id.Key{}, stripe.ErrForged)
	f("rubbish", news, "t=,v1=x,,=", id.Key{}, stripe.ErrForged)
	f("another scheme", news, strings.Replace(good, "v1=", "v0=", 1), id.Key{}, stripe.ErrForged)
	f("ten minutes old", news, stripetest.Sign(hookSecret, now.Add(-10*time.Minute), news), id.Key{}, stripe.ErrForged)
	f("four minutes old", news, stripetest.Sign(hookSecret, now.Add(-4*time.Minute), news), attempt, nil)
	for _, unknown := range []string{
		`{}`, `[]`, `null`, `not JSON`, `{"data":null}`, `{"data":{"object":{"metadata":{}}}}`, `{"data":{"object":{"metadata":{"attempt":"nothing"}}}}`,
		`{"data":{"object":{"metadata":{"attempt":7}}}}`, `{"type":"v2.core.event","related_object":{"id":"x"}}`,
	} {
		f(unknown, []byte(unknown), sign(unknown), id.Key{}, nil)
	}
}

func TestSecretsOfWebhooks(t *testing.T) {
	t.Parallel()
	for secret, good := range map[string]bool{"whsec_x": true, "": false, "sk_test_x": false, "whsec_": false, "whsec_x y": false} {
		if _, err := stripe.NewHook(secret); (err == nil) != good || err != nil && !errors.Is(err, stripe.ErrSecret) {
			t.Errorf("secret %q: %v", secret, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	hook, err := stripe.NewHook(hookSecret)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"created":1,"data":{"object":{"metadata":{"attempt":"x"}}}}`), "t=1,v1=00")
	f.Add([]byte(`{}`), "")
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		if _, err := hook.Read(body, signature); err == nil {
			t.Errorf("a stranger is believed: %q", signature)
		}
		got, err := hook.Read(body, stripetest.Sign(hookSecret, time.Now(), body))
		if err != nil {
			t.Errorf("%q: %v", body, err)
		}
		if _, err := id.ParseKey(got.String()); err != nil {
			t.Errorf("%q: attempt %s", body, got)
		}
	})
}
