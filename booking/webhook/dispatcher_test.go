package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/booking/event"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/booking/webhook"
	"usher/internal/id"
	"usher/internal/testenv"
)

const patience = 30 * time.Second

// got is one request that a receiver had.
type got struct {
	id, body string
	status   int
}

// receiver is an organiser's server, which checks every signature.
type receiver struct {
	t   *testing.T
	url string

	mu      sync.Mutex // guards all below
	secrets []string   // as the API tells them; any of them may have signed
	heard   []got
	answer  func(r *http.Request, body string) int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, answer: func(*http.Request, string) int { return 200 }}
	s := httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(s.Close)
	r.url = s.URL + "/hook"
	return r
}

func (r *receiver) serve(w http.ResponseWriter, in *http.Request) {
	body, err := io.ReadAll(in.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	answer, secrets := r.answer, slices.Clone(r.secrets)
	r.mu.Unlock()
	if !slices.ContainsFunc(secrets, func(secret string) bool { return verified(secret, in.Header, body) }) {
		r.t.Errorf("a message without a good signature: %v", in.Header)
	}
	status := answer(in, string(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, got{in.Header.Get("webhook-id"), string(body), status})
	w.WriteHeader(status)
}

// verified is what docs/webhooks.md tells receivers to do.
func verified(secret string, h http.Header, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", h.Get("webhook-id"), h.Get("webhook-timestamp"), body)
	for signature := range strings.FieldsSeq(h.Get("webhook-signature")) {
		given, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1,"))
		if err == nil && hmac.Equal(given, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

func (r *receiver) say(answer func(in *http.Request, body string) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// taken are the ids of the messages that were answered with a success, in order. One may be there twice: see distinct.
func (r *receiver) taken() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.heard {
		if g.status < 300 {
			ids = append(ids, g.id)
		}
	}
	return ids
}

// distinct are the ids of taken, each once: a message may come again when nobody knows whether it was taken.
func (r *receiver) distinct() (ids []string) {
	for _, id := range r.taken() {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// asked are the ids of the messages that came at all, each once.
func (r *receiver) asked() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[string]bool{}
	for _, g := range r.heard {
		ids[g.id] = true
	}
	return ids
}

func (r *receiver) requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heard)
}

type rig struct {
	t      *testing.T
	store  *pgstore.Store
	office *webhook.Office
	failed atomic.Int64 // rounds that came to nothing, and turns as leader that were lost: what they delivered may come again
}

func newRig(t *testing.T) *rig {
	t.Helper()
	s := pgtest.Open(t, 12)
	return &rig{t: t, store: s, office: webhook.NewOffice(s, true)}
}

func (r *rig) start() (stop func()) {
	r.t.Helper()
	return testenv.Running(r.t, webhook.NewDispatcher(r.store, webhook.NewClient(true), slog.New(slog.NewTextHandler(r, nil))).Run)
}

// Write hears what a dispatcher logs.
func (r *rig) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("level=WARN")) {
		r.failed.Add(1)
	}
	return len(line), nil
}

func (r *rig) subscribe(to *receiver, wish webhook.Wish) webhook.Webhook {
	r.t.Helper()
	wish.URL = to.url
	w, err := r.office.Create(r.t.Context(), wish)
	if err != nil {
		r.t.Fatal(err)
	}
	to.knows(w)
	return w
}

func (r *receiver) knows(w webhook.Webhook) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = append(r.secrets, webhook.SecretText(w.Secrets[0]))
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.store.Pool().Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

// hurry makes what waits due. A round that is under way may set a later time behind its back, so it is said again until something has happened.
func (r *rig) hurry() {
	r.t.Helper()
	r.exec(`UPDATE webhook_retries SET next_at = now()`)
	r.exec(`UPDATE webhooks SET next_at = now()`)
}

func (r *rig) is(w webhook.Webhook) webhook.Webhook {
	r.t.Helper()
	now, err := r.office.Get(r.t.Context(), w.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return now
}

func (r *rig) eventually(what string, ready func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// happens puts events into the outbox and hands them on as a relay does, half of them while the seat map is away.
func (r *rig) happens(events ...event.Event) {
	r.t.Helper()
	var ids []int64
	for _, e := range events {
		payload, err := json.Marshal(e)
		if err != nil {
			r.t.Fatal(err)
		}
		var row int64
		if err := r.store.Pool().QueryRow(r.t.Context(), `INSERT INTO outbox (topic, key, payload) VALUES ($1, $2, $3) RETURNING id`, event.Topic, e.Event.String(), payload).Scan(&row); err != nil {
			r.t.Fatal(err)
		}
		ids = append(ids, row)
	}
	if err := errors.Join(r.store.MarkSent(r.t.Context(), ids[:len(ids)/2]), r.store.MarkSent(r.t.Context(), ids[:len(ids)/2]), r.store.Delivered(r.t.Context(), ids), r.store.Delivered(r.t.Context(), ids)); err != nil {
		r.t.Fatal(err)
	}
}

func change(kind event.Kind, e id.Event, booking byte) event.Event {
	return event.Event{ID: id.NewKey().String(), Kind: kind, Event: e, Booking: id.Key{booking}, Owner: id.Visitor{1}, Seats: []event.SeatChange{{Seat: 1, Version: 1, State: 1}}, At: time.Now()}
}

const (
	one = id.Event(322<<27 | 1)
	two = id.Event(322<<27 | 2)
)

func TestEveryReceiverGetsWhatItAskedForOnceAndInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.happens(change(event.BookingReserved, one, 1)) // nobody listens yet
	if n := pgtest.Count(t, r.store, `SELECT count(*) FROM webhook_events`); n != 0 {
		t.Errorf("%d rows are logged for nobody", n)
	}
	all, some := newReceiver(t), newReceiver(t)
	everything := r.subscribe(all, webhook.Wish{})
	few := r.subscribe(some, webhook.Wish{Kinds: []string{"booking.confirmed"}, Events: []id.Event{two}})
	r.start()
	var events []event.Event
	for b := range byte(30) {
		events = append(events, change(event.BookingReserved, one, b+1), change(event.BookingConfirmed, one, b+1), change(event.BookingReserved, two, b+1), change(event.BookingConfirmed, two, b+1))
	}
	r.happens(events...)
	r.eventually("all messages", func() bool { return len(all.distinct()) == len(events) && len(some.distinct()) == 30 })
	r.eventually("an empty queue", func() bool {
		return pgtest.Count(t, r.store, `SELECT count(*) FROM webhooks WHERE cursor < (SELECT max(seq) FROM webhook_events)`) == 0
	})
	ids := all.taken()
	twice := len(ids) != len(events) || len(some.taken()) != 30
	if twice && r.failed.Load() == 0 && r.is(everything).LastError+r.is(few).LastError == "" || len(all.distinct()) != len(events) || len(some.distinct()) != 30 {
		t.Errorf("%d messages, %d distinct, and %d of one kind", len(ids), len(all.distinct()), len(some.taken()))
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	last := map[string]string{} // by booking
	seen := map[string]bool{}
	for _, g := range all.heard {
		if seen[g.id] {
			continue
		}
		seen[g.id] = true
		var l struct {
			Type string
			Data struct {
				Booking string `json:"booking_id"`
			}
		}
		if err := json.Unmarshal([]byte(g.body), &l); err != nil {
			t.Fatal(err)
		}
		if before := last[l.Data.Booking]; l.Type == "booking.confirmed" && before != "booking.reserved" || l.Type == "booking.reserved" && before != "" {
			t.Errorf("booking %s: %s after %q", l.Data.Booking, l.Type, before)
		}
		last[l.Data.Booking] = l.Type
	}
}

func TestWhatFailsIsRepeatedUnderItsIDAndTheBookingWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	to := newReceiver(t)
	poisoned := id.Booking{Event: one, Key: id.Key{1}}.String()
	to.say(func(_ *http.Request, body string) int {
		if strings.Contains(body, poisoned) {
			return 500
		}
		return 200
	})
	w := r.subscribe(to, webhook.Wish{})
	r.start()
	r.happens(change(event.BookingReserved, one, 1), change(event.BookingReserved, one, 2), change(event.BookingPaying, one, 1), change(event.BookingConfirmed, one, 1), change(event.BookingPaying, one, 2))
	r.eventually("the other booking, and three that wait", func() bool { return len(to.distinct()) == 2 && r.is(w).Waiting == 3 })
	r.happens(change(event.SeatsBlocked, one, 0), change(event.BookingCancelled, one, 1)) // comes behind those that wait
	r.eventually("four that wait", func() bool { return len(to.distinct()) == 3 && r.is(w).Waiting == 4 })
	if now := r.is(w); now.LastError != "answered 500" || now.SetAside != 0 {
		t.Errorf("the webhook tells %+v", now)
	}
	to.say(func(*http.Request, string) int { return 204 })
	r.eventually("all", func() bool { r.hurry(); return len(to.distinct()) == 7 && r.is(w).Waiting == 0 })
	ids := to.distinct()[3:]
	if !slices.IsSortedFunc(ids, func(a, b string) int { return number(t, a) - number(t, b) }) {
		t.Errorf("the booking's messages came as %v", ids)
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	if !slices.ContainsFunc(to.heard, func(g got) bool { return g.status == 500 && g.id == ids[0] }) {
		t.Errorf("%s was not refused before: %+v", ids[0], to.heard)
	}
}

func number(t *testing.T, message string) int {
	t.Helper()
	seq, ok := webhook.ParseMessageID(message)
	if !ok {
		t.Fatalf("%q is no message's id", message)
	}
	return int(seq)
}

func TestAfterThreeDaysAMessageIsSetAsideAndReplayBringsItBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	to := newReceiver(t)
	to.say(func(*http.Request, string) int { return 503 })
	w := r.subscribe(to, webhook.Wish{})
	stop := r.start()
	r.happens(change(event.BookingReserved, one, 1), change(event.BookingPaying, one, 1))
	r.eventually("two that wait", func() bool { return pgtest.Count(t, r.store, `SELECT count(*) FROM webhook_retries`) == 2 })
	r.exec(`UPDATE webhook_retries SET first_at = now() - interval '3 days' WHERE seq = (SELECT min(seq) FROM webhook_retries)`)
	r.eventually("one set aside, and the next one tried", func() bool {
		r.hurry()
		n := r.is(w)
		return n.SetAside == 1 && n.Waiting == 1 && len(to.asked()) == 2
	})
	stop()
	to.say(func(*http.Request, string) int { return 200 })
	if now, err := r.office.Replay(t.Context(), w.ID, 0, time.Now().Add(-time.Hour)); err != nil || now.SetAside != 0 || now.Waiting != 2 {
		t.Errorf("after a replay: %+v, %v", now, err)
	}
	r.start()
	r.eventually("both, and their notes", func() bool { return len(to.distinct()) == 2 && r.is(w).Waiting == 0 })
	before := to.taken()
	if _, err := r.office.Replay(t.Context(), w.ID, int64(number(t, before[0])), time.Time{}); err != nil {
		t.Fatal(err)
	}
	r.eventually("the second again", func() bool { return len(to.taken()) > len(before) })
	if again, ids := to.taken()[len(before)], to.distinct(); len(ids) != 2 || again != ids[1] {
		t.Errorf("%s after %v: a replay must have the ids of the first time", again, before)
	}
}

// What was set aside is shown, and each message goes again or is dropped, as the operator says. Of another webhook, and of what was not set aside, nothing can be.
func TestWhatIsSetAsideGoesAgainOrIsDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	to := newReceiver(t)
	to.say(func(*http.Request, string) int { return 503 })
	w, other := r.subscribe(to, webhook.Wish{}), r.subscribe(newReceiver(t), webhook.Wish{Events: []id.Event{two}})
	stop := r.start()
	r.happens(change(event.BookingReserved, one, 1), change(event.BookingReserved, one, 2), change(event.SeatsBlocked, one, 0), change(event.BookingReserved, one, 3))
	r.eventually("four that wait", func() bool {
		return pgtest.Count(t, r.store, `SELECT count(*) FROM webhook_retries WHERE webhook_id = $1`, [16]byte(w.ID)) == 4
	})
	stop()
	list := func(of webhook.Webhook, cursor string) []webhook.Aside {
		t.Helper()
		page, next, err := r.office.SetAside(t.Context(), of.ID, cursor)
		if err != nil || next != "" {
			t.Fatal(next, err)
		}
		return page
	}
	if some := list(w, ""); len(some) > 0 {
		t.Errorf("what waits is shown as set aside: %+v", some)
	}
	r.exec(`UPDATE webhook_retries SET set_aside_at = now() WHERE seq < (SELECT max(seq) FROM webhook_retries)`)
	all := list(w, "")
	if len(all) != 3 || len(list(other, "")) != 0 || len(list(w, webhook.MessageID(all[0].Seq))) != 2 || len(list(w, "test_1")) != 3 {
		t.Fatalf("set aside: %+v", all)
	}
	kind, e, b := all[1].About()
	if kind != event.BookingReserved || e != one || b == nil || b.Key != (id.Key{2}) || all[1].Error != "answered 503" && all[1].Error != "not tried yet" || all[1].At.Before(all[1].FirstAt) {
		t.Errorf("%s of %s, %v: %+v", kind, e, b, all[1])
	}
	if kind, e, b := all[2].About(); kind != event.SeatsBlocked || e != one || b != nil {
		t.Errorf("seats that belong to no booking: %s of %s, %v", kind, e, b)
	}
	waits := webhook.MessageID(all[2].Seq + 1)
	for what, do := range map[string]func(ctx context.Context, of id.Key, message string) error{"again": r.office.TryAgain, "dropped": r.office.DropAside} {
		for _, message := range []string{waits, "msg_999999", "test_1", "42", "", "msg_-1", "test_99999999999999999999"} {
			if err := do(t.Context(), w.ID, message); !errors.Is(err, webhook.ErrNoMessage) {
				t.Errorf("%s: %q: %v", what, message, err)
			}
		}
		if err := do(t.Context(), other.ID, webhook.MessageID(all[0].Seq)); !errors.Is(err, webhook.ErrNoMessage) {
			t.Errorf("%s: another's: %v", what, err)
		}
	}
	if _, _, err := r.office.SetAside(t.Context(), w.ID, "forged"); !errors.Is(err, webhook.ErrBadCursor) {
		t.Errorf("a forged cursor: %v", err)
	}
	to.say(func(*http.Request, string) int { return 200 })
	again, dropped, left := webhook.MessageID(all[0].Seq), webhook.MessageID(all[1].Seq), webhook.MessageID(all[2].Seq)
	if err := errors.Join(r.office.TryAgain(t.Context(), w.ID, again), r.office.DropAside(t.Context(), w.ID, dropped)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.office.TryAgain(t.Context(), w.ID, again)); !errors.Is(err, webhook.ErrNoMessage) {
		t.Errorf("twice: %v", err)
	}
	r.start()
	r.eventually("what goes again, and what waited", func() bool {
		r.hurry()
		return slices.Contains(to.taken(), again) && slices.Contains(to.taken(), waits) && r.is(w).Waiting == 0
	})
	if rest := list(w, ""); len(rest) != 1 || webhook.MessageID(rest[0].Seq) != left || slices.Contains(to.taken(), dropped) || slices.Contains(to.taken(), left) {
		t.Errorf("left are %+v, and %v were taken", rest, to.taken())
	}
}

// A page of what was set aside is bounded, and the next one goes on behind it.
func TestWhatIsSetAsideIsShownInPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.subscribe(newReceiver(t), webhook.Wish{})
	r.exec(`INSERT INTO webhook_retries (webhook_id, seq, key, payload, tries, first_at, next_at, error, set_aside_at)
		SELECT $1, n, 'k', '', 1, now(), now(), '', now() FROM generate_series(-5, 244) AS n WHERE n <> 0`, [16]byte(w.ID))
	var seen []int64
	pages, cursor := 0, ""
	for next := "more"; next != ""; pages++ {
		page, after, err := r.office.SetAside(t.Context(), w.ID, cursor)
		if err != nil || len(page) == 0 || len(page) > 100 || pages > 3 {
			t.Fatalf("page %d: %d messages, %v", pages, len(page), err)
		}
		for _, a := range page {
			seen = append(seen, a.Seq)
		}
		next, cursor = after, after
	}
	if len(seen) != 249 || pages != 3 || !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != 249 {
		t.Errorf("%d messages on %d pages: %v", len(seen), pages, seen)
	}
}

func TestAReceiverThatTakesNothingIsLeftAloneAndThenSwitchedOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dead, well := newReceiver(t), newReceiver(t)
	dead.say(func(*http.Request, string) int { return 500 })
	w := r.subscribe(dead, webhook.Wish{})
	r.subscribe(well, webhook.Wish{})
	r.start()
	var events []event.Event
	for b := range byte(200) {
		events = append(events, change(event.BookingReserved, one, b+1))
	}
	r.happens(events...)
	r.eventually("the other receiver", func() bool { return len(well.distinct()) == len(events) })
	r.eventually("the circuit", func() bool { return r.is(w).Failures >= 5 })
	if n := dead.requests(); n > 20 {
		t.Errorf("%d requests to a receiver that takes nothing", n)
	}
	r.exec(`UPDATE webhooks SET failing_since = now() - interval '4 days' WHERE id = $1`, [16]byte(w.ID))
	r.eventually("its end", func() bool { r.hurry(); return !r.is(w).DisabledAt.IsZero() })
	before := dead.requests()
	r.happens(change(event.BookingReserved, two, 1))
	r.eventually("the other receiver", func() bool { return len(well.distinct()) == len(events)+1 })
	if n := dead.requests(); n != before {
		t.Errorf("%d requests to a receiver that is switched off", n-before)
	}
	dead.say(func(*http.Request, string) int { return 200 })
	if _, err := r.office.Replay(t.Context(), w.ID, 0, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	r.eventually("all of it", func() bool { return len(dead.distinct()) == len(events)+1 && r.is(w).Failures == 0 })
}

func TestASlowReceiverDelaysNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow, quick := newReceiver(t), newReceiver(t)
	release := make(chan struct{})
	slow.say(func(*http.Request, string) int { <-release; return 200 })
	r.subscribe(slow, webhook.Wish{})
	r.subscribe(quick, webhook.Wish{})
	r.start()
	for b := range byte(3) {
		r.happens(change(event.BookingReserved, one, b+1), change(event.BookingReserved, two, b+1))
		r.eventually("the quick one", func() bool { return len(quick.distinct()) == 2*int(b)+2 })
	}
	if n := len(slow.taken()); n != 0 {
		t.Errorf("the slow one has taken %d: this test is none", n)
	}
	close(release)
	r.eventually("the slow one", func() bool { r.hurry(); return len(slow.distinct()) == 6 }) // a delivery that waited for too long is repeated
}

