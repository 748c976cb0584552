package stripe

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"usher/booking/payment"
)

// The reasons that are not Stripe's own words.
const (
	reasonDeclined = "declined"
	reasonRefused  = "action_refused"
	reasonExpired  = "action_expired"
	reasonToken    = "invalid_token"
	reasonAmount   = "amount_invalid"
	reasonProvider = "provider_refused"
)

// standing is where an intent stands.
func standing(i *stripe.PaymentIntent) (payment.Answer, error) {
	said := payment.Answer{Ref: i.ID}
	switch i.Status {
	case stripe.PaymentIntentStatusRequiresPaymentMethod, stripe.PaymentIntentStatusRequiresConfirmation:
		said.State = payment.None
	case stripe.PaymentIntentStatusRequiresAction:
		said.State, said.ActionURL = payment.ActionRequired, actionURL(i)
	case stripe.PaymentIntentStatusRequiresCapture:
		said.State = payment.Authorised
	case stripe.PaymentIntentStatusSucceeded:
		said.State = payment.Captured
		if i.LatestCharge != nil && i.LatestCharge.AmountRefunded >= i.Amount {
			said.State = payment.Refunded
		}
	case stripe.PaymentIntentStatusCanceled:
		said.State = payment.Voided
		if string(i.CancellationReason) == undone {
			said.State, said.Reason = payment.Declined, why(i)
		}
	default:
		return said, fmt.Errorf("intent %s is %q: %w", i.ID, i.Status, errUndecided)
	}
	return said, nil
}

// hopeless reports whether an intent must be canceled because its payer's bank has said no, or its payer cannot act or has taken too long.
func hopeless(i *stripe.PaymentIntent, actionTime time.Duration) bool {
	switch i.Status {
	case stripe.PaymentIntentStatusRequiresPaymentMethod, stripe.PaymentIntentStatusRequiresConfirmation:
		return i.LastPaymentError != nil
	case stripe.PaymentIntentStatusRequiresAction:
		return actionURL(i) == "" || time.Since(time.Unix(i.Created, 0)) > actionTime
	}
	return false
}

// actionURL is where the payer acts; "" when it is nothing that a link can do.
func actionURL(i *stripe.PaymentIntent) string {
	if i.NextAction == nil || i.NextAction.RedirectToURL == nil || !strings.HasPrefix(i.NextAction.RedirectToURL.URL, "http") {
		return ""
	}
	return i.NextAction.RedirectToURL.URL
}

// why is the reason of a decline.
func why(i *stripe.PaymentIntent) string {
	if i.LastPaymentError == nil {
		return reasonDeclined
	}
	return reason(i.LastPaymentError)
}

var reasonForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// untold are reasons that a payer must not hear, for a thief would learn from them: https://docs.stripe.com/declines/codes.
var untold = map[stripe.DeclineCode]bool{
	"fraudulent": true, "lost_card": true, "stolen_card": true, "pickup_card": true, "merchant_blacklist": true, "highest_risk_level": true, "generic_decline": true,
}

// reason words an error about a card: the bank's word, else Stripe's.
func reason(e *stripe.Error) string {
	switch {
	case e.Code == stripe.ErrorCodePaymentIntentAuthenticationFailure:
		return reasonRefused
	case untold[e.DeclineCode]:
		return reasonDeclined
	case reasonForm.MatchString(string(e.DeclineCode)):
		return string(e.DeclineCode)
	case e.Code != stripe.ErrorCodeCardDeclined && reasonForm.MatchString(string(e.Code)):
		return string(e.Code)
	}
	return reasonDeclined
}

// refusal is the error of a request that Stripe has understood and not carried out, because of how things stand; else nil.
func refusal(err error) *stripe.Error {
	var e *stripe.Error
	if !errors.As(err, &e) || e.Type != stripe.ErrorTypeInvalidRequest && e.Type != stripe.ErrorTypeCard {
		return nil
	}
	switch e.HTTPStatusCode {
	case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusNotFound:
		return e
	}
	return nil
}

// refused is why a confirmation was refused for good; "" when it was not, or when the intent must tell.
func refused(err error) string {
	e := refusal(err)
	switch {
	case e == nil || e.Code == stripe.ErrorCodePaymentIntentUnexpectedState:
		return ""
	case e.Type == stripe.ErrorTypeCard:
		return reason(e)
	case e.Param == "payment_method":
		return reasonToken
	}
	return reasonProvider
}

// impossible is why an intent cannot be made; "" when it can, or when nobody knows.
func impossible(err error) string {
	if errors.Is(err, errAmount) {
		return reasonAmount
	}
	switch e := refusal(err); {
	case e == nil:
		return ""
	case e.Param == "amount" || e.Param == "currency" || strings.HasPrefix(string(e.Code), "amount_"):
		return reasonAmount
	}
	return reasonProvider
}

// same says whether an intent is the charge's own.
func same(c payment.Charge, i *stripe.PaymentIntent) error {
	amount, err := amountOf(c)
	if err == nil && (i.Amount != amount || !strings.EqualFold(string(i.Currency), c.Currency) || i.Metadata[attemptMark] != c.Attempt.String()) {
		err = ErrOtherCharge
	}
	return err
}

// plain is an error without what Stripe tells of cards and payers.
func plain(err error) error {
	var e *stripe.Error
	if !errors.As(err, &e) {
		return err
	}
	return plainError{e}
}

type plainError struct{ error *stripe.Error }

func (p plainError) Error() string {
	e := p.error
	return fmt.Sprintf("status %d, %s %s %s, request %s", e.HTTPStatusCode, e.Type, e.Code, e.Param, e.RequestID)
}

func (p plainError) Unwrap() error { return p.error }
