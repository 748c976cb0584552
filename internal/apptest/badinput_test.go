package apptest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// bad is one request that must be refused.
type bad struct {
	what, method, path string
	body               string
	headers            []string // name, value, …
	status             int
	slug               string
}

// world is what bad requests are about.
type world struct {
	guarded, other, free string   // events: behind room "room", behind room "tight", behind none
	tickets              []string // of the free event
	owner                *Fan     // of a hold on tickets[0], a reserved booking of tickets[1], a confirmed one of tickets[2]
	reserved, confirmed  string
	stranger             *Fan
	inside               *Fan // with a place and a pass of room "room"
}

const badRooms = `{"rooms": [
	{"room": "room", "name": "The Room", "method": "fifo", "events": ["concert"], "capacity": 20, "calls_per_minute": 60000, "session_seconds": 600,
		"grace_seconds": 60, "poll_floor_seconds": 2},
	{"room": "tight", "name": "Tight", "method": "fifo", "events": ["gig"], "capacity": 1, "calls_per_minute": 60000, "session_seconds": 600,
		"grace_seconds": 3, "poll_floor_seconds": 0.05}]}`

// aWorld sets it up with fans of the given client.
func aWorld(t *testing.T, s *System, c *http.Client) *world {
	t.Helper()
	w := &world{guarded: s.eventNamed("concert"), other: s.eventNamed("gig"), free: s.eventNamed("matinee")}
	w.owner, w.stranger, w.inside = NewFan(t, c, s.Public[0]), NewFan(t, c, s.Public[0]), NewFan(t, c, s.Public[0])
	w.tickets, _ = w.owner.Tickets(w.free)
	must(t, w.inside.Join("room"), 201)
	if !w.inside.Enter("room", 20*time.Second) {
		t.Fatal("nobody was let in")
	}
	must(t, w.owner.Hold(w.free, w.tickets[2]), 201)
	w.confirmed = must(t, w.owner.Book("", w.tickets[2]), 201).Str("booking_id")
	must(t, w.owner.Confirm(w.confirmed, "tok_ok"), 200)
	must(t, w.owner.Hold(w.free, w.tickets[1]), 201)
	w.reserved = must(t, w.owner.Book("", w.tickets[1]), 201).Str("booking_id")
	must(t, w.owner.Hold(w.free, w.tickets[0]), 201)
	return w
}

