package gateway

import (
	"time"

	"usher/booking"
	"usher/internal/id"
)

// ticketJSON is the contract's Ticket.
type ticketJSON struct {
	ID         id.Ticket            `json:"id"`
	EventID    id.Event             `json:"event_id"`
	SeatNumber string               `json:"seat_number"`
	Section    string               `json:"section"`
	Row        string               `json:"row"`
	Price      int                  `json:"price"`
	Currency   string               `json:"currency"`
	Status     booking.TicketStatus `json:"status"`
	Held       bool                 `json:"held"`
	HoldExpiry *time.Time           `json:"hold_expiry"`
	Blocked    bool                 `json:"blocked"`
}

// ticketOf words a ticket. Who holds it is not a member: it is stored and never shown.
func ticketOf(t booking.Ticket) ticketJSON {
	return ticketJSON{
		ID: t.ID, EventID: t.ID.Event(), SeatNumber: t.SeatNumber, Section: t.Section, Row: t.Row, Price: t.Price, Currency: t.Currency,
		Status: t.Status, Held: t.Held, HoldExpiry: maybe(t.HoldExpiry), Blocked: t.Blocked,
	}
}

// ticketsOf words a list, which is never null.
func ticketsOf(tickets []booking.Ticket) []ticketJSON {
	out := make([]ticketJSON, 0, len(tickets))
	for _, t := range tickets {
		out = append(out, ticketOf(t))
	}
	return out
}

// holdJSON answers a hold of one ticket.
type holdJSON struct {
	ExpirationTime time.Time `json:"expiration_time"`
	TicketID       id.Ticket `json:"ticket_id"`
	EventID        id.Event  `json:"event_id"`
	Price          int64     `json:"price"`
	Currency       string    `json:"currency"`
}

// holdsJSON is the contract's Holds.
type holdsJSON struct {
	Tickets        []ticketJSON `json:"tickets"`
	ExpirationTime *time.Time   `json:"expiration_time"`
	Total          int64        `json:"total"`
	Currency       string       `json:"currency"`
}

func holdsOf(h booking.Holds) holdsJSON {
	return holdsJSON{ticketsOf(h.Tickets), maybe(h.ExpirationTime), h.Total, h.Currency}
}

// bookingJSON is the contract's Booking.
type bookingJSON struct {
	BookingID      id.Booking      `json:"booking_id"`
	EventID        id.Event        `json:"event_id"`
	Status         booking.Status  `json:"status"`
	Tickets        []ticketJSON    `json:"tickets"`
	Total          int64           `json:"total"`
	Currency       string          `json:"currency"`
	ExpirationTime *time.Time      `json:"expiration_time"`
	ConfirmationID *string         `json:"confirmation_id"`
	Failure        *string         `json:"failure"`
	Action         *booking.Action `json:"action"`
	Extendable     bool            `json:"extendable"`
	StatusURL      string          `json:"status_url"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
}

func bookingOf(b booking.Booking) bookingJSON {
	return bookingJSON{
		BookingID: b.ID, EventID: b.ID.Event, Status: b.Status, Tickets: ticketsOf(b.Seats), Total: b.Total, Currency: b.Currency,
		ExpirationTime: maybe(b.ExpirationTime), ConfirmationID: text(b.ConfirmationID), Failure: text(b.Failure), Action: b.Action, Extendable: b.Extendable(),
		StatusURL: statusURL(b.ID), CreatedAt: clock(b.CreatedAt), UpdatedAt: clock(b.UpdatedAt),
	}
}

// statusURL is where a booking's state can be asked for.
func statusURL(b id.Booking) string { return "/api/v1/booking/" + b.String() }
