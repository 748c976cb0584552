package desk

import (
	"sync"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/internal/id"
)

// maxPending bounds the bookings that a desk remembers as on their way.
const maxPending = 50_000

// pending remembers bookings that were answered 202 here. It is a help for those who ask: the log and the table of results
// decide, and a desk that dies forgets it without harm.
type pending struct {
	mu    sync.Mutex // guards known
	known map[id.Booking]underway
}

type underway struct {
	booking booking.Booking
	overdue time.Time
}

func newPending() *pending { return &pending{known: map[id.Booking]underway{}} }

func (p *pending) add(c command.Command, b booking.Booking) booking.Booking {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxPending {
		for k := range p.known { // any: it is a help, not a promise
			delete(p.known, k)
			break
		}
	}
	p.known[b.ID] = underway{booking: b, overdue: c.Deadline}
	return b
}

func (p *pending) get(b id.Booking) (booking.Booking, bool, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u, ok := p.known[b]
	return u.booking, time.Now().After(u.overdue), ok
}

func (p *pending) forget(b id.Booking) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, b)
}
