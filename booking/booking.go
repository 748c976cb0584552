package booking

import (
	"time"

	"usher/internal/id"
)

// Status is where a booking stands.
type Status string

// The life of a booking: pending → reserved → paying → confirmed, or expired, cancelled, failed.
const (
	Pending   Status = "pending" // accepted by the log, not decided yet: known to the desk only, never stored
	Reserved  Status = "reserved"
	Paying    Status = "paying"
	Confirmed Status = "confirmed"
	Expired   Status = "expired"
	Cancelled Status = "cancelled"
	Failed    Status = "failed"
)

// Live reports whether a booking of this status owns its seats.
func (s Status) Live() bool { return s == Reserved || s == Paying || s == Confirmed }

// Session names the waiting-room session that a booking was made in, so that its slot can be freed when the
// booking is done. The zero Session means that no room guards the event.
type Session struct {
	Room string `json:"room,omitempty"`
	JTI  string `json:"jti,omitempty"`
}

// Owner is who acts: the visitor, and the session if a room guards the event.
type Owner struct {
	Visitor id.Visitor
	Session Session
}

// Booking is one visitor's claim on seats of one event, as the truth has it.
type Booking struct {
	ID             id.Booking
	Owner          id.Visitor
	Status         Status
	Seats          []Ticket // with the state of the moment the booking was read
	Total          int64    // minor units
	Currency       string
	ExpirationTime time.Time // zero: none
	Extended       bool      // by its owner, which he can do once
	ConfirmationID string
	Failure        string // a problem slug
	Attempt        id.Key // the latest payment attempt; zero before the first
	Action         *Action
	Buyer          Buyer  `json:"-"` // zero until he has said who he is; personal, so it goes nowhere by accident
	LastDecline    string // the provider's reason, when the latest payment came to nothing; empty otherwise
	Session        Session
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Extendable reports whether the owner may still ask for more time.
func (b Booking) Extendable() bool { return b.Status == Reserved && !b.Extended }

// Action is what the payer must do before the payment can go on, e.g. approve it at his bank.
type Action struct {
	Type string `json:"type"` // "redirect"
	URL  string `json:"url"`
}

// TicketStatus is the status column of a ticket: exactly three values.
type TicketStatus string

// The three values.
const (
	Available         TicketStatus = "available"
	PaymentProcessing TicketStatus = "payment_processing"
	Booked            TicketStatus = "booked"
)

// Ticket is one seat of one event for sale, as fans see it: who holds it is never shown.
type Ticket struct {
	ID         id.Ticket
	SeatNumber string
	Section    string
	Row        string
	Price      int // minor units
	Currency   string
	Status     TicketStatus
	Held       bool // by a visitor's hold, or reserved by a booking
	HoldExpiry time.Time
	Blocked    bool
}

// Holds is what one visitor holds on one event. All holds share one clock, that of the first.
type Holds struct {
	Event          id.Event
	Tickets        []Ticket // in seat order; empty when nothing is held
	ExpirationTime time.Time
	Total          int64 // minor units
	Currency       string
}

// Payment is how a confirm wants to pay: a provider and the provider's name for the means of payment. Card data
// never comes this far.
type Payment struct {
	Method string // "sandbox" or "stripe"
	Token  string
}
