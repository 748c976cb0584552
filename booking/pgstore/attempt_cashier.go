package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking"
	"usher/booking/payment"
	"usher/internal/id"
)

// ClaimAttempts leases payment attempts that are due; see payment.Store.
func (s *Store) ClaimAttempts(ctx context.Context, n int, lease time.Duration) ([]payment.Attempt, error) {
	rows, err := s.pool.Query(ctx, query("attempt_claim"), n, lease.Seconds())
	if err != nil {
		return nil, fmt.Errorf("claim payment attempts: %w", away(err))
	}
	claimed, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a payment.Attempt, err error) {
		var attempt, key [16]byte
		var e int64
		var age float64
		err = row.Scan(&attempt, &e, &key, &a.Amount, &a.Currency, &a.Method, &a.Token, &a.Ref, &a.Status, &a.Reason, &a.Tries, &age, &a.Paying)
		a.Attempt, a.Booking = attempt, id.Booking{Event: id.Event(e), Key: key}
		a.Age = time.Duration(age * float64(time.Second))
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("claim payment attempts: %w", away(err))
	}
	return claimed, nil
}

// SaveAttempt writes what came of a claimed attempt; see payment.Store. It locks one row and waits for no other, so it is in
// nobody's circle.
func (s *Store) SaveAttempt(ctx context.Context, a payment.Attempt, c payment.Change) (paying, ok bool, err error) {
	err = s.pool.QueryRow(ctx, query("attempt_save"), [16]byte(a.Attempt), a.Tries, string(a.Status), string(c.Status), c.Reason, c.Ref,
		c.ActionURL, c.After.Seconds(), c.Lease.Seconds(), c.Settled).Scan(&paying)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("save payment attempt %s: %w", a.Attempt, away(err))
	}
	return paying, true, nil
}

// WakeAttempt makes an attempt due because its provider has news of it: what a webhook does. An attempt that is unknown or over
// is left alone.
func (s *Store) WakeAttempt(ctx context.Context, attempt id.Key) error {
	if _, err := s.pool.Exec(ctx, query("attempt_wake"), [16]byte(attempt)); err != nil {
		return fmt.Errorf("wake payment attempt %s: %w", attempt, away(err))
	}
	return nil
}

// Action returns what a payer must do for an attempt that waits for him, or nil.
func (s *Store) Action(ctx context.Context, attempt id.Key) (*booking.Action, error) {
	action := booking.Action{Type: "redirect"}
	err := s.pool.QueryRow(ctx, query("attempt_action"), [16]byte(attempt)).Scan(&action.URL)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("action of payment attempt %s: %w", attempt, away(err))
	}
	return &action, nil
}
