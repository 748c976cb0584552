package desk

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/hold"
	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/booking/relay"
	"usher/booking/worker"
	"usher/internal/id"
	"usher/internal/redisdb"
	"usher/internal/stream"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const patience = 30 * time.Second

// rig is stores of one test, and what it needs of the booking core.
type rig struct {
	t     testing.TB
	dsn   string
	store *pgstore.Store
	redis *testenv.OwnRedis
	rules hold.Config
	wait  time.Duration

	mu    sync.Mutex // guards all below
	hook  func(c command.Command) error
	log   func(ctx context.Context, c command.Command) error // nil: no log behind the desk
	desks map[string]*Desk
}

// newRig starts stores. A desk that finds no log behind it cannot book.
func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{
		t: t, dsn: testenv.Postgres(t, pgstore.Migrate), redis: testenv.FreshRedis(t), desks: map[string]*Desk{}, wait: patience,
		rules: hold.Config{For: 10 * time.Minute, Cap: 30 * time.Minute, Limit: 6},
	}
	r.store = pgtest.Again(t, r.dsn, 8)
	return r
}

func (r *rig) holds() *hold.Store {
	r.t.Helper()
	rdb, err := redisdb.Dial(r.redis.Addr, 32)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = rdb.Close() })
	return hold.New(rdb, r.rules)
}

// desk opens a desk with connections of its own, as another gateway has.
func (r *rig) desk(node string) *Desk {
	r.t.Helper()
	d := New(Config{
		Node: node, Checkout: 10 * time.Minute, Wait: r.wait, Limit: r.rules.Limit, Append: r.append, Action: r.store.Action, Log: quiet(),
		ValidPayment: func(p booking.Payment) bool { return p.Method == sandbox.Method && sandbox.Valid(p.Token) },
	}, r.holds(), pgtest.Again(r.t, r.dsn, 8))
	r.mu.Lock()
	r.desks[node] = d
	r.mu.Unlock()
	testenv.Running(r.t, d.Run)
	return d
}

// append is the desks' way to the log; the hook may refuse a command, or keep it from the log.
func (r *rig) append(ctx context.Context, c command.Command) error {
	r.mu.Lock()
	hook, log := r.hook, r.log
	r.mu.Unlock()
	if hook != nil {
		if err := hook(c); errors.Is(err, errSwallowed) {
			return nil
		} else if err != nil {
			return err
		}
	}
	if log == nil {
		return errors.New("no log")
	}
	return log(ctx, c)
}

// errSwallowed: the log acknowledges the command, and nobody ever decides it.
var errSwallowed = errors.New("swallowed")

// on lets a hook see every command from now on.
func (r *rig) on(hook func(c command.Command) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hook = hook
}

// core starts everything behind the desk: log, worker, relay, cashier.
func (r *rig) core() {
	r.t.Helper()
	brokers := stream.At(testenv.FreshKafka(r.t))
	producer := stream.NewProducer(brokers)
	testenv.Running(r.t, producer.Run)
	r.mu.Lock()
	r.log = func(ctx context.Context, c command.Command) error {
		value, err := c.Encode()
		if err != nil {
			return err
		}
		return producer.Write(ctx, stream.Message{Topic: command.Topic, Key: c.Event.String(), Value: value})
	}
	r.mu.Unlock()
	testenv.Running(r.t, worker.New(worker.Config{Node: "w", Lease: time.Second, Notify: r.notify, Log: quiet()}, r.store, stream.Open(brokers, command.Topic)).Run)
	testenv.Running(r.t, relay.New(r.store, producer, r.holds().Apply, quiet()).Run)
	testenv.Running(r.t, payment.NewCashier(payment.Config{
		Providers: map[string]payment.Provider{sandbox.Method: sandbox.New(sandbox.Config{}, r.store.SandboxLedger())}, Append: r.log, Log: quiet(),
	}, r.store).Run)
}

func (r *rig) notify(_ context.Context, results map[string][]command.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for node, list := range results {
		if d := r.desks[node]; d != nil {
			d.Results(list)
		}
	}
}

func (r *rig) event(seats int) id.Event { return pgtest.Event(r.t, r.store, seats) }

func (r *rig) count(sql string, args ...any) int { return pgtest.Count(r.t, r.store, sql, args...) }

func (r *rig) eventually(what string, ready func() bool) {
	r.t.Helper()
	eventually(r.t, what, ready)
}

func eventually(t testing.TB, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func fan(n byte) booking.Owner { return booking.Owner{Visitor: id.Visitor{n, 15: 1}} }

func tickets(e id.Event, seats ...int) []id.Ticket { return ticketsOf(e, seats) }

// seatsHeld returns the seats of holds.
func seatsHeld(h booking.Holds) (seats []int) {
	for _, t := range h.Tickets {
		seats = append(seats, t.ID.Seat())
	}
	return seats
}

// take holds seats or ends the test. Who is told that a store is away asks again.
func (r *rig) take(d *Desk, who byte, e id.Event, seats ...int) booking.Holds {
	r.t.Helper()
	var h booking.Holds
	r.eventually("a hold", func() (done bool) {
		var err error
		if h, _, err = d.Hold(context.Background(), fan(who), e, tickets(e, seats...)); err != nil && !errors.Is(err, booking.ErrStoreUnavailable) {
			r.t.Fatalf("fan %d holds %v: %v", who, seats, err)
		}
		return err == nil
	})
	return h
}

// patiently asks again while the answer is that a store is away, as it is on a busy machine for a moment. What is asked may be repeated.
func patiently(ask func() error) (err error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = ask(); !errors.Is(err, booking.ErrStoreUnavailable) {
			return err
		}
	}
	return err
}

// holder returns who Postgres says holds a seat; zero: nobody.
func (r *rig) holder(e id.Event, seat int) id.Visitor {
	r.t.Helper()
	truth, err := r.store.Seats(context.Background(), tickets(e, seat))
	if err != nil || len(truth) != 1 {
		r.t.Fatalf("truth of seat %d: %+v, %v", seat, truth, err)
	}
	if truth[0].Until.Before(time.Now()) {
		return id.Visitor{}
	}
	return truth[0].Holder
}

// client is a connection for what no desk does.
func client(t testing.TB, r *rig) *redisdb.Client {
	t.Helper()
	rdb, err := redisdb.Dial(r.redis.Addr, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// expiry is when a booking's reservation ends.
func (r *rig) expiry(b id.Booking) time.Time {
	r.t.Helper()
	got, err := r.store.Booking(context.Background(), b)
	if err != nil {
		r.t.Fatal(err)
	}
	return got.ExpirationTime
}
