package relay

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/event"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/booking/worker"
	"usher/internal/id"
	"usher/internal/stream"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const patience = 30 * time.Second

// rig is a booking core without a front: log, truth, worker, and a seat map that a test can switch off.
type rig struct {
	t        testing.TB
	store    *pgstore.Store
	brokers  stream.Brokers
	producer *stream.Producer

	mu      sync.Mutex // guards all below
	mapAway bool
	applied []event.Event
	heard   []event.Event        // on Kafka
	told    map[id.Key]time.Time // when who waits for a command heard what came of it
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, store: pgtest.Open(t, 16), brokers: stream.At(testenv.FreshKafka(t)), told: map[id.Key]time.Time{}}
	r.producer = stream.NewProducer(r.brokers)
	testenv.Running(r.t, r.producer.Run)
	w := worker.New(worker.Config{
		Node: "w", Lease: time.Second, Log: quiet(), Notify: r.notify,
	}, r.store, stream.Open(r.brokers, command.Topic))
	testenv.Running(r.t, w.Run)
	log := stream.Open(r.brokers, event.Topic)
	for p := range command.Partitions {
		testenv.Running(r.t, func(ctx context.Context) error { return log.Read(ctx, p, 0, r.hear) })
	}
	return r
}

func (r *rig) relay() *Relay { return New(r.store, r.producer, r.apply, quiet()) }

func (r *rig) apply(_ context.Context, events []event.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mapAway {
		return errors.New("the seat map is away")
	}
	r.applied = append(r.applied, events...)
	return nil
}

func (r *rig) notify(_ context.Context, results map[string][]command.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, list := range results {
		for _, one := range list {
			r.told[one.Command] = time.Now()
		}
	}
}

func (r *rig) hear(record stream.Record) error {
	var e event.Event
	if json.Unmarshal(record.Value, &e) != nil {
		return nil // a test put it there
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, e)
	return nil
}

func (r *rig) setMapAway(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mapAway = away
}

// got returns how many different events of the given list there are.
func (r *rig) got(list *[]event.Event) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for _, e := range *list {
		seen[e.ID+string(e.Kind)] = true
	}
	return len(seen)
}

func (r *rig) append(commands ...command.Command) {
	r.t.Helper()
	var messages []stream.Message
	for _, c := range commands {
		value, err := c.Encode()
		if err != nil {
			r.t.Fatal(err)
		}
		messages = append(messages, stream.Message{Topic: command.Topic, Key: c.Event.String(), Value: value})
	}
	var err error
	r.eventually("a log that acknowledges", func() bool { // a command that is in it twice has one effect
		if err = r.producer.WriteAll(context.Background(), messages); err != nil && !errors.Is(err, stream.ErrUnknown) {
			r.t.Fatal(err)
		}
		return err == nil
	})
}

// result waits until a command has its end.
func (r *rig) result(c command.Command) (got command.Result) {
	r.t.Helper()
	r.eventually("the end of a command", func() bool {
		all, err := r.store.Results(context.Background(), []id.Key{c.ID})
		if err != nil {
			r.t.Fatal(err)
		}
		got = all[c.ID]
		return len(all) == 1
	})
	return got
}

func (r *rig) eventually(what string, ready func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

func book(e id.Event, owner id.Visitor, until time.Time, seats ...int) command.Command {
	k := id.NewKey()
	return command.Command{ID: k, Kind: command.Book, Event: e, Booking: k, Owner: owner, Seats: seats, IssuedAt: time.Now().UTC(), Until: until}
}

func books(e id.Event, from, to int) (out []command.Command) {
	for seat := range to - from {
		out = append(out, book(e, id.Visitor{1}, time.Now().Add(time.Hour), from+seat))
	}
	return out
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// inOrder reports whether the events of e came in order, each at its first time: what is delivered at least once may come again later.
func inOrder(events []event.Event, e id.Event) bool {
	var stocks []int
	seen := map[string]bool{}
	for _, one := range events {
		if one.Event == e && !seen[one.ID] {
			seen[one.ID] = true
			stocks = append(stocks, one.Stock.Free)
		}
	}
	slices.Reverse(stocks)
	return slices.IsSorted(stocks)
}
