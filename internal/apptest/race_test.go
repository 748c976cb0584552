package apptest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"usher/internal/guard"
)

// sales counts, per ticket, the confirmations that fans were given.
type sales struct {
	patience  time.Duration       // how long a fan waits for a booking or a payment to settle before he looks for another seat
	mu        sync.Mutex          // guards both maps
	confirmed map[string][]string // ticket → confirmation ids
	reserved  map[string]string   // acknowledged booking → ticket
}

func newSales() *sales {
	return &sales{patience: 20 * time.Second, confirmed: map[string][]string{}, reserved: map[string]string{}}
}

func (s *sales) acknowledge(booking, ticket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved[booking] = ticket
}

func (s *sales) acknowledged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reserved)
}

func (s *sales) confirm(ticket, confirmation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirmed[ticket] = append(s.confirmed[ticket], confirmation)
}

// twice returns the tickets that more than one fan was sold.
func (s *sales) twice() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ticket, c := range s.confirmed {
		if len(c) > 1 {
			out = append(out, fmt.Sprintf("%s: %v", ticket, c))
		}
	}
	return out
}

// buy lets a fan try for seats until he has one or nothing is left; he goes for any of the tickets in random order.
func (s *sales) buy(f *Fan, event string, tickets []string, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	for _, i := range rng.Perm(len(tickets)) {
		ticket := tickets[i]
		if a := f.Hold(event, ticket); a.Status != http.StatusCreated && a.Status != http.StatusOK {
			continue
		}
		a := s.patiently(func() Answer { return f.Book(fmt.Sprintf("book-%d-%s", seed, ticket), ticket) })
		if a.Status != http.StatusCreated && a.Status != http.StatusAccepted {
			continue
		}
		booking := a.Str("booking_id")
		if a.Status == http.StatusCreated {
			s.acknowledge(booking, ticket)
		} else if f.Settled(booking, s.patience).Str("status") != "reserved" {
			continue
		}
		s.patiently(func() Answer { return f.Confirm(booking, "tok_ok") })
		if f.Settled(booking, s.patience).Str("status") == "confirmed" {
			s.confirm(ticket, f.Settled(booking, time.Second).Str("confirmation_id"))
			return
		}
	}
}

// patiently asks again while the answer is that a store is away for a moment, as whoever has a seat in his basket does. Both calls may be repeated.
func (s *sales) patiently(ask func() Answer) Answer {
	for deadline := time.Now().Add(s.patience); ; time.Sleep(200 * time.Millisecond) {
		if a := ask(); a.Status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			return a
		}
	}
}

// race lets fans race for the event's seats, spread over all gateways.
func race(t *testing.T, s *System, event string, fans int) *sales {
	t.Helper()
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(event)
	sold := newSales()
	var wg sync.WaitGroup
	for i := range fans {
		wg.Go(func() {
			sold.buy(NewFan(t, client, s.Public[i%len(s.Public)]), event, tickets, uint64(i))
		})
	}
	wg.Wait()
	return sold
}

func TestTwoHundredFansRaceForFiftySeats(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Workers: 2, Catalog: eventOf(50)})
	sold := race(t, s, s.EventID(), 200)
	if twice := sold.twice(); len(twice) > 0 {
		t.Errorf("sold twice: %v", twice)
	}
	if len(sold.confirmed) != 50 {
		t.Errorf("%d of 50 seats were sold", len(sold.confirmed))
	}
	s.CheckTruth()
}

// The same race with every guard off: if nothing is sold twice now, the proof above proves nothing.
func TestControlRaceWithoutGuardsSellsTwice(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Workers: 2, Catalog: eventOf(50), Off: []guard.Guard{
		guard.HoldOwner, guard.DurableHold, guard.SeatFree, guard.VersionCheck, guard.SeatUnique,
	}})
	s.Exec("DROP INDEX one_live_booking_per_seat")
	if twice := race(t, s, s.EventID(), 200).twice(); len(twice) == 0 {
		t.Error("without any guard 200 fans raced for 50 seats and none was sold twice: the race proves nothing")
	}
}
