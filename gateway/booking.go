package gateway

import (
	"strconv"
	"time"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/problem"
	"usher/waitroom/pass"
)

// askAgain is what a 202 says: a result that is late comes within a second or two.
const askAgain = time.Second

// postBooking reserves tickets that the caller holds. 201 says that they are his until expiration_time; 202 that the log has the command and
// nobody has decided yet, so that a crowd that overwhelms the worker waits at a status URL and not on open connections.
func (s *Server) postBooking(c *call) error {
	body, err := c.object("ticketIds")
	if err != nil {
		return err
	}
	tickets, err := s.tickets(body)
	if err != nil {
		return err
	}
	e := tickets[0].Event()
	for _, t := range tickets {
		if t.Event() != e {
			return booking.ErrTicketsSpanEvents
		}
	}
	o, p, err := s.buyer(c, e, false)
	if err != nil {
		return err
	}
	b, err := s.Desk.Book(c.context(), o, tickets, c.header(keyHeader))
	if err != nil {
		return err
	}
	c.set("Location", statusURL(b.ID))
	if b.Status == booking.Pending {
		return c.later(b)
	}
	if p.JTI != "" && b.Status == booking.Reserved {
		s.extend(c, p, b)
	}
	return c.answer(201, bookingOf(b))
}

// extend lets a session last as long as its reservation. When it cannot, the booking stands all the same: it is paid with the visitor
// credential.
func (s *Server) extend(c *call, p pass.Claims, b booking.Booking) {
	token, _, err := s.Waitroom.Extend(c.context(), p, b.ExpirationTime)
	if err != nil {
		s.log.Warn("a session is not extended to the end of its reservation", "room", p.Room, "err", err)
		return
	}
	s.setCookie(c, passCookie+p.Room, token)
	c.set(passHeader, token)
}

// later answers that the result comes: the status call will tell.
func (c *call) later(b booking.Booking) error {
	c.set("Retry-After", strconv.Itoa(seconds(askAgain)))
	return c.answer(202, bookingOf(b))
}

// mine reads the booking id of the path and who asks. Others' bookings, and bookings that nobody asks for, are not found.
func (s *Server) mine(c *call) (b id.Booking, v id.Visitor, err error) {
	if b, err = id.ParseBooking(c.params[0]); err != nil {
		return b, v, booking.ErrBookingNotFound
	}
	v, ok, err := s.owner(c, b.Event)
	if err == nil && !ok {
		err = problem.New("booking-not-found", "send the visitor who made it, or his pass")
	}
	return b, v, err
}

// getBooking tells how a booking stands, to its owner only and to no cache.
func (s *Server) getBooking(c *call) error {
	b, v, err := s.mine(c)
	if err != nil {
		return err
	}
	out, err := s.Desk.Booking(c.context(), v, b)
	if err != nil {
		return err
	}
	return c.answer(200, bookingOf(out))
}

// postConfirm pays. Who asks is checked before what he sends: a stranger learns nothing of a booking from our complaints about his body.
func (s *Server) postConfirm(c *call) error {
	b, v, err := s.mine(c)
	if err != nil {
		return err
	}
	body, err := c.object("booking_id", "paymentDetails")
	if err != nil {
		return err
	}
	named := body.text("booking_id", maxText)
	payment, err := paymentOf(body)
	if err != nil {
		return err
	}
	if body.has("booking_id") && named != b.String() {
		return problem.New("booking-id-mismatch", "the body names another booking than the path")
	}
	out, err := s.Desk.Confirm(c.context(), v, b, payment, c.header(keyHeader))
	if err != nil {
		return err
	}
	if out.Status != booking.Confirmed {
		return c.later(out)
	}
	return c.answer(200, bookingOf(out))
}

// postCancel gives a reserved booking up. Repeating it is no error: the booking is as cancelled as before.
func (s *Server) postCancel(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	b, v, err := s.mine(c)
	if err != nil {
		return err
	}
	out, err := s.Desk.Cancel(c.context(), v, b, c.header(keyHeader))
	if err != nil {
		return err
	}
	return c.answer(200, bookingOf(out))
}

// postExtendBooking gives a reserved booking more time, once, so that nobody is pressed for time at the till (WCAG 2.2.1).
func (s *Server) postExtendBooking(c *call) error {
	if err := c.none(); err != nil {
		return err
	}
	b, v, err := s.mine(c)
	if err != nil {
		return err
	}
	out, err := s.extendBooking(c, v, b)
	if err != nil {
		return err
	}
	return c.answer(200, bookingOf(out))
}

// extendBooking extends a booking, and with it the session that it was made in, if the caller shows its pass. Another session of his, entered
// since, keeps its own time: a slot of the room is not to be had for longer by a booking that it did not make.
func (s *Server) extendBooking(c *call, v id.Visitor, b id.Booking) (booking.Booking, error) {
	out, err := s.Desk.Extend(c.context(), v, b, c.header(keyHeader))
	if err != nil {
		return out, err
	}
	if out.Session.JTI == "" {
		return out, nil
	}
	if p, ok, err := s.pass(c, out.Session.Room); ok && err == nil && p.JTI == out.Session.JTI {
		s.extend(c, p, out)
	}
	return out, nil
}
