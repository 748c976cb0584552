// Package sandbox is a payment provider that moves no money and behaves as its tokens say: always in the same way, whatever
// crashes. It keeps books of its own, as a real one would, which an auditor compares with the bookings.
//
//	tok_ok                     authorised, captured
//	tok_declined               declined
//	tok_insufficient_funds     declined
//	tok_action                 waits for Approve or Refuse; declined when neither comes in time
//	tok_slow                   authorised after five seconds
//	tok_timeout_after_capture  captured, but whoever captures hears nothing: ask again
//	tok_duplicate_webhook      notifies twice of everything, before it answers
//	tok_error                  three errors, then it has failed
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"usher/booking/payment"
	"usher/internal/id"
)

// Method is the sandbox's name among the payment methods.
const Method = "sandbox"

// The tokens.
const (
	OK                  = "tok_ok"
	CardDeclined        = "tok_declined"
	InsufficientFunds   = "tok_insufficient_funds"
	Action              = "tok_action"
	Slow                = "tok_slow"
	TimeoutAfterCapture = "tok_timeout_after_capture"
	DuplicateWebhook    = "tok_duplicate_webhook"
	Error               = "tok_error"
)

var tokens = []string{OK, CardDeclined, InsufficientFunds, Action, Slow, TimeoutAfterCapture, DuplicateWebhook, Error}

// Valid reports whether the sandbox knows the token.
func Valid(token string) bool { return slices.Contains(tokens, token) }

// The reasons of a decline or failure.
const (
	reasonDeclined     = "declined"
	reasonInsufficient = "insufficient_funds"
	reasonRefused      = "action_refused"
	reasonExpired      = "action_expired"
	reasonError        = "provider_error" // a failure, not a decline
	reasonToken        = "invalid_token"
)

var (
	// ErrNoAnswer is what a caller sees of a provider in trouble: the call may have had its effect.
	ErrNoAnswer = errors.New("the sandbox does not answer")
	// ErrOtherCharge says that the attempt's id was used for another amount or currency.
	ErrOtherCharge = errors.New("the attempt is known with another amount")
	// ErrNoAction says that no payer is asked to act on the attempt.
	ErrNoAction = errors.New("no action is asked for")
)

const errorsBeforeFailure = 3 // of tok_error

// Config sets the sandbox up. Zero durations mean the defaults.
type Config struct {
	ActionPath string        // of the page where a payer acts, followed by the attempt's id: /sandbox/actions/
	ActionTime time.Duration // how long he may take: 5 min
	Delay      time.Duration // of tok_slow: 5 s
	// Notify is the sandbox's webhook: something has come of the attempt. It may come twice, and before the answer. Nil: nobody listens.
	Notify func(ctx context.Context, attempt id.Key)
}

// Provider is the sandbox. Any number of them may share one ledger.
type Provider struct {
	Config
	ledger Ledger
}

// New returns a sandbox with the given books.
func New(c Config, l Ledger) *Provider {
	if c.ActionPath == "" {
		c.ActionPath = "/sandbox/actions/"
	}
	if c.ActionTime == 0 {
		c.ActionTime = 5 * time.Minute
	}
	if c.Delay == 0 {
		c.Delay = 5 * time.Second
	}
	if c.Notify == nil {
		c.Notify = func(context.Context, id.Key) {}
	}
	return &Provider{Config: c, ledger: l}
}

// Authorise does what the token says.
func (p *Provider) Authorise(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	switch c.Token {
	case CardDeclined:
		return p.answer(c)(p.ledger.Decline(ctx, c, reasonDeclined, 0))
	case InsufficientFunds:
		return p.answer(c)(p.ledger.Decline(ctx, c, reasonInsufficient, 0))
	case Action:
		return p.action(ctx, c)
	case Error:
		return p.fail(ctx, c)
	case Slow:
		select {
		case <-ctx.Done():
			return payment.Answer{}, ctx.Err()
		case <-time.After(p.Delay):
		}
	}
	if !Valid(c.Token) {
		return p.answer(c)(p.ledger.Decline(ctx, c, reasonToken, 0))
	}
	return p.notified(ctx, c)(p.ledger.Authorise(ctx, c, 0))
}

