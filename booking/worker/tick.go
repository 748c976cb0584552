package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"usher/booking/command"
	"usher/booking/event"
	"usher/booking/pgstore"
	"usher/booking/sale"
	"usher/internal/guard"
	"usher/internal/id"
)

// tick is one batch on its way: decoded, decided, committed, told.
type tick struct {
	*Worker
	arrivals []arrival
	refuse   error // why the only command can never be committed; nil: decide
	commands []command.Command
	bad      []command.Command         // of messages that were set aside, as far as they could be read
	stored   map[id.Key]command.Result // of earlier ticks and of this one
	sales    map[id.Event]*sale.Sale
	batch    pgstore.Batch
	replies  map[string][]command.Result
	ends     map[int]int64 // partition → offset after the batch
}

func (w *Worker) newTick(arrivals []arrival, refuse error) *tick {
	return &tick{
		Worker: w, arrivals: arrivals, refuse: refuse, sales: map[id.Event]*sale.Sale{}, replies: map[string][]command.Result{}, ends: map[int]int64{},
		batch: pgstore.Batch{Topic: command.Topic, TopicID: w.topicID},
	}
}

// run decides and commits. After an error the worker's memory is not to be believed.
func (t *tick) run(ctx context.Context) error {
	t.decode()
	now, err := t.load(ctx)
	if err != nil {
		return err
	}
	t.malformed()
	for _, c := range t.commands {
		if err := t.decide(c, now); err != nil {
			return err
		}
	}
	for e, s := range t.sales {
		t.batch.Sales = append(t.batch.Sales, pgstore.SaleWrites{Event: e, Currency: s.Currency, Writes: s.Flush()})
	}
	for p, end := range t.ends {
		t.batch.Offsets = append(t.batch.Offsets, pgstore.Offset{Partition: p, Was: t.parts[p].next, Next: end})
	}
	if t.switchedOff(guard.CommitFirst) {
		if err := t.tellFirst(ctx); err != nil {
			return err
		}
	}
	if err := t.truth.Commit(ctx, &t.batch); err != nil {
		return err
	}
	for p, end := range t.ends {
		t.parts[p].next = end
	}
	commandsTotal.Add(len(t.commands))
	return nil
}

// tellFirst is the fault that the negative control plants: the offset moves and the results are told before the effects are committed.
func (t *tick) tellFirst(ctx context.Context) error {
	if err := t.truth.Commit(ctx, &pgstore.Batch{Topic: t.batch.Topic, TopicID: t.batch.TopicID, Offsets: t.batch.Offsets}); err != nil {
		return err
	}
	for i := range t.batch.Offsets {
		t.batch.Offsets[i].Was = t.batch.Offsets[i].Next
	}
	t.Notify(ctx, t.replies)
	t.pause(ctx, 100*time.Millisecond)
	return nil
}

// decode reads the messages. One that nobody can read is set aside with the batch.
func (t *tick) decode() {
	for _, a := range t.arrivals {
		t.ends[a.Partition] = a.Offset + 1
		c, err := command.Decode(a.Value)
		if err == nil && partitionOf(c.Event) != a.Partition {
			err = fmt.Errorf("event %s does not belong to this partition", c.Event)
		}
		if err == nil {
			err = t.refuse
		}
		if err != nil {
			poisonTotal.Inc()
			t.Log.Error("a message is set aside", "partition", a.Partition, "offset", a.Offset, "err", err)
			t.batch.Poison = append(t.batch.Poison, pgstore.Poison{Partition: a.Partition, Offset: a.Offset, Message: a.Value, Reason: err.Error()})
			t.bad = append(t.bad, c)
			continue
		}
		t.commands = append(t.commands, c)
	}
}

