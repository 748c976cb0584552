package sandbox_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"usher/booking/payment"
	"usher/booking/payment/paymenttest"
	"usher/booking/payment/sandbox"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func subject(l sandbox.Ledger) paymenttest.Subject {
	p := sandbox.New(sandbox.Config{}, l)
	return paymenttest.Subject{
		Provider: p, OK: sandbox.OK, Declined: sandbox.CardDeclined, Action: sandbox.Action,
		Approve: func(ctx context.Context, a id.Key) error { _, err := p.Approve(ctx, a); return err },
		Refuse:  func(ctx context.Context, a id.Key) error { _, err := p.Refuse(ctx, a); return err },
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	paymenttest.Run(t, func(*testing.T) paymenttest.Subject { return subject(newMemory()) })
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	books := pgtest.Open(t, 8).SandboxLedger()
	paymenttest.Run(t, func(*testing.T) paymenttest.Subject { return subject(books) })
}

func TestValid(t *testing.T) {
	t.Parallel()
	f := func(token string, want bool) {
		t.Helper()
		if got := sandbox.Valid(token); got != want {
			t.Errorf("Valid(%q) = %v", token, got)
		}
	}
	f("tok_ok", true)
	f("tok_declined", true)
	f("tok_insufficient_funds", true)
	f("tok_action", true)
	f("tok_slow", true)
	f("tok_timeout_after_capture", true)
	f("tok_duplicate_webhook", true)
	f("tok_error", true)
	f("", false)
	f("tok_OK", false)
	f("tok_ok ", false)
	f("4242424242424242", false)
}

// ledgers runs a test on the reference and on Postgres.
func ledgers(t *testing.T, check func(t *testing.T, l sandbox.Ledger)) {
	t.Parallel()
	t.Run("reference", func(t *testing.T) { t.Parallel(); check(t, newMemory()) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); check(t, pgtest.Open(t, 4).SandboxLedger()) })
}

func charge(token string) payment.Charge {
	return payment.Charge{Attempt: id.NewKey(), Amount: 700, Currency: "EUR", Token: token}
}

// want checks one answer: its state, and its reason if any.
func want(t *testing.T, state payment.State, reason string) func(payment.Answer, error) {
	return func(said payment.Answer, err error) {
		t.Helper()
		if err != nil || said.State != state || said.Reason != reason {
			t.Errorf("answer %+v, %v; want %s %q", said, err, state, reason)
		}
	}
}

func noAnswer(t *testing.T) func(payment.Answer, error) {
	return func(said payment.Answer, err error) {
		t.Helper()
		if !errors.Is(err, sandbox.ErrNoAnswer) {
			t.Errorf("answer %+v, %v; want none", said, err)
		}
	}
}

func TestDeclinesSayWhy(t *testing.T) {
	ledgers(t, func(t *testing.T, l sandbox.Ledger) {
		p := sandbox.New(sandbox.Config{}, l)
		want(t, payment.Declined, "declined")(p.Authorise(t.Context(), charge(sandbox.CardDeclined)))
		want(t, payment.Declined, "insufficient_funds")(p.Authorise(t.Context(), charge(sandbox.InsufficientFunds)))
		want(t, payment.Declined, "invalid_token")(p.Authorise(t.Context(), charge("tok_invented")))
	})
}

func TestTimeoutAfterCaptureHasCaptured(t *testing.T) {
	ledgers(t, func(t *testing.T, l sandbox.Ledger) {
		p, c := sandbox.New(sandbox.Config{}, l), charge(sandbox.TimeoutAfterCapture)
		want(t, payment.Authorised, "")(p.Authorise(t.Context(), c))
		noAnswer(t)(p.Capture(t.Context(), c))
		want(t, payment.Captured, "")(p.Ask(t.Context(), c))
	})
}