func (p *Provider) action(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	e, err := p.ledger.Open(ctx, c)
	if err == nil && e.Undecided() && e.Age > p.ActionTime {
		e, err = p.ledger.Decline(ctx, c, reasonExpired, p.ActionTime)
	}
	return p.answer(c)(e, err)
}

func (p *Provider) fail(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	e, err := p.ledger.Open(ctx, c)
	if err == nil && e.Undecided() && e.Calls <= errorsBeforeFailure {
		return payment.Answer{}, ErrNoAnswer
	}
	if err == nil && e.Undecided() {
		e, err = p.ledger.Decline(ctx, c, reasonError, 0)
	}
	return p.answer(c)(e, err)
}

// Capture takes what was authorised.
func (p *Provider) Capture(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	said, err := p.notified(ctx, c)(p.ledger.Capture(ctx, c.Attempt))
	if err == nil && c.Token == TimeoutAfterCapture {
		return payment.Answer{}, ErrNoAnswer
	}
	return said, err
}

// Void takes an authorisation back, and leaves a mark for one that arrives later.
func (p *Provider) Void(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.answer(c)(p.ledger.Void(ctx, c))
}

// Refund gives captured money back.
func (p *Provider) Refund(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.answer(c)(p.ledger.Refund(ctx, c.Attempt))
}

// Ask tells how things are.
func (p *Provider) Ask(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	e, err := p.ledger.Read(ctx, c.Attempt)
	if err == nil && e.waits() && e.Age > p.ActionTime {
		e, err = p.ledger.Decline(ctx, c, reasonExpired, p.ActionTime)
	}
	return p.answer(c)(e, err)
}

// Approve is the payer's yes, on the page that ActionRequired named. The answer tells whether it came in time. ErrNoAction.
func (p *Provider) Approve(ctx context.Context, attempt id.Key) (payment.Answer, error) {
	return p.act(ctx, attempt, func(c payment.Charge) (Entry, error) { return p.ledger.Authorise(ctx, c, p.ActionTime) })
}

// Refuse is the payer's no. ErrNoAction.
func (p *Provider) Refuse(ctx context.Context, attempt id.Key) (payment.Answer, error) {
	return p.act(ctx, attempt, func(c payment.Charge) (Entry, error) { return p.ledger.Decline(ctx, c, reasonRefused, 0) })
}

func (p *Provider) act(ctx context.Context, attempt id.Key, do func(payment.Charge) (Entry, error)) (payment.Answer, error) {
	e, err := p.ledger.Read(ctx, attempt)
	if err != nil {
		return payment.Answer{}, err
	}
	if e.Token != Action {
		return payment.Answer{}, ErrNoAction
	}
	c := payment.Charge{Attempt: attempt, Amount: e.Amount, Currency: e.Currency, Token: e.Token}
	if e, err = do(c); err == nil && e.waits() { // too late for a yes
		e, err = p.ledger.Decline(ctx, c, reasonExpired, p.ActionTime)
	}
	if err == nil {
		p.Notify(ctx, attempt)
	}
	return p.answer(c)(e, err)
}

// notified is answer, after the webhooks of tok_duplicate_webhook.
func (p *Provider) notified(ctx context.Context, c payment.Charge) func(Entry, error) (payment.Answer, error) {
	return func(e Entry, err error) (payment.Answer, error) {
		if err == nil && c.Token == DuplicateWebhook {
			p.Notify(ctx, c.Attempt)
			p.Notify(ctx, c.Attempt)
		}
		return p.answer(c)(e, err)
	}
}

// answer words what the books say about a charge.
func (p *Provider) answer(c payment.Charge) func(Entry, error) (payment.Answer, error) {
	return func(e Entry, err error) (payment.Answer, error) {
		if err != nil {
			return payment.Answer{}, fmt.Errorf("sandbox: %w", err)
		}
		if e.Token != "" && (e.Amount != c.Amount || e.Currency != c.Currency) {
			return payment.Answer{}, ErrOtherCharge
		}
		said := payment.Answer{State: e.State(), Reason: e.Declined}
		if said.State == payment.ActionRequired {
			said.ActionURL = p.ActionPath + c.Attempt.String()
		}
		return said, nil
	}
}
