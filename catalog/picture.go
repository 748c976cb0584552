package catalog

import (
	"time"

	"usher/booking"
)

// picture is all that a body shows.
type picture struct {
	facts *Facts
	seats *Seats
	room  *RoomInfo // nil: no room
	image string    // the address of the event's picture; empty: none
	codes []byte    // a digit a seat, as in the legend of the seats body
	count [5]int    // seats by code
	// changesAt is when the first hold runs out: then the picture changes without anybody's doing. Zero: never.
	changesAt time.Time
}

// The codes are those of the contract's legend.
const (
	codeFree    = '0'
	codeHeld    = '1' // by a visitor's hold, or reserved by a booking
	codePaying  = '2'
	codeBooked  = '3'
	codeBlocked = '4'

	legend = `"legend":["available","held","payment_processing","booked","blocked"]`
)

// codeOf is the code of a state when nobody holds the seat.
var codeOf = [...]byte{
	booking.SeatFree: codeFree, booking.SeatReserved: codeHeld, booking.SeatPaying: codePaying, booking.SeatBooked: codeBooked,
	booking.SeatBlocked: codeBlocked,
}

// newPicture puts together what is shown, and counts the seats. Seats beyond the layout are not shown.
func newPicture(facts *Facts, seats *Seats, room *RoomInfo) *picture {
	p := &picture{facts: facts, seats: seats, room: room, codes: make([]byte, min(len(seats.States), facts.Capacity()))}
	for i := range p.codes {
		p.codes[i] = codeOf[seats.States[i]]
	}
	for i, end := range seats.Holds {
		if i >= len(p.codes) || p.codes[i] != codeFree || !end.After(seats.Now) {
			continue
		}
		p.codes[i] = codeHeld
		if p.changesAt.IsZero() || end.Before(p.changesAt) {
			p.changesAt = end
		}
	}
	for _, c := range p.codes {
		p.count[c-codeFree]++
	}
	return p
}

// pages is how many pages of tickets an event has: at least one.
func (p *picture) pages() int { return max((len(p.codes)+PageSeats-1)/PageSeats, 1) }

// page renders one page of the event view.
func (p *picture) page(key []byte, n int) []byte {
	next := ""
	if n+1 < p.pages() {
		next = sealCursor(key, p.facts.Event, (n+1)*PageSeats)
	}
	return p.event(n*PageSeats, next)
}
