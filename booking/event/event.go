// Package event is the message from the booking core to the world: one JSON object on the Kafka topic
// "booking.events", keyed by the event's id, in commit order per event, at least once. Readers ignore what they
// do not know and make repeats harmless by the seats' versions.
package event

import (
	"time"

	"usher/booking"
	"usher/internal/id"
)

// Topic is the Kafka topic of booking events.
const Topic = "booking.events"

// Kind says what happened.
type Kind string

// The kinds of event.
const (
	BookingReserved  Kind = "booking.reserved"
	BookingPaying    Kind = "booking.paying"
	BookingDeclined  Kind = "booking.declined" // reserved again
	BookingConfirmed Kind = "booking.confirmed"
	BookingExtended  Kind = "booking.extended" // reserved for longer
	BookingExpired   Kind = "booking.expired"
	BookingCancelled Kind = "booking.cancelled"
	SeatsBlocked     Kind = "seats.blocked"
	SeatsUnblocked   Kind = "seats.unblocked"
)

// Event is one change of an event's seats, with everything a reader needs to follow: nobody has to ask back.
type Event struct {
	ID             string          `json:"id"` // of the command that caused it, with Kind: unique
	Kind           Kind            `json:"kind"`
	Event          id.Event        `json:"event"`
	Booking        id.Key          `json:"booking,omitzero"`
	Owner          id.Visitor      `json:"owner,omitzero"`
	Session        booking.Session `json:"session,omitzero"`
	Seats          []SeatChange    `json:"seats"`
	Stock          Stock           `json:"stock"`
	ExpirationTime time.Time       `json:"expiration_time,omitzero"`
	At             time.Time       `json:"at"`
}

// SeatChange is a seat's new state. Of two changes of a seat the one with the higher version is the later.
type SeatChange struct {
	Seat    int               `json:"seat"`
	Version int               `json:"version"`
	State   booking.SeatState `json:"state"`
}

// Stock counts an event's seats by state after the change; held seats count as free. The five add up to Capacity.
type Stock struct {
	Capacity int `json:"capacity"`
	Free     int `json:"free"`
	Reserved int `json:"reserved"`
	Paying   int `json:"paying"`
	Booked   int `json:"booked"`
	Blocked  int `json:"blocked"`
	// Version counts all changes of the seats: of two stocks of an event the one with the higher version is the later. 0: an older release told it.
	Version int64 `json:"version,omitempty"`
}

// Ends reports whether the buying session is over: the booking was paid, or ran out unpaid.
func (e Event) Ends() bool { return e.Kind == BookingConfirmed || e.Kind == BookingExpired }
