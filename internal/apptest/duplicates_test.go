package apptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// duplicates is how often each call is made at once.
const duplicates = 1000

const duplicatesRooms = `{"rooms": [{"room": "room", "name": "The Room", "method": "fifo", "events": ["concert"], "capacity": 20, "calls_per_minute": 60000,
	"session_seconds": 600, "grace_seconds": 600, "poll_floor_seconds": 0.05, "renewable": true, "session_cap_seconds": 3600}]}`

// post is one POST of the API, and what a thousand of it at once, and one after its answer was lost, must come to.
type post struct {
	call   string                     // as /openapi.json names it
	path   func(w *posting) string    // nil: call
	body   func(w *posting) any       // nil: none
	before func(w *posting)           // what must be there
	learn  func(w *posting, a Answer) // what the next calls need
	status int                        // of the answer
	effect func(w *posting) string    // what it has done, as the stores or the API tell; the same before and after a repeat
	again  int                        // the status of a repeat whose first answer was lost; 0: the same answer to the byte
}

// posting is the fan who makes them, one after the other.
type posting struct {
	t       *testing.T
	s       *System
	fan     *Fan
	client  *http.Client
	event   string
	tickets []string
	booking string
}

func (w *posting) rows(sql string, args ...any) string {
	return strings.Join(w.s.Query(sql, args...), " · ")
}

func (w *posting) held() string {
	a := w.fan.Do("GET", "/api/v1/events/"+w.event+"/holds", nil)
	list, _ := a.Body["tickets"].([]any)
	return fmt.Sprintf("%d held until %v", len(list), a.Body["expiration_time"])
}

// number is the fan's place in line. Who asks again at once is told to wait.
func (w *posting) number() string {
	var a Answer
	within(w.t, 20*time.Second, "place", func() bool {
		a = w.fan.Do("GET", "/api/v1/rooms/room/place", nil)
		return a.Status == http.StatusOK
	})
	return fmt.Sprint(a.Body["number"])
}

// another fan reserves a seat: the session of the first is over when he has paid.
func (w *posting) another() {
	w.t.Helper()
	w.fan = NewFan(w.t, client, w.s.Public[0])
	waitInLine(w.t, w.fan)
	must(w.t, w.fan.Hold(w.event, w.tickets[9]), 201)
	w.booking = must(w.t, w.fan.Book("another", w.tickets[9]), 201).Str("booking_id")
}

func of(before, after string, id func(w *posting) string) func(w *posting) string {
	return func(w *posting) string { return before + id(w) + after }
}

func theEvent(w *posting) string   { return w.event }
func theBooking(w *posting) string { return w.booking }

// posts are all of them, in the order in which one fan can make them. TestTheTableHasEveryPost holds it to the API.
var posts = []post{
	{call: "/api/v1/visitors", status: 201, again: 201 /* another: nobody has the first */, learn: func(w *posting, a Answer) { w.fan.Visitor = a.Str("visitor") }},
	{call: "/api/v1/rooms/{room}/join", path: of("/api/v1/rooms/", "/join", func(*posting) string { return "room" }), status: 201, again: 200,
		learn:  func(w *posting, a Answer) { w.fan.Place = a.Str("place") },
		effect: (*posting).number},
	{call: "/api/v1/rooms/{room}/enter", path: of("/api/v1/rooms/", "/enter", func(*posting) string { return "room" }), status: 200, again: 200,
		before: func(w *posting) {
			within(w.t, 20*time.Second, "called", func() bool { return w.fan.Do("GET", "/api/v1/rooms/room/place", nil).Str("state") == "called" })
		},
		learn:  func(w *posting, a Answer) { w.fan.keepPass(a) },
		effect: func(w *posting) string { return w.rows("SELECT count(*) FROM admissions") }},
	{call: "/api/v1/rooms/{room}/renew", path: of("/api/v1/rooms/", "/renew", func(*posting) string { return "room" }), status: 200, again: 200,
		learn: func(w *posting, a Answer) { w.fan.keepPass(a) }},
	{call: "/api/v1/events/{event_id}/ticket/{ticket_id}/hold", status: 201, again: 200,
		path:   func(w *posting) string { return "/api/v1/events/" + w.event + "/ticket/" + w.tickets[0] + "/hold" },
		effect: (*posting).held},
	{call: "/api/v1/events/{event_id}/holds", path: of("/api/v1/events/", "/holds", theEvent), status: 201,
		body:   func(*posting) any { return map[string]any{"best_available": map[string]any{"quantity": 2}} },
		effect: (*posting).held},
	{call: "/api/v1/events/{event_id}/holds/extend", path: of("/api/v1/events/", "/holds/extend", theEvent), status: 200, again: 200},
	{call: "/api/v1/booking", status: 201,
		body:   func(w *posting) any { return map[string]any{"ticketIds": w.tickets[:1]} },
		learn:  func(w *posting, a Answer) { w.booking = a.Str("booking_id"); w.fan.keepPass(a) },
		effect: func(w *posting) string { return w.rows("SELECT count(*) FROM bookings") }},
	{call: "/api/v1/booking/{booking_id}/extend", path: of("/api/v1/booking/", "/extend", theBooking), status: 200,
		learn:  func(w *posting, a Answer) { w.fan.keepPass(a) },
		effect: func(w *posting) string { return w.rows("SELECT expiration_time::text FROM bookings") }},
	{call: "/api/v1/booking/{booking_id}/confirm", path: of("/api/v1/booking/", "/confirm", theBooking), status: 200,
		body: func(*posting) any {
			return map[string]any{"paymentDetails": map[string]any{"method": "sandbox", "token": "tok_ok"}}
		},
		effect: func(w *posting) string { return w.rows("SELECT count(*), count(captured_at) FROM sandbox_ledger") }},
	{call: "/api/v1/booking/{booking_id}/cancel", path: of("/api/v1/booking/", "/cancel", theBooking), status: 200,
		before: func(w *posting) { w.another() },
		effect: func(w *posting) string {
			return w.rows("SELECT status::text, count(*) FROM bookings GROUP BY 1 ORDER BY 1")
		}},
	{call: "/api/v1/rooms/{room}/leave", path: of("/api/v1/rooms/", "/leave", func(*posting) string { return "room" }), status: 204},
}

