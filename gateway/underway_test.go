package gateway

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
)

// Who goes back from the checkout to the seats finds what he has reserved, until it is paid, over or somebody else's.
func TestTheSeatsLeadToABookingThatIsToBePaid(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	v, sealed := e.room.NewVisitor()
	pass := visitorCookie + "=" + sealed + "; " + passCookie + roomName + "=" + passOf(roomName, v)
	name := bookingCookie + guarded.String()
	with := func(cookie string) []string {
		return []string{"Accept", "text/html", "Cookie", pass + "; " + cookie, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}
	}
	plain, known := with("x=y"), with(name+"="+someBooking.Key.String())
	path, checkout := seatsPath(guarded), "/checkout/"+someBooking.String()
	e.desk.ends = time.Now().Add(8 * time.Minute)

	cookie := func(r reply) string {
		for _, line := range r.header.Values("Set-Cookie") {
			if strings.HasPrefix(line, name+"=") {
				return line
			}
		}
		return ""
	}
	if got := cookie(e.do("GET", checkout, "", plain...)); !strings.HasPrefix(got, name+"="+someBooking.Key.String()) {
		t.Errorf("the checkout is not remembered: %q", got)
	}
	if got := cookie(e.do("GET", checkout, "", known...)); got != "" {
		t.Errorf("it is remembered again: %q", got)
	}
	e.want(200, "", "GET", path, "", known...).holds(t, "Kept for you until", "A, row 3, seat 7", `href="`+checkout+`"`, "Pay $42.00")
	e.do("POST", path+"/book", "key="+id.NewKey().String(), known...).leads(t, checkout) // from a page of before

	for _, other := range []string{"x=y", name + "=", name + "=forged", bookingCookie + unguarded.String() + "=" + someBooking.Key.String()} {
		e.want(200, "", "GET", path, "", with(other)...).lacks(t, checkout, "Kept for you until")
	}
	e.desk.owner = id.NewVisitor()
	e.want(200, "", "GET", path, "", known...).lacks(t, checkout)
	e.desk.owner = id.Visitor{}

	for status, text := range map[booking.Status]string{booking.Pending: "We are reserving your seats", booking.Paying: "Your payment is being made"} {
		e.desk.status = status
		e.want(200, "", "GET", path, "", known...).holds(t, text, `href="`+checkout+`"`)
	}
	for status, shown := range map[booking.Status]string{
		booking.Expired: checkout, booking.Cancelled: checkout, booking.Failed: checkout, booking.Confirmed: "/booking/" + someBooking.String(),
	} {
		e.desk.status = status
		e.want(200, "", "GET", path, "", known...).lacks(t, checkout)
		e.want(http.StatusConflict, "", "POST", path+"/book", "key="+id.NewKey().String(), known...)
		if got := cookie(e.do("GET", shown, "", known...)); !strings.HasPrefix(got, name+"=;") {
			t.Errorf("%s is not forgotten: %q", status, got)
		}
	}
}
