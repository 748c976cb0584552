package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking/event"
	"usher/booking/webhook"
	"usher/internal/id"
)

// webhookLogLock serialises writers of the log of webhooks; any constant does.
const webhookLogLock = 0x77686c6f67

// purgeRows bounds what one purge looks at: at 150 events a second a purge a minute keeps up.
const purgeRows = 20_000

// logged runs a statement that may write the log of webhooks.
func (s *Store) logged(ctx context.Context, name string, args ...any) error {
	b := &pgx.Batch{}
	b.Queue(query("webhook_log_lock"), webhookLogLock)
	b.Queue(query(name), args...)
	return away(s.pool.SendBatch(ctx, b).Close()) // one transaction
}

// Webhooks returns all receivers.
func (s *Store) Webhooks(ctx context.Context) ([]webhook.Webhook, error) {
	rows, err := s.pool.Query(ctx, query("webhook_list"))
	if err != nil {
		return nil, fmt.Errorf("webhooks: %w", away(err))
	}
	out, err := pgx.CollectRows(rows, scanWebhook)
	return out, away(err)
}

func scanWebhook(row pgx.CollectableRow) (w webhook.Webhook, err error) {
	var kinds []string
	var events []int64
	var secret, old []byte
	var until, success, disabled *time.Time
	var failing float64
	err = row.Scan((*[16]byte)(&w.ID), &w.URL, &kinds, &events, &secret, &old, &until, &w.Cursor, &w.Version, &w.Failures, &failing, &success, &w.LastError, &disabled,
		&w.CreatedAt, &w.Waiting, &w.SetAside, &w.Due)
	for _, k := range kinds {
		w.Kinds = append(w.Kinds, event.Kind(k))
	}
	for _, e := range events {
		w.Events = append(w.Events, id.Event(e))
	}
	w.Secrets = append(w.Secrets, secret)
	if old != nil && until != nil {
		w.Secrets, w.OldUntil = append(w.Secrets, old), *until
	}
	w.FailingFor = time.Duration(failing * float64(time.Second))
	if success != nil {
		w.LastSuccess = *success
	}
	if disabled != nil {
		w.DisabledAt = *disabled
	}
	return w, err
}

// AddWebhook adds a receiver of what happens from now on. webhook.ErrTooMany.
func (s *Store) AddWebhook(ctx context.Context, w webhook.Webhook) error {
	kinds, events := []string{}, []int64{}
	for _, k := range w.Kinds {
		kinds = append(kinds, string(k))
	}
	for _, e := range w.Events {
		events = append(events, int64(e))
	}
	return s.changeWebhook(ctx, webhook.ErrTooMany, "webhook_add", [16]byte(w.ID), w.URL, kinds, events, w.Secrets[0], webhook.MaxWebhooks)
}

// DeleteWebhook removes a receiver. webhook.ErrNotFound.
func (s *Store) DeleteWebhook(ctx context.Context, of id.Key) error {
	return s.changeWebhook(ctx, webhook.ErrNotFound, "webhook_delete", [16]byte(of))
}

// RotateSecret gives a receiver a new secret. webhook.ErrNotFound.
func (s *Store) RotateSecret(ctx context.Context, of id.Key, secret []byte) error {
	return s.changeWebhook(ctx, webhook.ErrNotFound, "webhook_rotate", [16]byte(of), secret, webhook.Overlap.Seconds())
}

// changeWebhook runs a statement that must touch one row.
func (s *Store) changeWebhook(ctx context.Context, none error, name string, args ...any) error {
	tag, err := s.pool.Exec(ctx, query(name), args...)
	if err == nil && tag.RowsAffected() == 0 {
		return none
	}
	return away(err)
}

// Replay begins again after a number of the log, or with after 0 or less since a time. webhook.ErrNotFound.
func (s *Store) Replay(ctx context.Context, of id.Key, after int64, since time.Time) error {
	var number *int64
	if after > 0 {
		number = &after
	}
	var n int
	if err := s.pool.QueryRow(ctx, query("webhook_replay"), [16]byte(of), number, since).Scan(&n); err != nil {
		return fmt.Errorf("replay a webhook: %w", away(err))
	}
	if n == 0 {
		return webhook.ErrNotFound
	}
	return nil
}

// SetAside returns messages that are set aside, in the order of their numbers, from behind a number, at most n.
func (s *Store) SetAside(ctx context.Context, of id.Key, after int64, n int) ([]webhook.Aside, error) {
	rows, err := s.pool.Query(ctx, query("webhook_aside"), [16]byte(of), after, n)
	if err != nil {
		return nil, fmt.Errorf("messages that are set aside: %w", away(err))
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a webhook.Aside, err error) {
		err = row.Scan(&a.Seq, &a.Key, &a.Payload, &a.Tries, &a.FirstAt, &a.At, &a.Error)
		return a, err
	})
	return out, away(err)
}

