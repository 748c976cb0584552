package catalog

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/booking"
	"usher/catalog/layout"
	"usher/internal/id"
)

// stand is both stores in memory, with a clock of its own: it counts what it is asked, and can be away.
type stand struct {
	mu        sync.Mutex // guards all below but the counters
	now       time.Time
	facts     *Facts
	seats     Seats
	truthAway bool
	mapAway   bool
	room      *RoomInfo
	slow      chan struct{} // when set, loading facts waits until it is closed
	hang      chan struct{} // likewise looking for their version

	factsRead, versionRead, seatsRead, mapRead atomic.Int64
}

var errAway = errors.New("away")

var testEvent, _ = id.NewEvent(322, 7)

// newStand has an event on sale with the given number of seats.
func newStand(t testing.TB, seats int) *stand {
	t.Helper()
	l, err := layout.Generate(seats)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("America/Toronto")
	if err != nil {
		t.Fatal(err)
	}
	latitude, longitude := 43.65, -79.38
	s := &stand{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	s.facts = &Facts{
		Plan: &layout.Plan{Event: testEvent, Currency: "CAD", Prices: map[string]int{"A": 9000, "B": 6500, "C": 4000, "D": 2000}, Layout: l},
		Name: `Owls & "Friends"`, Details: "Line one\nline two", Performer: "The Owls",
		Performers: []Performer{{ID: 3, Name: "The Owls"}, {ID: 9, Name: "Sōma"}},
		Start:      time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC), End: time.Date(2026, 12, 1, 3, 30, 0, 0, time.UTC),
		Venue:  Venue{ID: 12, Name: "The Lantern", Location: "Toronto, Canada", City: "Toronto", Country: "CA", Latitude: &latitude, Longitude: &longitude, Zone: zone},
		OnSale: true, Version: 1,
	}
	s.seats = Seats{Version: 1_000_000, States: make([]booking.SeatState, seats), Holds: map[int]time.Time{}}
	return s
}

func (s *stand) views(bytes int64) *Views {
	return New(Config{Truth: s, Map: (*standMap)(s), Key: []byte("a key of the test's own"), Bytes: bytes, Now: s.clock, RoomOf: func(id.Event) (RoomInfo, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.room == nil {
			return RoomInfo{}, false
		}
		return *s.room, true
	}})
}

func (s *stand) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// change does something to the stand.
func (s *stand) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// pass lets time pass.
func (s *stand) pass(d time.Duration) { s.change(func() { s.now = s.now.Add(d) }) }

func (s *stand) Facts(_ context.Context, e id.Event) (*Facts, error) {
	s.factsRead.Add(1)
	if s.slow != nil {
		<-s.slow
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.truthAway:
		return nil, errAway
	case e.Month() != testEvent.Month():
		return nil, booking.ErrEventNotFound
	}
	f, plan := *s.facts, *s.facts.Plan
	plan.Event = e
	f.Plan = &plan
	return &f, nil
}

func (s *stand) FactsVersion(context.Context, id.Event) (int64, error) {
	s.versionRead.Add(1)
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	if hang != nil {
		<-hang
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.truthAway {
		return 0, errAway
	}
	return s.facts.Version, nil
}

func (s *stand) Seats(context.Context, id.Event) (Seats, error) {
	s.seatsRead.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.truthAway {
		return Seats{}, errAway
	}
	return s.copy(), nil
}

// copy is the seats as a store would answer them. The caller holds mu.
func (s *stand) copy() Seats {
	out := s.seats
	out.Now, out.Holds = s.now, map[int]time.Time{}
	out.States = append([]booking.SeatState(nil), s.seats.States...)
	for seat, end := range s.seats.Holds {
		out.Holds[seat] = end
	}
	return out
}

// standMap is the seat map's side of a stand.
type standMap stand

func (s *standMap) Snapshot(_ context.Context, _ id.Event, have int64) (Seats, error) {
	s.mapRead.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mapAway {
		return Seats{}, ErrMapAway
	}
	if have == s.seats.Version {
		return Seats{Version: have, Now: s.now, Same: true}, nil
	}
	return (*stand)(s).copy(), nil
}