func visitorOf(f *Fan) []string { return []string{"Usher-Visitor", f.Visitor} }

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// forged is a token with one character of its middle changed.
func forged(token string) string {
	b := []byte(token)
	if i := len(b) / 2; b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// unsigned is a pass that says what a valid one says, with no signature, as careless libraries accept it.
func unsigned(token string) string {
	part := strings.Split(token, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part[1] + "."
}

func jsonIDs(tickets ...string) string {
	return `{"ticketIds":["` + strings.Join(tickets, `","`) + `"]}`
}

// rows are the bad requests, by what is wrong with them.
func (w *world) rows() (all []bad) {
	return append(append(append(w.nothing(), w.bodies()...), w.credentials()...), w.others()...)
}

// nothing: paths, methods, parameters and ids that are not there.
func (w *world) nothing() []bad {
	me := visitorOf(w.owner)
	hold := func(event, ticket string) string { return "/api/v1/events/" + event + "/ticket/" + ticket + "/hold" }
	return []bad{
		{what: "no such path", method: "GET", path: "/api/v2/events", status: 404, slug: "not-found"},
		{what: "a path that goes on", method: "GET", path: "/api/v1/rooms/room/place/x", status: 404, slug: "not-found"},
		{what: "a slash too many", method: "GET", path: "/api/v1/rooms/room/", status: 404, slug: "not-found"},
		{what: "the admin API on the public port", method: "GET", path: "/metrics", status: 404, slug: "not-found"},
		{what: "a problem of nobody", method: "GET", path: "/problems/cake", status: 404, slug: "not-found"},
		{what: "a method that is not there", method: "PUT", path: "/api/v1/booking", body: "{}", status: 405, slug: "method-not-allowed"},
		{what: "a method of nobody", method: "BREW", path: "/api/v1/events/search", status: 405, slug: "method-not-allowed"},
		{what: "GET where POST belongs", method: "GET", path: "/api/v1/visitors", status: 405, slug: "method-not-allowed"},
		{what: "an unknown parameter", method: "GET", path: "/api/v1/events/search?colour=red", status: 400, slug: "invalid-request"},
		{what: "a parameter twice", method: "GET", path: "/api/v1/events/search?venue=a&venue=b", status: 400, slug: "invalid-request"},
		{what: "a parameter where none is", method: "GET", path: "/api/v1/rooms/room?x=1", status: 400, slug: "invalid-request"},
		{what: "a date that is none", method: "GET", path: "/api/v1/events/search?start_date=2026-02-30", status: 400, slug: "invalid-request"},
		{what: "dates that lie wrong", method: "GET", path: "/api/v1/events/search?start_date=2026-02-02&end_date=2026-02-01", status: 400, slug: "invalid-request"},
		{what: "a page too large", method: "GET", path: "/api/v1/events/search?page_size=101", status: 400, slug: "invalid-request"},
		{what: "a radius without a point", method: "GET", path: "/api/v1/events/search?location=Oslo&radius_km=5", status: 400, slug: "invalid-request"},
		{what: "a point off the earth", method: "GET", path: "/api/v1/events/search?location=91,0", status: 400, slug: "invalid-request"},
		{what: "a forged cursor", method: "GET", path: "/api/v1/events/search?page_cursor=AAAA", status: 400, slug: "invalid-cursor"},
		{what: "a forged tickets cursor", method: "GET", path: "/api/v1/events/" + w.free + "?tickets_cursor=AAAA", status: 400, slug: "invalid-cursor"},
		{what: "no such event", method: "GET", path: "/api/v1/events/zzzzzzzz", status: 404, slug: "event-not-found"},
		{what: "an id of much", method: "GET", path: "/api/v1/events/" + strings.Repeat("9", 64), status: 404, slug: "event-not-found"},
		{what: "a ticket as an event", method: "GET", path: "/api/v1/events/" + w.tickets[0], status: 404, slug: "event-not-found"},
		{what: "seats of no event", method: "GET", path: "/api/v1/events/0/seats", status: 404, slug: "event-not-found"},
		{what: "a hold on no event", method: "POST", path: hold("nothing", w.tickets[0]), headers: me, status: 404, slug: "event-not-found"},
		{what: "a hold on no ticket", method: "POST", path: hold(w.free, "nothing"), headers: me, status: 404, slug: "ticket-not-found"},
		{what: "a hold beyond the last seat", method: "POST", path: hold(w.free, w.free+"-99999"), headers: me, status: 404, slug: "ticket-not-found"},
		{what: "a hold on a ticket of another event", method: "POST", path: hold(w.other, w.tickets[0]), headers: me, status: 404, slug: "ticket-not-found"},
		{what: "no such room", method: "GET", path: "/api/v1/rooms/nowhere", status: 404, slug: "room-not-found"},
		{what: "joining no room", method: "POST", path: "/api/v1/rooms/nowhere/join", headers: me, status: 404, slug: "room-not-found"},
		{what: "no such booking", method: "GET", path: "/api/v1/booking/nothing", headers: me, status: 404, slug: "booking-not-found"},
		{what: "a booking that nobody made", method: "GET", path: "/api/v1/booking/" + w.free + "-" + strings.Repeat("0", 26), headers: me, status: 404, slug: "booking-not-found"},
		{what: "no such action", method: "POST", path: "/sandbox/actions/nothing", body: `{"approve":true}`, status: 404, slug: "not-found"},
		{what: "a shown position that is none", method: "GET", path: "/api/v1/rooms/room/place?shown=-1", headers: []string{"Usher-Place", w.inside.Place}, status: 400, slug: "invalid-request"},
	}
}

// bodies: malformed, huge, of another type, with members that are not there or twice.
func (w *world) bodies() (rows []bad) {
	me, book, holds := visitorOf(w.owner), "/api/v1/booking", "/api/v1/events/"+w.free+"/holds"
	for _, body := range []string{
		"", "null", "[]", "1", `"x"`, "{", "{}", `{"ticketIds":null}`, `{"ticketIds":[]}`, `{"ticketIds":"x"}`, `{"ticketIds":[1]}`, `{"ticketIds":[null]}`,
		`{"TicketIDs":["` + w.tickets[0] + `"]}`, `{"ticketIds":["` + w.tickets[0] + `"],"x":1}`, jsonIDs(w.tickets[0], w.tickets[0]), jsonIDs(w.tickets...),
		jsonIDs(w.tickets[0]) + "{}", `{"ticketIds":["a"],"ticketIds":["` + w.tickets[0] + `"]}`, "\xff\xfe", `{"ticketIds":["` + "\xff" + `"]}`,
		strings.Repeat(`{"ticketIds":`, 2000) + "1" + strings.Repeat("}", 2000),
	} {
		headers := append([]string{"Content-Type", "application/json"}, me...)
		rows = append(rows, bad{what: "book with " + clip(body), method: "POST", path: book, body: body, headers: headers, status: 400, slug: "invalid-request"},
			bad{what: "hold with " + clip(body), method: "POST", path: holds, body: body, headers: headers, status: 400, slug: "invalid-request"})
	}
	with := func(kind string) []string { return append([]string{"Content-Type", kind}, me...) }
	confirm := "/api/v1/booking/" + w.reserved + "/confirm"
	return append(rows, []bad{
		{what: "64 KiB and one", method: "POST", path: book, body: `"` + strings.Repeat("x", 64<<10-1) + `"`, headers: me, status: 413, slug: "body-too-large"},
		{what: "a megabyte", method: "POST", path: book, body: strings.Repeat("[", 1<<20), headers: me, status: 413, slug: "body-too-large"},
		{what: "a form", method: "POST", path: book, body: "ticketIds=1", headers: with("application/x-www-form-urlencoded"), status: 415, slug: "unsupported-media-type"},
		{what: "text", method: "POST", path: book, body: jsonIDs(w.tickets[0]), headers: with("text/plain"), status: 415, slug: "unsupported-media-type"},
		{what: "both kinds of holds", method: "POST", path: holds, body: `{"ticketIds":["` + w.tickets[3] + `"],"best_available":{"quantity":1}}`, headers: me, status: 400, slug: "invalid-request"},
		{what: "no seat", method: "POST", path: holds, body: `{"best_available":{"quantity":0}}`, headers: me, status: 400, slug: "invalid-request"},
		{what: "half a seat", method: "POST", path: holds, body: `{"best_available":{"quantity":1.5}}`, headers: me, status: 400, slug: "invalid-request"},
		{what: "an unknown wish", method: "POST", path: holds, body: `{"best_available":{"quantity":1,"view":"sea"}}`, headers: me, status: 400, slug: "invalid-request"},
		{what: "a body where none belongs", method: "POST", path: "/api/v1/visitors", body: `{"name":"me"}`, status: 400, slug: "invalid-request"},
		{what: "a key with a blank", method: "POST", path: book, body: jsonIDs(w.tickets[0]), headers: append([]string{"Idempotency-Key", "a b"}, me...), status: 400, slug: "invalid-request"},
		{what: "a key too long", method: "POST", path: book, body: jsonIDs(w.tickets[0]), headers: append([]string{"Idempotency-Key", strings.Repeat("k", 256)}, me...), status: 400, slug: "invalid-request"},
		{what: "an unknown token", method: "POST", path: confirm, body: `{"paymentDetails":{"method":"sandbox","token":"tok_free"}}`, headers: me, status: 422, slug: "payment-details-invalid"},
		{what: "no details", method: "POST", path: confirm, body: `{}`, headers: me, status: 422, slug: "payment-details-invalid"},
		{what: "an unknown method of payment", method: "POST", path: confirm, body: `{"paymentDetails":{"method":"shells","token":"tok_ok"}}`, headers: me, status: 422, slug: "payment-details-invalid"},
		{what: "a card number", method: "POST", path: confirm, body: `{"paymentDetails":{"method":"sandbox","token":"4242 4242 4242 4242"}}`, headers: me, status: 422, slug: "payment-details-invalid"},
		{what: "card data", method: "POST", path: confirm, body: `{"paymentDetails":{"method":"sandbox","token":"tok_ok","cvc":"123"}}`, headers: me, status: 422, slug: "payment-details-invalid"},
		{what: "another booking in the body", method: "POST", path: confirm, body: `{"booking_id":"` + w.confirmed + `","paymentDetails":{"method":"sandbox","token":"tok_ok"}}`, headers: me, status: 422, slug: "booking-id-mismatch"},
	}...)
}

// credentials: missing, forged, of another room, from another site.
func (w *world) credentials() (rows []bad) {
	guarded := "/api/v1/events/" + w.guarded + "/ticket/" + w.guarded + "-0/hold"
	other := "/api/v1/events/" + w.other + "/ticket/" + w.other + "-0/hold"
	place, enter, join := "/api/v1/rooms/room/place", "/api/v1/rooms/room/enter", "/api/v1/rooms/room/join"
	for _, token := range []string{forged(w.inside.Pass), unsigned(w.inside.Pass), "x", "a.b.c", w.inside.Visitor, strings.Repeat("x", 8000)} {
		rows = append(rows, bad{what: "a pass that is none: " + clip(token), method: "POST", path: guarded, headers: bearer(token), status: 401, slug: "pass-invalid"})
	}
	for _, token := range []string{forged(w.inside.Place), w.inside.Visitor, "x", strings.Repeat("A", 4000)} {
		rows = append(rows, bad{what: "a place that is none: " + clip(token), method: "GET", path: place, headers: []string{"Usher-Place", token}, status: 401, slug: "place-invalid"},
			bad{what: "entering with " + clip(token), method: "POST", path: enter, headers: []string{"Usher-Place", token}, status: 401, slug: "place-invalid"})
	}
	for _, token := range []string{forged(w.owner.Visitor), w.inside.Place, "x"} {
		rows = append(rows, bad{what: "a visitor that is none: " + clip(token), method: "POST", path: join, headers: []string{"Usher-Visitor", token}, status: 401, slug: "visitor-required"})
	}
	cookie := "usher_visitor=" + w.owner.Visitor
	return append(rows, []bad{
		{what: "no pass", method: "POST", path: guarded, headers: visitorOf(w.owner), status: 401, slug: "pass-required"},
		{what: "basic authorization", method: "POST", path: guarded, headers: []string{"Authorization", "Basic eDp5"}, status: 401, slug: "pass-invalid"},
		{what: "the pass of another room", method: "POST", path: other, headers: bearer(w.inside.Pass), status: 403, slug: "pass-wrong-room"},
		{what: "no place", method: "GET", path: place, status: 401, slug: "place-required"},
		{what: "the place of another room", method: "GET", path: "/api/v1/rooms/tight/place", headers: []string{"Usher-Place", w.inside.Place}, status: 401, slug: "place-invalid"},
		{what: "a first contact that joins", method: "POST", path: join, status: 401, slug: "visitor-required"},
		{what: "booking as nobody", method: "POST", path: "/api/v1/booking", body: jsonIDs(w.tickets[0]), status: 401, slug: "visitor-required"},
		{what: "nobody's holds", method: "GET", path: "/api/v1/events/" + w.free + "/holds", status: 401, slug: "visitor-required"},
		{what: "renewing without a pass", method: "POST", path: "/api/v1/rooms/room/renew", status: 401, slug: "pass-required"},
		{what: "renewing where that is not allowed", method: "POST", path: "/api/v1/rooms/room/renew", headers: bearer(w.inside.Pass), status: 409, slug: "renewal-not-allowed"},
		{what: "another site with our cookie", method: "POST", path: "/api/v1/booking/" + w.reserved + "/cancel", headers: []string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site"}, status: 403, slug: "cross-site"},
		{what: "another origin with our cookie", method: "DELETE", path: "/api/v1/events/" + w.free + "/holds", headers: []string{"Cookie", cookie, "Origin", "https://evil.example"}, status: 403, slug: "cross-site"},
	}...)
}

// others: what belongs to somebody else, or is in another state.
func (w *world) others() []bad {
	me, you := visitorOf(w.owner), visitorOf(w.stranger)
	hold := "/api/v1/events/" + w.free + "/ticket/" + w.tickets[0] + "/hold"
	pay := `{"paymentDetails":{"method":"sandbox","token":"tok_ok"}}`
	return []bad{
		{what: "a stranger's hold", method: "POST", path: hold, headers: you, status: 409, slug: "ticket-unavailable"},
		{what: "releasing a stranger's hold", method: "DELETE", path: hold, headers: you, status: 404, slug: "hold-not-found"},
		{what: "releasing a hold as nobody", method: "DELETE", path: hold, status: 404, slug: "hold-not-found"},
		{what: "extending no hold", method: "POST", path: "/api/v1/events/" + w.free + "/holds/extend", headers: you, status: 404, slug: "hold-not-found"},
		{what: "booking a stranger's hold", method: "POST", path: "/api/v1/booking", body: jsonIDs(w.tickets[0]), headers: you, status: 409, slug: "hold-required"},
		{what: "booking what nobody holds", method: "POST", path: "/api/v1/booking", body: jsonIDs(w.tickets[5]), headers: me, status: 409, slug: "hold-required"},
		{what: "booking seats of two events", method: "POST", path: "/api/v1/booking", body: jsonIDs(w.tickets[0], w.guarded+"-0"), headers: me, status: 422, slug: "tickets-span-events"},
		{what: "holding seats of two events", method: "POST", path: "/api/v1/events/" + w.free + "/holds", body: jsonIDs(w.tickets[4], w.guarded+"-0"), headers: me, status: 404, slug: "ticket-not-found"},
		{what: "booking no ticket", method: "POST", path: "/api/v1/booking", body: jsonIDs("nothing"), headers: me, status: 404, slug: "ticket-not-found"},
		{what: "a stranger's booking", method: "GET", path: "/api/v1/booking/" + w.reserved, headers: you, status: 404, slug: "booking-not-found"},
		{what: "nobody's booking", method: "GET", path: "/api/v1/booking/" + w.reserved, status: 404, slug: "booking-not-found"},
		{what: "paying a stranger's booking", method: "POST", path: "/api/v1/booking/" + w.reserved + "/confirm", body: pay, headers: you, status: 404, slug: "booking-not-found"},
		{what: "cancelling a stranger's booking", method: "POST", path: "/api/v1/booking/" + w.reserved + "/cancel", headers: you, status: 404, slug: "booking-not-found"},
		{what: "cancelling what is paid", method: "POST", path: "/api/v1/booking/" + w.confirmed + "/cancel", headers: me, status: 409, slug: "booking-not-cancellable"},
		{what: "holding what is sold", method: "POST", path: "/api/v1/events/" + w.free + "/ticket/" + w.tickets[2] + "/hold", headers: you, status: 409, slug: "ticket-unavailable"},
	}
}

// send sends a request as it is, without any credential of its own.
func send(t *testing.T, c *http.Client, base string, b bad) Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), b.method, base+b.path, strings.NewReader(b.body))
	if err != nil {
		t.Fatalf("%s: %v", b.what, err)
	}
	if b.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(b.headers); i += 2 {
		req.Header.Set(b.headers[i], b.headers[i+1])
	}
	return answer(c.Do(req))
}

