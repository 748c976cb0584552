package simulation

import (
	"context"
	"time"

	"usher/booking/payment"
	"usher/internal/id"
)

// The tokens of the bank.
const (
	good     = "good"
	declined = "declined"
	failed   = "failed"
	asks     = "asks" // the payer is to act; he does, does not want to, or goes away
)

// bank keeps the promises of payment.Provider. It does not always answer.
type bank struct {
	s       *scene
	charges map[id.Key]*charge
}

type charge struct {
	payment.Charge
	state payment.State
}

// call does one thing, before or after which the connection may be cut.
func (b *bank) call(c payment.Charge, do func(*charge)) (payment.Answer, error) {
	s := b.s
	s.Sleep(s.UpTo(5*time.Millisecond, 200*time.Millisecond))
	if s.troubled() {
		return payment.Answer{}, errAway
	}
	known := b.charges[c.Attempt]
	if known == nil {
		known = &charge{Charge: c, state: payment.None}
		b.charges[c.Attempt] = known
	}
	was := known.state
	do(known)
	if known.state != was {
		s.judge.moves(known)
	}
	s.Sleep(s.UpTo(5*time.Millisecond, 200*time.Millisecond))
	if s.troubled() {
		return payment.Answer{}, errAway
	}
	return payment.Answer{State: known.state, Reason: "said_" + known.Token}, nil
}

// Authorise does what the token says.
func (b *bank) Authorise(_ context.Context, c payment.Charge) (payment.Answer, error) {
	return b.call(c, func(k *charge) {
		if k.state != payment.None {
			return
		}
		switch c.Token {
		case good:
			k.state = payment.Authorised
		case declined:
			k.state = payment.Declined
		case failed:
			k.state = payment.Failed
		default:
			k.state = payment.ActionRequired
			acts := []payment.State{payment.Authorised, payment.Declined, payment.ActionRequired}[b.s.IntN(3)]
			b.s.After(b.s.UpTo(time.Second, 90*time.Second), func() {
				if k.state == payment.ActionRequired {
					k.state = acts
				}
			})
		}
	})
}

// Capture takes what is authorised.
func (b *bank) Capture(_ context.Context, c payment.Charge) (payment.Answer, error) {
	return b.call(c, func(k *charge) {
		if k.state == payment.Authorised {
			k.state = payment.Captured
		}
	})
}

// Void takes back what is not captured.
func (b *bank) Void(_ context.Context, c payment.Charge) (payment.Answer, error) {
	return b.call(c, func(k *charge) {
		switch k.state {
		case payment.None, payment.ActionRequired, payment.Authorised:
			k.state = payment.Voided
		}
	})
}

// Refund gives back what is captured.
func (b *bank) Refund(_ context.Context, c payment.Charge) (payment.Answer, error) {
	return b.call(c, func(k *charge) {
		if k.state == payment.Captured {
			k.state = payment.Refunded
			b.s.count.Refunds++
		}
	})
}

// Ask changes nothing.
func (b *bank) Ask(_ context.Context, c payment.Charge) (payment.Answer, error) {
	return b.call(c, func(*charge) {})
}
