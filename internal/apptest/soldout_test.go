package apptest

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// stands is what a fan in line is told.
func stands(f *Fan) (state string, left any) {
	a := f.Do("GET", "/api/v1/rooms/room/place", nil)
	return a.Str("state"), a.Body["tickets_left"]
}

// toldWithin fails unless everybody is told the state within the time.
func toldWithin(t *testing.T, limit time.Duration, state string, fans ...*Fan) {
	t.Helper()
	began := time.Now()
	for i, f := range fans {
		within(t, limit-time.Since(began), "fan "+string(rune('0'+i))+" is told "+state, func() bool {
			told, _ := stands(f)
			return told == state
		})
	}
	t.Logf("all are told %s after %s", state, time.Since(began).Round(time.Millisecond))
}

// TestEverybodyIsToldThatAllIsSold: when the last seat is being paid for those who wait at either gateway are told, and nobody is called, also not by a gateway that
// was started again; when the payer refuses, the seat comes back and the next is called.
func TestEverybodyIsToldThatAllIsSold(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: eventOf(1), Rooms: roomOf(1), Env: map[string]string{"USHER_BOOK_WAIT": "500ms", "USHER_CHECKOUT": "20s"}})
	event := s.EventID()
	buyer := NewFan(t, client, s.Public[0])
	tickets, _ := buyer.Tickets(event)
	buyer.Join("room")
	if !buyer.Enter("room", 20*time.Second) {
		t.Fatal("the first of the line is not let in")
	}
	waiting := []*Fan{NewFan(t, client, s.Public[0]), NewFan(t, client, s.Public[1])}
	for _, f := range waiting {
		if a := f.Join("room"); a.Str("state") != "waiting" {
			t.Fatalf("join: %s", a)
		}
	}
	within(t, 10*time.Second, "both gateways know of one ticket", func() bool {
		_, here := stands(waiting[0])
		_, there := stands(waiting[1])
		return here == 1.0 && there == 1.0
	})
	must(t, buyer.Hold(event, tickets[0]), 201)
	booked := within202(t, buyer, buyer.Book("", tickets[0]))
	must(t, buyer.Confirm(booked, "tok_action"), 202)
	toldWithin(t, 2*time.Second, "sold_out", waiting...)

	must(t, buyer.Do("POST", "/api/v1/rooms/room/leave", nil), 204) // his slot is free, and still nobody is called
	s.Kill("gateway", 1)
	s.StartRole("gateway", 1)
	s.WaitReady(1)
	for range 20 {
		time.Sleep(100 * time.Millisecond)
		if state, left := stands(waiting[1]); state != "sold_out" || left != 0.0 {
			t.Fatalf("with a gateway that was started again a fan is told %s, %v left", state, left)
		}
	}

	where := ""
	within(t, 5*time.Second, "told where to act", func() bool {
		action, _ := buyer.Do("GET", "/api/v1/booking/"+booked, nil).Body["action"].(map[string]any)
		where, _ = action["url"].(string)
		return where != ""
	})
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	must(t, buyer.Do("POST", u.Path, map[string]any{"approve": false}), 204)
	toldWithin(t, 20*time.Second, "called", waiting[0])
	if state, _ := stands(waiting[1]); state == "called" {
		t.Error("for one ticket two are called")
	}
}

// within202 returns the booking of an answer, when it is decided.
func within202(t *testing.T, f *Fan, a Answer) (booking string) {
	t.Helper()
	if a.Status != http.StatusCreated && a.Status != http.StatusAccepted {
		t.Fatalf("book: %s", a)
	}
	booking = a.Str("booking_id")
	if b := f.Settled(booking, time.Minute); b.Str("status") != "reserved" {
		t.Fatalf("book: %s", b)
	}
	return booking
}
