package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/stream"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const patience = 30 * time.Second

// rig is a log and a truth of one test.
type rig struct {
	t        testing.TB
	dsn      string
	store    *pgstore.Store
	brokers  stream.Brokers
	producer *stream.Producer

	mu   sync.Mutex                           // guards told
	told map[string]map[id.Key]command.Result // by gateway
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, dsn: testenv.Postgres(t, pgstore.Migrate), brokers: stream.At(testenv.FreshKafka(t)), told: map[string]map[id.Key]command.Result{}}
	r.store = pgtest.Again(t, r.dsn, 4)
	r.producer = stream.NewProducer(r.brokers)
	testenv.Running(r.t, r.producer.Run)
	return r
}

// worker returns a worker with connections of its own, as another process would have.
func (r *rig) worker(node string) *Worker {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(testWriter{r.t}, &slog.HandlerOptions{Level: slog.LevelError + 1}))
	return New(Config{Node: node, Lease: time.Second, Notify: r.notify, Log: log}, pgtest.Again(r.t, r.dsn, 4), stream.Open(r.brokers, command.Topic))
}

func (r *rig) notify(_ context.Context, results map[string][]command.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for to, list := range results {
		for _, one := range list {
			if r.told[to] == nil {
				r.told[to] = map[id.Key]command.Result{}
			}
			r.told[to][one.Command] = one
		}
	}
}

// append writes commands to the log.
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

// results waits until every command has its end.
func (r *rig) results(commands ...command.Command) map[id.Key]command.Result {
	r.t.Helper()
	var ids []id.Key
	for _, c := range commands {
		ids = append(ids, c.ID)
	}
	var got map[id.Key]command.Result
	r.eventually(fmt.Sprintf("results of %d commands", len(ids)), func() bool {
		var err error
		if got, err = r.store.Results(context.Background(), ids); err != nil {
			r.t.Fatal(err)
		}
		for _, k := range ids {
			if _, ok := got[k]; !ok {
				return false
			}
		}
		return true
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

func (r *rig) count(sql string, args ...any) int {
	r.t.Helper()
	return pgtest.Count(r.t, r.store, sql, args...)
}

func book(e id.Event, owner id.Visitor, seats ...int) command.Command {
	k := id.NewKey()
	now := time.Now().UTC()
	return command.Command{
		ID: k, Kind: command.Book, Event: e, Booking: k, Owner: owner, Seats: seats, IssuedAt: now,
		Until: now.Add(10 * time.Minute), ReplyTo: "gateway",
	}
}

func pay(b command.Command, attempt id.Key) command.Command {
	return command.Command{
		ID: id.NewKey(), Kind: command.BeginPayment, Event: b.Event, Booking: b.ID, Owner: b.Owner, Attempt: attempt, IssuedAt: time.Now().UTC(),
		Until: b.Until, ReplyTo: "gateway",
	}
}

func settle(b command.Command, attempt id.Key, o command.Settlement) command.Command {
	return command.Command{
		ID: command.SettleKey(attempt), Kind: command.Settle, Event: b.Event, Booking: b.ID, Attempt: attempt, Outcome: o, IssuedAt: time.Now().UTC(),
	}
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) { return len(b), nil }
