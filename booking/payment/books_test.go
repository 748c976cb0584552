package payment_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/booking/payment/stripe"
	"usher/booking/payment/stripe/stripetest"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
)

// compare audits the payments by a method as an audit does: one snapshot, then the books.
func (s *shop) compare(method string, books func(*pgstore.Snapshot) payment.Books, from, at time.Time) (r payment.Report, err error) {
	ctx := s.t.Context()
	err = s.store.Audit(ctx, "", "", func(x *pgstore.Snapshot) (err error) {
		r, err = payment.Audit(payment.Compare(ctx, x, method, books(x), from, at))
		return err
	})
	return r, err
}

// byStripe compares with Stripe's books, at a moment after which nothing began.
func (x *cards) byStripe() (payment.Report, error) {
	return x.compare(stripe.Method, func(*pgstore.Snapshot) payment.Books { return x.provider.Books() }, time.Time{}, time.Now().Add(2*time.Minute))
}

// faults are the faults that a report tells of, sorted.
func faults(r payment.Report) (names []string) {
	for _, f := range r.Findings {
		names = append(names, string(f.Fault))
	}
	slices.Sort(names)
	return names
}

// Each way in which money and tickets can disagree is seen in Stripe's books, and nothing else is; without a difference there is none. Stripe is busy, in
// trouble and cut meanwhile.
func TestEachDifferenceToStripesBooksIsFound(t *testing.T) {
	t.Parallel()
	s := open(t, 200)
	var weather atomic.Int64 // 0: fair, 1: some requests fail, 2: all do
	x := s.through(t, stripetest.Config{Fault: func(_ string, n int) stripetest.Fault {
		if w := weather.Load(); w == 2 || w == 1 && n%3 == 1 {
			return []stripetest.Fault{stripetest.Busy, stripetest.CutBefore, stripetest.ErrorBefore}[n/3%3]
		}
		return stripetest.Fine
	}})
	var tokens []string
	for n := range 70 { // two pages
		tokens = append(tokens, []string{stripetest.OK, stripetest.OK, stripetest.Declined, stripetest.Action, stripetest.OK}[n%5])
	}
	all := x.payAll(tokens)
	dismiss := s.hire(x.config(), s.store)
	s.within(2*time.Minute, "all attempts are settled", func() bool {
		s.passes(time.Second)
		x.act()
		return s.open() == 0
	})
	dismiss()
	stray := func(attempt id.Key, capture bool) {
		t.Helper()
		c := payment.Charge{Attempt: attempt, Booking: id.Booking{Event: s.event, Key: id.NewKey()}, Amount: pgtest.Price, Currency: pgtest.Currency, Token: stripetest.OK}
		said, err := x.provider.Authorise(t.Context(), c)
		if capture && err == nil {
			said, err = x.provider.Capture(t.Context(), c)
		}
		if err != nil {
			t.Fatalf("%+v, %v", said, err)
		}
	}
	var want []string
	f := func(fault payment.Fault, spoil func()) {
		t.Helper()
		spoil()
		if fault != "" {
			want = append(want, string(fault))
			slices.Sort(want)
		}
		weather.Store(1)
		r, err := x.byStripe()
		weather.Store(0)
		if got := faults(r); err != nil || !slices.Equal(got, want) || r.Attempts < len(all) {
			t.Fatalf("after %s: %q of %d attempts, %v; want %q: %v", fault, got, r.Attempts, err, want, r.Findings)
		}
	}
	intent := func(n int) string { return x.server.Intents(all[n].attempt.String())[0].ID }
	f("", func() {})
	f("", func() { x.server.Change(intent(2), func(i *stripetest.Intent) { delete(i.Metadata, "attempt") }) }) // declined, and somebody else's
	f(payment.ChargeWithoutTicket, func() { stray(id.NewKey(), true) })
	f(payment.MoneyBlocked, func() { stray(id.NewKey(), false) })
	f(payment.TicketWithoutCharge, func() { x.server.Change(intent(0), func(i *stripetest.Intent) { i.Refunded = i.Amount }) })
	f(payment.TicketWithoutCharge, func() { x.server.Change(intent(1), func(i *stripetest.Intent) { i.Metadata["attempt"] = "nobody" }) })
	f(payment.WrongAmount, func() { x.server.Change(intent(4), func(i *stripetest.Intent) { i.Refunded = 1 }) })
	f(payment.WrongAmount, func() { x.server.Change(intent(5), func(i *stripetest.Intent) { i.Captured = 2 * i.Amount }) })
	f(payment.ChargedTwice, func() {
		x.server.ForgetKeys()
		stray(all[6].attempt, true)
	})
	f(payment.ChargedTwice, func() { // by another attempt of the same booking
		s.exec(`INSERT INTO payment_attempts SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid()))).* FROM payment_attempts a WHERE id = $1`, [16]byte(all[9].attempt))
		var other [16]byte
		if err := s.store.Pool().QueryRow(t.Context(), `SELECT id FROM payment_attempts WHERE booking_id = $1 AND id <> $2`,
			[16]byte(all[9].booking.Key), [16]byte(all[9].attempt)).Scan(&other); err != nil {
			t.Fatal(err)
		}
		stray(other, true)
	})
	f(payment.ChargeWithoutTicket, func() { // the booking was undone by somebody
		s.exec(`UPDATE bookings SET status = 'cancelled', confirmation_id = NULL WHERE id = $1`, [16]byte(all[10].booking.Key))
	})
	weather.Store(2)
	if _, err := x.byStripe(); err == nil {
		t.Error("books that nobody could read are taken for good")
	}
	weather.Store(0)
	var err error
	if x.provider, err = stripe.New(stripe.Config{Key: "sk_test_other", URL: x.server.URL, BooksPause: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	before := x.server.Calls()
	if _, err := x.byStripe(); err == nil || x.server.Calls() != before+1 {
		t.Errorf("%v after %d requests with a key that is refused", err, x.server.Calls()-before)
	}
}

// The same in the books of the sandbox.
func TestEachDifferenceToTheSandboxsBooksIsFound(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	var all []sold
	for range 6 {
		all = append(all, s.pay(sandbox.OK))
	}
	dismiss := s.hire(s.config(), s.store)
	s.hurried()
	dismiss()
	var want []string
	f := func(fault payment.Fault, spoil string, args ...any) {
		t.Helper()
		if spoil != "" {
			s.exec(spoil, args...)
			want = append(want, string(fault))
			slices.Sort(want)
		}
		r, err := s.compare(sandbox.Method, func(x *pgstore.Snapshot) payment.Books { return x.SandboxBooks() }, time.Time{}, time.Now().Add(2*time.Minute))
		if got := faults(r); err != nil || !slices.Equal(got, want) {
			t.Fatalf("after %s: %q, %v; want %q", fault, got, err, want)
		}
	}
	f("", "")
	f(payment.TicketWithoutCharge, `DELETE FROM sandbox_ledger WHERE attempt_id = $1`, [16]byte(all[0].attempt))
	f(payment.TicketWithoutCharge, `UPDATE sandbox_ledger SET voided_at = now() WHERE attempt_id = $1`, [16]byte(all[1].attempt))
	f(payment.WrongAmount, `UPDATE sandbox_ledger SET amount = amount + 1 WHERE attempt_id = $1`, [16]byte(all[2].attempt))
	f(payment.ChargeWithoutTicket, `UPDATE bookings SET status = 'cancelled', confirmation_id = NULL WHERE id = $1`, [16]byte(all[3].booking.Key))
	f(payment.ChargedTwice, `WITH a AS (INSERT INTO payment_attempts SELECT (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid()))).* FROM payment_attempts a WHERE id = $1 RETURNING id)
		INSERT INTO sandbox_ledger SELECT (jsonb_populate_record(l, jsonb_build_object('attempt_id', a.id))).* FROM sandbox_ledger l, a WHERE attempt_id = $1`, [16]byte(all[4].attempt))
}

// ledger is a truth and books in memory.
type ledger struct {
	begun, older []payment.Entry
	records      []payment.Record
	named        map[string]payment.Record
	err          error
}

func (l *ledger) Begun(context.Context, string, time.Time) iter.Seq2[payment.Entry, error] {
	return entries(l.begun...)
}

func (l *ledger) Attempts(_ context.Context, ids []id.Key) (found []payment.Entry, err error) {
	for _, e := range l.older {
		if slices.Contains(ids, e.Attempt) {
			found = append(found, e)
		}
	}
	return found, nil
}

func (l *ledger) Since(context.Context, time.Time) iter.Seq2[payment.Record, error] {
	return func(yield func(payment.Record, error) bool) {
		for _, r := range l.records {
			if !yield(r, nil) {
				return
			}
		}
		if l.err != nil {
			yield(payment.Record{}, l.err)
		}
	}
}

func (l *ledger) Find(_ context.Context, _ id.Key, ref string) (payment.Record, error) {
	return l.named[ref], nil
}

// The window has two edges, and neither makes a difference where there is none.
func TestTheEdgesOfAComparison(t *testing.T) {
	t.Parallel()
	at := time.Now()
	attempt := id.NewKey()
	ticket := payment.Entry{Standing: booking.Confirmed, Current: true, Settled: true, Due: 5, Currency: "EUR", Attempt: attempt, Ref: "pi_1"}
	taken := payment.Record{Attempt: attempt, Ref: "pi_1", State: payment.Captured, Amount: 5, Currency: "EUR", Made: at.Add(-time.Hour)}
	late, foreign := taken, taken
	late.Made = at.Add(time.Second)
	foreign.Attempt = id.NewKey()
	for name, c := range map[string]struct {
		ledger
		want payment.Fault
	}{
		"in the books of the time":          {ledger{begun: []payment.Entry{ticket}, records: []payment.Record{taken}}, ""},
		"begun before the time":             {ledger{older: []payment.Entry{ticket}, records: []payment.Record{taken}}, ""},
		"begun after the snapshot":          {ledger{records: []payment.Record{late}}, ""},
		"found by its name":                 {ledger{begun: []payment.Entry{ticket}, named: map[string]payment.Record{"pi_1": taken}}, ""},
		"the name of another's charge":      {ledger{begun: []payment.Entry{ticket}, named: map[string]payment.Record{"pi_1": foreign}}, payment.TicketWithoutCharge},
		"known to nobody":                   {ledger{begun: []payment.Entry{ticket}}, payment.TicketWithoutCharge},
		"a charge that nobody knows":        {ledger{records: []payment.Record{taken}}, payment.ChargeWithoutTicket},
		"charged again under one attempt":   {ledger{begun: []payment.Entry{ticket}, records: []payment.Record{taken, taken}}, payment.ChargedTwice},
		"voided, then charged once":         {ledger{begun: []payment.Entry{ticket}, records: []payment.Record{{Attempt: attempt, State: payment.Voided}, taken}}, ""},
		"an amount that cannot be asked of": {ledger{begun: []payment.Entry{ticket}, records: []payment.Record{{Attempt: attempt, State: payment.Captured, Amount: -1, Currency: "EUR"}}}, payment.WrongAmount},
	} {
		r, err := payment.Audit(payment.Compare(t.Context(), &c.ledger, "cards", &c.ledger, at.Add(-time.Hour), at))
		if got := faults(r); err != nil || fmt.Sprint(got) != fmt.Sprint(slices.DeleteFunc([]string{string(c.want)}, func(s string) bool { return s == "" })) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	away := errors.New("away")
	l := &ledger{records: []payment.Record{taken}, err: away}
	if _, err := payment.Audit(payment.Compare(t.Context(), l, "cards", l, at, at)); !errors.Is(err, away) {
		t.Errorf("books that end in an error: %v", err)
	}
}
