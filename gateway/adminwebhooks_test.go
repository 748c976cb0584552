package gateway

import (
	"context"
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
	ask(204, "", "DELETE", one, "")
	each := func(status int, slug string, of string) {
		t.Helper()
		ask(status, slug, "GET", of, "")
		ask(status, slug, "DELETE", of, "")
		ask(status, slug, "POST", of+"/rotate", "")
		ask(status, slug, "POST", of+"/replay", `{"after":"msg_1"}`)
		ask(status, slug, "POST", of+"/test", "")
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
