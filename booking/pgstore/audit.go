package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking/audit"
	"usher/internal/id"
)

// Snapshot is the truth at one moment, for an audit. It holds a connection, and what Postgres may not clean up meanwhile.
type Snapshot struct {
	tx             pgx.Tx
	topic, topicID string
}

// Audit hands a snapshot to check, which lasts as long as that does, an hour at most. Of logs it is about the one with that name and id.
func (s *Store) Audit(ctx context.Context, topic, topicID string, check func(*Snapshot) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("audit_session")); err != nil {
			return fmt.Errorf("begin an audit: %w", away(err))
		}
		return check(&Snapshot{tx, topic, topicID})
	})
}

// At is when the snapshot was taken.
func (s *Snapshot) At(ctx context.Context) (at time.Time, err error) {
	err = s.tx.QueryRow(ctx, query("now")).Scan(&at)
	return at, away(err)
}

// Broken returns how many rows break a rule of package audit, and the first of them.
func (s *Snapshot) Broken(ctx context.Context, rule string, limit int) (out []audit.Row, total int, err error) {
	rows, err := s.tx.Query(ctx, fmt.Sprintf("SELECT *, count(*) OVER () FROM (\n%s) AS broken (event, booking, ticket, detail) LIMIT %d", query("audit_"+rule), limit))
	if err != nil {
		return nil, 0, away(err)
	}
	var event, ticket *int64
	var booking *[16]byte
	var detail string
	_, err = pgx.ForEachRow(rows, []any{&event, &booking, &ticket, &detail, &total}, func() error {
		row := audit.Row{Booking: key(booking), Detail: detail}
		if event != nil {
			row.Event = id.Event(*event)
		}
		if ticket != nil {
			row.Ticket = id.Ticket(*ticket)
		}
		out = append(out, row)
		return nil
	})
	return out, total, away(err)
}

// Offsets returns where each partition of the log is that a worker has ever owned.
func (s *Snapshot) Offsets(ctx context.Context) ([]audit.Offset, error) {
	rows, err := s.tx.Query(ctx, query("audit_offsets"), s.topic, s.topicID)
	if err != nil {
		return nil, fmt.Errorf("offsets: %w", away(err))
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[audit.Offset])
	return out, away(err)
}

// Unanswered returns those of the commands that have no result.
func (s *Snapshot) Unanswered(ctx context.Context, ids []id.Key) ([]id.Key, error) {
	rows, err := s.tx.Query(ctx, query("audit_unanswered"), uuids(ids))
	if err != nil {
		return nil, fmt.Errorf("results: %w", away(err))
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k id.Key, err error) {
		err = row.Scan((*[16]byte)(&k))
		return k, err
	})
	return out, away(err)
}
