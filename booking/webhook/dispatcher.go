package webhook

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/internal/id"
)

const (
	lock       = 0x776562686f6f6b       // "webhook"
	lookEvery  = 500 * time.Millisecond // a message leaves after at most this, when its receiver is well
	faultPause = 2 * time.Second
	purgeEvery = time.Minute
	saveTime   = 5 * time.Second // for what came of a round, also when we stop
	atOnce     = 4               // deliveries to one receiver
	allAtOnce  = 64              // to all receivers: what is slow takes a few of them, and no thread
)

var (
	takenTotal    = metrics.NewCounter(`usher_webhook_deliveries_total{result="taken"}`)
	failedTotal   = metrics.NewCounter(`usher_webhook_deliveries_total{result="failed"}`)
	asideTotal    = metrics.NewCounter("usher_webhook_set_aside_total")
	disabledTotal = metrics.NewCounter("usher_webhook_disabled_total")
	sendSeconds   = metrics.NewHistogram("usher_webhook_delivery_seconds")
	waitingGauge  = metrics.NewGauge("usher_webhook_waiting_messages", nil)
	asideGauge    = metrics.NewGauge("usher_webhook_set_aside_messages", nil)
	failingGauge  = metrics.NewGauge("usher_webhook_failing_receivers", nil)
	leading       = metrics.NewGauge("usher_webhook_leading", nil)
)

// Dispatcher delivers. Make it with NewDispatcher; Run does the work.
type Dispatcher struct {
	store  Store
	client *Client
	log    *slog.Logger
	slots  chan struct{} // one a delivery under way

	mu   sync.Mutex // guards busy
	busy map[id.Key]bool
}

// NewDispatcher returns a dispatcher.
func NewDispatcher(store Store, client *Client, log *slog.Logger) *Dispatcher {
	return &Dispatcher{store: store, client: client, log: log, slots: make(chan struct{}, allAtOnce), busy: map[id.Key]bool{}}
}

// Run delivers while this process leads, and stands by otherwise, until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := d.store.Lead(ctx, lock, func(ctx context.Context) error {
			leading.Set(1)
			defer leading.Set(0)
			d.lead(ctx)
			return nil
		})
		if err != nil && ctx.Err() == nil {
			d.log.Warn("webhooks are not delivered here", "err", err)
			pause(ctx, faultPause)
		}
	}
	return nil
}

// lead gives every webhook that has something to do a goroutine for it. It ends when all of them have.
func (d *Dispatcher) lead(ctx context.Context) {
	var turns sync.WaitGroup
	defer turns.Wait()
	var purged time.Time
	for ctx.Err() == nil {
		before := d.underWay() // who ends meanwhile is read as he was before
		all, err := d.store.Webhooks(ctx)
		if err != nil && ctx.Err() == nil {
			d.log.Warn("webhooks cannot be read", "err", err)
			pause(ctx, faultPause)
		}
		count(all)
		for _, w := range all {
			if !w.Due || before[w.ID] {
				continue
			}
			d.take(w.ID)
			turns.Go(func() {
				defer d.give(w.ID)
				d.serve(ctx, w)
			})
		}
		if time.Since(purged) > purgeEvery {
			if _, err := d.store.PurgeWebhooks(ctx, Keep); err != nil && ctx.Err() == nil {
				d.log.Warn("the log of webhooks is not purged", "err", err)
			}
			purged = time.Now()
		}
		pause(ctx, lookEvery)
	}
}

func count(all []Webhook) {
	var waiting, aside, failing int64
	for _, w := range all {
		waiting, aside = waiting+w.Waiting, aside+w.SetAside
		if w.Failures >= breakAfter || !w.DisabledAt.IsZero() {
			failing++
		}
	}
	waitingGauge.Set(float64(waiting))
	asideGauge.Set(float64(aside))
	failingGauge.Set(float64(failing))
}

// underWay returns the webhooks that have a goroutine.
func (d *Dispatcher) underWay() map[id.Key]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.busy)
}

