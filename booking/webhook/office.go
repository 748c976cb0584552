package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"usher/booking/event"
	"usher/internal/id"
)

// Office is where operators make and change webhooks.
type Office struct {
	store    Store
	insecure bool
	now      func() time.Time
}

// NewOffice returns an office. insecure allows http and private addresses: for development only.
func NewOffice(store Store, insecure bool) *Office {
	return &Office{store: store, insecure: insecure, now: time.Now}
}

// Fault is what is wrong with one member of a wish.
type Fault struct{ Member, Message string }

// WishError names all that is wrong with a wish.
type WishError struct{ Faults []Fault }

func (e *WishError) Error() string {
	return fmt.Sprintf("the webhook is wrong in %d places", len(e.Faults))
}

// Wish is what an operator wants of a new webhook.
type Wish struct {
	URL    string
	Kinds  []string   // empty: all
	Events []id.Event // empty: all
}

// Create makes a webhook that hears what happens from now on, with a secret. *WishError, ErrTooMany.
func (o *Office) Create(ctx context.Context, wish Wish) (Webhook, error) {
	w := Webhook{ID: id.NewKey(), URL: wish.URL, Events: wish.Events, Secrets: [][]byte{newSecret()}}
	var faults []Fault
	if wrong := checkURL(wish.URL, o.insecure); wrong != "" {
		faults = append(faults, Fault{"url", wrong})
	}
	for i, k := range wish.Kinds {
		kind := event.Kind(k)
		if !slices.Contains(Kinds(), kind) || slices.Contains(w.Kinds, kind) {
			faults = append(faults, Fault{fmt.Sprintf("kinds[%d]", i), "no kind of event, or it stands twice"})
			break
		}
		w.Kinds = append(w.Kinds, kind)
	}
	if len(wish.Events) > MaxEvents {
		faults = append(faults, Fault{"event_ids", fmt.Sprintf("want at most %d; none for all", MaxEvents)})
	}
	if len(faults) > 0 {
		return w, &WishError{faults}
	}
	if err := o.store.AddWebhook(ctx, w); err != nil {
		return w, err
	}
	return o.Get(ctx, w.ID)
}

// List returns all webhooks.
func (o *Office) List(ctx context.Context) ([]Webhook, error) { return o.store.Webhooks(ctx) }

// Get returns one. ErrNotFound.
func (o *Office) Get(ctx context.Context, webhook id.Key) (Webhook, error) {
	all, err := o.store.Webhooks(ctx)
	if err != nil {
		return Webhook{}, err
	}
	for _, w := range all {
		if w.ID == webhook {
			return w, nil
		}
	}
	return Webhook{}, ErrNotFound
}

// Delete removes one, with all that waits for it. ErrNotFound.
func (o *Office) Delete(ctx context.Context, webhook id.Key) error {
	return o.store.DeleteWebhook(ctx, webhook)
}

// Rotate gives one a new secret; the old one signs beside it for Overlap. ErrNotFound.
func (o *Office) Rotate(ctx context.Context, webhook id.Key) (Webhook, error) {
	if err := o.store.RotateSecret(ctx, webhook, newSecret()); err != nil {
		return Webhook{}, err
	}
	return o.Get(ctx, webhook)
}

// Replay delivers again what came after a message, or since a time, as far as the log reaches, and switches the webhook on. ErrNotFound.
func (o *Office) Replay(ctx context.Context, webhook id.Key, after int64, since time.Time) (Webhook, error) {
	if err := o.store.Replay(ctx, webhook, after, since); err != nil {
		return Webhook{}, err
	}
	return o.Get(ctx, webhook)
}

// asidePage is how many messages that are set aside are shown at once.
const asidePage = 100

// SetAside shows a page of the messages that were given up, in the order of their numbers; next is the cursor of the page behind it, "" for none.
// ErrNotFound, ErrBadCursor.
func (o *Office) SetAside(ctx context.Context, webhook id.Key, cursor string) (page []Aside, next string, err error) {
	after := int64(math.MinInt64)
	if cursor != "" {
		seq, ok := parseAnyID(cursor)
		if !ok {
			return nil, "", ErrBadCursor
		}
		after = seq
	}
	if _, err := o.Get(ctx, webhook); err != nil {
		return nil, "", err
	}
	page, err = o.store.SetAside(ctx, webhook, after, asidePage+1)
	if err == nil && len(page) > asidePage {
		page = page[:asidePage]
		next = MessageID(page[asidePage-1].Seq)
	}
	return page, next, err
}

// TryAgain lets a message that was given up wait for its delivery again, for as long as a new one. It comes after what its booking has brought meanwhile.
// ErrNotFound, ErrNoMessage.
func (o *Office) TryAgain(ctx context.Context, webhook id.Key, message string) error {
	return o.aside(ctx, webhook, message, o.store.TryAgain)
}

// DropAside forgets a message that was given up. ErrNotFound, ErrNoMessage.
func (o *Office) DropAside(ctx context.Context, webhook id.Key, message string) error {
	return o.aside(ctx, webhook, message, o.store.DropAside)
}

func (o *Office) aside(ctx context.Context, webhook id.Key, message string, do func(context.Context, id.Key, int64) error) error {
	if _, err := o.Get(ctx, webhook); err != nil {
		return err
	}
	seq, ok := parseAnyID(message)
	if !ok {
		return ErrNoMessage
	}
	return do(ctx, webhook, seq)
}

// Test puts a test message in line. What came of it shows in the webhook. ErrNotFound, ErrTooMany.
func (o *Office) Test(ctx context.Context, webhook id.Key) (Webhook, error) {
	w, err := o.Get(ctx, webhook)
	if err != nil {
		return w, err
	}
	payload, err := json.Marshal(testLetter{testKind, o.now().UTC(), testData{webhook}})
	if err != nil {
		return w, fmt.Errorf("word a test: %w", err)
	}
	return w, o.store.AddTest(ctx, webhook, payload)
}
