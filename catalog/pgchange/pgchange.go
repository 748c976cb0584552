// Package pgchange puts changes of the catalog into the outbox, in the transaction that makes them.
package pgchange

import (
	"context"
	_ "embed"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/catalog/change"
	"usher/internal/id"
)

//go:embed announce.sql
var announceSQL string

// Announce tells the world of a change of the events whose ids and new versions are the rows, which it reads to their end. Nothing is told if the
// transaction does not commit.
func Announce(ctx context.Context, tx pgx.Tx, kind change.Kind, rows pgx.Rows) error {
	var keys []string
	var payloads [][]byte
	var e, version int64
	now := time.Now().UTC()
	_, err := pgx.ForEachRow(rows, []any{&e, &version}, func() error {
		payload, err := json.Marshal(change.Change{Kind: kind, Event: id.Event(e), Version: version, At: now})
		keys, payloads = append(keys, id.Event(e).String()), append(payloads, payload)
		return err
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	_, err = tx.Exec(ctx, announceSQL, change.Topic, keys, payloads)
	return err
}
