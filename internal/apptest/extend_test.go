package apptest

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// moment reads a member that is a time.
func moment(t *testing.T, body map[string]any, member string) time.Time {
	t.Helper()
	text, _ := body[member].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Errorf("%s: %v in %v", member, err, body)
	}
	return at
}

// passEnds is when a pass runs out, as anybody reads it who has the token.
func passEnds(t *testing.T, token string) time.Time {
	t.Helper()
	var claims struct{ Exp int64 }
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no pass: %q", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil {
		t.Fatalf("the claims of a pass: %v", err)
	}
	return time.Unix(claims.Exp, 0)
}

// An extension is seen everywhere: by the owner, in the view of the event, in his session and its pass. It is to be had once.
func TestAnExtensionReachesEverything(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: eventOf(20), Rooms: roomOf(5)})
	event := s.EventID()
	f := NewFan(t, client, s.Public[0])
	must(t, f.Join("room"), 201)
	if !f.Enter("room", 20*time.Second) {
		t.Fatal("nobody was let in")
	}
	tickets, _ := f.Tickets(event)
	shows := func(ticket string, until time.Time) {
		t.Helper()
		within(t, 5*time.Second, "the view shows until when", func() bool {
			seat := f.seat(event, ticket)
			return seat["held"] == true && seat["hold_expiry"] != nil && moment(t, seat, "hold_expiry").Equal(until)
		})
	}
	must(t, f.Hold(event, tickets[0]), 201)
	longer := must(t, f.Do("POST", "/api/v1/events/"+event+"/holds/extend", nil), 200)
	shows(tickets[0], moment(t, longer.Body, "expiration_time"))

	booked := must(t, f.Book("", tickets[0]), 201)
	ends, path := moment(t, booked.Body, "expiration_time"), "/api/v1/booking/"+booked.Str("booking_id")
	if booked.Body["extendable"] != true || passEnds(t, f.Pass).Before(ends.Add(-time.Second)) {
		t.Errorf("booked: %s, the pass ends %s", booked, passEnds(t, f.Pass))
	}
	extended := must(t, f.Do("POST", path+"/extend", nil, "Idempotency-Key", "more"), 200)
	later := moment(t, extended.Body, "expiration_time")
	if !later.Equal(ends.Add(10*time.Minute)) || extended.Body["extendable"] != false || extended.Str("status") != "reserved" {
		t.Errorf("extended from %s: %s", ends, extended)
	}
	f.keepPass(extended)
	if got := passEnds(t, f.Pass); got.Before(later.Add(-time.Second)) {
		t.Errorf("the pass ends %s, the reservation %s", got, later)
	}
	shows(tickets[0], later)
	if again := f.Do("POST", path+"/extend", nil, "Idempotency-Key", "more"); again.Header.Get("Idempotent-Replayed") != "true" || string(again.Raw) != string(extended.Raw) {
		t.Errorf("the same again: %s", again)
	}
	want(t, "a second extension", f.Do("POST", path+"/extend", nil), 409, "extension-not-allowed")
	must(t, f.Hold(event, tickets[1]), 201) // with the new pass: the session lives
	want(t, "a stranger", NewFan(t, client, s.Public[0]).Do("POST", path+"/extend", nil), 404, "booking-not-found")
	must(t, f.Confirm(booked.Str("booking_id"), "tok_ok"), 200)
	want(t, "extending what is paid", f.Do("POST", path+"/extend", nil), 409, "extension-not-allowed")
	s.CheckTruth()
}

// Of three bookings of the same moment the one that was not extended is the control: it expires. Of the others one is paid after the end that
// it had first, and one runs out at the end that it has.
func TestAnExtendedBookingLivesOn(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: eventOf(20), Env: map[string]string{"USHER_CHECKOUT": "12s"}})
	event := s.EventID()
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(event)
	payer, paid := s.buyer(t, event, tickets[0])
	idler, idle := s.buyer(t, event, tickets[1])
	control, gone := s.buyer(t, event, tickets[2])
	must(t, payer.Do("POST", "/api/v1/booking/"+paid+"/extend", nil), 200)
	ends := moment(t, must(t, idler.Do("POST", "/api/v1/booking/"+idle+"/extend", nil), 200).Body, "expiration_time")
	within(t, 30*time.Second, "the control has expired", func() bool {
		return control.Do("GET", "/api/v1/booking/"+gone, nil).Str("status") == "expired"
	})
	want(t, "paying the control", control.Confirm(gone, "tok_ok"), 410, "booking-expired")
	want(t, "extending the control", control.Do("POST", "/api/v1/booking/"+gone+"/extend", nil), 410, "booking-expired")
	want(t, "a decline after the first end", payer.Confirm(paid, "tok_declined"), 402, "payment-declined")
	must(t, payer.Confirm(paid, "tok_ok"), 200)
	within(t, 30*time.Second, "the extended one has expired", func() bool {
		return idler.Do("GET", "/api/v1/booking/"+idle, nil).Str("status") == "expired"
	})
	if now := time.Now(); now.Before(ends) {
		t.Errorf("it ended %s before its end", ends.Sub(now))
	}
	s.CheckTruth()
}
