package gateway

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/webhook"
	"usher/internal/id"
)

// fakeReceivers knows one webhook.
type fakeReceivers struct {
	mu    sync.Mutex // guards all below
	one   webhook.Webhook
	wish  webhook.Wish
	after int64
	since time.Time
	aside []webhook.Aside
	err   error
}

func newFakeReceivers() *fakeReceivers {
	return &fakeReceivers{one: webhook.Webhook{
		ID: id.NewKey(), URL: "https://example.org/", Kinds: webhook.Kinds()[3:4], Events: []id.Event{guarded}, Secrets: [][]byte{[]byte("0123456789abcdef01234567")}, CreatedAt: noon,
	}}
}

func (f *fakeReceivers) find(of id.Key) (webhook.Webhook, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && of != f.one.ID {
		return f.one, webhook.ErrNotFound
	}
	return f.one, f.err
}

func (f *fakeReceivers) List(context.Context) ([]webhook.Webhook, error) {
	w, err := f.find(f.one.ID)
	return []webhook.Webhook{w}, err
}

func (f *fakeReceivers) Create(_ context.Context, wish webhook.Wish) (webhook.Webhook, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wish = wish
	return f.one, f.err
}

func (f *fakeReceivers) Get(_ context.Context, of id.Key) (webhook.Webhook, error) { return f.find(of) }
func (f *fakeReceivers) Rotate(_ context.Context, of id.Key) (webhook.Webhook, error) {
	return f.find(of)
}
func (f *fakeReceivers) Test(_ context.Context, of id.Key) (webhook.Webhook, error) {
	return f.find(of)
}
func (f *fakeReceivers) Delete(_ context.Context, of id.Key) error { _, err := f.find(of); return err }

func (f *fakeReceivers) Replay(_ context.Context, of id.Key, after int64, since time.Time) (webhook.Webhook, error) {
	w, err := f.find(of)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.after, f.since = after, since
	return w, err
}

func (f *fakeReceivers) SetAside(_ context.Context, of id.Key, cursor string) (page []webhook.Aside, next string, err error) {
	if _, err := f.find(of); err != nil {
		return nil, "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch cursor {
	case "":
		return f.aside[:1], "msg_42", nil
	case "msg_42":
		return f.aside[1:], "", nil
	}
	return nil, "", webhook.ErrBadCursor
}

func (f *fakeReceivers) TryAgain(ctx context.Context, of id.Key, message string) error {
	return f.DropAside(ctx, of, message)
}

func (f *fakeReceivers) DropAside(_ context.Context, of id.Key, message string) error {
	if _, err := f.find(of); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.aside, func(a webhook.Aside) bool { return webhook.MessageID(a.Seq) == message })
	if at < 0 {
		return webhook.ErrNoMessage
	}
	f.aside = slices.Delete(f.aside, at, at+1)
	return nil
}

