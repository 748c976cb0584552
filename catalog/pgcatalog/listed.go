package pgcatalog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/catalog"
	"usher/internal/id"
)

// Months are the storage months from one on that have events, in order.
func (s *Store) Months(ctx context.Context, from int) ([]catalog.Month, error) {
	rows, err := s.pool.Query(ctx, query("months"), from)
	if err != nil {
		return nil, fmt.Errorf("months: %w", away(err))
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[catalog.Month])
	if err != nil {
		return nil, fmt.Errorf("months: %w", away(err))
	}
	return list, nil
}

// Listed are the events with ids from one up to before another that are not over since a time, in the order of their ids.
func (s *Store) Listed(ctx context.Context, from, before id.Event, since time.Time) (out []catalog.Listed, err error) {
	rows, err := s.pool.Query(ctx, query("listed"), int64(from), int64(before), since)
	if err != nil {
		return nil, fmt.Errorf("listed events: %w", away(err))
	}
	var e int64
	var updated time.Time
	_, err = pgx.ForEachRow(rows, []any{&e, &updated}, func() error {
		out = append(out, catalog.Listed{Event: id.Event(e), Updated: updated})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listed events: %w", away(err))
	}
	return out, nil
}
