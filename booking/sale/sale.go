// Package sale holds the rules of one event's sale: given the state of its seats and bookings and one command, it
// decides what happens. It is pure: no I/O, no clock; time is handed in. The worker keeps a Sale in memory for each
// event that it writes, lets it decide command after command in log order, and commits what changed.
package sale

import (
	"maps"
	"slices"
	"time"

	"usher/booking"
	"usher/booking/event"
	"usher/internal/id"
)

// MaxExtension is how far beginning to pay moves the end of a reservation, once.
const MaxExtension = 5 * time.Minute

// MaxReservation is how far a buyer who needs more time moves it at most, once: the longest checkout that can be configured.
const MaxReservation = time.Hour

// Seat is one seat as the worker last knew it: 28 bytes, for a worker keeps millions.
type Seat struct {
	Booking id.Key // the live booking that owns it
	Version int32
	Price   int32 // minor units
	State   booking.SeatState
}

// Hold is a visitor's hold as it was read with the seats.
type Hold struct {
	Holder id.Visitor
	Until  time.Time
}

// Record is a booking as the worker keeps it.
type Record struct {
	Key            id.Key
	Owner          id.Visitor
	Status         booking.Status
	Seats          []int
	Total          int64
	ExpirationTime time.Time
	Extended       bool // by its owner, which he can do once
	ConfirmationID string
	Attempt        id.Key // the latest payment attempt; zero before the first
	Session        booking.Session
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Sale is the state of one event's sale.
type Sale struct {
	Event    id.Event
	Currency string
	Seats    []Seat
	Bookings map[id.Key]*Record // those that are reserved or being paid, as far as commands have named them

	stock event.Stock
	// holds are believed from reading to the first Flush only. They come and go without the worker, so later the seat's row
	// says who holds it, and the write checks that.
	holds   map[int]Hold
	touched map[int]origin     // seats changed since Flush
	changed map[id.Key]*Record // bookings changed since Flush
	freed   map[seatOf]bool    // seat of a booking → whether the booking still owns it
	named   []id.Key           // bookings that came into play since Flush
}

// origin is what a seat was before the first change since Flush.
type origin struct {
	version  int32
	free     bool
	claimant id.Visitor // who took the free seat first
}

type seatOf struct {
	seat    int
	booking id.Key
}

// New returns a sale of the given seats, in seat order, and the holds that lay on them when they were read.
func New(e id.Event, currency string, seats []Seat, holds map[int]Hold) *Sale {
	s := &Sale{Event: e, Currency: currency, Seats: seats, Bookings: map[id.Key]*Record{}, holds: holds}
	s.stock.Capacity = len(seats)
	for _, seat := range seats {
		s.count(seat.State, 1)
		s.stock.Version += int64(seat.Version)
	}
	s.reset()
	return s
}

// Holds returns who held or had reserved which seat when the sale was read, until the first Flush. Callers must not change it.
func (s *Sale) Holds() map[int]Hold { return s.holds }

// Stock counts the seats by state.
func (s *Sale) Stock() event.Stock { return s.stock }

func (s *Sale) reset() {
	s.touched, s.changed, s.freed = map[int]origin{}, map[id.Key]*Record{}, map[seatOf]bool{}
	s.named = s.named[:0]
}

// Remember adds a booking that was read because a command names it.
func (s *Sale) Remember(r *Record) {
	s.Bookings[r.Key] = r
	s.named = append(s.named, r.Key)
}

func (s *Sale) count(state booking.SeatState, n int) {
	switch state {
	case booking.SeatReserved:
		s.stock.Reserved += n
	case booking.SeatPaying:
		s.stock.Paying += n
	case booking.SeatBooked:
		s.stock.Booked += n
	case booking.SeatBlocked:
		s.stock.Blocked += n
	default:
		s.stock.Free += n
	}
}

// move changes seats and returns the changes for the world.
func (s *Sale) move(seats []int, to booking.SeatState, owner *Record) []event.SeatChange {
	changes := make([]event.SeatChange, 0, len(seats))
	for _, i := range seats {
		seat := &s.Seats[i]
		if _, again := s.touched[i]; !again {
			was := origin{version: seat.Version, free: seat.State == booking.SeatFree}
			if owner != nil {
				was.claimant = owner.Owner
			}
			s.touched[i] = was
		}
		s.count(seat.State, -1)
		s.count(to, 1)
		s.stock.Version++
		if !seat.Booking.IsZero() {
			s.freed[seatOf{i, seat.Booking}] = false
		}
		seat.State, seat.Version, seat.Booking = to, seat.Version+1, id.Key{}
		delete(s.holds, i)
		if owner != nil {
			s.freed[seatOf{i, owner.Key}] = true
			seat.Booking = owner.Key
		}
		changes = append(changes, event.SeatChange{Seat: i, Version: int(seat.Version), State: to})
	}
	return changes
}

// SeatWrite is a seat's new row, to be written if its version is still From.
type SeatWrite struct {
	Ticket id.Ticket
	From   int32
	Seat
	Hold // of a reservation: the buyer's, to its end
	// Claimed says that the seat was free before: no live hold may lie on it but that of Claimant.
	Claimed  bool
	Claimant id.Visitor
}

// SeatOwner says whether a booking owns a seat after the batch.
type SeatOwner struct {
	Ticket  id.Ticket
	Booking id.Key
	Live    bool
}

// Writes is everything that changed since the last Flush.
type Writes struct {
	Seats    []SeatWrite
	Bookings []*Record
	Owners   []SeatOwner
}

// Flush returns what must be written and forgets it. When the write fails, the whole Sale must be thrown away. Seats stand
// in seat order: whoever locks seats, locks them in this order, and nobody waits in a circle.
func (s *Sale) Flush() (w Writes) {
	for _, i := range slices.Sorted(maps.Keys(s.touched)) {
		was, seat := s.touched[i], s.Seats[i]
		write := SeatWrite{Ticket: s.Event.Ticket(i), From: was.version, Seat: seat, Claimed: was.free, Claimant: was.claimant}
		if r := s.Bookings[seat.Booking]; r != nil && seat.State != booking.SeatBooked {
			write.Hold = Hold{Holder: r.Owner, Until: r.ExpirationTime}
		}
		w.Seats = append(w.Seats, write)
	}
	for _, r := range s.changed {
		w.Bookings = append(w.Bookings, r)
	}
	for of, live := range s.freed {
		w.Owners = append(w.Owners, SeatOwner{Ticket: s.Event.Ticket(of.seat), Booking: of.booking, Live: live})
	}
	for _, k := range s.named {
		if r := s.Bookings[k]; r != nil && r.Status != booking.Reserved && r.Status != booking.Paying {
			delete(s.Bookings, k) // it has come to its end: read again if anybody asks
		}
	}
	s.reset()
	s.holds = nil
	return w
}
