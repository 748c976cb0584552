package apptest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/internal/guard"
)

// lastBreath stands before a gateway. Once it is told to, it kills the gateway (SIGKILL) when that has answered and before anybody hears the answer.
type lastBreath struct {
	*httptest.Server
	s *System

	mu     sync.Mutex // guards all below
	kills  bool
	unsaid Answer // what nobody has heard
}

func newLastBreath(t *testing.T, s *System) *lastBreath {
	t.Helper()
	b := &lastBreath{s: s}
	b.Server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.Close)
	return b
}

func (b *lastBreath) serve(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	ask, err := http.NewRequestWithContext(r.Context(), r.Method, b.s.Public[0]+r.URL.RequestURI(), bytes.NewReader(text))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	ask.Header = r.Header.Clone()
	ask.Header.Del("Accept-Encoding") // an answer is read here, and compared
	a := answer(client.Do(ask))
	if a.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kills {
		b.s.Kill("gateway", 0)
		b.kills, b.unsaid = false, a
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.Header {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Raw)
}

// arm lets the gateway die with its next answer.
func (b *lastBreath) arm() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kills = true
}

func (b *lastBreath) heardByNobody() Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.unsaid
}

// withoutAnswers lets a fan hold, book and pay; at each of them the gateway is killed after the effect and before the answer, is started again, and is asked again under
// the same key. kept says whether the answer was written down before the death. It returns what was not as if nothing had happened.
func withoutAnswers(t *testing.T, kept bool, off ...guard.Guard) (wrong []string) {
	t.Helper()
	s := Start(t, Options{Catalog: eventOf(20), Off: off, Env: map[string]string{"USHER_BOOK_WAIT": "10s"}})
	fault := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if !kept { // Postgres takes no answer: all is as if the gateway had died a moment before it was written down
		s.Exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no answer is written down''; END'`)
	}
	b := newLastBreath(t, s)
	f := NewFan(t, client, b.URL)
	event := s.EventID()
	tickets, _ := f.Tickets(event)
	booking := ""
	for _, call := range []struct {
		name, effect string
		path         func() string
		body         any
		again        int // status of a repeat whose answer was not kept; 0: the same
	}{
		{name: "hold", again: 200, effect: "SELECT count(*), count(DISTINCT hold_expiry) FROM tickets WHERE hold_user_id IS NOT NULL",
			path: func() string { return "/api/v1/events/" + event + "/ticket/" + tickets[0] + "/hold" }},
		{name: "book", effect: "SELECT count(*), count(*) FILTER (WHERE status = 'reserved') FROM bookings",
			path: func() string { return "/api/v1/booking" }, body: map[string]any{"ticketIds": tickets[:1]}},
		{name: "confirm", effect: "SELECT count(*), count(captured_at) FROM sandbox_ledger",
			path: func() string { return "/api/v1/booking/" + booking + "/confirm" }, body: map[string]any{"paymentDetails": map[string]any{"method": "sandbox", "token": "tok_ok"}}},
	} {
		if !kept {
			s.Exec(`CREATE TRIGGER refuse BEFORE UPDATE ON idempotency_keys FOR EACH ROW WHEN (NEW.status IS NOT NULL) EXECUTE FUNCTION refuse()`)
		}
		var first Answer
		var key string
		for try := range 5 { // a busy machine may have nothing to answer but that a store is away
			if key = fmt.Sprint(call.name, try); first.Status == http.StatusServiceUnavailable {
				s.StartRole("gateway", 0)
				s.WaitReady(0)
			}
			b.arm()
			if a := f.Do("POST", call.path(), call.body, "Idempotency-Key", key); a.Status != 0 {
				t.Fatalf("%s: the gateway was killed, and the fan heard %s", call.name, a)
			}
			if first = b.heardByNobody(); first.Status != http.StatusServiceUnavailable {
				break
			}
		}
		if first.Status < 200 || first.Status > 201 {
			t.Fatalf("%s: the gateway had nothing to answer but %s", call.name, first)
		}
		if did := strings.Join(s.Query(call.effect), " "); did != "1 1" {
			fault("%s: before the repeat there is %s", call.name, did)
		}
		if !kept {
			s.Exec(`DROP TRIGGER refuse ON idempotency_keys`)
		}
		s.StartRole("gateway", 0)
		s.WaitReady(0)
		var again Answer
		within(t, time.Minute, "the key of the dead gateway is free", func() bool {
			again = f.Do("POST", call.path(), call.body, "Idempotency-Key", key)
			return again.Status != 0 && again.Status != http.StatusServiceUnavailable && again.Problem() != "request-in-progress"
		})
		status := first.Status
		if !kept && call.again != 0 {
			status = call.again
		}
		if again.Status != status || !bytes.Equal(again.Raw, first.Raw) || (again.Header.Get("Idempotent-Replayed") == "true") != kept {
			fault("%s: its answer was lost, %s, and the repeat says %s, %v", call.name, first, again, again.Header["Idempotent-Replayed"])
		}
		if did := strings.Join(s.Query(call.effect), " "); did != "1 1" {
			fault("%s: after the repeat there is %s", call.name, did)
		}
		if len(wrong) > 0 {
			return wrong
		}
		if call.name == "book" {
			booking = first.Str("booking_id")
		}
		t.Logf("%s: %s", call.name, again)
	}
	return wrong
}

// A gateway that is killed between the effect of a call and its answer has done it once, and who asks again under the same key hears what he would have heard,
// whether the answer had been written down or not.
func TestAGatewayThatDiesBeforeItsAnswerHasAnswered(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string]bool{"the answer is written down": true, "it is not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, wrong := range withoutAnswers(t, kept) {
				t.Error(wrong)
			}
		})
	}
}

// A worker that does not know what it has decided cannot tell it again.
func TestControlWithoutStoredResultsALostAnswerStaysLost(t *testing.T) {
	t.Parallel()
	wrong := withoutAnswers(t, false, guard.Dedupe)
	if len(wrong) == 0 {
		t.Error("nobody has stored what came of a command, and who asked again heard it all the same: the proof proves nothing")
	}
	t.Log(wrong)
}