func clip(s string) string { return fmt.Sprintf("%.40q", s) }

// wire are requests that no client library sends; each is answered as a problem or not at all, never served.
var wire = []struct {
	what, request string
	status        int
	slug          string
}{
	{"no HTTP", "hello\r\n\r\n", 400, "invalid-request"},
	{"no version", "GET /healthz\r\n\r\n", 400, "invalid-request"},
	{"a header without a colon", "GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", 400, "invalid-request"},
	{"headers of 20 KB", "GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n", 400, "invalid-request"},
	{"a length that is none", "POST /api/v1/booking HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n", 400, "invalid-request"},
	{"two lengths", "POST /api/v1/visitors HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 30\r\n\r\n{}", 400, "invalid-request"},
	{"length and chunks", "POST /api/v1/visitors HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "invalid-request"},
	{"a chunk that is none", "POST /api/v1/visitors HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n", 400, "invalid-request"},
	{"dots", "GET /api/v1/../../healthz HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"},
	{"encoded dots", "GET /api/v1/%2e%2e/%2e%2e/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"},
	{"an encoded slash", "GET /api/v1/rooms%2froom HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"},
	{"two slashes", "GET //healthz HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"},
	{"a backslash", "GET /api\\v1\\rooms\\room HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"},
	{"a parameter of the path", "GET /healthz;x=1 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"},
	{"a zero byte", "GET /healthz%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"},
	{"absolute form", "GET http://elsewhere/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"},
	{"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"},
	{"authority form", "CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n", 404, "not-found"},
}

// sendRaw writes bytes to a gateway and returns what it answers, if it does.
func sendRaw(t *testing.T, base, request string) Answer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(base, "http://"), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = io.WriteString(conn, request)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return Answer{Raw: []byte(err.Error())}
	}
	body, _ := io.ReadAll(resp.Body)
	watch.Note("GET", "/malformed", resp, body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return answer(resp, nil)
}

