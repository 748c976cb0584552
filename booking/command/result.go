package command

import (
	"time"

	"usher/booking"
	"usher/internal/id"
)

// Outcome is how the worker decided a command.
type Outcome string

// The outcomes. All but Done leave everything as it was.
const (
	Done          Outcome = "done"
	SeatsTaken    Outcome = "seats_taken"     // Taken says which
	NoSuchBooking Outcome = "no_such_booking" // or somebody else's
	WrongState    Outcome = "wrong_state"     // Status says which state it is in
	TooLate       Outcome = "too_late"        // the reservation has run out, or the command's deadline has passed, or it was fenced
	NoSuchSeat    Outcome = "no_such_seat"    // the event has no such seat, or is not on sale
	Malformed     Outcome = "malformed"       // poison
)

// Result is the definite end of one command: stored in command_results in the transaction of its effect, and
// published to the gateway that waits (a hint; the table is the truth).
type Result struct {
	Command        id.Key          `json:"command"`
	Event          id.Event        `json:"event"`
	Booking        id.Key          `json:"booking,omitzero"`
	Kind           Kind            `json:"kind"`
	Outcome        Outcome         `json:"outcome"`
	Taken          []int           `json:"taken,omitempty"`
	Status         booking.Status  `json:"status,omitempty"` // of the booking after the command
	Seats          []int           `json:"seats,omitempty"`
	Total          int64           `json:"total,omitempty"`
	Currency       string          `json:"currency,omitempty"`
	ExpirationTime time.Time       `json:"expiration_time,omitzero"`
	Extended       bool            `json:"extended,omitempty"` // the reservation cannot be extended again
	ConfirmationID string          `json:"confirmation_id,omitempty"`
	Attempt        id.Key          `json:"attempt,omitzero"`
	Settlement     Settlement      `json:"settlement,omitempty"` // Settle: how the attempt ended
	Reason         string          `json:"reason,omitempty"`
	CreatedAt      time.Time       `json:"created_at,omitzero"`
	UpdatedAt      time.Time       `json:"updated_at,omitzero"`
	Session        booking.Session `json:"session,omitzero"`
}

// ID returns the booking's full id.
func (r Result) ID() id.Booking { return id.Booking{Event: r.Event, Key: r.Booking} }
