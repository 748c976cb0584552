package payment_test

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
	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/booking/sale"
	"usher/internal/id"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// shop is what stands around a cashier: bookings that are being paid, the sandbox, and a log with its worker, on one Postgres.
type shop struct {
	t     *testing.T
	store *pgstore.Store
	bank  *sandbox.Provider
	event id.Event

	mu   sync.Mutex // guards all below
	sale *sale.Sale
	seat int
	away bool // nothing gets on the log

	line  sync.Mutex // guards queue
	queue []waiting
}

func open(t *testing.T, seats int) *shop {
	t.Helper()
	store := pgtest.Open(t, 24)
	s := &shop{t: t, store: store, event: pgtest.Event(t, store, seats)}
	s.bank = sandbox.New(sandbox.Config{Delay: 20 * time.Millisecond, Notify: func(ctx context.Context, attempt id.Key) {
		if err := store.WakeAttempt(ctx, attempt); err != nil && ctx.Err() == nil {
			t.Errorf("wake: %v", err)
		}
	}}, store.SandboxLedger())
	var err error
	if s.sale, err = store.Sale(t.Context(), s.event); err != nil {
		t.Fatal(err)
	}
	return s
}

// waiting is a command on its way to the log, and who waits for it.
type waiting struct {
	command.Command
	done chan error
}

// log is the log and the worker in one: a command that was appended is decided at once, and once. What comes while a tick is under way is
// decided in the next, together.
func (s *shop) log(ctx context.Context, c command.Command) error {
	w := waiting{c, make(chan error, 1)}
	s.line.Lock()
	s.queue = append(s.queue, w)
	s.line.Unlock()
	s.mu.Lock()
	s.line.Lock()
	all := s.queue // none, if another tick has taken this one's along
	s.queue = nil
	s.line.Unlock()
	var cs []command.Command
	for _, w := range all {
		cs = append(cs, w.Command)
	}
	err := s.tick(context.WithoutCancel(ctx), cs)
	s.mu.Unlock()
	for _, w := range all {
		w.done <- err
	}
	return <-w.done
}

// logAll puts commands on the log together.
func (s *shop) logAll(cs []command.Command) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		err := s.tick(s.t.Context(), cs)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal(err)
		}
	}
}

// tick decides commands as one transaction of a worker. The caller holds the lock.
func (s *shop) tick(ctx context.Context, cs []command.Command) error {
	if len(cs) == 0 {
		return nil
	}
	if s.away {
		return context.DeadlineExceeded
	}
	var ids []id.Key
	var unknown []id.Booking
	for _, c := range cs {
		ids = append(ids, c.ID)
		if s.sale.Bookings[c.Booking] == nil {
			unknown = append(unknown, id.Booking{Event: s.event, Key: c.Booking})
		}
	}
	stored, now, err := s.store.Recall(ctx, ids)
	if err != nil {
		return err
	}
	records, err := s.store.Records(ctx, unknown)
	if err != nil {
		return err
	}
	for _, r := range records {
		s.sale.Bookings[r.Key] = r
	}
	b := &pgstore.Batch{}
	for _, c := range cs {
		if stored[c.ID].Outcome != "" {
			continue
		}
		d := s.sale.Decide(c, now)
		stored[c.ID] = d.Result
		b.Results = append(b.Results, d.Result)
		if d.Attempt != nil {
			b.Attempts = append(b.Attempts, pgstore.AttemptRow{Event: s.event, Currency: s.sale.Currency, Attempt: *d.Attempt})
		}
		if d.Settled {
			b.Settled = append(b.Settled, c.Attempt)
		}
	}
	b.Sales = []pgstore.SaleWrites{{Event: s.event, Currency: s.sale.Currency, Writes: s.sale.Flush()}}
	if err := s.store.Commit(ctx, b); err != nil { // nobody knows whether it took effect: what was remembered is forgotten
		now, readErr := s.store.Sale(ctx, s.event)
		if readErr != nil {
			return errors.Join(err, readErr)
		}
		s.sale = now
		return err
	}
	return nil
}

func (s *shop) setAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// sold is one booking with its attempt.
type sold struct {
	token   string
	booking id.Booking
	attempt id.Key
	owner   id.Visitor
}

// pay books a seat and begins to pay for it in the sandbox.
func (s *shop) pay(token string) sold { return s.payBy(sandbox.Method, token) }

func (s *shop) payBy(method, token string) sold {
	s.t.Helper()
	return s.payAll(method, []string{token})[0]
}

// payAll books a seat for each token and begins to pay for it.
func (s *shop) payAll(method string, tokens []string) (all []sold) {
	s.t.Helper()
	now := time.Now()
	var books, begins []command.Command
	for _, token := range tokens {
		owner, k, begin := id.NewVisitor(), id.NewKey(), id.NewKey()
		s.mu.Lock()
		seat := s.seat
		s.seat++
		s.mu.Unlock()
		books = append(books, command.Command{
			ID: k, Kind: command.Book, Event: s.event, Owner: owner, IssuedAt: now, Booking: k, Seats: []int{seat}, Until: now.Add(time.Hour),
		})
		begins = append(begins, command.Command{
			ID: begin, Kind: command.BeginPayment, Event: s.event, Owner: owner, IssuedAt: now, Booking: k,
			Attempt: command.AttemptKey(begin), Payment: booking.Payment{Method: method, Token: token},
		})
		all = append(all, sold{token, id.Booking{Event: s.event, Key: k}, command.AttemptKey(begin), owner})
	}
	s.logAll(books)
	s.logAll(begins)
	return all
}

