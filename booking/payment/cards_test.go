package payment_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/payment/stripe"
	"usher/booking/payment/stripe/stripetest"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
)

// cards is a shop whose payments go through a Stripe of our own.
type cards struct {
	*shop
	server   *stripetest.Server
	provider *stripe.Provider
	mine     map[id.Key]bool // the attempts that go through it
	met      tally           // what went wrong in a storm
}

// tally counts by name.
type tally struct {
	mu sync.Mutex // guards n
	n  map[string]int
}

func (t *tally) add(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[string]int{}
	}
	t.n[what]++
}

// missing are those of some names that were not counted.
func (t *tally) missing(names ...string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return t.n[name] > 0 })
}

// String tells each name with its number.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprint(t.n)
}

const hookSecret = "whsec_test"

// listen answers webhooks as a gateway does.
func (s *shop) listen(t *testing.T) (url string) {
	t.Helper()
	hook, err := stripe.NewHook(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.WithoutCancel(t.Context()) // the last ones come when the test is over
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
		if err != nil {
			w.WriteHeader(413)
			return
		}
		attempt, err := hook.Read(body, r.Header.Get("Stripe-Signature"))
		switch {
		case err != nil:
			t.Errorf("a webhook is refused: %v", err)
			w.WriteHeader(400)
		case !attempt.IsZero() && s.store.WakeAttempt(ctx, attempt) != nil:
			w.WriteHeader(503)
		}
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// through starts a Stripe for the shop.
func (s *shop) through(t *testing.T, c stripetest.Config) *cards {
	t.Helper()
	x := &cards{shop: s, server: stripetest.New(t, c), mine: map[id.Key]bool{}}
	var err error
	if x.provider, err = stripe.New(stripe.Config{
		Key: stripetest.Key, URL: x.server.URL, BooksPause: time.Millisecond, Return: func(b id.Booking) string { return "https://tickets.example/" + b.String() },
	}); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *cards) pay(token string) sold {
	x.t.Helper()
	return x.payAll([]string{token})[0]
}

func (x *cards) payAll(tokens []string) []sold {
	x.t.Helper()
	all := x.shop.payAll(stripe.Method, tokens)
	for _, o := range all {
		x.mine[o.attempt] = true
	}
	return all
}

func (x *cards) config() payment.Config {
	c := x.shop.config()
	c.Providers = map[string]payment.Provider{stripe.Method: x.provider}
	return c
}

// act answers for the payers who are asked.
func (x *cards) act() {
	for _, attempt := range x.server.Asking() {
		_ = x.server.Act(attempt, true) // it may have been voided meanwhile
	}
}

// cardsEnd is how an attempt must end by its token, whatever fails on the way.
var cardsEnd = map[string][3]string{
	stripetest.OK:           {"confirmed", "captured", ""},
	stripetest.Action:       {"confirmed", "captured", ""}, // when it is approved
	stripetest.Declined:     {"reserved", "declined", "declined"},
	stripetest.Insufficient: {"reserved", "declined", "insufficient_funds"},
}

// standing is how an attempt ended: the booking's status, the attempt's status and reason.
func (s *shop) standing(o sold) (got [3]string) {
	s.t.Helper()
	if err := s.store.Pool().QueryRow(s.t.Context(), `SELECT b.status, a.status, coalesce(a.reason, '') FROM payment_attempts a
		JOIN bookings b ON b.event_id = a.event_id AND b.id = a.booking_id WHERE a.id = $1`, [16]byte(o.attempt)).Scan(&got[0], &got[1], &got[2]); err != nil {
		s.t.Fatal(err)
	}
	return got
}

// Each fault of Stripe at the first request of each call for each kind of card, and at the second for a good one: all end as if there were
// none, with one charge or none.
func TestEachFaultOfStripeAtEachCall(t *testing.T) {
	t.Parallel()
	calls := []string{"create", "confirm", "capture", "cancel", "read"}
	faults := []stripetest.Fault{stripetest.CutBefore, stripetest.CutAfter, stripetest.ErrorBefore, stripetest.ErrorAfter, stripetest.Busy, stripetest.Slow}
	s := open(t, 2*len(calls)*len(faults)*len(cardsEnd))
	met := map[string]bool{}
	for _, call := range calls {
		for _, fault := range faults {
			for nth := range 2 {
				for token, want := range cardsEnd {
					if nth > 0 && token != stripetest.OK {
						continue
					}
					x := s.through(t, stripetest.Config{Delay: 5 * time.Millisecond, Fault: func(c string, n int) stripetest.Fault {
						if c != call || n != nth {
							return stripetest.Fine
						}
						met[fmt.Sprint(call, fault)] = true
						return fault
					}})
					o := x.pay(token)
					dismiss := s.hire(x.config(), s.store)
					s.until("the attempt is settled", func() bool {
						x.act()
						s.passes(time.Second)
						return s.open() == 0
					})
					dismiss()
					if got := s.standing(o); got != want {
						t.Errorf("fault %d at %s %d, %s: %q, want %q", fault, call, nth, token, got, want)
					}
					x.judge(t, 1)
				}
			}
		}
	}
	if len(met) != len(calls)*len(faults) {
		t.Errorf("only %d of %d faults were met", len(met), len(calls)*len(faults))
	}
}

// judge audits the attempts of this Stripe, and complains.
func (x *cards) judge(t *testing.T, attempts int) payment.Report {
	t.Helper()
	r, err := x.money()
	if err != nil || r.Faults > 0 || r.InFlight > 0 || r.Attempts < attempts || r.Charges != r.Confirmed || r.Charged[pgtest.Currency] != r.Earned[pgtest.Currency] {
		t.Errorf("audit: %+v, %v", r, err)
	}
	return r
}

// money compares the books of Stripe with what Postgres says.
func (x *cards) money() (payment.Report, error) { return payment.Audit(x.entries()) }

// entries are the intents of this Stripe with their attempts, and confirmed bookings of which it knows nothing. An intent too many
// belongs to nobody.
func (x *cards) entries() iter.Seq2[payment.Entry, error] {
	return func(yield func(payment.Entry, error) bool) {
		intents := map[string][]stripetest.Intent{}
		for _, i := range x.server.Intents("") {
			intents[i.Metadata["attempt"]] = append(intents[i.Metadata["attempt"]], i)
		}
		rows, err := x.store.Pool().Query(x.t.Context(), `SELECT a.event_id, a.booking_id, b.status, b.attempt_id = a.id, b.total, b.currency, a.id, a.settled
			FROM payment_attempts a JOIN bookings b ON b.event_id = a.event_id AND b.id = a.booking_id WHERE a.method = 'stripe'`)
		if err != nil {
			yield(payment.Entry{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var e payment.Entry
			var event int64
			var key, attempt [16]byte
			if err := rows.Scan(&event, &key, (*string)(&e.Standing), &e.Current, &e.Due, &e.Currency, &attempt, &e.Settled); err != nil {
				yield(e, err)
				return
			}
			e.Booking, e.Attempt = id.Booking{Event: id.Event(event), Key: key}, attempt
			mine := intents[e.Attempt.String()]
			switch {
			case !x.mine[e.Attempt]:
				continue
			case len(mine) == 0 && !yield(e, nil):
				return
			}
			slices.SortStableFunc(mine, func(a, b stripetest.Intent) int { return cmp.Compare(b.Captured, a.Captured) })
			for n, i := range mine {
				if n > 0 {
					e = payment.Entry{Settled: true}
				}
				e.Provider, e.Charged, e.ChargedCurrency = stateOf(i), max(i.Captured, i.Amount), pgtest.Currency
				if !yield(e, nil) {
					return
				}
			}
		}
		if err := rows.Err(); err != nil {
			yield(payment.Entry{}, err)
		}
	}
}

func stateOf(i stripetest.Intent) payment.State {
	switch {
	case i.Refunded > 0:
		return payment.Refunded
	case i.Captured > 0:
		return payment.Captured
	case i.Status == "requires_capture":
		return payment.Authorised
	case i.Status == "canceled":
		return payment.Voided
	}
	return payment.None
}

// faultNames are how the faults of a request are counted.
var faultNames = map[stripetest.Fault]string{
	stripetest.CutBefore: "cut before", stripetest.CutAfter: "cut after", stripetest.ErrorBefore: "500 before", stripetest.ErrorAfter: "500 after",
	stripetest.Busy: "busy", stripetest.Slow: "slow",
}

// stormFaults are what every storm must have met.
var stormFaults = append(slices.Sorted(maps.Values(faultNames)), "webhook lost", "webhook twice", "webhook late", "webhook before the answer",
	"cashier died", "too old", "another card")

// storm is one run: how many payments, in waves of how many, and whether Stripe remembers its keys.
type storm struct {
	payments, wave int
	life           int           // steps that a cashier lives, at most
	lease          time.Duration // of a claim, in time that runs fast; 0: the default
	forgets        bool
}

// TestAStormOfCardsAndDeaths pays with all cards at once, by cashiers that die again and again at random steps, through a Stripe whose
// every request may fail, and whose webhooks are late, lost, told twice and out of order. One in twenty is taken back half way, and
// every declined payer tries another card. With USHER_PROVE there are 100,000 payments, in four shops.
func TestAStormOfCardsAndDeaths(t *testing.T) {
	t.Parallel()
	shops, run := 1, storm{payments: 300, wave: 150, life: 100}
	if os.Getenv("USHER_PROVE") != "" {
		shops, run = 4, storm{payments: 25_000, wave: 500, life: 2000, lease: 2 * time.Minute} // a busy machine would end nothing within 15 s of such time
	}
	if text := os.Getenv("USHER_TEST_PAYMENTS"); text != "" { // in each shop
		n, err := strconv.Atoi(text)
		if err != nil || n < 300 || n > 1_000_000 {
			t.Fatalf("USHER_TEST_PAYMENTS is %q, want a number from 300 to 1,000,000", text)
		}
		run.payments = n
	}
	for n := range shops {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			x := run.blow(t)
			r := x.judge(t, run.payments)
			t.Logf("%d payments in %d attempts, %d charged, %d requests to Stripe; %v", run.payments, r.Attempts, r.Charges, x.server.Calls(), &x.met)
			if missing := x.met.missing(stormFaults...); len(missing) > 0 {
				t.Errorf("not a storm: none of %q", missing)
			}
			if b, err := x.byStripe(); err != nil || b.Faults > 0 || b.Charges != r.Charges || b.Attempts != r.Attempts {
				t.Errorf("by Stripe's own books: %+v, %v; want %+v", b, err, r)
			}
			if r.Charges < run.payments/2 || r.Charges == r.Attempts {
				t.Errorf("not a storm: %+v", r)
			}
		})
	}
}

// The control: a Stripe that forgets its keys, and cashiers that die before they have saved a name. Then money stays blocked or is taken
// without a ticket, and the audit sees it.
func TestAStormWithoutKeysIsSeen(t *testing.T) {
	t.Parallel()
	x := storm{payments: 300, wave: 150, life: 100, forgets: true}.blow(t)
	if r, err := x.money(); err != nil || r.Faults == 0 {
		t.Errorf("the audit sees nothing: %+v, %v", r, err)
	}
}

func (run storm) blow(t *testing.T) *cards {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := open(t, run.payments)
	random := rand.New(rand.NewPCG(seed, 1)) // the server asks under its lock
	var x *cards
	met := func(what string) { x.met.add(what) }
	x = s.through(t, stripetest.Config{
		Forget: run.forgets, Delay: 5 * time.Millisecond,
		Fault: func(string, int) stripetest.Fault {
			if random.IntN(8) > 0 {
				return stripetest.Fine
			}
			fault := stripetest.Fault(1 + random.IntN(int(stripetest.Slow)))
			met(faultNames[fault])
			return fault
		},
		Hooks: stripetest.Hooks{URL: s.listen(t), Secret: hookSecret, Post: func(string, int) []time.Duration {
			late := func() time.Duration { return time.Duration(random.IntN(int(200 * time.Millisecond))) }
			switch random.IntN(5) {
			case 0:
				met("webhook lost")
				return nil
			case 1:
				met("webhook twice")
				return []time.Duration{0, late()}
			case 2:
				met("webhook late")
				return []time.Duration{late()}
			case 3:
				met("webhook before the answer")
				return []time.Duration{-1}
			}
			return []time.Duration{0}
		}},
	})
	tokens := []string{stripetest.OK, stripetest.OK, stripetest.Action, stripetest.OK, stripetest.Declined, stripetest.OK, stripetest.Insufficient}
	over, stop := context.WithCancel(t.Context())
	var crew sync.WaitGroup
	for i := range 3 {
		luck := rand.New(rand.NewPCG(seed, uint64(2+i)))
		crew.Go(func() {
			for over.Err() == nil {
				c := x.config()
				c.Lease = run.lease
				c.Concurrency = 64 // more would only wait for the store's connections
				m := &mortal{steps: 1 + luck.IntN(run.life), after: luck.IntN(2) == 0}
				c.Providers = map[string]payment.Provider{stripe.Method: mortalProvider{m, x.provider}}
				s.lives(over, c, m)
				if m.dead() {
					met("cashier died")
				}
			}
		})
	}
	defer crew.Wait()
	defer stop()
	for done := 0; done < run.payments; {
		var chosen []string
		for i := range min(run.wave, run.payments-done) {
			chosen = append(chosen, tokens[i%len(tokens)])
		}
		wave := x.payAll(chosen)
		done += len(wave)
		for i := 0; i < len(wave); i += 20 {
			s.exec(`UPDATE payment_attempts SET created_at = created_at - interval '11 minutes' WHERE id = $1`, [16]byte(wave[i].attempt))
			met("too old")
		}
		x.weather()
		declined := s.declined()
		for range declined {
			met("another card")
		}
		x.again(declined, stripetest.OK)
		x.weather()
		if done%5000 == 0 {
			t.Logf("%d are through", done)
		}
	}
	return x
}

// weather waits until all is settled, while time runs fast and payers act.
func (x *cards) weather() {
	x.t.Helper()
	x.within(10*time.Minute, "all attempts are settled", func() bool {
		x.passes(5 * time.Second)
		x.act()
		time.Sleep(50 * time.Millisecond) // each passing of time writes to every open attempt: oftener costs more than the payments
		return x.open() == 0
	})
}

// declined are the bookings of which a payment was declined, and which wait for another.
func (s *shop) declined() (all []sold) {
	s.t.Helper()
	rows, err := s.store.Pool().Query(s.t.Context(), `SELECT b.id, b.owner FROM bookings b JOIN payment_attempts a ON a.id = b.attempt_id
		WHERE b.event_id = $1 AND b.status = 'reserved' AND a.status = 'declined'`, int64(s.event))
	if err != nil {
		s.t.Fatal(err)
	}
	var key, owner [16]byte
	if _, err = pgx.ForEachRow(rows, []any{&key, &owner}, func() error {
		all = append(all, sold{booking: id.Booking{Event: s.event, Key: key}, owner: owner})
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return all
}

// again pays for reserved bookings with another card.
func (x *cards) again(all []sold, token string) {
	x.t.Helper()
	var begins []command.Command
	for _, o := range all {
		begin := id.NewKey()
		x.mine[command.AttemptKey(begin)] = true
		begins = append(begins, command.Command{
			ID: begin, Kind: command.BeginPayment, Event: x.event, Owner: o.owner, IssuedAt: time.Now(), Booking: o.booking.Key,
			Attempt: command.AttemptKey(begin), Payment: booking.Payment{Method: stripe.Method, Token: token},
		})
	}
	x.logAll(begins)
}
