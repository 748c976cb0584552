package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// Fan is one visitor who speaks HTTP to one gateway at a time.
type Fan struct {
	t       *testing.T
	client  *http.Client
	Base    string // of the gateway
	Visitor string
	Place   string
	Pass    string
}

// Answer is what a gateway said.
type Answer struct {
	Status int
	Header http.Header
	Body   map[string]any
	Raw    []byte
}

// Str returns a member of the body that is text, or "".
func (a Answer) Str(member string) string { s, _ := a.Body[member].(string); return s }

// Problem returns the slug of a problem answer, or "".
func (a Answer) Problem() string {
	const prefix = "/problems/"
	if s := a.Str("type"); len(s) > len(prefix) {
		return s[len(prefix):]
	}
	return ""
}

func (a Answer) String() string { return fmt.Sprintf("%d %s", a.Status, a.Raw) }

// NewFan returns a visitor of the gateway.
func NewFan(t *testing.T, client *http.Client, base string) *Fan {
	t.Helper()
	f := &Fan{t: t, client: client, Base: base}
	if a := f.Do("POST", "/api/v1/visitors", nil); a.Status == http.StatusCreated {
		f.Visitor = a.Str("visitor")
	} else {
		t.Errorf("POST visitors: %s", a)
	}
	return f
}

// Do sends a request with the fan's credentials; headers are name, value pairs. Status 0 means that no answer came.
func (f *Fan) Do(method, path string, body any, headers ...string) Answer {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			f.t.Fatal(err)
		}
		reader = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, f.Base+path, reader)
	if err != nil {
		f.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range map[string]string{"Usher-Visitor": f.Visitor, "Usher-Place": f.Place} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if f.Pass != "" {
		req.Header.Set("Authorization", "Bearer "+f.Pass)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return answer(f.client.Do(req))
}

func answer(resp *http.Response, err error) Answer {
	if err != nil {
		return Answer{Raw: []byte(err.Error())}
	}
	defer func() { _ = resp.Body.Close() }()
	a := Answer{Status: resp.StatusCode, Header: resp.Header}
	a.Raw, _ = io.ReadAll(resp.Body)
	_ = json.Unmarshal(a.Raw, &a.Body)
	return a
}

// Join joins a room.
func (f *Fan) Join(room string) Answer {
	a := f.Do("POST", "/api/v1/rooms/"+room+"/join", nil)
	if a.Str("place") != "" {
		f.Place = a.Str("place")
	}
	f.keepPass(a)
	return a
}

// Enter polls until called, then enters; it reports whether a pass was had within the time, or on a busy machine within a minute.
func (f *Fan) Enter(room string, within time.Duration) bool {
	for deadline := time.Now().Add(max(within, time.Minute)); time.Now().Before(deadline); {
		if f.Pass != "" {
			return true
		}
		a := f.Do("POST", "/api/v1/rooms/"+room+"/enter", nil)
		f.keepPass(a)
		if a.Status == http.StatusGone || a.Status == http.StatusUnauthorized {
			return false
		}
		time.Sleep(100 * time.Millisecond)
	}
	return f.Pass != ""
}

func (f *Fan) keepPass(a Answer) {
	if p := a.Str("pass"); p != "" {
		f.Pass = p
	}
	if p := a.Header.Get("Usher-Pass"); p != "" {
		f.Pass = p
	}
}

// Hold holds one seat.
func (f *Fan) Hold(event, ticket string) Answer {
	a := f.Do("POST", "/api/v1/events/"+event+"/ticket/"+ticket+"/hold", nil)
	if v := a.Header.Get("Usher-Visitor"); f.Visitor == "" && v != "" {
		f.Visitor = v
	}
	return a
}

// Book books held tickets; key is the Idempotency-Key.
func (f *Fan) Book(key string, tickets ...string) Answer {
	a := f.Do("POST", "/api/v1/booking", map[string]any{"ticketIds": tickets}, "Idempotency-Key", key)
	f.keepPass(a)
	return a
}

// Confirm pays with a sandbox token.
func (f *Fan) Confirm(booking, token string) Answer {
	return f.Do("POST", "/api/v1/booking/"+booking+"/confirm",
		map[string]any{"paymentDetails": map[string]any{"method": "sandbox", "token": token}})
}

// Settled asks for a booking until it is neither pending nor paying.
func (f *Fan) Settled(booking string, within time.Duration) Answer {
	var a Answer
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		a = f.Do("GET", "/api/v1/booking/"+booking, nil)
		if s := a.Str("status"); a.Status == http.StatusOK && s != "pending" && s != "paying" {
			return a
		}
	}
	return a
}

// Tickets returns the ids of an event's tickets that the view shows, and whether each is for sale.
func (f *Fan) Tickets(event string) (ids []string, forSale map[string]bool) {
	forSale = map[string]bool{}
	a := f.Do("GET", "/api/v1/events/"+event, nil)
	list, _ := a.Body["tickets"].([]any)
	for _, item := range list {
		t, _ := item.(map[string]any)
		name, _ := t["id"].(string)
		ids = append(ids, name)
		forSale[name] = t["status"] == "available" && t["held"] == false && t["blocked"] == false
	}
	return ids, forSale
}