func (s *shop) config() payment.Config {
	return payment.Config{Providers: map[string]payment.Provider{sandbox.Method: s.bank}, Append: s.log, Log: slog.New(slog.DiscardHandler)}
}

// hire starts a cashier and returns what stops it.
func (s *shop) hire(c payment.Config, store payment.Store) (dismiss func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- payment.NewCashier(c, store).Run(ctx) }()
	var once sync.Once
	dismiss = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				s.t.Errorf("cashier: %v", err)
			}
		})
	}
	s.t.Cleanup(dismiss)
	return dismiss
}

func (s *shop) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.store.Pool().Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

// passes lets time pass for what is waited for, and for leases; not for attempts that somebody writes to at the moment.
func (s *shop) passes(d time.Duration) {
	s.t.Helper()
	s.exec(`WITH idle AS MATERIALIZED (SELECT id FROM payment_attempts WHERE NOT settled FOR UPDATE SKIP LOCKED)
		UPDATE payment_attempts a SET next_at = next_at - make_interval(secs => $1::float8), leased_until = leased_until - make_interval(secs => $1::float8)
		FROM idle WHERE a.id = idle.id`, d.Seconds())
}

// ages lets attempts and asked actions grow old.
func (s *shop) ages(d time.Duration) {
	s.t.Helper()
	s.exec(`UPDATE payment_attempts SET created_at = created_at - make_interval(secs => $1::float8) WHERE NOT settled`, d.Seconds())
	s.exec(`UPDATE sandbox_ledger SET opened_at = opened_at - make_interval(secs => $1::float8)`, d.Seconds())
}

func (s *shop) open() int {
	return pgtest.Count(s.t, s.store, "SELECT count(*) FROM payment_attempts WHERE NOT settled")
}

// until waits for something to come true, two minutes at most: others may have the machine.
func (s *shop) until(what string, true func() bool) {
	s.t.Helper()
	s.within(2*time.Minute, what, true)
}

func (s *shop) within(most time.Duration, what string, true func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(most); !true(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %v: %s", most, what)
		}
	}
}

func (s *shop) settled() {
	s.t.Helper()
	s.until("all attempts are settled", func() bool { return s.open() == 0 })
}

// hurried is settled, while time runs fast.
func (s *shop) hurried() {
	s.t.Helper()
	s.until("all attempts are settled", func() bool {
		s.passes(50 * time.Millisecond)
		return s.open() == 0
	})
}

// money compares the books of the bank with what Postgres says.
func (s *shop) money() (r payment.Report, err error) {
	ctx := s.t.Context()
	err = s.store.Audit(ctx, command.Topic, "", func(x *pgstore.Snapshot) (err error) {
		r, err = payment.Audit(payment.Compare(ctx, x, sandbox.Method, x.SandboxBooks(), time.Time{}, time.Now()))
		return err
	})
	return r, err
}

// audit returns the report, and complains about faults.
func (s *shop) audit() payment.Report {
	s.t.Helper()
	r, err := s.money()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range r.Findings {
		s.t.Error(f)
	}
	return r
}

// ended is how an attempt must end by its token: the booking's status, and the attempt's status and reason.
var ended = map[string][3]string{
	sandbox.OK:                  {"confirmed", "captured", ""},
	sandbox.Slow:                {"confirmed", "captured", ""},
	sandbox.Action:              {"confirmed", "captured", ""}, // when it is approved
	sandbox.TimeoutAfterCapture: {"confirmed", "captured", ""},
	sandbox.DuplicateWebhook:    {"confirmed", "captured", ""},
	sandbox.CardDeclined:        {"reserved", "declined", "declined"},
	sandbox.InsufficientFunds:   {"reserved", "declined", "insufficient_funds"},
	sandbox.Error:               {"reserved", "failed", "provider_error"},
}

// check compares how an attempt ended, in the attempt, the booking, the command's result and the sandbox's books.
func (s *shop) check(o sold, want [3]string) {
	s.t.Helper()
	var got [3]string
	err := s.store.Pool().QueryRow(s.t.Context(), `SELECT b.status, a.status, coalesce(a.reason, '') FROM payment_attempts a
		JOIN bookings b ON b.event_id = a.event_id AND b.id = a.booking_id WHERE a.id = $1`, [16]byte(o.attempt)).Scan(&got[0], &got[1], &got[2])
	if err != nil || got != want {
		s.t.Errorf("%s ended as %q, %v; want %q", o.token, got, err, want)
	}
	said, err := s.bank.Ask(s.t.Context(), payment.Charge{Attempt: o.attempt, Amount: pgtest.Price, Currency: pgtest.Currency, Token: o.token})
	if err != nil || (said.State == payment.Captured) != (want[0] == "confirmed") {
		s.t.Errorf("%s: the sandbox says %+v, %v, and the booking is %s", o.token, said, err, want[0])
	}
}

// noted is the status that an attempt has in the store.
func (s *shop) noted(o sold) (status string) {
	s.t.Helper()
	if err := s.store.Pool().QueryRow(s.t.Context(), `SELECT status FROM payment_attempts WHERE id = $1`, [16]byte(o.attempt)).Scan(&status); err != nil {
		s.t.Fatal(err)
	}
	return status
}