func TestASecretIsReplacedWhileBothAreGood(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	old, fresh := newReceiver(t), newReceiver(t)
	w := r.subscribe(old, webhook.Wish{})
	r.start()
	rotated, err := r.office.Rotate(t.Context(), w.ID)
	if err != nil || len(rotated.Secrets) != 2 || slices.Equal(rotated.Secrets[0], rotated.Secrets[1]) || !slices.Equal(rotated.Secrets[1], w.Secrets[0]) || rotated.OldUntil.Before(time.Now()) {
		t.Fatalf("%+v, %v", rotated, err)
	}
	r.happens(change(event.BookingReserved, one, 1))
	r.eventually("a message that the old secret signed", func() bool { return len(old.distinct()) == 1 })
	fresh.knows(rotated)
	r.exec(`UPDATE webhooks SET url = $1, version = version + 1`, fresh.url) // a round that still has the old one comes to nothing
	r.happens(change(event.BookingPaying, one, 1))
	r.eventually("a message that the new secret signed", func() bool { return len(fresh.distinct()) >= 1 })
	r.exec(`UPDATE webhooks SET old_until = now()`)
	if now := r.is(w); len(now.Secrets) != 1 || !slices.Equal(now.Secrets[0], rotated.Secrets[0]) {
		t.Errorf("the old secret signs for ever: %+v", now)
	}
}

