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
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/command"
	"usher/booking/event"
	"usher/booking/pgstore"
	"usher/internal/id"
	"usher/internal/stream"
)

const (
	lock        = 0x72656c6179           // "relay"
	maxRows     = 1000                   // outbox rows a round
	busyPause   = 10 * time.Millisecond  // between rounds that found something
	idlePause   = 20 * time.Millisecond  // a fan's next click waits for it
	faultPause  = 500 * time.Millisecond // after an error
	sweepEvery  = 500 * time.Millisecond // a reservation outlives its end by at most this and the log's latency
	maxOverdue  = 1000
	expireAgain = 10 * time.Second // a sweep repeats a command that had no effect yet; the worker ignores it when the booking has moved on
)

var (
	sentTotal    = metrics.NewCounter("usher_relay_sent_total")
	appliedTotal = metrics.NewCounter("usher_relay_applied_total")
	expireTotal  = metrics.NewCounter("usher_relay_expire_total")
	leading      = metrics.NewGauge("usher_relay_leading", nil)
)

// Relay delivers the outbox. Make it with New; Run does the work.
type Relay struct {
	store    *pgstore.Store
	producer *stream.Producer
	// apply brings seat changes to the seat map; an error means that they must be applied again.
	apply func(ctx context.Context, events []event.Event) error
	log   *slog.Logger
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
			defer leading.Set(0)
			swept := make(chan struct{})
			go func() { defer close(swept); r.sweep(ctx) }()
			r.deliverAll(ctx)
			<-swept
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

// deliver does one round and returns how many rows it removed.
func (r *Relay) deliver(ctx context.Context) (int, error) {
	rows, err := r.store.Pending(ctx, maxRows)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	var fresh []int64
	var messages []stream.Message
	for _, row := range rows {
		if !row.Sent {
			fresh = append(fresh, row.ID)
			messages = append(messages, stream.Message{Topic: row.Topic, Key: row.Key, Value: row.Payload})
		}
	}
	if len(messages) > 0 {
		if err := r.producer.WriteAll(ctx, messages); err != nil {
			return 0, err
		}
		sentTotal.Add(len(messages))
	}
	done, applyErr := r.applyRows(ctx, rows)
	if applyErr != nil { // Kafka has them; the seat map will
		if err := r.store.MarkSent(ctx, fresh); err != nil {
			return 0, err
		}
	}
	if len(done) > 0 {
		if err := r.store.Delivered(ctx, done); err != nil {
			return 0, err
		}
	}
	return len(done), applyErr
}

// applyRows brings the seat changes among the rows to the seat map and returns the rows that are done with.
func (r *Relay) applyRows(ctx context.Context, rows []pgstore.Pending) (done []int64, err error) {
	var events []event.Event
	var waiting []int64
	for _, row := range rows {
		var e event.Event
		if row.Topic != event.Topic {
			done = append(done, row.ID)
		} else if err := json.Unmarshal(row.Payload, &e); err != nil {
			return nil, fmt.Errorf("outbox row %d: %w", row.ID, err)
		} else {
			events, waiting = append(events, e), append(waiting, row.ID)
		}
	}
	if len(events) == 0 {
		return done, nil
	}
	if err := r.apply(ctx, events); err != nil {
		return done, fmt.Errorf("apply to the seat map: %w", err)
	}
	appliedTotal.Add(len(events))
	return append(done, waiting...), nil
}

// sweep appends the end of reservations that have run out. The command carries the end that was seen: when the booking has
// moved on meanwhile, the worker ignores it.
func (r *Relay) sweep(ctx context.Context) {
	appended := map[pgstore.Overdue]time.Time{} // commands on their way
	for ctx.Err() == nil {
		pause(ctx, sweepEvery)
		overdue, err := r.store.Overdue(ctx, maxOverdue)
		if err != nil {
			if ctx.Err() == nil {
				r.log.Warn("reservations are not swept", "err", err)
			}
			continue
		}
		for _, o := range overdue {
			if at, on := appended[o]; on && time.Since(at) < expireAgain {
				continue
			}
			if err := r.append(ctx, expireCommand(o)); err != nil {
				r.log.Warn("a reservation's end is not appended", "err", err)
				break
			}
			appended[o] = time.Now()
			expireTotal.Inc()
		}
		for k, at := range appended {
			if time.Since(at) > 2*expireAgain {
				delete(appended, k)
			}
		}
	}
}

func expireCommand(o pgstore.Overdue) command.Command {
	return command.Command{
		ID:   id.NewKey(), // not derived: one that came too early must not stand for those that follow
		Kind: command.Expire, Event: o.Booking.Event, Booking: o.Booking.Key, Until: o.Until, IssuedAt: time.Now().UTC(),
	}
}

func (r *Relay) append(ctx context.Context, c command.Command) error {
	value, err := c.Encode()
	if err != nil {
		return err
	}
	return r.producer.Write(ctx, stream.Message{Topic: command.Topic, Key: c.Event.String(), Value: value})
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
