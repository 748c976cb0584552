package payment

import (
	"context"
	"time"

	"usher/internal/id"
)

// Charge is what a provider is asked for. It never changes over the life of an attempt, but for Ref.
type Charge struct {
	Attempt  id.Key // the key of every call
	Booking  id.Booking
	Amount   int64         // minor units of Currency
	Currency string        // ISO 4217
	Token    string        // the provider's name for the means of payment
	Ref      string        // the provider's name for the charge, as it last told; empty before
	Age      time.Duration // of the attempt when it was claimed
}

// State is where a charge stands at its provider.
type State string

// The states of a charge. Declined, Failed, Voided and Refunded are final, and Captured is but for Refund.
const (
	None           State = "none" // the provider does not know the charge, or nothing has come of it yet
	ActionRequired State = "action_required"
	Authorised     State = "authorised"
	Captured       State = "captured"
	Declined       State = "declined" // the payer's bank said no; Reason says why
	Failed         State = "failed"   // the provider gave up; no money moved and none will
	Voided         State = "voided"   // taken back before any money moved
	Refunded       State = "refunded"
)

// Answer is what a provider says about a charge.
type Answer struct {
	State     State
	Reason    string // of Declined and Failed: one snake_case word
	ActionURL string // of ActionRequired: where the payer goes on
	Ref       string // the provider's name for the charge, if it gives one
}

// Provider moves money. The calls are atomic, and repeating one, now or later, from here or another process, changes nothing more and
// answers the state that is. Each does its one thing or nothing, and answers the state after it:
//
//	Authorise  None → Authorised, ActionRequired, Declined or Failed
//	Capture    Authorised → Captured
//	Void       None, ActionRequired, Authorised → Voided; an Authorise that arrives later finds it so
//	Refund     Captured → Refunded
//	Ask        changes nothing
//
// ActionRequired turns into Authorised or Declined by itself, when the payer has acted or has taken too long. An error means
// that nobody knows whether the call had its effect: Ask, later; Ref may come with it. paymenttest.Run holds every provider to this.
type Provider interface {
	Authorise(ctx context.Context, c Charge) (Answer, error)
	Capture(ctx context.Context, c Charge) (Answer, error)
	Void(ctx context.Context, c Charge) (Answer, error)
	Refund(ctx context.Context, c Charge) (Answer, error)
	Ask(ctx context.Context, c Charge) (Answer, error)
}
