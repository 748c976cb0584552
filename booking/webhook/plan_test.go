package webhook

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/event"
	"usher/internal/id"
)

var aWebhook = Webhook{ID: id.Key{7}, Cursor: 10, Version: 3}

// logMessage is a row of the log: a reservation of a booking, named by one byte; 0: seats that are blocked.
func logMessage(t *testing.T, seq int64, bookingKey byte) Message {
	t.Helper()
	e := event.Event{ID: "x", Kind: event.BookingReserved, Event: 322<<27 | 1, Booking: id.Key{bookingKey}, Owner: id.Visitor{9}, Session: booking.Session{Room: "final", JTI: "secret"},
		Seats: []event.SeatChange{{Seat: 3, Version: 2, State: booking.SeatReserved}}, At: time.Unix(1_800_000_000, 0)}
	if bookingKey == 0 {
		e.Kind = event.SeatsBlocked
	}
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return Message{Seq: seq, Payload: payload}
}

func numbers(messages []Message) (out []int64) {
	for _, m := range messages {
		out = append(out, m.Seq)
	}
	return out
}

func TestABookingsMessagesStandInOneLine(t *testing.T) {
	t.Parallel()
	a, b := logMessage(t, 11, 1), logMessage(t, 12, 2)
	p := planned(&aWebhook, nil, []Message{a, b, logMessage(t, 13, 0), logMessage(t, 14, 1), logMessage(t, 15, 0)}, nil, 100)
	var lines [][]int64
	for _, l := range p.lines {
		lines = append(lines, numbers(l))
	}
	if len(lines) != 3 || !slices.Equal(lines[0], []int64{11, 14}) || !slices.Equal(lines[1], []int64{12}) || !slices.Equal(lines[2], []int64{13, 15}) || p.cursor != 15 {
		t.Errorf("lines %v, cursor %d", lines, p.cursor)
	}
	var e event.Event
	if err := json.Unmarshal(a.Payload, &e); err != nil {
		t.Fatal(err)
	}
	p = planned(&aWebhook, nil, []Message{a, b, logMessage(t, 13, 1)}, map[string]int{keyOf(&e): 1}, 100)
	if !slices.Equal(numbers(p.behind), []int64{11, 13}) || len(p.lines) != 1 || p.cursor != 13 {
		t.Errorf("behind one that waits: %v, lines %v, cursor %d", numbers(p.behind), p.lines, p.cursor)
	}
}

func TestARoundIsBounded(t *testing.T) {
	t.Parallel()
	logged := []Message{logMessage(t, 11, 1), {Seq: 12, Payload: []byte("{")}, logMessage(t, 13, 2), logMessage(t, 14, 3)}
	f := func(w Webhook, due []Message, waiting map[string]int, limit, lines int, cursor int64) {
		t.Helper()
		if p := planned(&w, due, logged, waiting, limit); len(p.lines) != lines || p.cursor != cursor {
			t.Errorf("limit %d: %d lines, cursor %d; want %d and %d", limit, len(p.lines), p.cursor, lines, cursor)
		}
	}
	f(aWebhook, nil, nil, 100, 3, 14)
	f(aWebhook, nil, nil, 2, 2, 13)
	f(aWebhook, []Message{{Seq: 2}}, nil, 1, 1, 10) // what is due comes first
	f(aWebhook, nil, map[string]int{"x": maxWaiting}, 100, 0, 10)
	f(aWebhook, nil, map[string]int{"x": maxWaiting - 1}, 100, 1, 12)
	f(Webhook{Cursor: 10, Kinds: []event.Kind{event.BookingConfirmed}}, nil, nil, 1, 0, 14)
	f(Webhook{Cursor: 10, Events: []id.Event{322<<27 | 2}}, nil, nil, 1, 0, 14)
	f(Webhook{Cursor: 10, Events: []id.Event{322<<27 | 1}}, nil, nil, 100, 3, 14)
}

