package pgledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"usher/internal/audit"
)

// rules are the promises about the line that its ledger can show to be broken. That nobody overtakes cannot be seen in it: who was called when, and who came late, is not kept.
var rules = []audit.Rule{
	{Name: "over_capacity", Says: "nobody enters a room that is full",
		Why: "more sessions at once than the room's capacity, since its rules or its state changed last. Sessions that ended within the ten seconds before an entry are not counted, for an end may be noted late"},
	{Name: "beyond_block", Says: "only numbers that were reserved enter",
		Why: "the line gave out a number that Postgres had not set apart: after a loss of Redis somebody else could get it, too"},
	{Name: "one_session", Says: "a visitor is inside once",
		Why: "two live sessions of one visitor: a number was used after its visitor had another"},
}

// Audit looks at each room's present run, in one snapshot, for what breaks a promise, and repairs nothing. It reads the run's admissions: a second for a million.
func (l *Ledger) Audit(ctx context.Context) (found []audit.Finding, err error) {
	err = pgx.BeginTxFunc(ctx, l.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("audit_session")); err != nil {
			return err
		}
		for _, rule := range rules {
			f := audit.Finding{Rule: rule}
			rows, err := tx.Query(ctx, fmt.Sprintf("SELECT *, count(*) OVER () FROM (\n%s) AS broken (detail) LIMIT %d", query("audit_"+rule.Name), audit.Examples))
			if err != nil {
				return err
			}
			var detail string
			if _, err := pgx.ForEachRow(rows, []any{&detail, &f.Total}, func() error { f.Rows = append(f.Rows, detail); return nil }); err != nil {
				return fmt.Errorf("whether %s: %w", rule.Says, err)
			}
			found = append(found, f)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("audit of the line: %w", err)
	}
	return found, nil
}
