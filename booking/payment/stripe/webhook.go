package stripe

import (
	"encoding/json"
	"errors"
	"regexp"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/stripe/stripe-go/v85/webhook"

	"usher/internal/id"
)

// tolerance is how old a webhook may be that is believed to be Stripe's: what Stripe recommends. It signs each telling anew.
const tolerance = webhook.DefaultTolerance

var (
	// ErrSecret says that a text is no signing secret of an endpoint.
	ErrSecret = errors.New("want the signing secret of a webhook endpoint of Stripe: whsec_…")
	// ErrForged says that a message does not carry Stripe's signature, or an old one.
	ErrForged = errors.New("the message is not signed by Stripe, or too old")
)

// hookSeconds is how long after its event a webhook is heard, in whole seconds of Stripe's clock.
var hookSeconds = metrics.NewHistogram("usher_payment_webhook_seconds")

var secretForm = regexp.MustCompile(`^whsec_[A-Za-z0-9+/=_-]{1,250}$`)

// Hook reads what Stripe tells. It believes that there is news of an attempt, and nothing more: what news, the provider is asked.
// So neither a duplicate, nor a late one, nor one out of order does harm.
type Hook struct{ secret string }

// NewHook returns a reader of webhooks that are signed with the secret. While Stripe changes the secret it signs with both. ErrSecret.
func NewHook(secret string) (*Hook, error) {
	if !secretForm.MatchString(secret) {
		return nil, ErrSecret
	}
	return &Hook{secret}, nil
}

// Read returns the attempt of which a message has news, zero if it is about nothing of ours. signature is the header Stripe-Signature. ErrForged.
func (h *Hook) Read(body []byte, signature string) (attempt id.Key, err error) {
	if err := webhook.ValidatePayloadWithTolerance(body, signature, h.secret, tolerance); err != nil {
		return id.Key{}, ErrForged
	}
	var event struct {
		Created int64
		Data    struct {
			Object struct{ Metadata map[string]string }
		}
	}
	if json.Unmarshal(body, &event) != nil { // signed, and of a kind that we do not know
		return id.Key{}, nil
	}
	if attempt, err = id.ParseKey(event.Data.Object.Metadata[attemptMark]); err != nil {
		return id.Key{}, nil
	}
	hookSeconds.Update(max(0, time.Since(time.Unix(event.Created, 0)).Seconds()))
	return attempt, nil
}
