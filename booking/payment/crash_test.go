package payment_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/internal/id"
)

// TestACashierMayDieAtEveryStep lets a cashier die before and after each thing that it does, at each kind of payment. Whatever it
// did or did not do, the next one brings the attempt to the same end, and charges once or never.
func TestACashierMayDieAtEveryStep(t *testing.T) {
	t.Parallel()
	for token := range ended {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			s := open(t, 200)
			deaths := 0
			for _, after := range []bool{false, true} {
				for step := 1; ; step++ {
					o, died := s.dies(s.bank, token, step, after)
					if s.check(o, ended[token]); t.Failed() {
						t.Fatalf("death at step %d (after it: %v)", step, after)
					}
					if !died {
						break
					}
					deaths++
				}
			}
			if deaths < 8 {
				t.Errorf("only %d deaths", deaths)
			}
			if r := s.audit(); r.InFlight > 0 {
				t.Errorf("audit: %+v", r)
			}
		})
	}
}

// The control: a provider that neither knows what it did nor does a thing once. Then a death does charge twice, and the audit sees it.
func TestADeathWithoutAProvidersMemoryChargesTwice(t *testing.T) {
	t.Parallel()
	s := open(t, 50)
	bank := amnesia{&forgets{Provider: s.bank, captured: map[id.Key]bool{}}}
	for step := 1; ; step++ {
		if _, died := s.dies(bank, sandbox.OK, step, true); !died {
			break
		}
	}
	r, err := s.money()
	if err != nil || r.Faults == 0 { // a charge twice, or one that nobody knows of: which, is up to where the death fell
		t.Errorf("the audit sees nothing: %+v, %v", r, err)
	}
}

// amnesia is a provider that does not know what it has captured.
type amnesia struct{ payment.Provider }

func (p amnesia) Ask(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	said, err := p.Provider.Ask(ctx, c)
	if said.State == payment.Captured {
		said.State = payment.Authorised
	}
	return said, err
}

// dies lets a cashier die at a step of one payment and another one take over. It reports false when the payment had ended before.
func (s *shop) dies(bank payment.Provider, token string, step int, after bool) (o sold, died bool) {
	s.t.Helper()
	o = s.pay(token)
	victim := &mortal{steps: step, after: after}
	c := s.config()
	c.Append = func(ctx context.Context, m command.Command) error {
		return victim.do(func() error { return s.log(ctx, m) })
	}
	c.Providers = map[string]payment.Provider{sandbox.Method: mortalProvider{victim, bank}}
	dismiss := s.hire(c, mortalStore{victim, s.store})
	s.until("it dies or is done", func() bool {
		s.payer(o)
		s.passes(20 * time.Millisecond)
		return victim.dead() || s.open() == 0
	})
	dismiss()
	c = s.config()
	c.Providers = map[string]payment.Provider{sandbox.Method: bank}
	dismiss = s.hire(c, s.store)
	s.until("the next one is done", func() bool {
		s.payer(o)
		s.passes(500 * time.Millisecond) // leases run out
		return s.open() == 0
	})
	dismiss()
	return o, victim.dead()
}

// payer says yes when he is asked.
func (s *shop) payer(o sold) {
	if o.token == sandbox.Action && s.action(o) != "" {
		if _, err := s.bank.Approve(s.t.Context(), o.attempt); err != nil {
			s.t.Error(err)
		}
	}
}

var errDead = errors.New("this cashier is dead")

// mortal is a process that dies at one of its steps, just before or just after the step's effect. The dead do nothing.
type mortal struct {
	mu    sync.Mutex // guards steps
	steps int        // to live
	after bool
}

func (m *mortal) do(step func() error) error {
	m.mu.Lock()
	m.steps--
	left := m.steps
	m.mu.Unlock()
	switch {
	case left > 0:
		return step()
	case left == 0 && m.after:
		return errors.Join(step(), errDead)
	default:
		return errDead
	}
}

func (m *mortal) dead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.steps <= 0
}

type mortalProvider struct {
	*mortal
	bank payment.Provider
}

func (p mortalProvider) call(ctx context.Context, c payment.Charge, do func(context.Context, payment.Charge) (payment.Answer, error)) (said payment.Answer, err error) {
	err = p.do(func() (err error) {
		said, err = do(ctx, c)
		return err
	})
	return said, err
}

func (p mortalProvider) Authorise(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.call(ctx, c, p.bank.Authorise)
}

func (p mortalProvider) Capture(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.call(ctx, c, p.bank.Capture)
}

func (p mortalProvider) Void(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.call(ctx, c, p.bank.Void)
}

func (p mortalProvider) Refund(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.call(ctx, c, p.bank.Refund)
}

func (p mortalProvider) Ask(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.call(ctx, c, p.bank.Ask)
}

type mortalStore struct {
	*mortal
	store payment.Store
}

// ClaimAttempts counts as a step only when something was claimed: an idle cashier does not age.
func (s mortalStore) ClaimAttempts(ctx context.Context, n int, lease time.Duration) (claimed []payment.Attempt, err error) {
	if s.dead() {
		return nil, errDead
	}
	if claimed, err = s.store.ClaimAttempts(ctx, n, lease); err != nil || len(claimed) == 0 {
		return nil, err
	}
	return claimed, s.do(func() error { return nil })
}

func (s mortalStore) SaveAttempt(ctx context.Context, a payment.Attempt, c payment.Change) (paying, ok bool, err error) {
	err = s.do(func() (err error) {
		paying, ok, err = s.store.SaveAttempt(ctx, a, c)
		return err
	})
	return paying, ok, err
}

func (s mortalStore) Results(ctx context.Context, ids []id.Key) (map[id.Key]command.Result, error) {
	if s.dead() {
		return nil, fmt.Errorf("results: %w", errDead)
	}
	return s.store.Results(ctx, ids)
}
