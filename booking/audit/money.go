package audit

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"usher/booking/payment"
	"usher/internal/audit"
)

// checkMoney compares bookings with the books of the providers.
func checkMoney(ctx context.Context, r *audit.Report, s Snapshot, ledgers []Ledger, recent time.Duration) error {
	money, err := payment.Audit(entries(ctx, s, ledgers, r.At))
	if err != nil {
		return err
	}
	f := audit.Finding{Rule: charges, Total: money.Faults}
	for _, m := range money.Findings[:min(len(money.Findings), audit.Examples)] {
		f.Rows = append(f.Rows, m.String())
	}
	r.Findings = append(r.Findings, f)
	r.Payments = money.Attempts

	var methods []string
	for _, l := range ledgers {
		methods = append(methods, l.Method)
	}
	others, err := s.Others(ctx, methods, r.At.Add(-recent))
	if err != nil {
		return err
	}
	f = audit.Finding{Rule: uncompared}
	for _, method := range slices.Sorted(maps.Keys(others)) {
		f.Total += others[method]
		f.Rows = append(f.Rows, fmt.Sprintf("%s: %d payments", method, others[method]))
	}
	r.Findings = append(r.Findings, f)
	return nil
}

// entries are the payments of all ledgers, then the bookings that nobody has paid for.
func entries(ctx context.Context, s Snapshot, ledgers []Ledger, at time.Time) iter.Seq2[payment.Entry, error] {
	return func(yield func(payment.Entry, error) bool) {
		for _, l := range ledgers {
			var from time.Time
			if l.Within > 0 {
				from = at.Add(-l.Within)
			}
			for e, err := range payment.Compare(ctx, s, l.Method, l.Books, from, at) {
				if !yield(e, err) {
					return
				}
			}
		}
		for e, err := range s.Unpaid(ctx) {
			if !yield(e, err) {
				return
			}
		}
	}
}
