package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/internal/id"
)

// SandboxLedger is the sandbox provider's books in Postgres. Every step is one statement on one row; see sandbox.Ledger.
type SandboxLedger struct{ store *Store }

// SandboxLedger returns the sandbox provider's books.
func (s *Store) SandboxLedger() *SandboxLedger { return &SandboxLedger{s} }

// Read answers the entry; the zero Entry if there is none.
func (l *SandboxLedger) Read(ctx context.Context, attempt id.Key) (sandbox.Entry, error) {
	return l.step(ctx, "sandbox_read", [16]byte(attempt))
}

// Open makes an entry, if there is none, and counts the call.
func (l *SandboxLedger) Open(ctx context.Context, c payment.Charge) (sandbox.Entry, error) {
	return l.step(ctx, "sandbox_open", [16]byte(c.Attempt), c.Amount, c.Currency, c.Token)
}

// Authorise authorises what is undecided and young enough.
func (l *SandboxLedger) Authorise(ctx context.Context, c payment.Charge, within time.Duration) (sandbox.Entry, error) {
	return l.step(ctx, "sandbox_authorise", [16]byte(c.Attempt), c.Amount, c.Currency, c.Token, within.Seconds())
}

// Decline declines what is undecided and old enough.
func (l *SandboxLedger) Decline(ctx context.Context, c payment.Charge, reason string, after time.Duration) (sandbox.Entry, error) {
	return l.step(ctx, "sandbox_decline", [16]byte(c.Attempt), c.Amount, c.Currency, c.Token, reason, after.Seconds())
}

// Capture takes what is authorised and not voided.
func (l *SandboxLedger) Capture(ctx context.Context, attempt id.Key) (sandbox.Entry, error) {
	return l.step(ctx, "sandbox_capture", [16]byte(attempt))
}

// Void takes back what is neither captured nor declined.
func (l *SandboxLedger) Void(ctx context.Context, c payment.Charge) (sandbox.Entry, error) {
	return l.step(ctx, "sandbox_void", [16]byte(c.Attempt), c.Amount, c.Currency, c.Token)
}

// Refund gives back what is captured.
func (l *SandboxLedger) Refund(ctx context.Context, attempt id.Key) (sandbox.Entry, error) {
	return l.step(ctx, "sandbox_refund", [16]byte(attempt))
}

func (l *SandboxLedger) step(ctx context.Context, name string, args ...any) (e sandbox.Entry, err error) {
	var age float64
	err = l.store.pool.QueryRow(ctx, query(name), args...).
		Scan(&e.Amount, &e.Currency, &e.Token, &e.Calls, &age, &e.Authorised, &e.Captured, &e.Voided, &e.Declined)
	if errors.Is(err, pgx.ErrNoRows) {
		return sandbox.Entry{}, nil
	}
	e.Age = time.Duration(age * float64(time.Second))
	if err != nil {
		return e, fmt.Errorf("%s: %w", name, away(err))
	}
	return e, nil
}
