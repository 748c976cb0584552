package pgsource

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Move is how far an index has come in a partition of the log: from an offset to the next that it lacks.
type Move struct {
	Partition int
	Was, Next int64
}

// Aside is a message that led to no document.
type Aside struct {
	Partition int
	Offset    int64
	Message   []byte
	Reason    string
}

// Begin notes where the log is to be read for a new index, by partition. topicID names the log.
func (s *Source) Begin(ctx context.Context, index, topicID string, next []int64) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if _, err := s.pool.Exec(ctx, query("start_offsets"), index, topicID, next); err != nil {
		return fmt.Errorf("note where index %s begins: %w", index, err)
	}
	return nil
}

// Offsets returns where the log is to be read for an index, by partition; none when nobody has noted it, for this index or this log.
func (s *Source) Offsets(ctx context.Context, index, topicID string) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	rows, err := s.pool.Query(ctx, query("offsets"), index, topicID)
	if err != nil {
		return nil, fmt.Errorf("offsets of index %s: %w", index, err)
	}
	var next []int64
	var p int
	var at int64
	_, err = pgx.ForEachRow(rows, []any{&p, &at}, func() error {
		if p != len(next) {
			return fmt.Errorf("partition %d is missing", len(next))
		}
		next = append(next, at)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("offsets of index %s: %w", index, err)
	}
	return next, nil
}

// Advance notes that an index has everything up to the given offsets, and sets messages aside, both or nothing. ErrMoved when an offset is
// not where the caller found it.
func (s *Source) Advance(ctx context.Context, index, topicID, topic string, moves []Move, aside []Aside) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	partitions, was, next := make([]int, len(moves)), make([]int64, len(moves)), make([]int64, len(moves))
	for i, m := range moves {
		partitions[i], was[i], next[i] = m.Partition, m.Was, m.Next
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		moved, err := tx.Exec(ctx, query("advance_offsets"), index, topicID, partitions, was, next)
		if err != nil {
			return err
		}
		if moved.RowsAffected() != int64(len(moves)) {
			return ErrMoved
		}
		return setAside(ctx, tx, topic, aside)
	})
	if err != nil {
		return fmt.Errorf("note how far index %s is: %w", index, err)
	}
	return nil
}

func setAside(ctx context.Context, tx pgx.Tx, topic string, aside []Aside) error {
	if len(aside) == 0 {
		return nil
	}
	var partitions []int
	var offsets []int64
	var messages [][]byte
	var reasons []string
	for _, a := range aside {
		partitions, offsets = append(partitions, a.Partition), append(offsets, a.Offset)
		messages, reasons = append(messages, a.Message), append(reasons, strings.ToValidUTF8(strings.ReplaceAll(a.Reason, "\x00", ""), "?"))
	}
	_, err := tx.Exec(ctx, query("set_aside"), topic, partitions, offsets, messages, reasons)
	return err
}

// Forget forgets how far all indices had come but the given ones.
func (s *Source) Forget(ctx context.Context, butIndices ...string) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if _, err := s.pool.Exec(ctx, query("forget_offsets"), butIndices); err != nil {
		return fmt.Errorf("forget old indices: %w", err)
	}
	return nil
}
