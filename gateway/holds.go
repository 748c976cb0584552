package gateway

import (
	"fmt"
	"math"
	"time"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/problem"
)

// event reads the event id of the path. Text that is no id names nothing.
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

// tickets checks the ticketIds of a body: 1 to the limit, distinct.
func (s *Server) tickets(body *members) ([]id.Ticket, error) {
	const member = "ticketIds"
	ids := body.texts(member)
	if len(ids) == 0 || len(ids) > s.Limit {
		body.fault(member, fmt.Sprintf("%d tickets, want 1 to %d", len(ids), s.Limit))
	}
	seen := map[string]bool{}
	for i, text := range ids {
		if seen[text] {
			body.fault(fmt.Sprintf("%s[%d]", member, i), "stands twice")
		}
		seen[text] = true
	}
	if err := body.err(); err != nil {
		return nil, err
	}
	out := make([]id.Ticket, 0, len(ids))
	for _, text := range ids {
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
	h, fresh, err := s.Desk.Hold(c.context(), o, e, []id.Ticket{t})
	if err != nil {
		return err
	}
	status := 200
	if fresh {
		status = 201
	}
	return c.answer(status, holdJSON{clock(h.ExpirationTime), t, e, h.Total, h.Currency})
}

func (s *Server) postHolds(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	body, err := c.object("ticketIds", "best_available")
	if err != nil {
		return err
	}
	if body.has("ticketIds") == body.has("best_available") {
		body.fault("body", "want exactly one of ticketIds and best_available")
		return body.err()
	}
	var tickets []id.Ticket
	var best booking.BestAvailable
	if body.has("ticketIds") {
		tickets, err = s.tickets(body)
	} else {
		best, err = s.best(body)
	}
	if err != nil {
		return err
	}
	o, _, err := s.buyer(c, e, true)
	if err != nil {
		return err
	}
	var h booking.Holds
	if tickets != nil {
		h, _, err = s.Desk.Hold(c.context(), o, e, tickets)
	} else {
		h, err = s.Desk.HoldBest(c.context(), o, e, best)
	}
	if err != nil {
		return err
	}
	return c.answer(201, holdsOf(h))
}

func (s *Server) best(body *members) (b booking.BestAvailable, err error) {
	const missing = 0
	in := body.nested("best_available")
	in.only([]string{"quantity", "section", "max_price", "accessible"})
	b = booking.BestAvailable{
		Quantity: in.integer("quantity", 1, s.Limit, missing), Section: in.text("section", maxText),
		MaxPrice: in.integer("max_price", 0, math.MaxInt32, 0), Accessible: in.boolean("accessible"),
	}
	if !in.has("quantity") {
		in.fault("quantity", "is missing")
	}
	return b, body.err()
}

// deleteHold releases one hold. Who shows no credential has none, and others' holds are not told from none.
func (s *Server) deleteHold(c *call) error {
	e, t, err := c.ticket()
	if err != nil {
		return err
	}
	v, ok, err := s.owner(c, e)
	if err == nil && !ok {
		err = booking.ErrHoldNotFound
	}
	if err == nil {
		err = s.Desk.Release(c.context(), booking.Owner{Visitor: v}, e, []id.Ticket{t})
	}
	if err != nil {
		return err
	}
	return c.empty(204)
}

func (s *Server) getHolds(c *call) error {
	e, v, err := s.holder(c)
	if err != nil {
		return err
	}
	h, err := s.Desk.Holds(c.context(), booking.Owner{Visitor: v}, e)
	if err != nil {
		return err
	}
	return c.answer(200, holdsOf(h))
}

func (s *Server) deleteHolds(c *call) error {
	e, v, err := s.holder(c)
	if err == nil {
		err = s.Desk.Release(c.context(), booking.Owner{Visitor: v}, e, nil)
	}
	if err != nil {
		return err
	}
	return c.empty(204)
}

func (s *Server) holder(c *call) (e id.Event, v id.Visitor, err error) {
	if e, err = c.event(); err != nil {
		return e, v, err
	}
	v, ok, err := s.owner(c, e)
	if err == nil && !ok {
		err = problem.New("visitor-required", "send the visitor, or a valid pass")
	}
	return e, v, err
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
	until, err := s.Desk.ExtendHolds(c.context(), o, e)
	if err != nil {
		return err
	}
	return c.answer(200, struct {
		ExpirationTime time.Time `json:"expiration_time"`
	}{clock(until)})
}
