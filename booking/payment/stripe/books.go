package stripe

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"usher/booking/payment"
	"usher/internal/id"
)

const (
	booksPage  = 50                     // intents: their charges make some 6 kB of each
	booksPause = 100 * time.Millisecond // between two requests; an endpoint takes 25 a second, and the sale goes on: https://docs.stripe.com/rate-limits
	booksTries = 8                      // of one request, each after twice the pause
)

// Books reads what Stripe has, ten requests a second at most, and changes nothing.
type Books struct {
	provider *Provider
	pause    time.Duration
}

// Books are Stripe's own.
func (p *Provider) Books() *Books { return &Books{p, p.booksPause} }

// Since yields the intents of ours that were made at or after a time, the newest first. Others of the account are left out.
func (b *Books) Since(ctx context.Context, from time.Time) iter.Seq2[payment.Record, error] {
	return func(yield func(payment.Record, error) bool) {
		q := &stripe.PaymentIntentListParams{
			ListParams: stripe.ListParams{Limit: new(int64(booksPage)), Single: true}, Expand: []*string{new("data.latest_charge")},
		}
		if !from.IsZero() {
			q.CreatedRange = &stripe.RangeQueryParams{GreaterThanOrEqual: from.Unix()}
		}
		for {
			var page *stripe.V1List[*stripe.PaymentIntent]
			err := b.patiently(ctx, func(ctx context.Context) error {
				page = b.provider.api.V1PaymentIntents.List(ctx, q)
				return page.Err()
			})
			if err != nil {
				yield(payment.Record{}, fmt.Errorf("list intents: %w", plain(err)))
				return
			}
			for _, i := range page.Data() {
				if r := record(i); !r.Attempt.IsZero() && !yield(r, nil) {
					return
				}
				q.StartingAfter = &i.ID
			}
			if !page.Meta().HasMore || len(page.Data()) == 0 {
				return
			}
		}
	}
}

// Find returns the intent of that name; the zero Record: there is none, or it is not the attempt's.
func (b *Books) Find(ctx context.Context, attempt id.Key, ref string) (found payment.Record, err error) {
	if ref == "" {
		return found, nil
	}
	err = b.patiently(ctx, func(ctx context.Context) error {
		i, err := b.provider.read(ctx, ref)
		if err == nil {
			found = record(i)
		}
		return err
	})
	if e := refusal(err); e != nil && e.HTTPStatusCode == http.StatusNotFound || found.Attempt != attempt {
		found = payment.Record{}
	}
	if e := refusal(err); e != nil && e.HTTPStatusCode == http.StatusNotFound {
		err = nil
	}
	return found, err
}

// patiently makes a request after a pause, and again as long as Stripe is busy, in trouble, or away.
func (b *Books) patiently(ctx context.Context, do func(context.Context) error) (err error) {
	for n := range booksTries {
		if !pause(ctx, b.pause<<n) {
			return ctx.Err()
		}
		once, cancel := context.WithTimeout(ctx, callLimit)
		err = do(once)
		cancel()
		var e *stripe.Error
		if err == nil || errors.As(err, &e) && e.HTTPStatusCode != http.StatusTooManyRequests && e.HTTPStatusCode/100 != 5 {
			return err
		}
	}
	return err
}

// record is an intent as an audit wants it; without an attempt when it is not ours.
func record(i *stripe.PaymentIntent) (r payment.Record) {
	attempt, err := id.ParseKey(i.Metadata[attemptMark])
	if err != nil {
		return r
	}
	said, err := standing(i)
	if err != nil {
		said.State = payment.None // it has not decided yet
	}
	amount := i.Amount
	if said.State == payment.Captured {
		amount = i.AmountReceived
		if i.LatestCharge != nil {
			amount -= i.LatestCharge.AmountRefunded
		}
	}
	currency := strings.ToUpper(string(i.Currency))
	return payment.Record{
		Attempt: attempt, Ref: i.ID, State: said.State, Amount: minor(amount, currency), Currency: currency, Made: time.Unix(i.Created, 0),
	}
}
