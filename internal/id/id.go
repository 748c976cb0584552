// Package id holds Usher's identifiers. An id says where its thing lives: a ticket's id carries its event,
// an event's id carries the month that the event is stored under, and so a ticket's id alone decides the
// Postgres partition, the Kafka partition and the Redis hash tag. No look-up is ever needed to route a request.
//
//	Event   int64  = month (12 bits, months since 2000-01) · sequence within the month (27 bits)
//	Ticket  int64  = Event (39 bits) · seat index (20 bits, 0-based, event seat order)
//	Visitor 128 random bits, issued by the server only
//	Booking Event + 128 bits
//
// The text forms are fixed-width lower-case Crockford base32, so that every id has exactly one spelling.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrMalformed reports text that is no id of the asked kind. Such text names nothing, so callers answer "not found".
var ErrMalformed = errors.New("malformed id")

const (
	seqBits  = 27 // 134 million events a month; the brief has 300 thousand
	seatBits = 20 // a million seats an event; the largest stadium has 94 thousand

	// MaxSeats is the largest number of seats of one event.
	MaxSeats = 1 << seatBits
	// MaxSequence is the largest number of events of one month.
	MaxSequence = 1 << seqBits
	// MaxMonth is the last month that fits: 4096 months after 2000-01.
	MaxMonth = 1<<12 - 1

	eventText = 8  // characters of an event's text form: 40 bits, the highest always 0
	wideText  = 26 // characters of a 128-bit value
)

var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Event identifies an event; see the package comment for its bits. The zero Event is no event.
type Event int64

// Ticket identifies one seat of one event.
type Ticket int64

// Visitor is an anonymous person. The zero Visitor is nobody.
type Visitor [16]byte

// Key is any other 128-bit value: of a booking within its event, a command, a payment attempt. The zero Key is none.
type Key [16]byte

// Booking identifies a booking and the event that it belongs to.
type Booking struct {
	Event Event
	Key   Key
}

// MonthOf returns the storage month of an event that starts at t (UTC): months since 2000-01, 0 to MaxMonth.
// The month is fixed when the event is created; an event that is moved to another date keeps it.
func MonthOf(t time.Time) (int, error) {
	t = t.UTC()
	m := (t.Year()-2000)*12 + int(t.Month()) - 1
	if m < 0 || m > MaxMonth {
		return 0, fmt.Errorf("event time %s lies outside the years 2000 to 2341", t.Format(time.DateOnly))
	}
	return m, nil
}

// NewEvent composes an event's id from its month and its sequence number within the month.
func NewEvent(month, sequence int) (Event, error) {
	if month < 0 || month > MaxMonth || sequence < 0 || sequence >= MaxSequence || month == 0 && sequence == 0 {
		return 0, fmt.Errorf("event id of month %d, sequence %d is out of range", month, sequence)
	}
	return Event(month)<<seqBits | Event(sequence), nil
}

// Month returns the storage month, in months since 2000-01.
func (e Event) Month() int { return int(e >> seqBits) }

// Ticket returns the id of the seat with the given 0-based index, which must be below MaxSeats.
func (e Event) Ticket(seat int) Ticket { return Ticket(e)<<seatBits | Ticket(seat) }

// Tickets returns the half-open range of all ticket ids of the event.
func (e Event) Tickets() (from, to Ticket) { return e.Ticket(0), (e + 1).Ticket(0) }

// String returns the eight-character text form.
func (e Event) String() string {
	b := [5]byte{byte(e >> 32), byte(e >> 24), byte(e >> 16), byte(e >> 8), byte(e)}
	return encoding.EncodeToString(b[:])
}

// ParseEvent reads the text form; ErrMalformed otherwise.
func ParseEvent(s string) (Event, error) {
	if len(s) != eventText {
		return 0, ErrMalformed
	}
	b, err := encoding.DecodeString(s)
	if err != nil || len(b) != 5 || b[0]&0x80 != 0 { // the decoder skips line ends
		return 0, ErrMalformed
	}
	e := Event(b[0])<<32 | Event(b[1])<<24 | Event(b[2])<<16 | Event(b[3])<<8 | Event(b[4])
	if e == 0 {
		return 0, ErrMalformed
	}
	return e, nil
}

