package pgstore

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/internal/id"
)

// SandboxEntries yields what payment.Audit compares: every attempt that the sandbox took, as one snapshot has it. An
// error ends it.
func (s *Store) SandboxEntries(ctx context.Context) iter.Seq2[payment.Entry, error] {
	return func(yield func(payment.Entry, error) bool) {
		stopped := false
		err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, query("attempt_audit_session")); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, query("attempt_audit"))
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				e, err := scanEntry(rows)
				if err != nil {
					return err
				}
				if stopped = !yield(e, nil); stopped {
					return nil
				}
			}
			return rows.Err()
		})
		if err != nil && !stopped {
			yield(payment.Entry{}, fmt.Errorf("sandbox entries: %w", away(err)))
		}
	}
}

func scanEntry(rows pgx.Rows) (e payment.Entry, err error) {
	var event int64
	var owner, attempt *[16]byte
	var known bool
	var l sandbox.Entry
	err = rows.Scan(&event, &owner, (*string)(&e.Standing), &e.Current, &e.Due, &e.Currency, &attempt, &e.Settled, &known,
		&l.Amount, &l.Currency, &l.Token, &l.Authorised, &l.Captured, &l.Voided, &l.Declined)
	e.Booking, e.Attempt = id.Booking{Event: id.Event(event), Key: key(owner)}, key(attempt)
	if known {
		e.Provider, e.Charged, e.ChargedCurrency = l.State(), l.Amount, l.Currency
	}
	return e, err
}
