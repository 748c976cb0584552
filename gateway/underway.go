package gateway

import (
	"errors"
	"time"

	"usher/booking"
	"usher/internal/id"
)

// bookingCookie is followed by the event. It names a booking that is still to be paid, so that who goes back to the seats is led to it. It opens
// nothing: whose the booking is, the visitor's credential says.
const bookingCookie = "usher_booking_"

// toBePaid reports whether a booking waits for its buyer, or for the end of what he has begun.
func toBePaid(b booking.Booking) bool {
	return b.Status == booking.Pending || b.Status == booking.Paying || b.Status == booking.Reserved && b.ExpirationTime.After(time.Now())
}

// remember lets the browser keep the name of a booking that is still to be paid, and forget that of one that is not. A cookie that changes also
// takes pages of before out of the browser's memory: going back shows what is the case, without a script too.
func (s *Server) remember(c *call, b booking.Booking) {
	name, key := bookingCookie+b.ID.Event.String(), b.ID.Key.String()
	known := string(c.in.Cookie(name)) == key
	switch open := toBePaid(b); {
	case open && !known:
		s.setCookie(c, name, key)
	case !open && known:
		s.dropCookie(c, name)
	}
}

// underway returns the visitor's booking of the event that is still to be paid, as far as his browser remembers one; ok is false when there is none.
func (s *Server) underway(c *call, v id.Visitor, e id.Event) (b booking.Booking, ok bool, err error) {
	key, err := id.ParseKey(string(c.in.Cookie(bookingCookie + e.String())))
	if err != nil {
		return b, false, nil
	}
	b, err = s.Desk.Booking(c.context(), v, id.Booking{Event: e, Key: key})
	if errors.Is(err, booking.ErrBookingNotFound) {
		return b, false, nil
	}
	return b, err == nil && toBePaid(b), err
}
