package apptest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"crypto/ed25519"

	"github.com/golang-jwt/jwt/v5"
)

const walkRooms = `{"rooms": [
	{"room": "room", "name": "The Room", "method": "fifo", "events": ["concert"], "capacity": 20, "calls_per_minute": 60000, "session_seconds": 60,
		"grace_seconds": 60, "poll_floor_seconds": 0.05, "renewable": true, "session_cap_seconds": 600},
	{"room": "open-door", "name": "Open", "method": "passthrough", "events": ["gig"], "capacity": 1000, "calls_per_minute": 60000}]}`

// TestAFanWalksFromTheSearchToHisTicket is the whole way of one fan, as the contract tells it.
func TestAFanWalksFromTheSearchToHisTicket(t *testing.T) {
	t.Parallel()
	walk(t, Start(t, Options{Gateways: 2, Catalog: threeEvents(40), Rooms: walkRooms, Search: true}))
}

func walk(t *testing.T, s *System) {
	t.Helper()
	concert := s.eventNamed("concert")
	f := NewFan(t, client, s.Public[0])
	if a := f.Do("POST", "/api/v1/visitors", nil); a.Status != http.StatusOK || a.Str("visitor") != f.Visitor {
		t.Errorf("a visitor who comes again: %s", a)
	}
	tickets := lookAt(t, f, concert)
	want(t, "hold without a pass", f.Hold(concert, tickets[0]), 401, "pass-required")
	waitInLine(t, f)
	verifyPass(t, f)
	renew(t, f)

	held := must(t, f.Hold(concert, tickets[0]), 201)
	if again := must(t, f.Hold(concert, tickets[0]), 200); again.Str("expiration_time") != held.Str("expiration_time") {
		t.Errorf("held again: %s, first %s", again, held)
	}
	within(t, 2*time.Second, "the other gateway shows the hold", func() bool {
		return f.at(s.Public[1]).seat(concert, tickets[0])["held"] == true
	})
	booked := must(t, f.Book("walk", tickets[0]), 201)
	replay := must(t, f.Book("walk", tickets[0]), 201)
	if string(replay.Raw) != string(booked.Raw) || replay.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("replayed %v: %s, first %s", replay.Header, replay, booked)
	}
	booking := booked.Str("booking_id")
	if where := booked.Header.Get("Location"); where != booked.Str("status_url") || must(t, f.Do("GET", where, nil), 200).Str("status") != "reserved" {
		t.Errorf("Location %q, status_url %q", where, booked.Str("status_url"))
	}
	paid := must(t, f.Confirm(booking, "tok_ok"), 200)
	if paid.Str("status") != "confirmed" || paid.Str("confirmation_id") == "" {
		t.Errorf("paid: %s", paid)
	}
	if again := must(t, f.Confirm(booking, "tok_ok"), 200); again.Str("confirmation_id") != paid.Str("confirmation_id") {
		t.Errorf("paid again: %s", again)
	}
	within(t, 2*time.Second, "the other gateway shows the seat as booked", func() bool {
		return f.at(s.Public[1]).seat(concert, tickets[0])["status"] == "booked"
	})
	want(t, "cancel what is paid", f.Do("POST", "/api/v1/booking/"+booking+"/cancel", nil), 409, "booking-not-cancellable")
	s.CheckTruth()
}

// lookAt looks at the event as a page does, and returns its tickets.
func lookAt(t *testing.T, f *Fan, event string) []string {
	t.Helper()
	for query, total := range map[string]float64{
		"": 3, "location=Toronto": 3, "location=43.7,-79.4&radius_km=20": 3, "location=Oslo": 0, "location=60,10": 0, "venue=The+Hall": 3,
		"end_date=2001-01-01": 0, "start_date=2001-01-01": 3, "price_min=100000": 0, "page_size=2": 3,
	} {
		if a := must(t, f.Do("GET", "/api/v1/events/search?"+query, nil), 200); a.Body["total"] != total {
			t.Errorf("search %q: total %v, want %v", query, a.Body["total"], total)
		}
	}
	page := must(t, f.Do("GET", "/api/v1/events/search?page_size=2", nil), 200)
	rest := must(t, f.Do("GET", "/api/v1/events/search?page_size=2&page_cursor="+url.QueryEscape(page.Str("next_page_cursor")), nil), 200)
	if list, _ := rest.Body["events"].([]any); len(list) != 1 || rest.Body["next_page_cursor"] != nil {
		t.Errorf("second page: %s", rest)
	}
	path := "/api/v1/events/" + event
	a := must(t, f.Do("GET", path, nil), 200)
	if room, _ := a.Body["room"].(map[string]any); room["id"] != "room" || room["active"] != true {
		t.Errorf("the view's room: %v", a.Body["room"])
	}
	if same := f.Do("GET", path, nil, "If-None-Match", a.Header.Get("ETag")); same.Status != http.StatusNotModified || len(same.Raw) > 0 {
		t.Errorf("with its ETag: %s", same)
	}
	must(t, f.Do("GET", path+"/seats", nil), 200)
	tickets, _ := f.Tickets(event)
	if len(tickets) != 40 {
		t.Fatalf("%d tickets", len(tickets))
	}
	return tickets
}

