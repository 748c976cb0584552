package apptest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// organiser is a server that is told of sales. It takes what its secret has signed.
type organiser struct {
	*httptest.Server
	mu     sync.Mutex // guards all below
	secret string
	forged int
	types  map[string][]string // by booking
}

func newOrganiser(t *testing.T) *organiser {
	t.Helper()
	o := &organiser{types: map[string][]string{}}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var message struct {
			Type string
			Data struct {
				Booking string `json:"booking_id"`
			}
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(o.secret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + string(body)))
		if len(key) == 0 || json.Unmarshal(body, &message) != nil || !slices.Contains(strings.Fields(r.Header.Get("webhook-signature")), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))) {
			o.forged++
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if heard := o.types[message.Data.Booking]; len(heard) == 0 || heard[len(heard)-1] != message.Type { // a repeat is no news
			o.types[message.Data.Booking] = append(heard, message.Type)
		}
	}))
	t.Cleanup(o.Close)
	return o
}

// heard is what was told of a booking, in order.
func (o *organiser) heard(booking string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.types[booking], " ")
}

// TestAnOrganiserIsToldOfEverySale: over the processes of a whole system, while another organiser's server answers nothing, and after the relay that tells was killed.
func TestAnOrganiserIsToldOfEverySale(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Relays: 2, Catalog: eventOf(20), Env: map[string]string{"USHER_WEBHOOKS_PRIVATE": "true"}})
	to := newOrganiser(t)
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(release) })
	admin := &Fan{t: t, client: client, Base: s.Admin[0], Pass: adminToken}
	want(t, "an address that is none", admin.Do("POST", "/admin/v1/webhooks", map[string]any{"url": "ftp://x"}), 400, "invalid-request")
	must(t, admin.Do("POST", "/admin/v1/webhooks", map[string]any{"url": silent.URL}), 201)
	to.mu.Lock()
	made := must(t, admin.Do("POST", "/admin/v1/webhooks", map[string]any{"url": to.URL + "/usher", "kinds": []string{"booking.reserved", "booking.confirmed"}}), 201)
	to.secret = made.Str("secret")
	to.mu.Unlock()

	event := s.EventID()
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(event)
	sold := 0
	sell := func() {
		t.Helper()
		f, booking := s.buyer(t, event, tickets[sold])
		must(t, f.Confirm(booking, "tok_ok"), 200)
		sold++
		within(t, 20*time.Second, "the organiser is told of sale "+booking, func() bool { return to.heard(booking) == "booking.reserved booking.confirmed" })
	}
	sell()
	must(t, admin.Do("POST", "/admin/v1/webhooks/"+made.Str("id")+"/test", nil), 202)
	within(t, 20*time.Second, "the test message", func() bool { return to.heard("") == "webhook.test" })
	s.Kill("relay", 0)
	sell()
	s.StartRole("relay", 0)
	s.Kill("relay", 1)
	sell()
	to.mu.Lock()
	if to.forged > 0 {
		t.Errorf("%d messages were not signed well", to.forged)
	}
	to.mu.Unlock()
	file := filepath.Join(t.TempDir(), "sales.csv")
	s.must("report", "--event", event, "--out", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(lines) != 2 || lines[1][slices.Index(lines[0], "sold")] != "3" || lines[1][slices.Index(lines[0], "net")] != "195.00" {
		t.Errorf("the report says %q, %v", text, err)
	}
	s.CheckTruth()
}
