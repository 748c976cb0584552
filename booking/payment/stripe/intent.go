package stripe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/stripe/stripe-go/v85"

	"usher/booking/payment"
)

const (
	// keyLife is how long Stripe surely remembers what came of an idempotency key: a day, less a margin.
	keyLife  = 20 * time.Hour
	maxKeys  = 8 // of one call in an hour, used up by errors that Stripe repeats
	creation = "create"
	maxBusy  = 6 // times that somebody else has the key or the intent
	busyWait = 50 * time.Millisecond

	// The marks on an intent, and the cancellation reasons that tell a decline from a void.
	attemptMark = "attempt"
	bookingMark = "booking"
	undone      = string(stripe.PaymentIntentCancellationReasonAbandoned)
	voided      = string(stripe.PaymentIntentCancellationReasonRequestedByCustomer)
)

// withCharge are what a reader wants beside the intent: how much was given back.
var withCharge = []*string{new("latest_charge")}

// find returns the attempt's intent, made if there is none.
func (p *Provider) find(ctx context.Context, c payment.Charge) (*stripe.PaymentIntent, error) {
	if c.Ref != "" {
		return p.read(ctx, c.Ref)
	}
	if c.Age > keyLife {
		if i, err := p.search(ctx, c); i != nil || err != nil {
			return i, err
		}
	}
	return p.create(ctx, c)
}

func (p *Provider) read(ctx context.Context, ref string) (*stripe.PaymentIntent, error) {
	i, err := p.api.V1PaymentIntents.Retrieve(ctx, ref, &stripe.PaymentIntentRetrieveParams{Expand: withCharge})
	if err != nil {
		return nil, fmt.Errorf("read intent %s: %w", ref, plain(err))
	}
	return i, nil
}

// search looks for the attempt's intent by its mark. Of several, which only errors of Stripe can leave, one at most was confirmed.
func (p *Provider) search(ctx context.Context, c payment.Charge) (found *stripe.PaymentIntent, err error) {
	const enough = maxKeys
	q := &stripe.PaymentIntentSearchParams{SearchParams: stripe.SearchParams{
		Query: fmt.Sprintf("metadata['%s']:'%s'", attemptMark, c.Attempt), Limit: new(int64(enough)), Single: true,
	}}
	for i, err := range p.api.V1PaymentIntents.Search(ctx, q).All(ctx) {
		if err != nil {
			return nil, fmt.Errorf("search the intent of %s: %w: %v", c.Attempt, errUndecided, plain(err)) // no refusal of the charge
		}
		if found == nil || i.Status != stripe.PaymentIntentStatusRequiresPaymentMethod {
			found = i
		}
	}
	if found == nil {
		return nil, nil
	}
	return p.read(ctx, found.ID) // the index may lag behind
}

// create makes the attempt's intent, or finds it under the key. It names no card: what is made can only be charged by a confirmation.
func (p *Provider) create(ctx context.Context, c payment.Charge) (*stripe.PaymentIntent, error) {
	amount, err := amountOf(c)
	if err != nil {
		return nil, err
	}
	return p.once(ctx, c, creation, func(key string) (*stripe.PaymentIntent, error) {
		return p.api.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{
			Params: keyed(key), Amount: &amount, Currency: new(strings.ToLower(c.Currency)), PaymentMethodTypes: []*string{new("card")},
			CaptureMethod: new(string(stripe.PaymentIntentCaptureMethodManual)),
			Metadata:      map[string]string{attemptMark: c.Attempt.String(), bookingMark: c.Booking.String()},
		})
	})
}

func (p *Provider) confirm(ctx context.Context, c payment.Charge, ref string) (*stripe.PaymentIntent, error) {
	return p.once(ctx, c, "confirm", func(key string) (*stripe.PaymentIntent, error) {
		return p.api.V1PaymentIntents.Confirm(ctx, ref, &stripe.PaymentIntentConfirmParams{
			Params: keyed(key), PaymentMethod: &c.Token, ReturnURL: new(p.back(c.Booking)),
		})
	})
}

func (p *Provider) capture(ctx context.Context, c payment.Charge, ref string) (*stripe.PaymentIntent, error) {
	return p.once(ctx, c, "capture", func(key string) (*stripe.PaymentIntent, error) {
		return p.api.V1PaymentIntents.Capture(ctx, ref, &stripe.PaymentIntentCaptureParams{Params: keyed(key)})
	})
}

