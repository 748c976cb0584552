package stripetest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	tellings  = 5 // of one webhook, until the receiver answers with 2xx
	hookPause = 20 * time.Millisecond
	hookTime  = 5 * time.Second
)

// Hooks says where webhooks go, and what becomes of them on the way.
type Hooks struct {
	URL    string // empty: nobody listens
	Secret string
	// Post gives the delays of the copies of the nth event, from 0 on: none is a loss, two a duplicate, and a long one lets others
	// overtake. A negative one arrives before the request that caused it is answered. Nil: one copy at once.
	Post func(event string, n int) []time.Duration
}

// TellTo sends the webhooks from now on to another address.
func (s *Server) TellTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Hooks.URL = url
}

// Heard is how many webhooks were answered with 2xx.
func (s *Server) Heard() int { return int(s.heard.Load()) }

// Sign returns the header Stripe-Signature for a body.
func Sign(secret string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

// Event is the body of a webhook about an object.
func Event(kind, event string, object map[string]any) ([]byte, error) {
	return json.Marshal(map[string]any{
		"id": event, "object": "event", "type": kind, "created": time.Now().Unix(), "livemode": false, "api_version": "2026-03-25.dahlia",
		"data": map[string]any{"object": object},
	})
}

// tell sends the webhooks of one event. The caller holds the lock.
func (s *Server) tell(kind string, i *Intent) {
	n := s.nth["event"]
	s.nth["event"]++
	if s.Hooks.URL == "" || s.ended {
		return
	}
	body, err := Event(kind, fmt.Sprintf("evt_%024d", n), view(i))
	if err != nil {
		return
	}
	hooks, delays := s.Hooks, []time.Duration{0}
	if s.Hooks.Post != nil {
		delays = s.Hooks.Post(kind, n)
	}
	for _, d := range delays {
		if d < 0 {
			s.early = append(s.early, body)
			continue
		}
		s.hooks.Go(func() {
			time.Sleep(d)
			s.deliver(hooks, body)
		})
	}
}

// sooner gives the lock back, and delivers what must arrive before the answer.
func (s *Server) sooner() {
	hooks, early := s.Hooks, s.early
	s.early = nil
	s.mu.Unlock()
	for _, body := range early {
		s.deliver(hooks, body)
	}
}

func (s *Server) deliver(h Hooks, body []byte) {
	for range tellings {
		if h.post(body) {
			s.heard.Add(1)
			return
		}
		time.Sleep(hookPause)
	}
}

func (h Hooks) post(body []byte) bool {
	ctx, cancel := context.WithTimeout(context.Background(), hookTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", h.URL, bytes.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Stripe-Signature", Sign(h.Secret, time.Now(), body))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode/100 == 2
}
