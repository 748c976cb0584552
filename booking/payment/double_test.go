package payment_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
)

// Three things keep two cashiers from charging twice: claims, the claim's number in each save, and the provider's idempotency. The first
// two save work, the third alone is enough; without any of them the audit must see the damage.
func TestNothingIsChargedTwice(t *testing.T) {
	t.Parallel()
	f := func(name string, unclaimed, forgetful bool, extra func(int) bool) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 40
			s := open(t, n)
			c := s.config()
			if forgetful {
				c.Providers = map[string]payment.Provider{sandbox.Method: &forgets{Provider: s.bank, captured: map[id.Key]bool{}}}
			}
			var all []sold
			for range n {
				all = append(all, s.pay(sandbox.OK))
			}
			both := &shared{Store: s.store, off: unclaimed, copies: make(chan payment.Attempt, n)}
			s.hire(c, both)
			s.hire(c, both)
			s.settled()
			s.until("both are done", func() bool { return len(both.copies) == 0 })
			for _, o := range all {
				want := ended[o.token]
				if unclaimed && s.noted(o) == "authorised" { // the other cashier told the log before this one could note the end
					want[1] = "authorised"
				}
				s.check(o, want)
			}
			r, err := s.money()
			if err != nil || r.Confirmed != n || !extra(r.Faults) {
				t.Errorf("audit: %+v, %v", r, err)
			}
			for _, f := range r.Findings {
				if f.Fault != payment.ChargeWithoutTicket {
					t.Error(f)
				}
			}
		})
	}
	none, some := func(n int) bool { return n == 0 }, func(n int) bool { return n > 0 }
	f("as it is", false, false, none)
	f("without claims", true, false, none)
	f("without idempotency", false, true, none)
	f("control without both", true, true, some)
}

// shared is a store whose claims can be switched off: whatever one cashier gets, another one gets as well, and both may save.
type shared struct {
	payment.Store
	off    bool
	copies chan payment.Attempt
}

func (s *shared) ClaimAttempts(ctx context.Context, n int, lease time.Duration) ([]payment.Attempt, error) {
	var second []payment.Attempt
	for len(s.copies) > 0 && len(second) < n {
		select {
		case a := <-s.copies:
			second = append(second, a)
		default:
		}
	}
	if len(second) > 0 {
		return second, nil
	}
	claimed, err := s.Store.ClaimAttempts(ctx, min(n, 4), lease)
	for _, a := range claimed {
		if s.off {
			s.copies <- a
		}
	}
	return claimed, err
}

func (s *shared) SaveAttempt(ctx context.Context, a payment.Attempt, c payment.Change) (paying, ok bool, err error) {
	paying, ok, err = s.Store.SaveAttempt(ctx, a, c)
	return paying || s.off, ok || s.off && err == nil, err
}

// forgets is a provider that does not know that it has captured before: each time again it takes the money, under a name of its own.
type forgets struct {
	payment.Provider
	mu       sync.Mutex // guards captured
	captured map[id.Key]bool
}

func (p *forgets) Capture(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	p.mu.Lock()
	again := p.captured[c.Attempt]
	p.captured[c.Attempt] = true
	p.mu.Unlock()
	if again {
		c.Attempt = id.NewKey()
		if said, err := p.Authorise(ctx, c); err != nil {
			return said, err
		}
	}
	return p.Provider.Capture(ctx, c)
}

// TestAStormOfPaymentsAndDeaths pays with all tokens at once, by three cashiers that die again and again at random steps.
func TestAStormOfPaymentsAndDeaths(t *testing.T) {
	t.Parallel()
	const n = 160
	s := open(t, n)
	var tokens []string
	for token := range ended {
		tokens = append(tokens, token)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var all []sold
	for i := range n {
		all = append(all, s.pay(tokens[i%len(tokens)]))
	}
	over, stop := context.WithCancel(t.Context())
	var crew sync.WaitGroup
	for i := range 3 {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		crew.Go(func() {
			for over.Err() == nil {
				s.life(over, 1+random.IntN(150), random.IntN(2) == 0)
			}
		})
	}
	s.until("all attempts are settled", func() bool {
		s.passes(2 * time.Second)
		for _, o := range all {
			s.payer(o)
		}
		return s.open() == 0
	})
	stop()
	crew.Wait()
	for _, o := range all {
		s.check(o, ended[o.token])
	}
	if r := s.audit(); r.Confirmed != n*5/8 || r.Charges != n*5/8 || r.Charged[pgtest.Currency] != r.Earned[pgtest.Currency] {
		t.Errorf("audit: %+v", r)
	}
}

// life is that of one cashier.
func (s *shop) life(ctx context.Context, steps int, after bool) {
	m := &mortal{steps: steps, after: after}
	c := s.config()
	c.Providers = map[string]payment.Provider{sandbox.Method: mortalProvider{m, s.bank}}
	s.lives(ctx, c, m)
}

// lives runs a mortal cashier until it dies or ctx ends.
func (s *shop) lives(ctx context.Context, c payment.Config, m *mortal) {
	c.Append = func(ctx context.Context, x command.Command) error {
		return m.do(func() error { return s.log(ctx, x) })
	}
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	go func() {
		for ctx.Err() == nil && !m.dead() {
			time.Sleep(time.Millisecond)
		}
		kill()
	}()
	if err := payment.NewCashier(c, mortalStore{m, s.store}).Run(ctx); err != nil {
		s.t.Errorf("cashier: %v", err)
	}
}
