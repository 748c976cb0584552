package pgstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/internal/id"
)

// Begun yields the attempts of a method that were begun at or after a time; the zero time: all. An error ends it.
func (s *Snapshot) Begun(ctx context.Context, method string, from time.Time) iter.Seq2[payment.Entry, error] {
	return each(ctx, s.tx, scanEntry, "attempt_audit", method, sometime(from))
}

// Attempts returns those of the attempts that there are.
func (s *Snapshot) Attempts(ctx context.Context, ids []id.Key) (found []payment.Entry, err error) {
	for e, err := range each(ctx, s.tx, scanEntry, "attempt_audit_known", uuids(ids)) {
		if err != nil {
			return nil, err
		}
		found = append(found, e)
	}
	return found, nil
}

// Unpaid yields the confirmed bookings that have no attempt. An error ends it.
func (s *Snapshot) Unpaid(ctx context.Context) iter.Seq2[payment.Entry, error] {
	return each(ctx, s.tx, scanEntry, "attempt_audit_none")
}

// Others returns how many attempts that were begun at or after a time have another provider than these, by provider.
func (s *Snapshot) Others(ctx context.Context, methods []string, from time.Time) (counts map[string]int, err error) {
	rows, err := s.tx.Query(ctx, query("attempt_audit_others"), methods, from)
	if err != nil {
		return nil, fmt.Errorf("attempt_audit_others: %w", away(err))
	}
	counts = map[string]int{}
	var method string
	var n int
	_, err = pgx.ForEachRow(rows, []any{&method, &n}, func() error {
		counts[method] = n
		return nil
	})
	return counts, away(err)
}

// SandboxBooks are the sandbox's own books at the snapshot's moment.
func (s *Snapshot) SandboxBooks() *SandboxBooks { return &SandboxBooks{s.tx} }

// SandboxBooks are payment.Books.
type SandboxBooks struct{ tx pgx.Tx }

// Since yields the charges opened at or after a time; the zero time: all. An error ends it.
func (b *SandboxBooks) Since(ctx context.Context, from time.Time) iter.Seq2[payment.Record, error] {
	return each(ctx, b.tx, scanBooks, "sandbox_books", sometime(from), nil)
}

// Find returns the charge of an attempt; the zero Record: there is none.
func (b *SandboxBooks) Find(ctx context.Context, attempt id.Key, _ string) (found payment.Record, err error) {
	for r, err := range each(ctx, b.tx, scanBooks, "sandbox_books", nil, [16]byte(attempt)) {
		return r, err
	}
	return found, nil
}

// sometime is a time as a query takes it: null for the zero time.
func sometime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// each yields the rows of a query. An error ends it.
func each[T any](ctx context.Context, tx pgx.Tx, scan func(pgx.Rows) (T, error), name string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := tx.Query(ctx, query(name), args...)
		if err != nil {
			yield(none, fmt.Errorf("%s: %w", name, away(err)))
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := scan(rows)
			if err != nil {
				err = fmt.Errorf("%s: %w", name, away(err))
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, fmt.Errorf("%s: %w", name, away(err)))
		}
	}
}

func scanEntry(rows pgx.Rows) (e payment.Entry, err error) {
	var event int64
	var owner, attempt *[16]byte
	err = rows.Scan(&event, &owner, (*string)(&e.Standing), &e.Current, &e.Due, &e.Currency, &attempt, &e.Settled, &e.Ref)
	e.Booking, e.Attempt = id.Booking{Event: id.Event(event), Key: key(owner)}, key(attempt)
	return e, err
}

func scanBooks(rows pgx.Rows) (r payment.Record, err error) {
	var l sandbox.Entry
	err = rows.Scan((*[16]byte)(&r.Attempt), &l.Amount, &l.Currency, &l.Token, &l.Authorised, &l.Captured, &l.Voided, &l.Declined)
	r.State, r.Amount, r.Currency = l.State(), l.Amount, l.Currency
	return r, err
}