func (p *Provider) cancel(ctx context.Context, c payment.Charge, ref, reason string) (*stripe.PaymentIntent, error) {
	return p.once(ctx, c, reason, func(key string) (*stripe.PaymentIntent, error) {
		return p.api.V1PaymentIntents.Cancel(ctx, ref, &stripe.PaymentIntentCancelParams{Params: keyed(key), CancellationReason: &reason})
	})
}

// refund gives all back, and reads what the intent says then.
func (p *Provider) refund(ctx context.Context, c payment.Charge, ref string) (*stripe.PaymentIntent, error) {
	return p.once(ctx, c, "refund", func(key string) (*stripe.PaymentIntent, error) {
		_, err := p.api.V1Refunds.Create(ctx, &stripe.RefundCreateParams{
			Params: keyed(key), PaymentIntent: &ref, Metadata: map[string]string{attemptMark: c.Attempt.String()},
		})
		if err != nil {
			return nil, err
		}
		return p.read(ctx, ref)
	})
}

func keyed(key string) stripe.Params { return stripe.Params{IdempotencyKey: &key} }

// once makes a call under a key that follows from the attempt and the call, and returns how the intent stands now. What Stripe only
// repeats is old: an intent is read again; an error, unless it is about the card, gives way to the next key.
func (p *Provider) once(ctx context.Context, c payment.Charge, call string, do func(key string) (*stripe.PaymentIntent, error)) (*stripe.PaymentIntent, error) {
	for n, busy := 0, 0; n < maxKeys; {
		i, err := do(keyOf(c, call, n))
		var e *stripe.Error
		switch {
		case err == nil && repeated(i.LastResponse):
			return p.read(ctx, i.ID)
		case err == nil:
			return i, nil
		case !errors.As(err, &e):
			return nil, fmt.Errorf("%s: %w", call, plain(err))
		case occupied(e) && busy < maxBusy:
			busy++
			if !pause(ctx, busyWait+rand.N(busyWait)*time.Duration(busy)) {
				return nil, fmt.Errorf("%s: %w", call, plain(err))
			}
		case repeated(e.LastResponse) && e.Type != stripe.ErrorTypeCard:
			n++
		default:
			return nil, fmt.Errorf("%s: %w", call, plain(err))
		}
	}
	return nil, fmt.Errorf("%s: %w", call, errKeysUsed)
}

// keyOf is the nth key of a call. Each hour of an attempt's life has keys of its own, so that a refusal that is remembered, such as of a
// refund for want of money, is not repeated for a day. Not of a creation: it has one chain of keys, or there would be two intents.
func keyOf(c payment.Charge, call string, n int) string {
	hour := 0
	if call != creation {
		hour = int(c.Age.Hours())
	}
	return fmt.Sprintf("%s-%s-%d-%d", c.Attempt, call, hour, n)
}

func repeated(r *stripe.APIResponse) bool {
	return r != nil && r.Header.Get("Idempotent-Replayed") == "true"
}

// occupied reports whether another request has the key or the intent at this moment.
func occupied(e *stripe.Error) bool {
	return e.Code == stripe.ErrorCodeLockTimeout || e.Code == stripe.ErrorCodeIdempotencyKeyInUse || e.HTTPStatusCode == http.StatusConflict
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// requestSeconds is how long Stripe takes to begin an answer.
var requestSeconds = metrics.NewHistogram("usher_stripe_request_seconds")

// answersTotal counts requests by the first digit of their answer's status; 0 is none.
func answersTotal(class int) *metrics.Counter {
	return metrics.GetOrCreateCounter(fmt.Sprintf(`usher_stripe_answers_total{class="%dxx"}`, class))
}

// bounded reads at most answerLimit bytes of each answer, and counts.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := time.Now()
	answer, err := b.RoundTripper.RoundTrip(r)
	requestSeconds.UpdateDuration(begun)
	if err != nil {
		answersTotal(0).Inc()
		return nil, err
	}
	answersTotal(answer.StatusCode / 100).Inc()
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, answerLimit), answer.Body}
	return answer, nil
}
