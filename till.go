package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	bookings "usher/booking/audit"
	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/booking/payment/stripe"
	"usher/booking/pgstore"
	"usher/gateway"
	"usher/gateway/page"
	"usher/internal/id"
)

// till is what a gateway has of the payment provider: what it takes, and what it tells.
type till struct {
	valid func(token string) bool
	box   gateway.Sandbox
	hook  gateway.Webhook
	card  gateway.CardForm
}

// till composes the gateway's side of the provider that the settings name. Without the secret of its webhooks nobody tells anything,
// and the cashier asks by himself.
func (r *role) till() (t till, err error) {
	if r.PaymentProvider == sandbox.Method {
		return till{valid: sandbox.Valid, box: &payer{sandbox: sandbox.New(sandbox.Config{}, r.store.SandboxLedger()), store: r.store}}, nil
	}
	t.valid = stripe.Valid
	if key := r.StripePublishableKey; key != "" {
		if !stripe.Publishable(key) { // it is not repeated: it may be a secret one
			return t, errors.New("--stripe-publishable-key: want a publishable key of Stripe, pk_…: everybody can read it")
		}
		t.card = gateway.CardForm{Key: key, Script: cmp.Or(r.StripeJSURL, page.StripeScript)}
	}
	if r.StripeWebhookSecret == "" {
		return t, nil
	}
	reader, err := stripe.NewHook(r.StripeWebhookSecret)
	if err != nil {
		return t, fmt.Errorf("--stripe-webhook-secret-file: %w", err)
	}
	t.hook = &hook{stripe: reader, store: r.store}
	return t, nil
}

// providers are those that a cashier may have to do with: the sandbox, and Stripe where its key is, also after the settings have turned
// to another, for what is under way.
func (r *role) providers() (map[string]payment.Provider, error) {
	all := map[string]payment.Provider{sandbox.Method: sandbox.New(sandbox.Config{Notify: r.webhook}, r.store.SandboxLedger())}
	if r.PaymentProvider == stripe.Method {
		if err := r.Need("stripe-key-file"); err != nil {
			return nil, err
		}
	}
	if r.StripeKey == "" {
		return all, nil
	}
	cards, err := stripe.New(stripe.Config{
		Key: r.StripeKey, URL: r.StripeURL, Return: func(b id.Booking) string { return r.PublicURL + "/checkout/" + b.String() },
	})
	if err != nil {
		return nil, fmt.Errorf("--stripe-key-file: %w", err)
	}
	all[stripe.Method] = cards
	return all, nil
}

// ledgers are the books that an audit compares with the bookings: the sandbox's, all of them, and Stripe's where its key is, for payments
// that were begun within some time.
func (r *role) ledgers(s *pgstore.Snapshot, within time.Duration) ([]bookings.Ledger, error) {
	all := []bookings.Ledger{{Method: sandbox.Method, Books: s.SandboxBooks()}}
	if r.StripeKey == "" {
		return all, nil
	}
	cards, err := stripe.New(stripe.Config{Key: r.StripeKey, URL: r.StripeURL})
	if err != nil {
		return nil, fmt.Errorf("--stripe-key-file: %w", err)
	}
	return append(all, bookings.Ledger{Method: stripe.Method, Books: cards.Books(), Within: within}), nil
}

// webhook is what the sandbox calls when something has come of an attempt: the cashier looks at it soon.
func (r *role) webhook(ctx context.Context, attempt id.Key) {
	if err := r.store.WakeAttempt(ctx, attempt); err != nil {
		r.log.Debug("a webhook is lost; the cashier asks by itself", "err", err)
	}
}

// payer is the person whom the sandbox asks to approve a payment.
type payer struct {
	sandbox *sandbox.Provider
	store   *pgstore.Store
}

// Answer approves or refuses, and wakes the cashier who waits for it.
func (p *payer) Answer(ctx context.Context, attempt id.Key, approve bool) (bool, error) {
	act := p.sandbox.Refuse
	if approve {
		act = p.sandbox.Approve
	}
	if _, err := act(ctx, attempt); errors.Is(err, sandbox.ErrNoAction) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, p.store.WakeAttempt(ctx, attempt)
}

// hook wakes the cashier when Stripe has news of an attempt.
type hook struct {
	stripe *stripe.Hook
	store  *pgstore.Store
}

// Hear wakes the attempt that a message is about. It believes nothing else of it.
func (h *hook) Hear(ctx context.Context, body []byte, signature string) (genuine bool, err error) {
	attempt, err := h.stripe.Read(body, signature)
	switch {
	case err != nil:
		return false, nil
	case attempt.IsZero():
		return true, nil
	}
	return true, h.store.WakeAttempt(ctx, attempt)
}