func (f *fakeReceivers) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func TestOperatorsOfWebhooks(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	ask := func(status int, slug, method, path, body string) reply {
		t.Helper()
		r := e.send(e.admin, method, "/admin/v1/webhooks"+path, body, "Authorization", "bearer "+testToken)
		if r.status != status || r.slug() != slug {
			t.Errorf("%s %s: %d %s", method, path, r.status, r.raw)
		}
		return r
	}
	one := "/" + e.hooks.one.ID.String()
	secret := webhook.SecretText(e.hooks.one.Secrets[0])
	r := ask(201, "", "POST", "", `{"url":"https://example.org/","kinds":["booking.confirmed"],"event_ids":["`+guarded.String()+`"]}`)
	if r.body["secret"] != secret || r.header.Get("Location") != "/admin/v1/webhooks"+one || len(e.hooks.wish.Kinds) != 1 || e.hooks.wish.Events[0] != guarded {
		t.Errorf("made %s for %+v", r.raw, e.hooks.wish)
	}
	ask(400, "invalid-request", "POST", "", `{}`)
	ask(400, "invalid-request", "POST", "", `{"url":1}`)
	ask(400, "invalid-request", "POST", "", `{"url":"https://example.org/","kinds":[1]}`)
	ask(400, "invalid-request", "POST", "", `{"url":"https://example.org/","event_ids":["x"]}`)
	for _, path := range []string{"", one} {
		if r := ask(200, "", "GET", path, ""); strings.Contains(r.raw, "secret\":") || strings.Contains(r.raw, secret) {
			t.Errorf("a secret is told: %s", r.raw)
		}
	}
	if r := ask(200, "", "POST", one+"/rotate", ""); r.body["secret"] != secret {
		t.Errorf("rotated: %s", r.raw)
	}
	ask(200, "", "POST", one+"/replay", `{"after":"msg_42"}`)
	if e.hooks.after != 42 || !e.hooks.since.IsZero() {
		t.Errorf("replayed after %d, since %s", e.hooks.after, e.hooks.since)
	}
	ask(200, "", "POST", one+"/replay", `{"since":"2026-06-11T12:00:00Z"}`)
	if e.hooks.after != 0 || !e.hooks.since.Equal(noon) {
		t.Errorf("replayed after %d, since %s", e.hooks.after, e.hooks.since)
	}
	for _, bad := range []string{`{}`, `{"after":"42"}`, `{"after":"msg_1","since":"2026-06-11T12:00:00Z"}`, `{"since":"yesterday"}`, `{"after":"msg_99999999999999999999"}`} {
		ask(400, "invalid-request", "POST", one+"/replay", bad)
	}
	if r := ask(202, "", "POST", one+"/test", "{}"); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for state, change := range map[string]func(){
		"disabled": func() { e.hooks.one.DisabledAt, e.hooks.one.Failures = noon, 9 },
		"failing": func() {
			e.hooks.one.DisabledAt, e.hooks.one.Failures, e.hooks.one.LastError = time.Time{}, 1, "answered 500"
		},
		"active": func() { e.hooks.one.DisabledAt, e.hooks.one.Failures = time.Time{}, 0 },
	} {
		e.hooks.set(change)
		if r := ask(200, "", "GET", one, ""); r.body["state"] != state {
			t.Errorf("%s: %s", state, r.raw)
		}
	}
	mine := id.Booking{Event: guarded, Key: id.NewKey()}
	e.hooks.set(func() {
		e.hooks.aside = []webhook.Aside{
			{Message: webhook.Message{Seq: 42, Tries: 20, Payload: []byte(`{"kind":"booking.confirmed","event":"` + guarded.String() + `","booking":"` + mine.Key.String() + `","owner":"` + id.NewVisitor().String() + `"}`)}, FirstAt: noon, At: noon.Add(72 * time.Hour), Error: "answered 500"},
			{Message: webhook.Message{Seq: 43, Payload: []byte("nonsense")}, FirstAt: noon, At: noon.Add(72 * time.Hour), Error: "answered 500"},
		}
	})
	first := ask(200, "", "GET", one+"/set-aside", "")
	if want := `"messages":[{"id":"msg_42","type":"booking.confirmed","event_id":"` + guarded.String() + `","booking_id":"` + mine.String() + `","tries":20,"first_tried_at":"2026-06-11T12:00:00Z","set_aside_at":"2026-06-14T12:00:00Z","error":"answered 500"}],"next_page_cursor":"msg_42"`; !strings.Contains(first.raw, want) {
		t.Errorf("set aside: %s\nwant %s", first.raw, want)
	}
	if r := ask(200, "", "GET", one+"/set-aside?page_cursor=msg_42", ""); !strings.Contains(r.raw, `"id":"msg_43","type":null,"event_id":null,"booking_id":null`) || r.body["next_page_cursor"] != nil {
		t.Errorf("the last page: %s", r.raw)
	}
	ask(400, "invalid-cursor", "GET", one+"/set-aside?page_cursor=forged", "")
	if r := ask(200, "", "POST", one+"/set-aside/msg_43/retry", ""); r.body["id"] != e.hooks.one.ID.String() {
		t.Errorf("tried again: %s", r.raw)
	}
	ask(204, "", "DELETE", one+"/set-aside/msg_42", "")
	ask(404, "webhook-message-not-found", "POST", one+"/set-aside/msg_43/retry", "")
	ask(404, "webhook-message-not-found", "DELETE", one+"/set-aside/msg_42", "")
	ask(204, "", "DELETE", one, "")
	each := func(status int, slug string, of string) {
		t.Helper()
		ask(status, slug, "GET", of, "")
		ask(status, slug, "DELETE", of, "")
		ask(status, slug, "POST", of+"/rotate", "")
		ask(status, slug, "POST", of+"/replay", `{"after":"msg_1"}`)
		ask(status, slug, "POST", of+"/test", "")
		ask(status, slug, "GET", of+"/set-aside", "")
		ask(status, slug, "DELETE", of+"/set-aside/msg_1", "")
		ask(status, slug, "POST", of+"/set-aside/msg_1/retry", "")
	}
	each(404, "webhook-not-found", "/"+id.NewKey().String())
	each(404, "webhook-not-found", "/nothing")
	e.hooks.set(func() { e.hooks.err = booking.ErrStoreUnavailable })
	each(503, "store-unavailable", one)
	ask(503, "store-unavailable", "GET", "", "")
	ask(503, "store-unavailable", "POST", "", `{"url":"https://example.org/"}`)
	e.hooks.set(func() { e.hooks.err = webhook.ErrTooMany })
	ask(409, "webhook-limit-reached", "POST", "", `{"url":"https://example.org/"}`)
	ask(409, "webhook-limit-reached", "POST", one+"/test", "")
	e.hooks.set(func() {
		e.hooks.err = &webhook.WishError{Faults: []webhook.Fault{{Member: "url", Message: "want https"}}}
	})
	if r := ask(400, "invalid-request", "POST", "", `{"url":"http://example.org/"}`); !strings.Contains(r.raw, `"field":"url"`) {
		t.Errorf("a fault is not named: %s", r.raw)
	}
}