func TestErrorFailsAfterThreeErrorsWhoeverAsks(t *testing.T) {
	ledgers(t, func(t *testing.T, l sandbox.Ledger) {
		c := charge(sandbox.Error)
		for range 3 {
			p := sandbox.New(sandbox.Config{}, l) // another process each time
			noAnswer(t)(p.Authorise(t.Context(), c))
			want(t, payment.None, "")(p.Ask(t.Context(), c))
		}
		p := sandbox.New(sandbox.Config{}, l)
		want(t, payment.Failed, "provider_error")(p.Authorise(t.Context(), c))
		want(t, payment.Failed, "provider_error")(p.Capture(t.Context(), c))
	})
}

func TestAnAttemptKeepsItsAmount(t *testing.T) {
	ledgers(t, func(t *testing.T, l sandbox.Ledger) {
		p, c := sandbox.New(sandbox.Config{}, l), charge(sandbox.OK)
		want(t, payment.Authorised, "")(p.Authorise(t.Context(), c))
		c.Amount++
		if _, err := p.Authorise(t.Context(), c); !errors.Is(err, sandbox.ErrOtherCharge) {
			t.Errorf("another amount: %v", err)
		}
	})
}

func TestWebhooks(t *testing.T) {
	ledgers(t, func(t *testing.T, l sandbox.Ledger) {
		f := func(token string, calls int, do func(p *sandbox.Provider, c payment.Charge)) {
			t.Helper()
			c, n := charge(token), 0
			p := sandbox.New(sandbox.Config{Notify: func(_ context.Context, a id.Key) {
				if a != c.Attempt {
					t.Errorf("notified of %s, want %s", a, c.Attempt)
				}
				n++
			}}, l)
			do(p, c)
			if n != calls {
				t.Errorf("%s: %d notifications, want %d", token, n, calls)
			}
		}
		pay := func(p *sandbox.Provider, c payment.Charge) {
			want(t, payment.Authorised, "")(p.Authorise(t.Context(), c))
			want(t, payment.Captured, "")(p.Capture(t.Context(), c))
		}
		f(sandbox.OK, 0, pay)
		f(sandbox.DuplicateWebhook, 4, pay)
		f(sandbox.Action, 1, func(p *sandbox.Provider, c payment.Charge) {
			want(t, payment.ActionRequired, "")(p.Authorise(t.Context(), c))
			want(t, payment.Authorised, "")(p.Approve(t.Context(), c.Attempt))
		})
	})
}

func TestOnlyAnAskedActionCanBeApproved(t *testing.T) {
	ledgers(t, func(t *testing.T, l sandbox.Ledger) {
		p, c := sandbox.New(sandbox.Config{}, l), charge(sandbox.OK)
		for range 2 {
			if _, err := p.Approve(t.Context(), c.Attempt); !errors.Is(err, sandbox.ErrNoAction) {
				t.Errorf("approve: %v", err)
			}
			want(t, payment.Authorised, "")(p.Authorise(t.Context(), c))
		}
	})
}

func TestAnActionTakenTooLateIsDeclined(t *testing.T) {
	ledgers(t, func(t *testing.T, l sandbox.Ledger) {
		p := sandbox.New(sandbox.Config{ActionTime: time.Nanosecond}, l) // too short for anybody
		asked, acted, again := charge(sandbox.Action), charge(sandbox.Action), charge(sandbox.Action)
		for _, c := range []payment.Charge{asked, acted, again} {
			want(t, payment.ActionRequired, "")(sandbox.New(sandbox.Config{}, l).Authorise(t.Context(), c))
		}
		want(t, payment.Declined, "action_expired")(p.Ask(t.Context(), asked))
		want(t, payment.Declined, "action_expired")(p.Approve(t.Context(), acted.Attempt))
		want(t, payment.Declined, "action_expired")(p.Authorise(t.Context(), again))
	})
}

func TestSlowTakesFiveSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, c := sandbox.New(sandbox.Config{}, newMemory()), charge(sandbox.Slow)
		began := time.Now()
		hurried, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		if _, err := p.Authorise(hurried, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after 4 s: %v", err)
		}
		want(t, payment.None, "")(p.Ask(t.Context(), c))
		want(t, payment.Authorised, "")(p.Authorise(t.Context(), c))
		if took := time.Since(began); took != 9*time.Second {
			t.Errorf("4 s given up and 5 s waited were %v", took)
		}
	})
}
