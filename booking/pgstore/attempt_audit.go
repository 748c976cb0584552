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

// sandboxEntries yields what payment.Audit compares: every attempt that the sandbox took, as the transaction sees it. An error ends it.
func sandboxEntries(ctx context.Context, tx pgx.Tx) iter.Seq2[payment.Entry, error] {
	return func(yield func(payment.Entry, error) bool) {
		rows, err := tx.Query(ctx, query("attempt_audit"))
		if err != nil {
			yield(payment.Entry{}, fmt.Errorf("sandbox entries: %w", away(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scanEntry(rows)
			if err != nil {
				err = fmt.Errorf("sandbox entries: %w", away(err))
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
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
