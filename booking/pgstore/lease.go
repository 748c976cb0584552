package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// leaseLock serialises the workers' bookkeeping of one topic.
const leaseLock = 0x6c656173

// Lease renews a worker's partitions, gives back what is more than its fair share, takes what nobody has, and returns what it
// holds now. Leases only have to be usually right: the offset's compare-and-set is what fences a zombie.
func (s *Store) Lease(ctx context.Context, topic, worker string, partitions int, length time.Duration) (mine []int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("lease_lock"), leaseLock); err != nil {
			return err
		}
		var workers int
		if err := tx.QueryRow(ctx, query("lease_presence"), topic, worker, length.Seconds()).Scan(&workers); err != nil {
			return err
		}
		share := (partitions + workers - 1) / workers
		if _, err := tx.Exec(ctx, query("lease_renew"), topic, worker, length.Seconds(), share); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, query("lease_take"), topic, worker, length.Seconds(), share, partitions); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, query("lease_mine"), topic, worker)
		if err != nil {
			return err
		}
		mine, err = pgx.CollectRows(rows, pgx.RowTo[int])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lease partitions: %w", away(err))
	}
	return mine, nil
}

// ReturnLeases gives a worker's partitions back.
func (s *Store) ReturnLeases(ctx context.Context, topic, worker string) error {
	_, err := s.pool.Exec(ctx, query("lease_return"), topic, worker)
	return away(err)
}

// Offset returns where work on a partition goes on; a partition that nobody has worked on begins at first.
func (s *Store) Offset(ctx context.Context, topic, topicID string, partition int, first int64) (next int64, err error) {
	err = s.pool.QueryRow(ctx, query("offset"), topic, topicID, partition).Scan(&next)
	if !errors.Is(err, pgx.ErrNoRows) {
		return next, away(err)
	}
	if _, err = s.pool.Exec(ctx, query("create_offsets"), topic, topicID, partition, first); err != nil {
		return 0, away(err)
	}
	err = s.pool.QueryRow(ctx, query("offset"), topic, topicID, partition).Scan(&next)
	return next, away(err)
}

// MoveOffset sets an offset that the log contradicts, if it still is what the caller saw.
func (s *Store) MoveOffset(ctx context.Context, topic, topicID string, partition int, to, was int64) error {
	_, err := s.pool.Exec(ctx, query("move_offset"), topic, topicID, partition, to, was)
	return away(err)
}
