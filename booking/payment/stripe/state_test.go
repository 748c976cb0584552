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
