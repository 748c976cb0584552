package sandbox

import (
	"context"
	"time"

	"usher/booking/payment"
	"usher/internal/id"
)

// Entry is what the books say about one attempt. The zero Entry: nothing.
type Entry struct {
	Amount     int64
	Currency   string
	Token      string
	Calls      int           // how often it was opened
	Age        time.Duration // since it was opened, by the ledger's clock
	Authorised bool
	Captured   bool
	Voided     bool   // before it was captured, or given back after
	Declined   string // the reason
}

// Ledger is the sandbox's books. Each call is one atomic step, and answers the entry after it; a step that the entry does not allow
// changes nothing.
type Ledger interface {
	Read(ctx context.Context, attempt id.Key) (Entry, error)
	// Open makes an entry, if there is none, and counts the call.
	Open(ctx context.Context, c payment.Charge) (Entry, error)
	// Authorise makes an entry or takes the undecided one, unless within is not zero and the entry is older.
	Authorise(ctx context.Context, c payment.Charge, within time.Duration) (Entry, error)
	// Decline makes an entry or takes the undecided one, if it is at least as old as after.
	Decline(ctx context.Context, c payment.Charge, reason string, after time.Duration) (Entry, error)
	// Capture takes what is authorised and not voided.
	Capture(ctx context.Context, attempt id.Key) (Entry, error)
	// Void makes an entry or takes the one that is neither captured nor declined.
	Void(ctx context.Context, c payment.Charge) (Entry, error)
	// Refund voids what is captured.
	Refund(ctx context.Context, attempt id.Key) (Entry, error)
}

// Undecided reports whether nothing has come of the attempt yet.
func (e Entry) Undecided() bool { return !e.Authorised && !e.Voided && e.Declined == "" }

// waits reports whether the payer is asked to act.
func (e Entry) waits() bool { return e.Token == Action && e.Undecided() }

// State is where the charge stands.
func (e Entry) State() payment.State {
	switch {
	case e.Captured && e.Voided:
		return payment.Refunded
	case e.Voided:
		return payment.Voided
	case e.Captured:
		return payment.Captured
	case e.Declined == reasonError:
		return payment.Failed
	case e.Declined != "":
		return payment.Declined
	case e.Authorised:
		return payment.Authorised
	case e.waits():
		return payment.ActionRequired
	default:
		return payment.None
	}
}