func TestATestMessageTellsWhetherAReceiverIsWell(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	to := newReceiver(t)
	w := r.subscribe(to, webhook.Wish{Events: []id.Event{two}})
	for range webhook.MaxTests {
		if _, err := r.office.Test(t.Context(), w.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.office.Test(t.Context(), w.ID); !errors.Is(err, webhook.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	r.start()
	r.eventually("the tests", func() bool { return len(to.distinct()) == webhook.MaxTests && !r.is(w).LastSuccess.IsZero() })
	to.mu.Lock()
	defer to.mu.Unlock()
	if first := to.heard[0]; !strings.HasPrefix(first.id, "test_") || !strings.Contains(first.body, `"type":"webhook.test"`) {
		t.Errorf("%+v", first)
	}
}

// A signature that is not the receiver's is what the receivers of all tests here refuse. This is the control.
func TestAnotherSecretDoesNotVerify(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	h.Set("webhook-id", "msg_1")
	h.Set("webhook-timestamp", "1")
	key := []byte("0123456789abcdef01234567")
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte("msg_1.1.{}"))
	h.Set("webhook-signature", "v1,AAAA v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	if !verified(webhook.SecretText(key), h, []byte("{}")) {
		t.Error("its own secret does not verify")
	}
	if verified(webhook.SecretText(key[1:]), h, []byte("{}")) || verified(webhook.SecretText(key), h, []byte("{ }")) {
		t.Error("anything verifies")
	}
}

// Of two who deliver one writes what came of it; the other's turn is void. Then a message may come twice, under one id.
func TestATurnCountsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.subscribe(newReceiver(t), webhook.Wish{})
	turn := webhook.Turn{Webhook: w.ID, Version: w.Version, Cursor: 7, Again: []webhook.Again{{Message: webhook.Message{Seq: 5, Key: "k", Payload: []byte("{}")}}}}
	if err := r.store.SaveTurn(t.Context(), turn); err != nil {
		t.Fatal(err)
	}
	turn.Cursor, turn.Again = 9, []webhook.Again{{Message: webhook.Message{Seq: 6, Key: "k", Payload: []byte("{}")}}}
	if err := r.store.SaveTurn(t.Context(), turn); !errors.Is(err, webhook.ErrMoved) {
		t.Errorf("the second: %v", err)
	}
	if now := r.is(w); now.Cursor != 7 || pgtest.Count(t, r.store, `SELECT count(*) FROM webhook_retries`) != 1 {
		t.Errorf("%+v", now)
	}
}

func TestOfSeveralOneDelivers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	to := newReceiver(t)
	w := r.subscribe(to, webhook.Wish{})
	stop := r.start()
	r.happens(change(event.BookingReserved, one, 1))
	r.eventually("the first", func() bool { return len(to.taken()) == 1 })
	r.start()
	r.happens(change(event.BookingReserved, one, 2))
	r.eventually("the second, and its note", func() bool { return len(to.taken()) == 2 && r.is(w).Waiting == 0 }) // who is stopped in the middle of an answer has to ask again
	stop()
	r.happens(change(event.BookingReserved, one, 3))
	r.eventually("the third, by the other", func() bool { return len(to.taken()) >= 3 })
	if n := to.requests(); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

func TestWhoStopsInTheMiddleOfARoundNotesWhatWasTaken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	to := newReceiver(t)
	w := r.subscribe(to, webhook.Wish{})
	cut := make(chan struct{})
	to.say(func(in *http.Request, _ string) int {
		if len(to.taken()) == 0 {
			return 200
		}
		close(cut)
		<-in.Context().Done()
		panic(http.ErrAbortHandler)
	})
	r.happens(change(event.BookingReserved, one, 1), change(event.BookingPaying, one, 1)) // a line, of one booking: the second waits until the first was taken
	stop := r.start()
	<-cut
	stop()
	if now := r.is(w); now.Waiting != 1 || now.Failures != 0 {
		t.Errorf("the first was taken and the second cut, and this is noted: %+v", now)
	}
	to.say(func(*http.Request, string) int { return 200 })
	r.start()
	r.eventually("the second", func() bool { return len(to.taken()) >= 2 })
	if ids := to.taken(); ids[0] == ids[1] {
		t.Errorf("the first is delivered twice: %v", ids)
	}
}