// waitInLine joins, polls and enters.
func waitInLine(t *testing.T, f *Fan) {
	t.Helper()
	first := must(t, f.Join("room"), 201)
	if again := must(t, f.Join("room"), 200); again.Body["number"] != first.Body["number"] {
		t.Errorf("joined again: %s, first %s", again, first)
	}
	within(t, 20*time.Second, "called", func() bool {
		return f.Do("GET", "/api/v1/rooms/room/place", nil).Str("state") == "called"
	})
	if !f.Enter("room", 10*time.Second) {
		t.Fatal("not let in")
	}
	one, two := f.Pass, must(t, f.Do("POST", "/api/v1/rooms/room/enter", nil), 200).Str("pass")
	if sessionOf(one) == "" || sessionOf(one) != sessionOf(two) {
		t.Errorf("entered twice: sessions %q and %q", sessionOf(one), sessionOf(two))
	}
}

func sessionOf(token string) string {
	var c jwt.RegisteredClaims
	_, _, _ = jwt.NewParser().ParseUnverified(token, &c)
	return c.ID
}

// verifyPass verifies the pass as a third party does: with a stock library and the published keys.
func verifyPass(t *testing.T, f *Fan) {
	t.Helper()
	a := must(t, f.Do("GET", "/.well-known/jwks.json", nil), 200)
	var set struct {
		Keys []struct{ Kid, X string }
	}
	if err := json.Unmarshal(a.Raw, &set); err != nil {
		t.Fatal(err)
	}
	keys := map[string]ed25519.PublicKey{}
	for _, k := range set.Keys {
		keys[k.Kid], _ = base64.RawURLEncoding.DecodeString(k.X)
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(f.Pass, claims, func(token *jwt.Token) (any, error) {
		kid, _ := token.Header["kid"].(string)
		return keys[kid], nil
	}, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithAudience("room"), jwt.WithExpirationRequired())
	if err != nil {
		t.Errorf("a stock library on the pass: %v", err)
	}
	for _, name := range []string{"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "num", "run"} {
		if claims[name] == nil {
			t.Errorf("the pass has no %s", name)
		}
	}
}

func renew(t *testing.T, f *Fan) {
	t.Helper()
	within(t, 5*time.Second, "renewed", func() bool { // a second must pass: the pass counts in seconds
		a := f.Do("POST", "/api/v1/rooms/room/renew", nil)
		if a.Status == http.StatusOK {
			f.Pass = a.Str("pass")
		}
		return a.Status == http.StatusOK
	})
}

func TestFiftyDuplicatesAreOneBooking(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: eventOf(20)})
	event := s.EventID()
	f := NewFan(t, client, s.Public[0])
	tickets, _ := f.Tickets(event)
	must(t, f.Hold(event, tickets[0]), 201)
	answers := make([]Answer, 50)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			answers[i] = f.at(s.Public[i%2]).Do("POST", "/api/v1/booking", map[string]any{"ticketIds": tickets[:1]}, "Idempotency-Key", "fifty")
		})
	}
	wg.Wait()
	replayed := 0
	for _, a := range answers {
		if a.Status != http.StatusCreated || string(a.Raw) != string(answers[0].Raw) {
			t.Errorf("one says %s, another %s", answers[0], a)
		}
		if a.Header.Get("Idempotent-Replayed") == "true" {
			replayed++
		}
	}
	if replayed != len(answers)-1 {
		t.Errorf("%d of %d answers are replayed, want all but one", replayed, len(answers))
	}
	if rows := s.Query("SELECT count(*) FROM bookings"); len(rows) != 1 || rows[0] != "1" {
		t.Errorf("bookings: %v", rows)
	}
	must(t, f.Confirm(answers[0].Str("booking_id"), "tok_ok"), 200)
	s.CheckTruth()
}

func TestAPassthroughRoomLetsEverybodyIn(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: threeEvents(20), Rooms: walkRooms})
	gig := s.eventNamed("gig")
	f := NewFan(t, client, s.Public[0])
	if a := must(t, f.Join("open-door"), 201); a.Str("state") != "entered" || f.Pass == "" {
		t.Fatalf("join: %s", a)
	}
	tickets, _ := f.Tickets(gig)
	must(t, f.Hold(gig, tickets[0]), 201)
	a := must(t, f.Book("", tickets[0]), 201)
	f.Pass = "" // the visitor alone pays
	if paid := must(t, f.Confirm(a.Str("booking_id"), "tok_ok"), 200); paid.Str("status") != "confirmed" {
		t.Errorf("paid: %s", paid)
	}
	s.CheckTruth()
}
