package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/problem"
)

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

func ticketOf(t booking.Ticket) ticketJSON {
	return ticketJSON{
		ID: t.ID, EventID: t.ID.Event(), SeatNumber: t.SeatNumber, Section: t.Section, Row: t.Row, Price: t.Price, Currency: t.Currency,
		Status: t.Status, Held: t.Held, HoldExpiry: maybe(t.HoldExpiry), Blocked: t.Blocked,
	}
}

func ticketsOf(tickets []booking.Ticket) []ticketJSON {
	out := make([]ticketJSON, 0, len(tickets))
	for _, t := range tickets {
		out = append(out, ticketOf(t))
	}
	return out
}

type holdsJSON struct {
	Tickets        []ticketJSON `json:"tickets"`
	ExpirationTime *time.Time   `json:"expiration_time"`
	Total          int64        `json:"total"`
	Currency       string       `json:"currency"`
}

func holdsOf(h booking.Holds) holdsJSON {
	return holdsJSON{ticketsOf(h.Tickets), maybe(h.ExpirationTime), h.Total, h.Currency}
}

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
	StatusURL      string          `json:"status_url"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
}

func bookingOf(b booking.Booking) bookingJSON {
	return bookingJSON{
		BookingID: b.ID, EventID: b.ID.Event, Status: b.Status, Tickets: ticketsOf(b.Seats), Total: b.Total, Currency: b.Currency,
		ExpirationTime: maybe(b.ExpirationTime), ConfirmationID: text(b.ConfirmationID), Failure: text(b.Failure), Action: b.Action,
		StatusURL: "/api/v1/booking/" + b.ID.String(), CreatedAt: b.CreatedAt.UTC(), UpdatedAt: b.UpdatedAt.UTC(),
	}
}

// event reads the event id of the path.
func (c *call) event() (id.Event, error) {
	e, err := id.ParseEvent(c.params[0])
	if err != nil {
		return 0, booking.ErrEventNotFound
	}
	return e, nil
}

// ticket reads event and ticket of the path.
func (c *call) ticket() (e id.Event, t id.Ticket, err error) {
	if e, err = c.event(); err != nil {
		return e, t, err
	}
	if t, err = id.ParseTicket(c.params[1]); err != nil || t.Event() != e {
		return e, t, booking.ErrTicketNotFound
	}
	return e, t, nil
}

func (c *call) booking() (id.Booking, error) {
	b, err := id.ParseBooking(c.params[0])
	if err != nil {
		return b, booking.ErrBookingNotFound
	}
	return b, nil
}

// tickets checks the ticketIds of a body: 1 to the limit, distinct, well-formed.
func (s *Server) tickets(ids []string) ([]id.Ticket, error) {
	if len(ids) == 0 || len(ids) > s.Limit {
		return nil, problem.Invalid(problem.Field{Field: "ticketIds", Message: fmt.Sprintf("%d tickets, want 1 to %d", len(ids), s.Limit)})
	}
	seen := map[string]bool{}
	var out []id.Ticket
	for i, text := range ids {
		if seen[text] {
			return nil, problem.Invalid(problem.Field{Field: fmt.Sprintf("ticketIds[%d]", i), Message: "stands twice"})
		}
		seen[text] = true
		t, err := id.ParseTicket(text)
		if err != nil {
			return nil, booking.ErrTicketNotFound
		}
		out = append(out, t)
	}
	return out, nil
}

func (s *Server) postHold(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	e, t, err := c.ticket()
	if err != nil {
		return err
	}
	o, _, err := s.buyer(c, e, true)
	if err != nil {
		return err
	}
	h, fresh, err := s.Desk.Hold(c, o, e, []id.Ticket{t})
	if err != nil {
		return err
	}
	status := 200
	if fresh {
		status = 201
	}
	return c.answer(status, map[string]any{
		"expiration_time": h.ExpirationTime, "ticket_id": t, "event_id": e, "price": h.Total, "currency": h.Currency,
	})
}

func (s *Server) deleteHold(c *call) error {
	e, t, err := c.ticket()
	if err != nil {
		return err
	}
	return s.release(c, e, []id.Ticket{t})
}

func (s *Server) deleteHolds(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	return s.release(c, e, nil)
}

func (s *Server) release(c *call, e id.Event, tickets []id.Ticket) error {
	v, err := s.owner(c, e)
	if err != nil {
		return err
	}
	if err := s.Desk.Release(c, booking.Owner{Visitor: v}, e, tickets); err != nil {
		return err
	}
	c.SetStatusCode(204)
	return nil
}

type bestAvailable struct {
	Quantity   int    `json:"quantity"`
	Section    string `json:"section"`
	MaxPrice   int    `json:"max_price"`
	Accessible bool   `json:"accessible"`
}

func (s *Server) postHolds(c *call) error {
	var body struct {
		TicketIDs     []string       `json:"ticketIds"`
		BestAvailable *bestAvailable `json:"best_available"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	e, err := c.event()
	if err != nil {
		return err
	}
	if (body.TicketIDs == nil) == (body.BestAvailable == nil) {
		return problem.Invalid(problem.Field{Field: "body", Message: "want exactly one of ticketIds and best_available"})
	}
	o, _, err := s.buyer(c, e, true)
	if err != nil {
		return err
	}
	var h booking.Holds
	if best := body.BestAvailable; best != nil {
		if best.Quantity < 1 || best.Quantity > s.Limit || best.MaxPrice < 0 {
			return problem.Invalid(problem.Field{Field: "best_available", Message: fmt.Sprintf("want a quantity of 1 to %d and a max_price of at least 0", s.Limit)})
		}
		h, err = s.Desk.HoldBest(c, o, e, booking.BestAvailable(*best))
	} else {
		var tickets []id.Ticket
		if tickets, err = s.tickets(body.TicketIDs); err == nil {
			h, _, err = s.Desk.Hold(c, o, e, tickets)
		}
	}
	if err != nil {
		return err
	}
	return c.answer(201, holdsOf(h))
}

