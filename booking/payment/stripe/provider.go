package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v85"

	"usher/booking/payment"
	"usher/internal/id"
)

// Method is Stripe's name among the payment methods.
const Method = "stripe"

var (
	// ErrOtherCharge says that the attempt's intent is for another amount, currency or attempt.
	ErrOtherCharge = errors.New("the intent at Stripe is for another charge")
	// ErrKey says that a text is no secret key of Stripe.
	ErrKey = errors.New("want a secret or restricted key of Stripe: sk_… or rk_…")

	errUndecided = errors.New("stripe has not decided yet")
	errKeysUsed  = errors.New("stripe repeats an old error under every key of the call")
)

var (
	tokenForm = regexp.MustCompile(`^pm_[A-Za-z0-9_]{1,120}$`)
	shownForm = regexp.MustCompile(`^pk_[A-Za-z0-9_]{1,250}$`)
	keyForm   = regexp.MustCompile(`^(sk|rk)_[A-Za-z0-9_]{1,250}$`)
)

// Valid reports whether a token can be the name of a PaymentMethod. Whether Stripe knows it shows when it is charged.
func Valid(token string) bool { return tokenForm.MatchString(token) }

// Publishable reports whether a key is one that may be shown to everybody, and never a secret one.
func Publishable(key string) bool { return shownForm.MatchString(key) }

// Config sets the provider up. Zero durations mean the defaults.
type Config struct {
	Key string // secret, never logged
	// Return is the page to which a payer comes back after his bank has asked him, an absolute URL.
	Return     func(id.Booking) string
	ActionTime time.Duration // how long he may take: 5 min
	URL        string        // of the API; empty: Stripe's own
	BooksPause time.Duration // between two requests for books: 100 ms
}

// Provider charges through Stripe. Any number of them may work on one account.
type Provider struct {
	api        *stripe.Client // alone knows the key
	back       func(id.Booking) string
	actionTime time.Duration
	booksPause time.Duration
}

const (
	answerLimit = 1 << 20          // bytes of one answer
	callLimit   = 30 * time.Second // of one request, when the caller's context sets no sooner end
	maxIdle     = 64               // connections that wait for the next request
)

// New returns a provider. ErrKey.
func New(c Config) (*Provider, error) {
	if !keyForm.MatchString(c.Key) {
		return nil, ErrKey
	}
	setting := &stripe.BackendConfig{
		HTTPClient: &http.Client{
			Transport: bounded{&http.Transport{
				Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: callLimit, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: maxIdle,
			}}, Timeout: callLimit,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		EnableTelemetry:   new(bool),
		MaxNetworkRetries: new(int64),                                     // the cashier retries, and asks before
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // it would log what it sends
	}
	if c.URL != "" {
		setting.URL = &c.URL
	}
	api := stripe.NewClient(c.Key, stripe.WithBackends(stripe.NewBackendsWithConfig(setting)))
	return &Provider{api: api, back: c.Return, actionTime: cmp.Or(c.ActionTime, 5*time.Minute), booksPause: cmp.Or(c.BooksPause, booksPause)}, nil
}

// Authorise confirms the attempt's intent with the token. A card that Stripe does not even try leaves no mark on the intent, so the refusal
// itself cancels it.
func (p *Provider) Authorise(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	var why string
	said, err := p.step(ctx, c, func(i *stripe.PaymentIntent) (*stripe.PaymentIntent, error) {
		confirmed, err := p.confirm(ctx, c, i.ID)
		if why = refused(err); why != "" {
			return p.cancel(ctx, c, i.ID, undone)
		}
		return confirmed, err
	}, payment.None)
	if said.State == payment.Declined && said.Reason == reasonDeclined && why != "" {
		said.Reason = why
	}
	return said, err
}

// Capture takes what was authorised.
func (p *Provider) Capture(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.step(ctx, c, func(i *stripe.PaymentIntent) (*stripe.PaymentIntent, error) { return p.capture(ctx, c, i.ID) }, payment.Authorised)
}

// Void cancels the attempt's intent, and makes one to cancel if there is none.
func (p *Provider) Void(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.step(ctx, c, func(i *stripe.PaymentIntent) (*stripe.PaymentIntent, error) { return p.cancel(ctx, c, i.ID, voided) },
		payment.None, payment.ActionRequired, payment.Authorised)
}

// Refund gives captured money back.
func (p *Provider) Refund(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.step(ctx, c, func(i *stripe.PaymentIntent) (*stripe.PaymentIntent, error) { return p.refund(ctx, c, i.ID) }, payment.Captured)
}

// Ask tells how things are. It opens an intent that is not there yet, which moves no money, and seals a decline.
func (p *Provider) Ask(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	return p.step(ctx, c, nil)
}

// step does one thing to an attempt's intent if it stands where the thing can be done, and answers where it stands then. A refusal by
// Stripe tells that somebody else was first: the intent tells what he did.
func (p *Provider) step(ctx context.Context, c payment.Charge, do func(*stripe.PaymentIntent) (*stripe.PaymentIntent, error), from ...payment.State) (payment.Answer, error) {
	i, err := p.find(ctx, c)
	if reason := impossible(err); reason != "" && c.Ref == "" {
		return payment.Answer{State: payment.Failed, Reason: reason}, nil
	}
	said, err := p.answer(ctx, c, i, err)
	if err != nil || !slices.Contains(from, said.State) {
		return said, err
	}
	now, err := do(i)
	if refusal(err) != nil {
		now, err = p.read(ctx, i.ID)
	}
	if said, err = p.answer(ctx, c, now, err); err != nil {
		said.Ref = i.ID // a name that is saved need not be found again
	}
	return said, err
}

// answer words where an intent stands, and cancels one from which nothing must come any more.
func (p *Provider) answer(ctx context.Context, c payment.Charge, i *stripe.PaymentIntent, err error) (payment.Answer, error) {
	if err == nil {
		err = same(c, i)
	}
	unmarked := reasonDeclined
	if err == nil && hopeless(i, p.actionTime) {
		if i.LastPaymentError == nil {
			unmarked = reasonExpired
		}
		ref := i.ID
		if i, err = p.cancel(ctx, c, ref, undone); refusal(err) != nil {
			i, err = p.read(ctx, ref)
		}
	}
	if err != nil {
		return payment.Answer{}, fmt.Errorf("stripe: %w", plain(err))
	}
	said, err := standing(i)
	if said.State == payment.Declined && i.LastPaymentError == nil {
		said.Reason = unmarked
	}
	return said, err
}
