package apptest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/internal/contract"
	"usher/internal/problem"
)

// unprovoked are the problems that no caller can bring about in a system that works, each with what would.
var unprovoked = map[string]string{
	"internal":   "a fault of ours",
	"overloaded": "more calls under way than one desk takes at once: thousands",
}

// trouble is a system with short times, whose answers are counted apart from those of other tests.
type trouble struct {
	*System
	*world
	t      *testing.T
	client *http.Client
}

// Every problem that is registered occurs in one system, and nothing that the contract does not name.
func TestEveryProblemOccurs(t *testing.T) {
	t.Parallel()
	seen, err := contract.NewTransport(&http.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	s := Start(t, Options{Catalog: threeEvents(40), Rooms: badRooms, Env: map[string]string{
		"USHER_HOLD": "10s", "USHER_HOLD_CAP": "12s", "USHER_CHECKOUT": "10s", "USHER_SEAT_LIMIT": "3", "USHER_BOOK_WAIT": "6s", "USHER_VISITOR_RATE": "60",
	}})
	x := &trouble{System: s, t: t, client: &http.Client{Transport: seen}}
	x.world = aWorld(t, s, x.client)
	for _, b := range x.rows() {
		send(t, x.client, s.Public[0], b) // what they must say is another test's business
	}
	x.line()
	x.orders()
	x.webhooks()
	x.holds()
	x.strictHolds()
	x.bookings()
	x.workerAway()
	x.storesAway()
	x.manyVisitors()
	for _, k := range problem.Kinds() {
		_, excused := unprovoked[k.Slug]
		if n := seen.Problems()[k.Slug]; n == 0 != excused {
			t.Errorf("problem %s occurred %d times; excused: %v", k.Slug, n, excused)
		}
	}
	for _, c := range seen.Complaints() {
		t.Errorf("the contract does not allow: %s", c)
	}
	s.CheckTruth()
}

func (x *trouble) fan() *Fan {
	x.t.Helper()
	return NewFan(x.t, x.client, x.Public[0])
}

// order is an operator's order to a room.
func (x *trouble) order(room, order string) Answer {
	x.t.Helper()
	return send(x.t, x.client, x.Admin[0], bad{what: order, method: "POST", path: "/admin/v1/rooms/" + room + "/" + order, headers: bearer(adminToken)})
}

// line brings about what can happen in a room of one.
func (x *trouble) line() {
	x.t.Helper()
	polls := [2]Answer{}
	for i := range polls {
		polls[i] = x.inside.Do("GET", "/api/v1/rooms/room/place", nil)
	}
	want(x.t, "two polls at once", polls[1], 429, "poll-too-fast")

	enter := func(f *Fan) Answer { return f.Do("POST", "/api/v1/rooms/tight/enter", nil) }
	first, second := x.fan(), x.fan()
	must(x.t, first.Join("tight"), 201)
	if !first.Enter("tight", 20*time.Second) {
		x.t.Fatal("nobody was let in")
	}
	must(x.t, second.Join("tight"), 201)
	want(x.t, "entering before the turn", enter(second), 409, "not-called")
	must(x.t, first.Do("POST", "/api/v1/rooms/tight/leave", nil), 204)
	must(x.t, first.Do("POST", "/api/v1/rooms/tight/leave", nil), 204)
	want(x.t, "entering after leaving", enter(first), 410, "place-used")
	want(x.t, "a pass of one who has left", first.Hold(x.other, x.other+"-0"), 401, "pass-expired")

	within(x.t, 15*time.Second, "the second is called", func() bool {
		return second.Do("GET", "/api/v1/rooms/tight/place", nil).Str("state") == "called"
	})
	must(x.t, x.order("tight", "pause"), 200)
	want(x.t, "entering a room that is paused", enter(second), 409, "room-full")
	must(x.t, x.order("tight", "resume"), 200)
	time.Sleep(4 * time.Second) // longer than the grace; asking would keep the turn alive
	want(x.t, "entering after the grace", enter(second), 410, "grace-over")
	must(x.t, x.order("tight", "end"), 200)
	want(x.t, "a place of a line that is over", second.Do("GET", "/api/v1/rooms/tight/place", nil), 410, "place-expired")
	want(x.t, "joining what is over", x.fan().Join("tight"), 403, "room-closed")
}

// orders brings about what operators do wrong.
func (x *trouble) orders() {
	x.t.Helper()
	want(x.t, "an order that does not fit", x.order("room", "resume"), 409, "invalid-transition")
	want(x.t, "an order to no room", x.order("nowhere", "open"), 404, "room-not-found")
	change := func(method, body string, headers ...string) Answer {
		return send(x.t, x.client, x.Admin[0], bad{method: method, path: "/admin/v1/rooms/room", body: body, headers: append(bearer(adminToken), headers...)})
	}
	want(x.t, "rules that make no room", change("PATCH", `{"capacity": 0}`), 422, "room-rules-invalid")
	want(x.t, "a change of what has changed", change("PATCH", `{"capacity": 9}`, "If-Match", `"room-999"`), 412, "precondition-failed")
	for _, headers := range [][]string{nil, bearer("x"), {"Authorization", "Basic eDp5"}} {
		a := send(x.t, x.client, x.Admin[0], bad{method: "GET", path: "/admin/v1/rooms", headers: headers})
		want(x.t, fmt.Sprint("the admin port with ", headers), a, 401, "unauthorized")
	}
	for _, path := range []string{"/admin/v1/rooms", "/admin/v1/rooms/room", "/admin/v1/rooms/room/stats", "/metrics", "/openapi.json", "/debug/pprof/cmdline"} {
		must(x.t, send(x.t, x.client, x.Admin[0], bad{method: "GET", path: path, headers: bearer(adminToken)}), 200)
	}
}

// webhooks brings about what operators do wrong with receivers.
func (x *trouble) webhooks() {
	x.t.Helper()
	ask := func(path, body string) Answer {
		return send(x.t, x.client, x.Admin[0], bad{method: "POST", path: "/admin/v1/webhooks" + path, body: body, headers: bearer(adminToken)})
	}
	want(x.t, "a test of no webhook", ask("/nothing/test", ""), 404, "webhook-not-found")
	made := must(x.t, ask("", `{"url": "https://organiser.invalid/usher"}`), 201) // which nobody reaches, so that tests wait
	want(x.t, "a message that is not set aside", ask("/"+made.Str("id")+"/set-aside/msg_1/retry", ""), 404, "webhook-message-not-found")
	within(x.t, 10*time.Second, "as many tests wait as may", func() bool {
		return ask("/"+made.Str("id")+"/test", "").Problem() == "webhook-limit-reached"
	})
}

// holds brings about what can happen to holds, whose time is short here.
func (x *trouble) holds() {
	x.t.Helper()
	f, holds := x.fan(), "/api/v1/events/"+x.free+"/holds"
	must(x.t, f.Hold(x.free, x.tickets[10]), 201)
	must(x.t, f.Hold(x.free, x.tickets[11]), 201)
	must(x.t, f.Hold(x.free, x.tickets[12]), 201)
	want(x.t, "a fourth seat", f.Hold(x.free, x.tickets[13]), 409, "hold-limit-reached")
	want(x.t, "two boxes side by side", x.fan().Do("POST", holds, map[string]any{"best_available": map[string]any{"quantity": 2, "section": "Boxes"}}), 409, "no-seats-together")
	within(x.t, 10*time.Second, "no extension beyond the cap", func() bool {
		return f.Do("POST", holds+"/extend", nil).Problem() == "hold-cap-reached"
	})
	within(x.t, 15*time.Second, "the holds run out", func() bool {
		list, _ := f.Do("GET", holds, nil).Body["tickets"].([]any)
		return len(list) == 0
	})
	want(x.t, "booking holds that ran out", f.Book("", x.tickets[10]), 409, "hold-required")
}

// strictHolds brings about what holds meet where an operator wants it: in a system of its own, for here it would refuse what others do.
func (x *trouble) strictHolds() {
	x.t.Helper()
	s := Start(x.t, Options{Catalog: eventOf(20), Env: map[string]string{"USHER_HOLD": "1s", "USHER_STRANDED_SEATS": "strict", "USHER_UNPAID_HOLDS": "1"}})
	f, event := NewFan(x.t, x.client, s.Public[0]), s.EventID()
	tickets, _ := f.Tickets(event)
	alone := want(x.t, "a seat beside the end of a row", f.Hold(event, tickets[1]), 409, "stranded-seat")
	if ids, _ := alone.Body["ticketIds"].([]any); len(ids) != 1 || ids[0] != tickets[0] {
		x.t.Errorf("which seat would be alone: %s", alone)
	}
	must(x.t, f.Hold(event, tickets[0]), 201)
	within(x.t, 10*time.Second, "the hold runs out", func() bool {
		list, ok := f.Do("GET", "/api/v1/events/"+event+"/holds", nil).Body["tickets"].([]any)
		return ok && len(list) == 0
	})
	want(x.t, "a hold after one that was not paid for", f.Hold(event, tickets[0]), 409, "hold-cool-down")
}

// bookings brings about what can happen to bookings.
func (x *trouble) bookings() {
	x.t.Helper()
	buyer := func(ticket string) (*Fan, string) {
		f := x.fan()
		must(x.t, f.Hold(x.free, ticket), 201)
		return f, must(x.t, f.Book("key", ticket), 201).Str("booking_id")
	}
	f, b := buyer(x.tickets[14])
	want(x.t, "a key for something else", f.Book("key", x.tickets[15]), 422, "idempotency-key-reused")
	want(x.t, "a payment that is declined", f.Confirm(b, "tok_declined"), 402, "payment-declined")
	must(x.t, f.Do("POST", "/api/v1/booking/"+b+"/cancel", nil), 200)
	want(x.t, "paying what is cancelled", f.Confirm(b, "tok_ok"), 409, "booking-not-payable")
	want(x.t, "extending what is cancelled", f.Do("POST", "/api/v1/booking/"+b+"/extend", nil), 409, "extension-not-allowed")
	f, b = buyer(x.tickets[16])
	patient, extended := buyer(x.tickets[19])
	must(x.t, patient.Do("POST", "/api/v1/booking/"+extended+"/extend", nil), 200)
	within(x.t, 20*time.Second, "the booking expires", func() bool {
		return f.Do("GET", "/api/v1/booking/"+b, nil).Str("status") == "expired"
	})
	want(x.t, "paying what has expired", f.Confirm(b, "tok_ok"), 410, "booking-expired")
	want(x.t, "extending what has expired", f.Do("POST", "/api/v1/booking/"+b+"/extend", nil), 410, "booking-expired")
	must(x.t, patient.Confirm(extended, "tok_ok"), 200) // booked in the same moment, and alive because it was extended
}

// workerAway brings about what a caller sees while no worker decides.
func (x *trouble) workerAway() {
	x.t.Helper()
	f := x.fan()
	must(x.t, f.Hold(x.free, x.tickets[18]), 201)
	x.Kill("worker", 0)
	var two [2]Answer // the first waits for the worker, the second for the first, but not so long
	var wg sync.WaitGroup
	for i := range two {
		wg.Go(func() { two[i] = f.Book("slow", x.tickets[18]) })
	}
	wg.Wait()
	if two[0].Status != http.StatusAccepted {
		two[0], two[1] = two[1], two[0]
	}
	want(x.t, "the duplicate of one that still runs", two[1], 409, "request-in-progress")
	first := must(x.t, two[0], 202)
	if first.Str("status") != "pending" || first.Str("booking_id") == "" {
		x.t.Errorf("booking while no worker decides: %s", first)
	}
	x.StartRole("worker", 0)
	if a := f.Settled(first.Str("booking_id"), time.Minute); a.Status != http.StatusOK {
		x.t.Errorf("what was pending, in the end: %s", a)
	}
}

// storesAway brings about what a caller sees while a store does not answer.
func (x *trouble) storesAway() {
	x.t.Helper()
	f := x.fan()
	x.Exec("ALTER TABLE event_search RENAME TO event_search_away")
	want(x.t, "searching while the tables are away", f.Do("GET", "/api/v1/events/search?performer=band", nil), 503, "search-unavailable")
	x.Exec("ALTER TABLE event_search_away RENAME TO event_search")

	rdb := redis.NewClient(&redis.Options{Addr: x.Redis})
	defer func() { _ = rdb.Close() }()
	if err := rdb.Do(context.Background(), "CLIENT", "PAUSE", "6000", "ALL").Err(); err != nil {
		x.t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { want(x.t, "joining while Redis is silent", f.Join("room"), 503, "line-unavailable") })
	wg.Go(func() {
		want(x.t, "holding while Redis is silent", f.Hold(x.free, x.tickets[20]), 503, "store-unavailable")
	})
	wg.Wait()
	within(x.t, 20*time.Second, "everything is as before", func() bool {
		return f.Join("room").Status < 300 && f.Hold(x.free, x.tickets[20]).Status < 300
	})
}

// manyVisitors asks for visitors until there are too many of one address.
func (x *trouble) manyVisitors() {
	x.t.Helper()
	for range 200 {
		a := send(x.t, x.client, x.Public[0], bad{method: "POST", path: "/api/v1/visitors"})
		if a.Status == http.StatusTooManyRequests {
			if a.Header.Get("Retry-After") == "" || !strings.HasSuffix(a.Str("type"), "/too-many-requests") {
				x.t.Errorf("too many visitors: %v %s", a.Header, a)
			}
			return
		}
	}
	x.t.Error("200 visitors of one address were let through, the limit is 60 a minute")
}