func TestTheLogIsForgottenAfterAWeek(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.subscribe(newReceiver(t), webhook.Wish{})
	r.happens(change(event.BookingReserved, one, 1), change(event.BookingReserved, one, 2), change(event.BookingReserved, one, 3))
	r.exec(`UPDATE webhook_events SET created_at = now() - interval '8 days' WHERE seq <> (SELECT max(seq) FROM webhook_events)`)
	r.exec(`INSERT INTO webhook_retries (webhook_id, seq, key, payload, tries, first_at, next_at, error, set_aside_at)
		SELECT $1, n, 'k', '', 1, now(), now(), '', now() - make_interval(days => n) FROM unnest(ARRAY[26, 27, 29]) AS n`, [16]byte(w.ID))
	if n, err := r.store.PurgeWebhooks(t.Context(), webhook.Keep); err != nil || n != 3 {
		t.Errorf("%d rows are forgotten, want two of the log and one set aside: %v", n, err)
	}
	if n := pgtest.Count(t, r.store, `SELECT count(*) FROM webhook_events`); n != 1 {
		t.Errorf("%d rows are left", n)
	}
}

func TestOperatorsAreToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	strict := webhook.NewOffice(r.store, false)
	var wrong *webhook.WishError
	_, err := strict.Create(t.Context(), webhook.Wish{URL: "http://127.0.0.1/", Kinds: []string{"booking.confirmed", "booking.sold"}, Events: make([]id.Event, webhook.MaxEvents+1)})
	if !errors.As(err, &wrong) || len(wrong.Faults) != 3 {
		t.Errorf("%v", err)
	}
	for name, ask := range map[string]func(ctx context.Context, of id.Key) error{
		"get":               func(ctx context.Context, of id.Key) error { _, err := strict.Get(ctx, of); return err },
		"delete":            strict.Delete,
		"rotate":            func(ctx context.Context, of id.Key) error { _, err := strict.Rotate(ctx, of); return err },
		"test":              func(ctx context.Context, of id.Key) error { _, err := strict.Test(ctx, of); return err },
		"what is set aside": func(ctx context.Context, of id.Key) error { _, _, err := strict.SetAside(ctx, of, ""); return err },
		"again":             func(ctx context.Context, of id.Key) error { return strict.TryAgain(ctx, of, "msg_1") },
		"drop":              func(ctx context.Context, of id.Key) error { return strict.DropAside(ctx, of, "msg_1") },
		"replay": func(ctx context.Context, of id.Key) error {
			_, err := strict.Replay(ctx, of, 1, time.Time{})
			return err
		},
	} {
		if err := ask(t.Context(), id.NewKey()); !errors.Is(err, webhook.ErrNotFound) {
			t.Errorf("%s of none: %v", name, err)
		}
	}
	for range webhook.MaxWebhooks {
		if _, err := strict.Create(t.Context(), webhook.Wish{URL: "https://example.org/"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := strict.Create(t.Context(), webhook.Wish{URL: "https://example.org/"}); !errors.Is(err, webhook.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	all, err := strict.List(t.Context())
	if err != nil || len(all) != webhook.MaxWebhooks {
		t.Fatalf("%d webhooks, %v", len(all), err)
	}
	if err := strict.Delete(t.Context(), all[0].ID); err != nil {
		t.Error(err)
	}
}
