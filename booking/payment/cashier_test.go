package payment_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
)

func TestEveryTokenEndsAsItSays(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	var all []sold
	for token := range ended {
		all = append(all, s.pay(token))
	}
	s.hire(s.config(), s.store)
	s.approve(all)
	s.settled()
	for _, o := range all {
		s.check(o, ended[o.token])
	}
	if r := s.audit(); r.Confirmed != 5 || r.Charges != 5 || r.Attempts != 8 || r.Earned["EUR"] != 5*pgtest.Price || r.Charged["EUR"] != r.Earned["EUR"] {
		t.Errorf("audit: %+v", r)
	}
}

// approve is the payers' yes to every action that is asked for.
func (s *shop) approve(all []sold) {
	s.t.Helper()
	for _, o := range all {
		if o.token != sandbox.Action {
			continue
		}
		s.until("an action is asked for", func() bool { return s.action(o) != "" })
		if got, want := s.action(o), "/sandbox/actions/"+o.attempt.String(); got != want {
			s.t.Errorf("action at %q, want %q", got, want)
		}
		if _, err := s.bank.Approve(s.t.Context(), o.attempt); err != nil {
			s.t.Errorf("approve: %v", err)
		}
	}
}

func (s *shop) action(o sold) string {
	s.t.Helper()
	a, err := s.store.Action(s.t.Context(), o.attempt)
	if err != nil {
		s.t.Fatal(err)
	}
	if a == nil {
		return ""
	}
	return a.URL
}

func TestAnActionIsOverWhenThePayerActedOrTookTooLong(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	late, no := s.pay(sandbox.Action), s.pay(sandbox.Action)
	s.hire(s.config(), s.store)
	s.until("both wait for their payers", func() bool { return s.action(late) != "" && s.action(no) != "" })
	if _, err := s.bank.Refuse(t.Context(), no.attempt); err != nil {
		t.Fatal(err)
	}
	s.until("the refusal is settled", func() bool { return s.open() == 1 })
	s.check(no, [3]string{"reserved", "declined", "action_refused"})
	s.ages(6 * time.Minute)
	s.settled()
	s.check(late, [3]string{"reserved", "declined", "action_expired"})
	if got := s.action(late); got != "" {
		t.Errorf("an action is asked for after the end: %q", got)
	}
	s.audit()
}

func TestADeclinedPayerMayPayAgain(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	s.hire(s.config(), s.store)
	first := s.pay(sandbox.CardDeclined)
	s.settled()
	begin := id.NewKey()
	var owner [16]byte
	if err := s.store.Pool().QueryRow(t.Context(), "SELECT owner FROM bookings").Scan(&owner); err != nil {
		t.Fatal(err)
	}
	c := command.Command{ID: begin, Kind: command.BeginPayment, Event: s.event, Booking: first.booking.Key, Owner: owner, IssuedAt: time.Now(), Attempt: command.AttemptKey(begin)}
	c.Payment.Method, c.Payment.Token = sandbox.Method, sandbox.OK
	if err := s.log(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s.settled()
	s.check(sold{token: sandbox.OK, booking: first.booking, attempt: c.Attempt}, ended[sandbox.OK])
	if r := s.audit(); r.Attempts != 2 || r.Charges != 1 {
		t.Errorf("audit: %+v", r)
	}
}

func TestNobodyIsChargedAfterThePatienceHasRunOut(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	ok, action := s.pay(sandbox.OK), s.pay(sandbox.Action)
	s.ages(11 * time.Minute)
	s.hire(s.config(), s.store)
	s.settled()
	for _, o := range []sold{ok, action} {
		s.check(o, [3]string{"reserved", "failed", payment.ReasonTimedOut})
	}
	if r := s.audit(); r.Charges != 0 {
		t.Errorf("audit: %+v", r)
	}
}

func TestWhatWasCapturedCountsHoweverLate(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	o := s.pay(sandbox.OK)
	c := payment.Charge{Attempt: o.attempt, Amount: pgtest.Price, Currency: pgtest.Currency, Token: o.token}
	for _, do := range []func(context.Context, payment.Charge) (payment.Answer, error){s.bank.Authorise, s.bank.Capture} {
		if _, err := do(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	s.exec("UPDATE payment_attempts SET tries = 1") // whoever called has died
	s.ages(time.Hour)
	s.hire(s.config(), s.store)
	s.settled()
	s.check(o, ended[sandbox.OK])
	s.audit()
}

func TestAnAttemptThatNoBookingWaitsForIsVoided(t *testing.T) {
	t.Parallel()
	f := func(name, before, after string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, 20)
			o := s.pay(sandbox.OK)
			if before != "" {
				s.exec(before)
			}
			c := s.config()
			c.Providers = map[string]payment.Provider{sandbox.Method: between{s.bank, func() {
				if after != "" {
					s.exec(after)
				}
			}}}
			s.hire(c, s.store)
			s.settled()
			s.check(o, [3]string{"expired", "voided", payment.ReasonNotPaying})
			s.audit()
		})
	}
	const leave = "UPDATE bookings SET status = 'expired'"
	f("before it is authorised", leave, "")
	f("before it is captured", "", leave)
}

