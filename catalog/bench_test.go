package catalog

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"usher/booking"
)

// A view that is in memory: what nearly every caller gets.
func BenchmarkEventInMemory(b *testing.B) {
	v := New(Config{Truth: newStand(b, 500), Map: (*standMap)(newStand(b, 500))})
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := v.Event(context.Background(), testEvent, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A full body of 500 seats, rendered anew.
func BenchmarkRender(b *testing.B) {
	s := newStand(b, 500)
	for i := range s.seats.States {
		s.seats.States[i] = booking.SeatState(i % 5)
		s.seats.Holds[i] = s.now.Add(time.Minute)
	}
	p := newPicture(s.facts, &s.seats, nil)
	b.SetBytes(int64(len(p.page(nil, 0))))
	for b.Loop() {
		newPicture(s.facts, &s.seats, nil).page(nil, 0)
	}
}

// The same tickets by encoding/json, to say what rendering by hand is worth.
func BenchmarkRenderWithEncodingJSON(b *testing.B) {
	type ticket struct {
		ID         string     `json:"id"`
		EventID    string     `json:"event_id"`
		SeatNumber string     `json:"seat_number"`
		Section    string     `json:"section"`
		Row        string     `json:"row"`
		Price      int        `json:"price"`
		Currency   string     `json:"currency"`
		Status     string     `json:"status"`
		Held       bool       `json:"held"`
		HoldExpiry *time.Time `json:"hold_expiry"`
		Blocked    bool       `json:"blocked"`
	}
	s := newStand(b, 500)
	end := s.now
	for b.Loop() {
		tickets := make([]ticket, 500)
		for i := range tickets {
			seat := s.facts.Seat(i)
			tickets[i] = ticket{testEvent.Ticket(i).String(), testEvent.String(), seat.Number, seat.Section, seat.Row, s.facts.Price(i), "CAD",
				string(booking.SeatState(i % 5).Status()), i%5 == 1, &end, i%5 == 4}
		}
		if _, err := json.Marshal(tickets); err != nil {
			b.Fatal(err)
		}
	}
}