// Event returns the event that the ticket belongs to.
func (t Ticket) Event() Event { return Event(t >> seatBits) }

// Seat returns the 0-based index of the seat in the event's seat order.
func (t Ticket) Seat() int { return int(t & (MaxSeats - 1)) }

// String returns "event-seat".
func (t Ticket) String() string { return t.Event().String() + "-" + strconv.Itoa(t.Seat()) }

// ParseTicket reads "event-seat"; ErrMalformed otherwise. "07" and "+7" are not spellings of 7.
func ParseTicket(s string) (Ticket, error) {
	head, tail, ok := strings.Cut(s, "-")
	if !ok || len(tail) == 0 || len(tail) > 7 || len(tail) > 1 && tail[0] == '0' {
		return 0, ErrMalformed
	}
	e, err := ParseEvent(head)
	if err != nil {
		return 0, err
	}
	seat, err := strconv.ParseUint(tail, 10, 32)
	if err != nil || seat >= MaxSeats {
		return 0, ErrMalformed
	}
	return e.Ticket(int(seat)), nil
}

// NewVisitor draws a fresh visitor from the system's random source.
func NewVisitor() Visitor { return Visitor(random()) }

// NewKey draws 128 fresh random bits, for bookings and commands that no idempotency key names.
func NewKey() Key { return Key(random()) }

func random() (b [16]byte) {
	_, _ = rand.Read(b[:]) // never fails since Go 1.24: the process dies instead
	return b
}

// IsZero reports whether v is nobody.
func (v Visitor) IsZero() bool { return v == Visitor{} }

// String returns the 26-character text form.
func (v Visitor) String() string { return encoding.EncodeToString(v[:]) }

// ParseVisitor reads the text form; ErrMalformed otherwise.
func ParseVisitor(s string) (Visitor, error) {
	b, err := parseWide(s)
	return Visitor(b), err
}

// String returns "event-key".
func (b Booking) String() string { return b.Event.String() + "-" + b.Key.String() }

// ParseBooking reads "event-key"; ErrMalformed otherwise.
func ParseBooking(s string) (Booking, error) {
	head, tail, ok := strings.Cut(s, "-")
	if !ok {
		return Booking{}, ErrMalformed
	}
	e, err := ParseEvent(head)
	if err != nil {
		return Booking{}, err
	}
	key, err := ParseKey(tail)
	return Booking{Event: e, Key: key}, err
}

// IsZero reports whether k is none.
func (k Key) IsZero() bool { return k == Key{} }

// String returns the 26-character text form.
func (k Key) String() string { return encoding.EncodeToString(k[:]) }

// ParseKey reads the text form; ErrMalformed otherwise.
func ParseKey(s string) (Key, error) {
	b, err := parseWide(s)
	return Key(b), err
}

func parseWide(s string) (out [16]byte, err error) {
	if len(s) != wideText {
		return out, ErrMalformed
	}
	b, err := encoding.DecodeString(s)
	if err != nil {
		return out, ErrMalformed
	}
	copy(out[:], b)
	// 26 characters carry 130 bits: the two spare ones must be zero, or one value would have four spellings.
	if encoding.EncodeToString(out[:]) != s {
		return [16]byte{}, ErrMalformed
	}
	return out, nil
}

// MarshalText and UnmarshalText make the ids travel as text in JSON.
func (e Event) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads the text form.
func (e *Event) UnmarshalText(b []byte) (err error) { *e, err = ParseEvent(string(b)); return err }

// MarshalText writes the text form.
func (t Ticket) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the text form.
func (t *Ticket) UnmarshalText(b []byte) (err error) { *t, err = ParseTicket(string(b)); return err }

// MarshalText writes the text form.
func (v Visitor) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the text form.
func (v *Visitor) UnmarshalText(b []byte) (err error) { *v, err = ParseVisitor(string(b)); return err }

// MarshalText writes the text form.
func (b Booking) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads the text form.
func (b *Booking) UnmarshalText(t []byte) (err error) { *b, err = ParseBooking(string(t)); return err }

// MarshalText writes the text form.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the text form.
func (k *Key) UnmarshalText(b []byte) (err error) { *k, err = ParseKey(string(b)); return err }