// Whatever strangers and fools send, they are told what is wrong, and who was there before has lost nothing.
func TestBadInputIsRefusedAndLosesNothing(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(40), Rooms: badRooms})
	w := aWorld(t, s, client)
	within(t, 3*time.Second, "his holds are without the seats that he has booked", func() bool {
		list, _ := w.owner.Do("GET", "/api/v1/events/"+w.free+"/holds", nil).Body["tickets"].([]any)
		return len(list) == 1
	})
	holds, reserved := w.owner.Do("GET", "/api/v1/events/"+w.free+"/holds", nil), w.owner.Do("GET", "/api/v1/booking/"+w.reserved, nil)
	for _, b := range w.rows() {
		a := send(t, client, s.Public[0], b)
		if a.Status != b.status || a.Problem() != b.slug {
			t.Errorf("%s: %s %s: want %d %s, got %s", b.what, b.method, clip(b.path), b.status, b.slug, a)
		}
	}
	for _, r := range wire {
		if a := sendRaw(t, s.Public[0], r.request); a.Status != r.status || a.Problem() != r.slug {
			t.Errorf("%s: want %d %s, got %s", r.what, r.status, r.slug, a)
		}
	}
	if again := w.owner.Do("GET", "/api/v1/events/"+w.free+"/holds", nil); string(again.Raw) != string(holds.Raw) {
		t.Errorf("his holds are %s, were %s", again, holds)
	}
	if again := w.owner.Do("GET", "/api/v1/booking/"+w.reserved, nil); string(again.Raw) != string(reserved.Raw) {
		t.Errorf("his booking is %s, was %s", again, reserved)
	}
	must(t, w.owner.Confirm(w.reserved, "tok_ok"), 200)
	must(t, w.owner.Book("", w.tickets[0]), 201)
	s.noFaults()
	s.CheckTruth()
}

// noFaults reports panics and answers of 500 that the gateways have counted.
func (s *System) noFaults() {
	s.t.Helper()
	for _, admin := range s.Admin {
		a := send(s.t, client, admin, bad{what: "metrics", method: "GET", path: "/metrics", headers: bearer(adminToken)})
		text := string(a.Raw)
		if !strings.Contains(text, "usher_http_panics_total 0\n") {
			s.t.Errorf("panics: %s", lineWith(text, "usher_http_panics_total"))
		}
		if strings.Contains(text, `usher_http_problems_total{slug="internal"}`) {
			s.t.Errorf("faults of ours: %s", lineWith(text, `slug="internal"`))
		}
	}
}

func lineWith(text, part string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, part) {
			return line
		}
	}
	return "no " + part
}