// Every POST of the API, a thousand times at once under one key at two gateways, has one effect and one answer; and when the gateway dies after the
// effect and before the answer is kept, the repeat has no second effect, and gets the answer.
func TestAThousandDuplicatesOfEveryPostAreOne(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: eventOf(40), Rooms: duplicatesRooms})
	transport := &http.Transport{MaxIdleConnsPerHost: duplicates}
	t.Cleanup(transport.CloseIdleConnections)
	w := &posting{t: t, s: s, event: s.EventID(), client: &http.Client{Transport: transport, Timeout: time.Minute}}
	w.fan = &Fan{t: t, client: client, Base: s.Public[0]}
	w.tickets, _ = w.fan.Tickets(w.event)
	for _, p := range posts {
		w.one(p)
	}
	s.CheckTruth()
}

func (w *posting) one(p post) {
	w.t.Helper()
	if p.before != nil {
		p.before(w)
	}
	path, key, body := p.call, "key of "+p.call, any(nil)
	key = strings.ReplaceAll(key, " ", "_")
	if p.path != nil {
		path = p.path(w)
	}
	if p.body != nil {
		body = p.body(w)
	}
	answers := w.many(path, body, key)
	first := answers[0]
	replayed := 0
	for _, a := range answers {
		if a.Status != p.status || string(a.Raw) != string(first.Raw) {
			w.t.Fatalf("%s: one says %s, another %s", p.call, first, a)
		}
		if a.Header.Get("Idempotent-Replayed") == "true" {
			replayed++
		}
	}
	if replayed != len(answers)-1 {
		w.t.Errorf("%s: %d of %d answers are replayed, want all but one", p.call, replayed, len(answers))
	}
	did := ""
	if p.effect != nil && p.learn == nil {
		did = p.effect(w)
	}
	asked := *w.fan // a repeat is made with the credentials of the first
	if p.learn != nil {
		p.learn(w, first)
		if p.effect != nil {
			did = p.effect(w)
		}
	}
	w.s.Query("UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, locked_until = now()")
	asked.Base = w.s.Public[1]
	again := asked.Do("POST", path, body, "Idempotency-Key", key)
	if p.again == 0 && (again.Status != p.status || string(again.Raw) != string(first.Raw)) || p.again != 0 && again.Status != p.again || again.Header.Get("Idempotent-Replayed") != "" {
		w.t.Errorf("%s: its answer was lost, and the repeat says %s, the first %s", p.call, again, first)
	}
	if p.effect != nil {
		if now := p.effect(w); now != did {
			w.t.Errorf("%s: after the repeat of a lost answer there is %s, before %s", p.call, now, did)
		}
		w.t.Logf("%s: %s", p.call, did)
	}
}

// many sends a request a thousand times at once. Who is told that the first is still running asks again, as the contract says.
func (w *posting) many(path string, body any, key string) []Answer {
	answers := make([]Answer, duplicates)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			f := *w.fan
			f.client, f.Base = w.client, w.s.Public[i%2]
			for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
				answers[i] = f.Do("POST", path, body, "Idempotency-Key", key)
				if a := answers[i]; a.Status != 0 && a.Status != http.StatusServiceUnavailable && a.Problem() != "request-in-progress" {
					return
				}
			}
		})
	}
	all.Wait()
	return answers
}

// Without a key each is a wish of its own: what the proof above sees is the key's doing.
func TestControlWithoutAKeyDuplicatesAreManyVisitors(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{})
	seen := map[string]bool{}
	for range 10 {
		seen[NewFan(t, client, s.Public[0]).Visitor] = true
	}
	if len(seen) != 10 {
		t.Errorf("ten calls made %d visitors", len(seen))
	}
}

// A new POST cannot be forgotten.
func TestTheTableHasEveryPost(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{})
	a := must(t, NewFan(t, client, s.Public[0]).Do("GET", "/openapi.json", nil), 200)
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(a.Raw, &doc); err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, calls := range doc.Paths {
		if _, ok := calls["post"]; !ok || !strings.HasPrefix(path, "/api/v1/") {
			continue
		}
		if count++; !slices.ContainsFunc(posts, func(p post) bool { return p.call == path }) {
			t.Errorf("POST %s is not among posts: what do a thousand of it come to?", path)
		}
	}
	if count != len(posts) {
		t.Errorf("the API has %d POSTs, and the table %d", count, len(posts))
	}
}