func TestWhatComesOfARound(t *testing.T) {
	t.Parallel()
	failed := errors.New("connection refused")
	half := func() float64 { return 0 } // pauses are half as long as can be
	f := func(w Webhook, want Turn, results ...result) {
		t.Helper()
		got := turned(&w, plan{cursor: 20}, results, half)
		if got.Cursor != 20 || got.Failures != want.Failures || got.Pause != want.Pause || got.Success != want.Success || got.Disable != want.Disable || !slices.Equal(got.Taken, want.Taken) || len(got.Again) != len(want.Again) {
			t.Errorf("%+v, want %+v", got, want)
			return
		}
		for i, a := range want.Again {
			if got.Again[i].After != a.After || got.Again[i].SetAside != a.SetAside || got.Again[i].Tries != a.Tries {
				t.Errorf("message %d: %+v, want %+v", i, got.Again[i], a)
			}
		}
	}
	fresh := func(seq int64) Message { return Message{Seq: seq} }
	waited := func(seq int64, tries int, age time.Duration) Message {
		return Message{Seq: seq, Waited: true, Tries: tries, Age: age}
	}
	again := func(tries int, after time.Duration, aside bool) Again {
		return Again{Message: Message{Tries: tries}, After: after, SetAside: aside}
	}
	f(aWebhook, Turn{Success: true, Taken: []int64{1}}, result{fresh(11), nil}, result{waited(1, 2, time.Hour), nil})
	f(aWebhook, Turn{Failures: 1, Again: []Again{again(1, firstPause/2, false)}}, result{fresh(11), failed})
	f(aWebhook, Turn{Failures: 1, Again: []Again{again(3, 9*firstPause/2, false)}}, result{waited(11, 2, time.Hour), failed})
	f(aWebhook, Turn{Failures: 1, Again: []Again{again(9, longestPause/2, true)}}, result{waited(11, 8, giveUp), failed})
	f(aWebhook, Turn{Failures: 1, Again: []Again{again(1, firstPause/2, false), again(0, 0, false)}}, result{fresh(11), failed}, result{fresh(12), errSkipped}, result{waited(1, 2, giveUp), errSkipped})
	f(aWebhook, Turn{Failures: 1, Success: true, Again: []Again{again(1, time.Hour, false)}}, result{fresh(11), &refusedError{429, time.Hour}}, result{fresh(12), nil})
	f(aWebhook, Turn{Failures: 1, Disable: true, Again: []Again{again(1, firstPause/2, false)}}, result{fresh(11), &refusedError{410, 0}})
	// The circuit: five in a row, and it is asked seldom; after three days no more. One success closes it.
	f(Webhook{Failures: breakAfter - 1}, Turn{Failures: breakAfter, Pause: firstPause / 2, Again: []Again{again(1, firstPause/2, false)}}, result{fresh(11), failed})
	f(Webhook{Failures: breakAfter + 1}, Turn{Failures: breakAfter + 2, Pause: 9 * firstPause / 2, Again: []Again{again(1, firstPause/2, false)}}, result{fresh(11), failed})
	f(Webhook{Failures: 30, FailingFor: giveUp}, Turn{Failures: 31, Pause: longestPause / 2, Disable: true, Again: []Again{again(1, firstPause/2, false)}}, result{fresh(11), failed})
	f(Webhook{Failures: 30, FailingFor: giveUp}, Turn{Success: true}, result{fresh(11), nil})
	many := []result{{fresh(11), nil}}
	want := Turn{Success: true, Failures: breakAfter - 1}
	for range 20 {
		many, want.Again = append(many, result{fresh(12), failed}), append(want.Again, again(1, firstPause/2, false))
	}
	f(aWebhook, want, many...)
}

func TestPausesGrowAndEnd(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for n := 1; n < 100; n++ {
		least, most := backoff(n, 0), backoff(n, 0.999)
		if least < last || most > longestPause || least < firstPause/2 || most < least+least/2 {
			t.Errorf("after %d failures: %s to %s", n, least, most)
		}
		last = least
	}
	if last != longestPause/2 {
		t.Errorf("the longest pause is %s", last)
	}
}

func TestABodyTellsOfSeatsAndNotOfPeople(t *testing.T) {
	t.Parallel()
	text, err := body(logMessage(t, 11, 1))
	if err != nil {
		t.Fatal(err)
	}
	e := id.Event(322<<27 | 1)
	want := `{"type":"booking.reserved","timestamp":"2027-01-15T08:00:00Z","data":{"event_id":"` + e.String() + `","booking_id":"` + id.Booking{Event: e, Key: id.Key{1}}.String() +
		`","seats":[{"ticket_id":"` + e.Ticket(3).String() + `","version":2,"status":"reserved"}],"stock":{"capacity":0,"free":0,"reserved":0,"paying":0,"booked":0,"blocked":0}}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	for _, secret := range []string{"secret", "final", (id.Visitor{9}).String()} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the body tells %s: %s", secret, text)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	t.Parallel()
	if seq, ok := ParseMessageID(MessageID(42)); seq != 42 || !ok {
		t.Errorf("%d, %v", seq, ok)
	}
	for _, bad := range []string{"", "42", "msg_", "msg_0", "msg_-1", "msg_042", "msg_+1", MessageID(-3), "msg_99999999999999999999"} {
		if seq, ok := ParseMessageID(bad); ok {
			t.Errorf("%q is %d", bad, seq)
		}
	}
}

// The example of the standard's own libraries.
func TestASignatureIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	const text = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secret := secretBytes(t, text)
	got := signatures([][]byte{secret, []byte("old")}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if first, second, two := strings.Cut(got, " "); first != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" || !two || !strings.HasPrefix(second, "v1,") || first == second {
		t.Errorf("signed %s", got)
	}
	if SecretText(secret) != text {
		t.Errorf("the secret is %s", SecretText(secret))
	}
}