func (s *Server) getHolds(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	v, err := s.owner(c, e)
	if err != nil {
		return err
	}
	h, err := s.Desk.Holds(c, booking.Owner{Visitor: v}, e)
	if err != nil {
		return err
	}
	return c.answer(200, holdsOf(h))
}

func (s *Server) postExtend(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	e, err := c.event()
	if err != nil {
		return err
	}
	o, _, err := s.buyer(c, e, false)
	if err != nil {
		return err
	}
	until, err := s.Desk.ExtendHolds(c, o, e)
	if err != nil {
		return err
	}
	return c.answer(200, map[string]any{"expiration_time": until})
}

func (s *Server) postBooking(c *call) error {
	var body struct {
		TicketIDs []string `json:"ticketIds"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	tickets, err := s.tickets(body.TicketIDs)
	if err != nil {
		return err
	}
	o, p, err := s.buyer(c, tickets[0].Event(), false)
	if err != nil {
		return err
	}
	b, err := s.Desk.Book(c, o, tickets, string(c.Request.Header.Peek("Idempotency-Key")))
	if err != nil {
		return err
	}
	if o.Session.JTI != "" && b.Status == booking.Reserved { // the session lasts as long as the reservation
		if token, _, err := s.Waitroom.Extend(c, p, b.ExpirationTime); err == nil {
			s.setCookie(c, passCookie+p.Room, token)
			c.Response.Header.Set("Usher-Pass", token)
		} else {
			s.Log.Warn("a session is not extended", "err", err)
		}
	}
	if b.Status == booking.Pending {
		c.Response.Header.Set("Retry-After", "1")
		return c.answer(202, bookingOf(b))
	}
	c.Response.Header.Set("Location", "/api/v1/booking/"+b.ID.String())
	return c.answer(201, bookingOf(b))
}

func (s *Server) getBooking(c *call) error {
	b, v, err := s.bookingOwner(c)
	if err != nil {
		return err
	}
	out, err := s.Desk.Booking(c, v, b)
	if err != nil {
		return err
	}
	return c.answer(200, bookingOf(out))
}

func (s *Server) bookingOwner(c *call) (b id.Booking, v id.Visitor, err error) {
	if b, err = c.booking(); err != nil {
		return b, v, err
	}
	v, err = s.owner(c, b.Event)
	return b, v, err
}

func (s *Server) postConfirm(c *call) error {
	b, v, err := s.bookingOwner(c)
	if err != nil {
		return err
	}
	var body struct {
		BookingID      string          `json:"booking_id"`
		PaymentDetails json.RawMessage `json:"paymentDetails"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.BookingID != "" && body.BookingID != b.String() {
		return problem.New("booking-id-mismatch", "the body names another booking than the path")
	}
	payment, err := paymentOf(body.PaymentDetails)
	if err != nil {
		return err
	}
	out, err := s.Desk.Confirm(c, v, b, payment, string(c.Request.Header.Peek("Idempotency-Key")))
	if err != nil {
		return err
	}
	if out.Status == booking.Paying {
		c.Response.Header.Set("Retry-After", "1")
		return c.answer(202, bookingOf(out))
	}
	return c.answer(200, bookingOf(out))
}

// paymentOf reads paymentDetails. Whatever looks like card data is refused before anything else sees it.
func paymentOf(raw json.RawMessage) (p booking.Payment, err error) {
	var members map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &members) != nil || members == nil {
		return p, problem.New("payment-details-invalid", "paymentDetails is an object with method and token")
	}
	var method, token string
	for name, value := range members {
		var text string
		if json.Unmarshal(value, &text) != nil || len(text) > 200 {
			return p, problem.New("payment-details-invalid", "want text of at most 200 characters in "+clip(name))
		}
		switch name {
		case "method":
			method = text
		case "token", "payment_method":
			token = text
		default:
			return p, problem.New("payment-details-invalid", "unknown member "+clip(name)+"; card data is never accepted here")
		}
	}
	if looksLikeCard(token) {
		return p, problem.New("payment-details-invalid", "that is a card number: send a token of the payment provider")
	}
	return booking.Payment{Method: method, Token: token}, nil
}

// looksLikeCard reports whether text is a card number: 12 to 19 digits, blanks and dashes aside.
func looksLikeCard(s string) bool {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(s)
	return len(digits) >= 12 && len(digits) <= 19 && strings.Trim(digits, "0123456789") == ""
}

func (s *Server) postCancel(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	b, v, err := s.bookingOwner(c)
	if err != nil {
		return err
	}
	out, err := s.Desk.Cancel(c, v, b, string(c.Request.Header.Peek("Idempotency-Key")))
	if err != nil {
		return err
	}
	return c.answer(200, bookingOf(out))
}
