package relay

import (
	"context"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/internal/id"
	"usher/internal/stream"
)

const (
	sweepEvery  = 500 * time.Millisecond // a reservation outlives its end by at most this and the log's latency
	maxOverdue  = 1000                   // ends appended in one sweep: 2,000 a second
	expireAgain = 10 * time.Second       // a sweep repeats a command that had no effect yet; the worker ignores it when the booking has moved on
)

var expireTotal = metrics.NewCounter("usher_relay_expire_total")

// sweep appends the end of reservations that have run out. The command carries the end that was seen: when the booking has
// moved on meanwhile, the worker ignores it.
func (r *Relay) sweep(ctx context.Context) {
	appended := map[pgstore.Overdue]time.Time{} // commands on their way
	for ctx.Err() == nil {
		pause(ctx, sweepEvery)
		if err := r.sweepOnce(ctx, appended); err != nil && ctx.Err() == nil {
			r.log.Warn("reservations are not swept", "err", err)
		}
	}
}

func (r *Relay) sweepOnce(ctx context.Context, appended map[pgstore.Overdue]time.Time) error {
	for o, at := range appended {
		if time.Since(at) > expireAgain {
			delete(appended, o)
		}
	}
	overdue, err := r.store.Overdue(ctx, maxOverdue)
	if err != nil {
		return err
	}
	var messages []stream.Message
	var fresh []pgstore.Overdue
	for _, o := range overdue {
		if _, on := appended[o]; on {
			continue
		}
		value, err := expireCommand(o).Encode()
		if err != nil {
			return err
		}
		messages = append(messages, stream.Message{Topic: command.Topic, Key: o.Booking.Event.String(), Value: value})
		fresh = append(fresh, o)
	}
	if len(messages) == 0 {
		return nil
	}
	if err := r.producer.WriteAll(ctx, messages); err != nil {
		return err
	}
	for _, o := range fresh {
		appended[o] = time.Now()
	}
	expireTotal.Add(len(fresh))
	return nil
}

func expireCommand(o pgstore.Overdue) command.Command {
	return command.Command{
		ID:   id.NewKey(), // not derived: one that came too early must not stand for those that follow
		Kind: command.Expire, Event: o.Booking.Event, Booking: o.Booking.Key, Until: o.Until, IssuedAt: time.Now().UTC(),
	}
}
