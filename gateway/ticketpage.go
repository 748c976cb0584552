package gateway

import (
	"strings"

	"usher/booking"
	"usher/gateway/page"
)

// ticketPage is the confirmation of a booking that is paid.
type ticketPage struct {
	bookingView
	ConfirmationID string
	Code           qrCode
}

// getTicket shows a confirmed booking: number, code, seats. One that is not confirmed is shown by the checkout.
func (s *Server) getTicket(c *call) error {
	out, err := s.confirmed(c)
	if err != nil {
		return err
	}
	if out.Status != booking.Confirmed {
		return c.seeOther("/checkout/" + out.ID.String())
	}
	s.remember(c, out)
	code, err := newQRCode(out.ConfirmationID)
	if err != nil {
		return err
	}
	data := ticketPage{s.viewOf(c, out), out.ConfirmationID, code}
	return c.page(200, "ticket", page.Frame{Title: c.language().T("ticket.title"), Data: data})
}

// confirmed returns the booking of the path to its owner.
func (s *Server) confirmed(c *call) (booking.Booking, error) {
	b, v, err := s.mine(c)
	if err != nil {
		return booking.Booking{}, err
	}
	return s.Desk.Purchase(c.context(), v, b)
}

// getTicketCalendar is the event for the buyer's calendar, with his number and seats.
func (s *Server) getTicketCalendar(c *call) error {
	out, err := s.confirmed(c)
	if err != nil {
		return err
	}
	if out.Status != booking.Confirmed {
		return booking.ErrBookingNotFound
	}
	show, err := s.Catalog.Show(c.context(), out.ID.Event)
	if err != nil {
		return err
	}
	l := c.language()
	var seats []string
	for _, seat := range s.viewOf(c, out).Seats {
		seats = append(seats, l.T("seat.name", "section", seat.Section, "row", seat.Row, "seat", seat.SeatNumber))
	}
	text := l.T("ticket.calendar.text", "number", out.ConfirmationID, "seats", strings.Join(seats, "; "))
	c.calendar(show, s.PublicURL+"/booking/"+out.ID.String(), text)
	return nil
}