// TryAgain lets a message that is set aside wait again, as a new one would. webhook.ErrNoMessage.
func (s *Store) TryAgain(ctx context.Context, of id.Key, seq int64) error {
	return s.changeWebhook(ctx, webhook.ErrNoMessage, "webhook_again", [16]byte(of), seq)
}

// DropAside forgets a message that is set aside. webhook.ErrNoMessage.
func (s *Store) DropAside(ctx context.Context, of id.Key, seq int64) error {
	return s.changeWebhook(ctx, webhook.ErrNoMessage, "webhook_drop", [16]byte(of), seq)
}

// AddTest puts a message in line for one receiver. webhook.ErrTooMany: it has too many tests, or is gone.
func (s *Store) AddTest(ctx context.Context, of id.Key, payload []byte) error {
	var seq int64
	err := s.pool.QueryRow(ctx, query("webhook_test"), [16]byte(of), payload, webhook.MaxTests).Scan(&seq)
	if errors.Is(err, pgx.ErrNoRows) {
		return webhook.ErrTooMany
	}
	return away(err)
}

// DueMessages returns messages that are due again, at most n.
func (s *Store) DueMessages(ctx context.Context, of id.Key, n int) ([]webhook.Message, error) {
	rows, err := s.pool.Query(ctx, query("webhook_due"), [16]byte(of), n)
	if err != nil {
		return nil, fmt.Errorf("messages that are due: %w", away(err))
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (webhook.Message, error) {
		m := webhook.Message{Waited: true}
		var age float64
		err := row.Scan(&m.Seq, &m.Key, &m.Payload, &m.Tries, &age)
		m.Age = time.Duration(age * float64(time.Second))
		return m, err
	})
	return out, away(err)
}

// WaitingKeys counts the messages that wait, by key.
func (s *Store) WaitingKeys(ctx context.Context, of id.Key) (map[string]int, error) {
	rows, err := s.pool.Query(ctx, query("webhook_waiting"), [16]byte(of))
	if err != nil {
		return nil, fmt.Errorf("messages that wait: %w", away(err))
	}
	out, key := map[string]int{}, ""
	_, err = pgx.ForEachRow(rows, []any{&key}, func() error { out[key]++; return nil })
	return out, away(err)
}

// Logged reads the log after a number.
func (s *Store) Logged(ctx context.Context, after int64, n int) ([]webhook.Message, error) {
	rows, err := s.pool.Query(ctx, query("webhook_log"), after, n)
	if err != nil {
		return nil, fmt.Errorf("the log of webhooks: %w", away(err))
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m webhook.Message, err error) {
		err = row.Scan(&m.Seq, &m.Payload)
		return m, err
	})
	return out, away(err)
}

// SaveTurn writes what came of a turn, all or nothing. webhook.ErrMoved.
func (s *Store) SaveTurn(ctx context.Context, t webhook.Turn) error {
	of := [16]byte(t.Webhook)
	var seqs []int64
	var keys, errs []string
	var payloads [][]byte
	var tries []int32
	var after []float64
	var aside []bool
	for _, a := range t.Again {
		seqs, keys, payloads, tries = append(seqs, a.Seq), append(keys, a.Key), append(payloads, a.Payload), append(tries, int32(a.Tries))
		after, errs, aside = append(after, a.After.Seconds()), append(errs, a.Error), append(aside, a.SetAside)
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, query("webhook_save"), of, t.Version, t.Cursor, t.Failures, t.Pause.Seconds(), t.Success, t.Error, t.Disable)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return webhook.ErrMoved
		}
		b := &pgx.Batch{}
		if len(t.Taken) > 0 {
			b.Queue(query("webhook_taken"), of, t.Taken)
		}
		if len(seqs) > 0 {
			b.Queue(query("webhook_retry"), of, seqs, keys, payloads, tries, after, errs, aside)
		}
		return tx.SendBatch(ctx, b).Close()
	})
	if errors.Is(err, webhook.ErrMoved) {
		return err
	}
	return away(err)
}

// PurgeWebhooks forgets what is older than that of the log, and four times as old of what is set aside; a bounded number of each.
func (s *Store) PurgeWebhooks(ctx context.Context, age time.Duration) (int64, error) {
	n := int64(0)
	for name, older := range map[string]time.Duration{"webhook_purge_log": age, "webhook_purge_aside": 4 * age} {
		tag, err := s.pool.Exec(ctx, query(name), older.Seconds(), purgeRows)
		if err != nil {
			return n, fmt.Errorf("%s: %w", name, away(err))
		}
		n += tag.RowsAffected()
	}
	return n, nil
}