// between does something after each Authorise.
type between struct {
	payment.Provider
	do func()
}

func (b between) Authorise(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	defer b.do()
	return b.Provider.Authorise(ctx, c)
}

func TestACaptureThatTheLogRefusesIsRefunded(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	o := s.pay(sandbox.OK)
	s.setAway(true)
	s.hire(s.config(), s.store)
	s.until("it is captured", func() bool {
		return pgtest.Count(t, s.store, "SELECT count(*) FROM payment_attempts WHERE status = 'captured'") == 1
	})
	s.mu.Lock()
	s.exec("UPDATE bookings SET status = 'expired'") // what must not happen
	delete(s.sale.Bookings, o.booking.Key)
	s.away = false
	s.mu.Unlock()
	s.hurried()
	s.check(o, [3]string{"expired", "voided", payment.ReasonRefused})
	if r := s.audit(); r.Charges != 0 {
		t.Errorf("audit: %+v", r)
	}
}

func TestTheLogLearnsItLaterWhenItIsAway(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	all := []sold{s.pay(sandbox.OK), s.pay(sandbox.CardDeclined)}
	s.setAway(true)
	s.hire(s.config(), s.store)
	s.until("both have ended", func() bool {
		return pgtest.Count(t, s.store, "SELECT count(*) FROM payment_attempts WHERE status IN ('captured', 'declined')") == 2
	})
	if r := s.audit(); r.InFlight != 2 {
		t.Errorf("audit: %+v", r)
	}
	s.setAway(false)
	s.settled()
	for _, o := range all {
		s.check(o, ended[o.token])
	}
}

func TestAnUnknownMethodFails(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	o := s.pay(sandbox.OK)
	c := s.config()
	c.Providers = nil
	s.hire(c, s.store)
	s.settled()
	s.check(o, [3]string{"reserved", "failed", payment.ReasonUnknownMethod})
}

// A provider that is taken away while payments are under way is missed, not forgotten. The control is the test before.
func TestAnAttemptUnderWayWaitsForItsProvider(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	named, authorised := s.pay(sandbox.OK), s.pay(sandbox.OK)
	s.exec(`UPDATE payment_attempts SET provider_ref = 'x' WHERE id = $1`, [16]byte(named.attempt))
	s.exec(`UPDATE payment_attempts SET status = 'authorised' WHERE id = $1`, [16]byte(authorised.attempt))
	c := s.config()
	c.Providers = nil
	dismiss := s.hire(c, s.store)
	s.until("both were tried thrice", func() bool {
		s.passes(time.Second)
		return pgtest.Count(t, s.store, "SELECT count(*) FROM payment_attempts WHERE tries > 3") == 2
	})
	dismiss()
	if s.open() != 2 {
		t.Error("an attempt has ended without its provider")
	}
	s.hire(s.config(), s.store)
	s.hurried()
	s.check(named, ended[sandbox.OK])
	s.check(authorised, ended[sandbox.OK])
}

func TestACashierThatIsStoppedGivesItsAttemptsBack(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	o := s.pay(sandbox.OK)
	stuck := &deaf{Provider: s.bank}
	c := s.config()
	c.Providers = map[string]payment.Provider{sandbox.Method: stuck}
	dismiss := s.hire(c, s.store)
	s.until("the provider is called", func() bool { return stuck.calls.Load() > 0 })
	dismiss()
	if n := pgtest.Count(t, s.store, "SELECT count(*) FROM payment_attempts WHERE leased_until IS NULL AND next_at <= now()"); n != 1 {
		t.Error("the attempt is still claimed")
	}
	s.hire(s.config(), s.store)
	s.settled()
	s.check(o, ended[sandbox.OK])
}

func TestAProviderThatHangsIsLeftAndAskedAgain(t *testing.T) {
	t.Parallel()
	s := open(t, 20)
	all := []sold{s.pay(sandbox.OK), s.pay(sandbox.OK), s.pay(sandbox.OK)}
	stuck := &deaf{Provider: s.bank, hears: 5}
	c := s.config()
	c.Providers, c.CallTime, c.Concurrency = map[string]payment.Provider{sandbox.Method: stuck}, 2*time.Second, 2 // that long two calls find each other, on the busiest machine
	s.hire(c, s.store)
	s.settled()
	for _, o := range all {
		s.check(o, ended[o.token])
	}
	if most := stuck.most.Load(); most != 2 {
		t.Errorf("%d calls at once, want 2", most)
	}
	s.audit()
}

// deaf hangs at its first calls: until the call with the number hears, or for ever. It counts how many hang at once.
type deaf struct {
	payment.Provider
	hears            int64
	calls, now, most atomic.Int64
}

func (d *deaf) Authorise(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	if n := d.calls.Add(1); d.hears > 0 && n >= d.hears {
		return d.Provider.Authorise(ctx, c)
	}
	if now := d.now.Add(1); now > d.most.Load() {
		d.most.Store(now)
	}
	defer d.now.Add(-1)
	<-ctx.Done()
	return payment.Answer{}, ctx.Err()
}
