// Package relay tells the world what the worker has committed. It reads outbox rows in order, writes them to Kafka, applies
// seat changes to the seat map, and only then deletes them: at least once, never forgotten. Kafka does not wait for
// Redis: rows that are sent but not applied stay, marked. It also appends the end of reservations that have run out. Of several
// relays one leads; the others stand by.
package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/event"
	"usher/booking/pgstore"
	"usher/internal/stream"
)

const (
	lock       = 0x72656c6179           // "relay"
	maxRows    = 1000                   // outbox rows a round
	busyPause  = 20 * time.Millisecond  // between rounds that found something: a round costs the same for one row and for many
	idlePause  = 20 * time.Millisecond  // a fan's next click waits for it
	faultPause = 500 * time.Millisecond // after an error
)

var (
	sentTotal       = metrics.NewCounter("usher_relay_sent_total")
	appliedTotal    = metrics.NewCounter("usher_relay_applied_total")
	unreadableTotal = metrics.NewCounter("usher_relay_unreadable_total")
	leading         = metrics.NewGauge("usher_relay_leading", nil)
)

// Relay delivers the outbox. Make it with New; Run does the work.
type Relay struct {
	store    *pgstore.Store
	producer *stream.Producer
	// apply brings seat changes to the seat map; an error means that they must be applied again.
	apply func(ctx context.Context, events []event.Event) error
	log   *slog.Logger
	keep  time.Duration // results of commands; 0: for ever

	backlog    bool      // rows may wait that are in Kafka but not in the seat map
	applyAfter time.Time // the seat map is left alone until then
}

// New returns a relay. producer must be running.
func New(store *pgstore.Store, producer *stream.Producer, apply func(context.Context, []event.Event) error, log *slog.Logger) *Relay {
	return &Relay{store: store, producer: producer, apply: apply, log: log}
}

// Run delivers while this relay leads, and stands by otherwise, until ctx ends.
func (r *Relay) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := r.store.Lead(ctx, lock, func(ctx context.Context) error {
			leading.Set(1)
			r.backlog, r.applyAfter = true, time.Time{} // the leader before us may have left rows behind
			defer leading.Set(0)
			var others sync.WaitGroup
			others.Go(func() { r.sweep(ctx) })
			others.Go(func() { r.count(ctx) })
			others.Go(func() { r.forget(ctx) })
			r.deliverAll(ctx)
			others.Wait()
			return nil
		})
		if err != nil && ctx.Err() == nil {
			r.log.Warn("not leading", "err", err)
			pause(ctx, faultPause)
		}
	}
	return nil
}

func (r *Relay) deliverAll(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := r.deliver(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			r.log.Warn("the outbox is not delivered", "err", err)
			pause(ctx, faultPause)
		case n > 0:
			pause(ctx, busyPause)
		default:
			pause(ctx, idlePause)
		}
	}
}

// deliver does one round: rows that Kafka lacks go there first, then the seat map gets what it lacks. It returns how many rows moved
// on. Only this goroutine calls it.
func (r *Relay) deliver(ctx context.Context) (int, error) {
	unsent, err := r.store.Unsent(ctx, maxRows)
	if err != nil {
		return 0, err
	}
	if len(unsent) > 0 {
		if err := r.send(ctx, unsent); err != nil {
			return 0, err
		}
	}
	if time.Now().Before(r.applyAfter) { // the seat map is away: Kafka does not wait for it
		return len(unsent), r.store.MarkSent(ctx, idsOf(unsent))
	}
	if err := r.settle(ctx, unsent); err != nil {
		r.backlog, r.applyAfter = true, time.Now().Add(faultPause)
		r.log.Warn("the seat map does not follow", "err", err)
		return len(unsent), r.store.MarkSent(ctx, idsOf(unsent))
	}
	if !r.backlog {
		return len(unsent), nil
	}
	waiting, err := r.store.Unapplied(ctx, maxRows)
	if err != nil {
		return 0, err
	}
	r.backlog = len(waiting) > 0
	return len(unsent) + len(waiting), r.settle(ctx, waiting)
}

func (r *Relay) send(ctx context.Context, rows []pgstore.Pending) error {
	messages := make([]stream.Message, len(rows))
	for i, row := range rows {
		messages[i] = stream.Message{Topic: row.Topic, Key: row.Key, Value: row.Payload}
	}
	if err := r.producer.WriteAll(ctx, messages); err != nil {
		return err
	}
	sentTotal.Add(len(rows))
	return nil
}

// settle brings the seat changes of rows that are in Kafka to the seat map, and deletes the rows.
func (r *Relay) settle(ctx context.Context, rows []pgstore.Pending) error {
	if len(rows) == 0 {
		return nil
	}
	var events []event.Event
	for _, row := range rows {
		var e event.Event
		if row.Topic != event.Topic {
			continue
		}
		if err := json.Unmarshal(row.Payload, &e); err != nil { // nothing that a worker of ours wrote
			unreadableTotal.Inc()
			r.log.Error("an outbox row cannot be read; the seat map goes without it", "row", row.ID, "err", err)
			continue
		}
		events = append(events, e)
	}
	if len(events) > 0 {
		if err := r.apply(ctx, events); err != nil {
			return fmt.Errorf("apply %d events: %w", len(events), err)
		}
		appliedTotal.Add(len(events))
	}
	return r.store.Delivered(ctx, idsOf(rows))
}

func idsOf(rows []pgstore.Pending) []int64 {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