func (d *Dispatcher) take(webhook id.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy[webhook] = true
}

func (d *Dispatcher) give(webhook id.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy, webhook)
}

// serve does rounds for one webhook until there is nothing to do, or it fails.
func (d *Dispatcher) serve(ctx context.Context, w Webhook) {
	for ctx.Err() == nil {
		t, some, err := d.turn(ctx, &w)
		switch {
		case errors.Is(err, ErrMoved): // the next look shows how it is now
			return
		case err != nil:
			if ctx.Err() == nil {
				d.log.Warn("a round of a webhook came to nothing; it is repeated", "webhook", w.ID, "err", err)
			}
			return
		case t.Disable:
			disabledTotal.Inc()
			d.log.Error("a webhook is switched off: it takes nothing", "webhook", w.ID, "err", t.Error)
			return
		case !some || t.Pause > 0:
			return
		}
		w.Cursor, w.Version, w.Failures = t.Cursor, t.Version+1, t.Failures
	}
}

// turn does one round. some is false when there was nothing to do.
func (d *Dispatcher) turn(ctx context.Context, w *Webhook) (t Turn, some bool, err error) {
	limit := turnMessages
	if w.Failures >= breakAfter {
		limit = 1
	}
	due, err := d.store.DueMessages(ctx, w.ID, limit)
	if err != nil {
		return t, false, err
	}
	waiting, err := d.store.WaitingKeys(ctx, w.ID)
	if err != nil {
		return t, false, err
	}
	logged, err := d.store.Logged(ctx, w.Cursor, logPage)
	if err != nil {
		return t, false, err
	}
	p := planned(w, due, logged, waiting, limit)
	if len(p.lines) == 0 && p.cursor == w.Cursor {
		return t, false, nil
	}
	t = turned(w, p, d.deliver(ctx, w, p.lines), rand.Float64)
	save, done := context.WithTimeout(context.WithoutCancel(ctx), saveTime) // what was taken is not sent again because we stop
	defer done()
	if err := d.store.SaveTurn(save, t); err != nil {
		return t, false, err
	}
	for _, a := range t.Again {
		if a.SetAside {
			asideTotal.Inc()
			d.log.Error("a message is set aside: its receiver has not taken it for three days", "webhook", w.ID, "message", MessageID(a.Seq), "err", a.Error)
		}
	}
	return t, true, nil
}

// deliver sends the lines, several at once, each in order up to its first failure. After some failures without a success the rest is not tried.
func (d *Dispatcher) deliver(ctx context.Context, w *Webhook, lines [][]Message) []result {
	outcome := make([][]result, len(lines))
	var failures atomic.Int64
	failures.Store(int64(w.Failures))
	if w.Failures >= breakAfter {
		failures.Store(breakAfter - 1) // a single try
	}
	own := make(chan struct{}, atOnce)
	var sending sync.WaitGroup
	for i, line := range lines {
		own <- struct{}{}
		sending.Go(func() {
			defer func() { <-own }()
			var err error
			for _, m := range line {
				if err == nil && failures.Load() >= breakAfter || ctx.Err() != nil {
					err = errSkipped
				}
				if err != nil {
					outcome[i] = append(outcome[i], result{m, errSkipped})
					continue
				}
				if err = d.send(ctx, w, m); err != nil {
					if ctx.Err() != nil {
						err = errSkipped // it failed because we stop, or may have
					}
					failures.Add(1)
				} else {
					failures.Store(0)
				}
				outcome[i] = append(outcome[i], result{m, err})
			}
		})
	}
	sending.Wait()
	var all []result
	for _, results := range outcome {
		all = append(all, results...)
	}
	return all
}

// send delivers one message when there is a slot for it.
func (d *Dispatcher) send(ctx context.Context, w *Webhook, m Message) error {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	text, err := body(m)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := d.client.send(ctx, w, MessageID(m.Seq), began, text); err != nil {
		failedTotal.Inc()
		return err
	}
	sendSeconds.UpdateDuration(began)
	takenTotal.Inc()
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
