package apptest

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// buyer is a fan with a reserved booking of one seat of an event that no room guards.
func (s *System) buyer(t *testing.T, event, ticket string) (f *Fan, booking string) {
	t.Helper()
	f = NewFan(t, client, s.Public[0])
	must(t, f.Hold(event, ticket), 201)
	return f, must(t, f.Book("", ticket), 201).Str("booking_id")
}

func TestWaysToPay(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: eventOf(20)})
	event := s.EventID()
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(event)
	t.Run("declined, then paid", func(t *testing.T) {
		f, b := s.buyer(t, event, tickets[0])
		want(t, "declined", f.Confirm(b, "tok_declined"), 402, "payment-declined")
		if a := f.Confirm(b, "tok_insufficient_funds"); a.Problem() != "payment-declined" || a.Str("reason") == "" {
			t.Errorf("no funds: %s", a)
		}
		if a := f.Do("GET", "/api/v1/booking/"+b, nil); a.Str("status") != "reserved" {
			t.Errorf("after two refusals: %s", a)
		}
		must(t, f.Confirm(b, "tok_ok"), 200)
	})
	t.Run("the payer must act", func(t *testing.T) {
		f, b := s.buyer(t, event, tickets[1])
		must(t, f.Confirm(b, "tok_action"), 202)
		where := ""
		within(t, 5*time.Second, "told where to act", func() bool {
			action, _ := f.Do("GET", "/api/v1/booking/"+b, nil).Body["action"].(map[string]any)
			where, _ = action["url"].(string)
			return where != ""
		})
		u, err := url.Parse(where)
		if err != nil {
			t.Fatal(err)
		}
		if page := f.Do("GET", u.Path, nil, "Accept", "text/html"); page.Status != http.StatusOK {
			t.Errorf("the payer's page: %s", page)
		}
		must(t, f.Do("POST", u.Path, map[string]any{"approve": true}), 204)
		if a := f.Settled(b, time.Minute); a.Str("status") != "confirmed" {
			t.Errorf("after the payer approved: %s", a)
		}
	})
	t.Run("a slow provider", func(t *testing.T) {
		f, b := s.buyer(t, event, tickets[2])
		a := must(t, f.Confirm(b, "tok_slow"), 202)
		if a.Str("status") != "paying" || a.Body["confirmation_id"] != nil {
			t.Errorf("paying: %s", a)
		}
		within(t, 2*time.Second, "the view shows the payment", func() bool {
			return f.seat(event, tickets[2])["status"] == "payment_processing"
		})
		want(t, "cancel what is being paid", f.Do("POST", "/api/v1/booking/"+b+"/cancel", nil), 409, "booking-not-cancellable")
		if a := f.Settled(b, time.Minute); a.Str("status") != "confirmed" {
			t.Errorf("after the slow payment: %s", a)
		}
	})
	for token, ticket := range map[string]string{"tok_timeout_after_capture": tickets[3], "tok_duplicate_webhook": tickets[4]} {
		t.Run(token, func(t *testing.T) {
			f, b := s.buyer(t, event, ticket)
			if a := f.Confirm(b, token); a.Status != http.StatusOK && a.Status != http.StatusAccepted {
				t.Fatalf("confirm: %s", a)
			}
			if a := f.Settled(b, time.Minute); a.Str("status") != "confirmed" {
				t.Errorf("in the end: %s", a)
			}
		})
	}
	t.Run("a provider in trouble, then paid", func(t *testing.T) {
		f, b := s.buyer(t, event, tickets[6])
		if a := f.Confirm(b, "tok_error"); a.Status != http.StatusAccepted && (a.Problem() != "payment-declined" || a.Str("reason") != "provider_error") {
			t.Fatalf("confirm: %s", a)
		}
		if a := f.Settled(b, time.Minute); a.Str("status") != "reserved" || a.Body["failure"] != nil {
			t.Errorf("after its errors: %s", a)
		}
		must(t, f.Confirm(b, "tok_ok"), 200)
	})
	t.Run("cancelled", func(t *testing.T) {
		f, b := s.buyer(t, event, tickets[5])
		for range 2 {
			if a := must(t, f.Do("POST", "/api/v1/booking/"+b+"/cancel", nil), 200); a.Str("status") != "cancelled" {
				t.Errorf("cancel: %s", a)
			}
		}
		within(t, 3*time.Second, "somebody else may hold it", func() bool {
			return NewFan(t, client, s.Public[0]).Hold(event, tickets[5]).Status == http.StatusCreated
		})
	})
	s.CheckTruth()
}

func TestUnpaidBookingsExpire(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Catalog: eventOf(20), Env: map[string]string{"USHER_CHECKOUT": "8s", "USHER_HOLD": "8s"}})
	event := s.EventID()
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(event)
	f, b := s.buyer(t, event, tickets[0])
	if a := f.Settled(b, time.Second); a.Str("status") != "reserved" {
		t.Fatalf("at once: %s", a)
	}
	within(t, 15*time.Second, "expired", func() bool {
		return f.Do("GET", "/api/v1/booking/"+b, nil).Str("status") == "expired"
	})
	want(t, "pay what has expired", f.Confirm(b, "tok_ok"), 410, "booking-expired")
	within(t, 5*time.Second, "somebody else may hold it", func() bool {
		return NewFan(t, client, s.Public[0]).Hold(event, tickets[0]).Status == http.StatusCreated
	})
	s.CheckTruth()
}
