package stripe

import (
	"errors"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v85"

	"usher/booking/payment"
)

// Every status that Stripe knows, and what it means.
func TestStanding(t *testing.T) {
	t.Parallel()
	action := &stripe.PaymentIntentNextAction{RedirectToURL: &stripe.PaymentIntentNextActionRedirectToURL{URL: "https://bank.example/"}}
	mistake := &stripe.Error{Type: stripe.ErrorTypeCard, Code: stripe.ErrorCodeCardDeclined, DeclineCode: "expired_card"}
	now := time.Now().Unix()
	f := func(i stripe.PaymentIntent, want payment.State, ends bool) {
		t.Helper()
		i.Created = now
		said, err := standing(&i)
		if said.State != want || (want == "") != errors.Is(err, errUndecided) {
			t.Errorf("%s: %+v, %v, want %q", i.Status, said, err, want)
		}
		if got := hopeless(&i, time.Minute); got != ends {
			t.Errorf("%s: hopeless is %v", i.Status, got)
		}
	}
	f(stripe.PaymentIntent{Status: "requires_payment_method"}, payment.None, false)
	f(stripe.PaymentIntent{Status: "requires_payment_method", LastPaymentError: mistake}, payment.None, true)
	f(stripe.PaymentIntent{Status: "requires_confirmation"}, payment.None, false)
	f(stripe.PaymentIntent{Status: "requires_confirmation", LastPaymentError: mistake}, payment.None, true)
	f(stripe.PaymentIntent{Status: "requires_action", NextAction: action}, payment.ActionRequired, false)
	f(stripe.PaymentIntent{Status: "requires_action"}, payment.ActionRequired, true)                                                           // nothing that a link can do
	f(stripe.PaymentIntent{Status: "requires_action", NextAction: &stripe.PaymentIntentNextAction{}}, payment.ActionRequired, true)            // likewise
	f(stripe.PaymentIntent{Status: "requires_capture"}, payment.Authorised, false)                                                             //
	f(stripe.PaymentIntent{Status: "requires_capture", LastPaymentError: mistake}, payment.Authorised, false)                                  // an earlier card
	f(stripe.PaymentIntent{Status: "succeeded", Amount: 7, LatestCharge: &stripe.Charge{}}, payment.Captured, false)                           //
	f(stripe.PaymentIntent{Status: "succeeded", Amount: 7, LatestCharge: &stripe.Charge{AmountRefunded: 6}}, payment.Captured, false)          // in part, by hand
	f(stripe.PaymentIntent{Status: "succeeded", Amount: 7, LatestCharge: &stripe.Charge{AmountRefunded: 7}}, payment.Refunded, false)          //
	f(stripe.PaymentIntent{Status: "canceled", CancellationReason: "abandoned", LastPaymentError: mistake}, payment.Declined, false)           //
	f(stripe.PaymentIntent{Status: "canceled", CancellationReason: "requested_by_customer", LastPaymentError: mistake}, payment.Voided, false) // the void was first
	f(stripe.PaymentIntent{Status: "canceled", CancellationReason: "automatic"}, payment.Voided, false)                                        // not captured for a week
	f(stripe.PaymentIntent{Status: "canceled"}, payment.Voided, false)
	f(stripe.PaymentIntent{Status: "processing"}, "", false)
	f(stripe.PaymentIntent{Status: "of_tomorrow"}, "", false)
}

func TestReasons(t *testing.T) {
	t.Parallel()
	f := func(code stripe.ErrorCode, decline stripe.DeclineCode, want string) {
		t.Helper()
		if got := reason(&stripe.Error{Code: code, DeclineCode: decline}); got != want {
			t.Errorf("%q, %q: %q, want %q", code, decline, got, want)
		}
	}
	f("card_declined", "insufficient_funds", "insufficient_funds")
	f("card_declined", "generic_decline", "declined")
	f("card_declined", "", "declined")
	f("card_declined", "stolen_card", "declined") // a thief need not know
	f("card_declined", "fraudulent", "declined")
	f("expired_card", "", "expired_card")
	f("incorrect_cvc", "incorrect_cvc", "incorrect_cvc")
	f("payment_intent_authentication_failure", "", "action_refused")
	f("card_declined", "No Word!", "declined")
	f("<script>", "", "declined")
	f("", "", "declined")
}

// What Stripe has counted is counted back, for every amount that can be asked for; another is no amount of ours.
func TestAmountsAreCountedBack(t *testing.T) {
	t.Parallel()
	for _, currency := range []string{"EUR", "JPY", "ISK", "UGX", "MGA", "BHD", "TND"} {
		for _, n := range []int64{1, 10, 700, 9500, 123_400} {
			asked, err := amountOf(payment.Charge{Amount: n, Currency: currency})
			if err == nil && minor(asked, currency) != n {
				t.Errorf("%d %s are %d at Stripe, and back %d", n, currency, asked, minor(asked, currency))
			}
		}
	}
	if minor(150, "ISK") != -1 || minor(155, "BHD") != -1 || minor(155, "EUR") != 155 {
		t.Errorf("fractions: %d, %d, %d", minor(150, "ISK"), minor(155, "BHD"), minor(155, "EUR"))
	}
}

func TestASecretKeyIsNeverShown(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{"pk_test_1": true, "pk_live_Az09": true, "sk_test_1": false, "rk_live_1": false, "": false, "pk_": false, "pk_x\n": false, "xpk_1": false} {
		if Publishable(key) != want {
			t.Errorf("%q: %v", key, !want)
		}
	}
}