// malformed gives the messages that were set aside an end, as far as they tell who they are: somebody may wait.
func (t *tick) malformed() {
	for _, c := range t.bad {
		if _, known := t.stored[c.ID]; known || c.ID.IsZero() || c.Event == 0 {
			continue
		}
		t.keep(c, command.Result{Command: c.ID, Event: c.Event, Booking: c.Booking, Kind: c.Kind, Outcome: command.Malformed})
	}
}

// load reads what the decisions need: the time, results of commands that were decided before, sales, and the bookings that
// commands name.
func (t *tick) load(ctx context.Context) (now time.Time, err error) {
	var ids []id.Key
	for _, c := range slices.Concat(t.commands, t.bad) {
		ids = append(ids, c.ID)
		if c.Kind == command.Fence {
			ids = append(ids, c.Fenced)
		}
	}
	if t.stored, now, err = t.truth.Recall(ctx, ids); err != nil {
		return now, err
	}
	if t.switchedOff(guard.Dedupe) {
		clear(t.stored)
	}
	return now, t.loadSales(ctx)
}

func (t *tick) loadSales(ctx context.Context) (err error) {
	var missing []id.Booking
	for _, c := range t.commands {
		if _, known := t.stored[c.ID]; known || c.Kind == command.Fence {
			continue
		}
		s := t.sales[c.Event]
		if s == nil {
			if s, err = t.Worker.sales.sale(ctx, c.Event); err != nil {
				return err
			}
			t.sales[c.Event] = s
		}
		if c.Kind != command.Book && !c.Booking.IsZero() && s.Bookings[c.Booking] == nil {
			missing = append(missing, id.Booking{Event: c.Event, Key: c.Booking})
		}
	}
	if len(missing) == 0 {
		return nil
	}
	records, err := t.truth.Records(ctx, missing)
	for b, r := range records {
		t.sales[b.Event].Remember(r)
	}
	return err
}

// decide carries out one command, or answers a repeat from its stored result.
func (t *tick) decide(c command.Command, now time.Time) error {
	if r, known := t.stored[c.ID]; known {
		repeatsTotal.Inc()
		t.reply(c, r)
		return nil
	}
	if c.Kind == command.Fence {
		return t.fence(c)
	}
	d := t.rules(t.sales[c.Event], c, now)
	t.keep(c, d.Result)
	if d.Attempt != nil {
		t.batch.Attempts = append(t.batch.Attempts, pgstore.AttemptRow{Event: c.Event, Currency: d.Result.Currency, Attempt: *d.Attempt})
	}
	if d.Settled {
		t.batch.Settled = append(t.batch.Settled, c.Attempt)
	}
	if d.Event == nil {
		return nil
	}
	payload, err := json.Marshal(d.Event)
	if err != nil {
		return fmt.Errorf("event of command %s: %w", c.ID, err)
	}
	t.batch.Outbox = append(t.batch.Outbox, pgstore.Message{Topic: event.Topic, Key: c.Event.String(), Payload: payload})
	return nil
}

// fence gives the fenced command a definite end, if it has none yet: should its message come later, it is a repeat of that.
func (t *tick) fence(c command.Command) error {
	if _, known := t.stored[c.Fenced]; !known && !c.Fenced.IsZero() {
		t.keep(command.Command{ID: c.Fenced, ReplyTo: c.ReplyTo}, command.Result{
			Command: c.Fenced, Event: c.Event, Booking: c.Booking, Outcome: command.TooLate,
		})
	}
	t.keep(c, command.Result{Command: c.ID, Event: c.Event, Kind: c.Kind, Outcome: command.Done})
	return nil
}

func (t *tick) keep(c command.Command, r command.Result) {
	if !t.switchedOff(guard.Dedupe) {
		t.stored[c.ID] = r
		t.batch.Results = append(t.batch.Results, r)
	}
	t.reply(c, r)
}

func (t *tick) reply(c command.Command, r command.Result) {
	if c.ReplyTo != "" {
		t.replies[c.ReplyTo] = append(t.replies[c.ReplyTo], r)
	}
}
