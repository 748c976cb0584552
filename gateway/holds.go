package gateway

import (
	"math"
	"time"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/problem"
)

// postHold holds one ticket: selecting a seat on a page calls it at once. Asking again for a ticket that one holds is no error and no
// extension, so that a double click does neither harm nor good.
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

// postHolds holds several tickets, named or of our choice, all or none. Everything about the body is checked before the caller is: a
// request that can never work should not cost a visitor.
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
		h, err = s.Desk.HoldBest(c.context(), o, e, best, c.header(keyHeader))
	}
	if err != nil {
		return err
	}
	return c.answer(201, holdsOf(h))
}

// best reads what kind of seats is asked for.
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

// getHolds lists what the visitor holds: a page that was closed finds its seats again.
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

// deleteHolds gives all back. With nothing held it has nothing to do, and says the same.
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

// holder reads the event of the path and who asks.
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

// postExtend gives all holds on an event more time. It wants the pass, where there is a room: holding on is for those who are in.
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
	return c.answer(200, extendedJSON{clock(until)})
}

// extendedJSON is the new end of all holds.
type extendedJSON struct {
	ExpirationTime time.Time `json:"expiration_time"`
}
