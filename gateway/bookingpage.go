package gateway

import (
	"usher/booking"
	"usher/gateway/page"
)

// bookingPage is a booking in words for people.
type bookingPage struct {
	booking.Booking
	Price, Until string
}

// getBookingPage shows a booking to the visitor who made it.
func (s *Server) getBookingPage(c *call) error {
	b, v, err := s.mine(c)
	if err != nil {
		return err
	}
	out, err := s.Desk.Booking(c.context(), v, b)
	if err != nil {
		return err
	}
	data := bookingPage{Booking: out, Price: c.language().Money(out.Total, out.Currency)}
	if out.Status == booking.Reserved {
		data.Until = out.ExpirationTime.UTC().Format("15:04:05 MST")
	}
	return c.page(200, "booking", page.Frame{Title: "Your booking: " + string(out.Status), Data: data})
}
