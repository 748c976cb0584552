package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const maxTries = 12 // seats that a fan goes for before he gives up

type booking struct {
	ID           string   `json:"booking_id"`
	Status       string   `json:"status"`
	Tickets      []ticket `json:"tickets"`
	Confirmation string   `json:"confirmation_id"`
	Type         string   `json:"type"`
	Alternatives []ticket `json:"alternatives"`
}

// shop chooses seats, books and pays, a bounded number of times.
func (f *fan) shop(ctx context.Context) {
	free := f.browse(ctx)
	for try := 0; try < maxTries && len(free) > 0 && ctx.Err() == nil && !f.soldOut.Load(); try++ {
		wanted := f.choose(free)
		held, hint := f.hold(ctx, wanted)
		if held {
			if f.mood == givesUp && f.rng.IntN(2) == 0 {
				f.giveBack(ctx)
			} else {
				f.pay(ctx, wanted)
			}
			return
		}
		if free = without(free, wanted); len(hint) > 0 && f.rng.Float64() < 0.7 {
			free = append(hint, without(free, hint)...)
		}
		if try%4 == 3 {
			free = f.browse(ctx)
		}
		pause(ctx, time.Duration(f.rng.Float64()*float64(300*time.Millisecond)))
	}
}

// browse reads the event and returns the tickets that are for sale.
func (f *fan) browse(ctx context.Context) (free []string) {
	a := f.do(ctx, "view", "GET", "/api/v1/events/"+f.sale.event, nil)
	var v eventView
	a.decode(&v)
	for _, t := range v.Tickets {
		if t.forSale() {
			free = append(free, t.ID)
		}
	}
	return free
}

// choose picks one to four neighbours: among the best for every third fan, anywhere for the others.
func (f *fan) choose(free []string) []string {
	n := min(1+f.rng.IntN(4), len(free))
	span := len(free) - n + 1
	if f.rng.IntN(3) == 0 {
		span = min(span, 20)
	}
	from := f.rng.IntN(span)
	return append([]string{}, free[from:from+n]...)
}

// hold claims the tickets: one by its own call, more by the call for several.
func (f *fan) hold(ctx context.Context, tickets []string) (held bool, alternatives []string) {
	var a answer
	if len(tickets) == 1 {
		a = f.do(ctx, "hold", "POST", "/api/v1/events/"+f.sale.event+"/ticket/"+tickets[0]+"/hold", nil)
	} else {
		a = f.do(ctx, "holds", "POST", "/api/v1/events/"+f.sale.event+"/holds", map[string]any{"ticketIds": tickets})
	}
	if a.status == http.StatusCreated || a.status == http.StatusOK {
		f.holds.Add(int64(len(tickets)))
		return true, nil
	}
	var b booking
	a.decode(&b)
	for _, t := range b.Alternatives {
		alternatives = append(alternatives, t.ID)
	}
	if a.status == http.StatusServiceUnavailable {
		pause(ctx, a.retry)
	}
	return false, alternatives
}

// giveBack lets go of what is held; one in --abandon just closes the page.
func (f *fan) giveBack(ctx context.Context) {
	if f.rng.Float64() >= f.abandon {
		f.do(ctx, "release", "DELETE", "/api/v1/events/"+f.sale.event+"/holds", nil)
	}
}

// pay books what is held and pays for it.
func (f *fan) pay(ctx context.Context, tickets []string) {
	a := f.do(ctx, "book", "POST", "/api/v1/booking", map[string]any{"ticketIds": tickets})
	if a.newPass != "" {
		f.pass = a.newPass
	}
	var b booking
	a.decode(&b)
	if a.status == http.StatusAccepted {
		b = f.settled(ctx, b.ID, "reserved")
	}
	if b.ID == "" || b.Status != "reserved" {
		return
	}
	f.booked.Add(1)
	if f.mood == givesUp {
		if f.rng.Float64() >= f.abandon {
			f.do(ctx, "cancel", "POST", "/api/v1/booking/"+b.ID+"/cancel", nil)
		}
		return
	}
	tokens := []string{"tok_ok"}
	if f.mood == declines {
		tokens = []string{"tok_declined", "tok_ok"}
	}
	for _, token := range tokens {
		a = f.do(ctx, "confirm", "POST", "/api/v1/booking/"+b.ID+"/confirm", map[string]any{"paymentDetails": map[string]any{"method": "sandbox", "token": token}})
		var paid booking
		a.decode(&paid)
		if a.status == http.StatusAccepted || a.status == http.StatusServiceUnavailable || a.status == 0 {
			paid = f.settled(ctx, b.ID, "confirmed")
		}
		if paid.Status == "confirmed" {
			f.confirmed.Add(1)
			f.tally.sold(f.visitor, tickets, paid)
			return
		}
	}
}

// settled asks for a booking until it has come to rest.
func (f *fan) settled(ctx context.Context, id, want string) (b booking) {
	for range 60 {
		a := f.do(ctx, "status", "GET", "/api/v1/booking/"+id, nil)
		b = booking{}
		a.decode(&b)
		if a.status == http.StatusOK && b.Status == want || b.Status == "failed" || b.Status == "expired" || a.status == http.StatusNotFound ||
			!pause(ctx, 500*time.Millisecond) {
			break
		}
	}
	return b
}

func without(all, some []string) (out []string) {
	gone := fmt.Sprint(strings.Join(some, " "), " ")
	for _, t := range all {
		if !strings.Contains(gone, t+" ") {
			out = append(out, t)
		}
	}
	return out
}
