package payment

import (
	"context"
	"time"

	"usher/booking/command"
	"usher/internal/id"
)

// Status is how far an attempt is, as Postgres remembers it.
type Status string

// The statuses of an attempt.
const (
	StatusCreated    Status = "created"
	StatusAuthorised Status = "authorised"
	StatusCaptured   Status = "captured"
	StatusDeclined   Status = "declined"
	StatusFailed     Status = "failed"
	StatusVoided     Status = "voided" // the booking did not wait for it: taken back or refunded
)

// Ended reports whether the provider is done with the attempt, so that only the log has to learn of it.
func (s Status) Ended() bool { return s != StatusCreated && s != StatusAuthorised }

// Attempt is one claimed attempt to pay for a booking.
type Attempt struct {
	Charge
	Method string // which provider
	Status Status
	Reason string
	Tries  int  // claims so far, this one included: 1 means that nobody has called the provider
	Paying bool // the booking is paying, and with this attempt
}

// Change is what a cashier writes about an attempt that it has claimed.
type Change struct {
	Status    Status
	Reason    string
	Ref       string
	ActionURL string
	After     time.Duration // when the attempt is due again
	Lease     time.Duration // how much longer it is the cashier's own; 0 gives it back
	Settled   bool          // nothing is left to do
}

// Store keeps the attempts. Its clock decides what is due.
type Store interface {
	// ClaimAttempts leases at most n attempts that are due and nobody's, the longest due first. No two callers get one attempt
	// until its lease has run out.
	ClaimAttempts(ctx context.Context, n int, lease time.Duration) ([]Attempt, error)
	// SaveAttempt writes the change if the claim still stands and the status is still a's. ok is false when it is not: somebody else
	// has the attempt, or it is settled. paying says whether the booking is paying with this attempt now.
	SaveAttempt(ctx context.Context, a Attempt, c Change) (paying, ok bool, err error)
	// Results returns the stored results of commands, as far as they are decided.
	Results(ctx context.Context, ids []id.Key) (map[id.Key]command.Result, error)
}
