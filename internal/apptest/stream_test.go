package apptest

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// screen is the seat map in a fan's browser: it applies what the stream says.
type screen struct {
	t     *testing.T
	codes []byte
	moved chan string // the codes after each event
}

// openScreen follows an event until the test ends.
func openScreen(t *testing.T, base, event string) *screen {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/api/v1/events/"+event+"/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("stream: %s", resp.Status)
	}
	s := &screen{t: t, moved: make(chan string, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(s.moved)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if data, found := strings.CutPrefix(lines.Text(), "data: "); found {
				s.apply(data)
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done; _ = resp.Body.Close() })
	return s
}

func (s *screen) apply(data string) {
	var m struct {
		Seats   string
		Changes [][2]int
	}
	if err := json.Unmarshal([]byte(data), &m); err != nil {
		s.t.Errorf("%s: %v", data, err)
	}
	if m.Seats != "" {
		s.codes = []byte(m.Seats)
	}
	for _, c := range m.Changes {
		s.codes[c[0]] = byte('0' + c[1])
	}
	s.moved <- string(s.codes)
}

// shows waits until a seat has a code. The promise is a second, and how long it took is logged; a busy machine gets a minute.
func (s *screen) shows(what string, seat int, code byte) {
	s.t.Helper()
	began, late := time.Now(), time.After(time.Minute)
	for {
		select {
		case codes, open := <-s.moved:
			if !open {
				s.t.Fatalf("%s: the stream has ended", what)
			}
			if codes[seat] == code {
				s.t.Logf("%s was seen after %s", what, time.Since(began).Round(time.Millisecond))
				return
			}
		case <-late:
			s.t.Fatalf("%s is not seen", what)
		}
	}
}

func TestAFanSeesAnothersSeatsChange(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: eventOf(20), Gateways: 2, Env: map[string]string{"USHER_HOLD": "8s"}})
	event := s.EventID()
	a := NewFan(t, client, s.Public[0])
	tickets, _ := a.Tickets(event)
	b := openScreen(t, s.Public[1], event)
	b.shows("the hall", 4, '0')

	must(t, a.Hold(event, tickets[4]), 201)
	b.shows("the hold", 4, '1')
	must(t, a.Do("DELETE", "/api/v1/events/"+event+"/ticket/"+tickets[4]+"/hold", nil), 204)
	b.shows("the release", 4, '0')
	must(t, a.Hold(event, tickets[4]), 201)
	b.shows("the second hold", 4, '1')
	b.shows("its end", 4, '0')

	must(t, a.Hold(event, tickets[7]), 201)
	b.shows("a hold", 7, '1')
	booking := must(t, a.Book("", tickets[7]), 201).Str("booking_id")
	must(t, a.Confirm(booking, "tok_slow"), 202)
	b.shows("the payment", 7, '2')
	b.shows("the sale", 7, '3')
}
