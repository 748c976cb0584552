package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/internal/id"
)

// Pending is an outbox row.
type Pending struct {
	ID int64
	Message
}

// Unsent reads the oldest rows that Kafka lacks, at most n, in order. Rows of one event come in the order of their commits, because
// one worker at a time writes them; only the leading relay reads them.
func (s *Store) Unsent(ctx context.Context, n int) ([]Pending, error) {
	return s.pending(ctx, "outbox_unsent", n)
}

// Unapplied reads the oldest rows that are in Kafka but not in the seat map, at most n, in order.
func (s *Store) Unapplied(ctx context.Context, n int) ([]Pending, error) {
	return s.pending(ctx, "outbox_unapplied", n)
}

func (s *Store) pending(ctx context.Context, name string, n int) ([]Pending, error) {
	rows, err := s.pool.Query(ctx, query(name), n)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", away(err))
	}
	pending, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Pending, err error) {
		err = row.Scan(&p.ID, &p.Topic, &p.Key, &p.Payload)
		return p, err
	})
	return pending, away(err)
}

// MarkSent remembers that rows are in Kafka. Those of bookings enter the log of webhooks, while there are any.
func (s *Store) MarkSent(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	return s.logged(ctx, "outbox_sent", ids)
}

// Delivered removes rows that everybody has. Those that were not marked as sent enter the log of webhooks, as in MarkSent.
func (s *Store) Delivered(ctx context.Context, ids []int64) error {
	return s.logged(ctx, "outbox_delete", ids)
}

// Overdue is a reservation that has run out.
type Overdue struct {
	Booking id.Booking
	Until   time.Time
}

// Overdue returns reserved bookings past their end, oldest first, at most n.
func (s *Store) Overdue(ctx context.Context, n int) ([]Overdue, error) {
	rows, err := s.pool.Query(ctx, query("overdue"), n)
	if err != nil {
		return nil, fmt.Errorf("overdue bookings: %w", away(err))
	}
	overdue, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o Overdue, err error) {
		var e int64
		var k [16]byte
		err = row.Scan(&e, &k, &o.Until)
		o.Booking = id.Booking{Event: id.Event(e), Key: k}
		return o, err
	})
	return overdue, away(err)
}

// Lead runs lead while this process holds the named lock, and waits for the lock while another does. lead's context ends
// when the connection that holds the lock is lost: whoever leads then may already be somebody else.
func (s *Store) Lead(ctx context.Context, lock int64, lead func(ctx context.Context) error) error {
	_, err := s.lead(ctx, lock, true, lead)
	return err
}

// TryLead is Lead for who does not wait: false when another process holds the lock, and then lead has not run.
func (s *Store) TryLead(ctx context.Context, lock int64, lead func(ctx context.Context) error) (mine bool, err error) {
	return s.lead(ctx, lock, false, lead)
}

func (s *Store) lead(ctx context.Context, lock int64, wait bool, lead func(ctx context.Context) error) (mine bool, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, away(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if mine {
			_, _ = conn.Exec(ctx, query("lead_unlock"), lock) // the next one need not wait until the server sees that the connection is closed
		}
		_ = conn.Conn().Close(ctx) // and with it the lock, whatever has happened
		conn.Release()
	}()
	for {
		if err := conn.QueryRow(ctx, query("lead_lock"), lock).Scan(&mine); err != nil {
			return false, away(err)
		}
		if mine {
			return true, hold(ctx, conn, lead)
		}
		if !wait {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// hold runs lead as long as the connection lives.
func hold(ctx context.Context, conn *pgxpool.Conn, lead func(ctx context.Context) error) error {
	leading, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- lead(leading) }()
	alive := time.NewTicker(time.Second)
	defer alive.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-alive.C:
			ping, cancel := context.WithTimeout(ctx, 2*time.Second)
			err := conn.Ping(ping)
			cancel()
			if err != nil {
				stop()
				<-done
				return fmt.Errorf("the leader's connection is lost: %w", away(err))
			}
		}
	}
}
