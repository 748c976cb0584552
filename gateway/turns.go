package gateway

import (
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/internal/id"
	"usher/internal/problem"
)

const (
	atOnce       = 32 // calls for seats of one event that are carried out at once by one gateway: docs/results.md tells of 16, 32 and 64
	turnPatience = 5 * time.Second
)

var turnsRefused = metrics.NewCounter("usher_turns_refused_total")

// turns lets the crowd of an event wait here, in the order of its coming, and not at the stores: there it would stand before who holds seats already and wants to book or pay,
// and before the visitors of other events.
type turns struct {
	patience time.Duration // then the caller is told to come again

	mu sync.Mutex // guards of
	of map[id.Event]*turn
}

// turn is one event's.
type turn struct {
	places chan struct{}
	here   int // who waits or has a place: the last one takes the event from the map
}

func newTurns() *turns {
	waiting := &turns{patience: turnPatience, of: map[id.Event]*turn{}}
	metrics.GetOrCreateGauge("usher_turns_waiting_calls", waiting.count)
	return waiting
}

// count is how many wait or have a place.
func (t *turns) count() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, one := range t.of {
		n += one.here
	}
	return float64(n)
}

// enter waits for a place, which leave gives back; false when there was none in time.
func (t *turns) enter(e id.Event) (leave func(), ok bool) {
	t.mu.Lock()
	one := t.of[e]
	if one == nil {
		one = &turn{places: make(chan struct{}, atOnce)}
		t.of[e] = one
	}
	one.here++
	t.mu.Unlock()
	gone := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.here--; one.here == 0 {
			delete(t.of, e)
		}
	}
	leave = func() { <-one.places; gone() }
	select {
	case one.places <- struct{}{}:
		return leave, true
	default:
	}
	over := time.NewTimer(t.patience)
	defer over.Stop()
	select {
	case one.places <- struct{}{}:
		return leave, true
	case <-over.C:
		gone()
		return nil, false
	}
}

// inTurn carries a call for seats of an event out when it is its turn.
func (s *Server) inTurn(handle handle) handle {
	return func(c *call) error {
		e, err := c.event()
		if err != nil {
			return err
		}
		leave, ok := s.turns.enter(e)
		if !ok {
			turnsRefused.Inc()
			return problem.New("overloaded", "many want seats of this event at this moment")
		}
		defer leave()
		return handle(c)
	}
}
