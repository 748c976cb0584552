package gateway

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
	"usher/waitroom"
)

func TestChoosingByForm(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	_, form := e.fan()
	path, ticket := seatsPath(guarded), "ticket="+guarded.Ticket(0).String()
	e.do("POST", path+"/hold", ticket+"&section=A&from=1", form...).leads(t, path+"?from=1&section=A#basket")
	e.do("POST", path+"/release", ticket, form...).leads(t, path+"#basket")
	e.do("POST", path+"/best", "quantity=3&section=&in=B&max_price=4200&accessible=1", form...).leads(t, path+"#basket")
	if want := (booking.BestAvailable{Quantity: 3, Section: "B", MaxPrice: 4200, Accessible: true}); e.desk.best != want {
		t.Errorf("asked for %+v, want %+v", e.desk.best, want)
	}
	e.do("POST", path+"/best", "quantity=2&section=B", form...).leads(t, path+"?section=A#basket") // where the seats are
	e.do("POST", path+"/extend", "section=A", form...).leads(t, path+"?section=A#basket")
	both := guarded.Ticket(0).String() + "," + guarded.Ticket(1).String()
	e.do("POST", path+"/hold", "ticket="+both, form...).leads(t, path+"#basket")
	if want := []id.Ticket{guarded.Ticket(0), guarded.Ticket(1)}; !slices.Equal(e.desk.asked, want) {
		t.Errorf("asked for %v, want %v", e.desk.asked, want)
	}
	for _, bad := range []string{"quantity=9", "quantity=0", "quantity=x", "max_price=-1", "accessible=yes", "in=" + strings.Repeat("x", maxText+1), "in=%01", "zz=1", "quantity=1&quantity=2"} {
		e.want(400, "", "POST", path+"/best", bad, form...)
	}
	for _, bad := range []string{"", "ticket=", "ticket=x", "ticket=" + unguarded.Ticket(0).String(), "ticket=%00", "ticket=" + guarded.Ticket(0).String() + "-1",
		"ticket=" + both + ",", "ticket=" + both + "," + guarded.Ticket(1).String(), "ticket=" + both + "," + guarded.Ticket(2).String() + "," + guarded.Ticket(3).String()} {
		e.want(404, "", "POST", path+"/hold", bad, form...).holds(t, "There is no such seat")
		e.want(404, "", "POST", path+"/release", bad, form...)
	}
	for _, call := range []string{"hold", "release", "best", "extend", "book"} {
		e.want(404, "", "POST", seatsPath(event(3))[:len("/events/")]+"nothing/seats/"+call, "", form...)
	}
}

// A refusal says why, on the page that he was on, with the status of the API and what could be had instead.
func TestEveryRefusalIsTold(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	_, form := e.fan()
	path, ticket := seatsPath(guarded), "section=A&ticket="+guarded.Ticket(0).String()
	f := func(err error, status int, call, fields string, texts ...string) {
		t.Helper()
		e.desk.err = err
		e.desk.lists = true // Holds still answers
		r := e.do("POST", path+"/"+call, fields, form...)
		if r.status != status {
			t.Errorf("%s, %v: %d, want %d: %.300s", call, err, r.status, status, r.raw)
		}
		r.holds(t, append(texts, `role="alert"`, "<title>That was not possible", "Row 2")...)
	}
	near := e.desk.ticket(guarded.Ticket(9))
	f(&booking.UnavailableError{Tickets: []id.Ticket{guarded.Ticket(0)}, Alternatives: []booking.Ticket{near}}, 409, "hold", ticket,
		"Somebody else has just taken this seat", `value="`+near.ID.String()+`"`, "A, row 3, seat 7 · $42.00")
	f(&booking.HoldLimitError{Limit: 8}, 409, "hold", ticket, "up to 8 seats")
	f(&booking.CoolDownError{Until: noon}, 409, "hold", ticket, "You can choose again at ")
	f(&booking.StrandedSeatError{
		Wanted: []booking.Ticket{e.desk.ticket(guarded.Ticket(1))}, Stranded: []booking.Ticket{e.desk.ticket(guarded.Ticket(0))}, Alternatives: []booking.Ticket{near},
	}, 409, "hold", ticket, "That would leave A, row 3, seat 7 alone", `value="`+guarded.Ticket(1).String()+","+guarded.Ticket(0).String()+`"`, "A, row 3, seat 7 &#43; A, row 3, seat 7 · $84.00",
		`value="`+near.ID.String()+`"`, "A, row 3, seat 7 · $42.00")
	f(&booking.NoSeatsTogetherError{LargestBlock: 3}, 409, "best", "section=A&quantity=5&in=B&max_price=2100&accessible=1", "The most that we can find is 3", "<option selected>5", "<option selected>B",
		`<option value="2100" selected>`, `value="1" checked`)
	f(&booking.NoSeatsTogetherError{}, 409, "best", "section=A&quantity=5", "There are no free seats like that")
	f(booking.ErrHoldCapReached, 409, "extend", "section=A", "cannot be extended any further")
	f(booking.ErrHoldNotFound, 404, "extend", "section=A", "not kept for you any more")
	f(booking.ErrHoldNotFound, 404, "release", ticket, "not kept for you any more")
	e.desk.basket = []id.Ticket{guarded.Ticket(0)}
	f(&booking.HoldRequiredError{Tickets: e.desk.basket}, 409, "book", "section=A&key="+id.NewKey().String(), "not kept for you any more")
	e.desk.basket = nil
	f(nil, 409, "book", "section=A&key="+id.NewKey().String(), "not kept for you any more")

	e.desk.err = booking.ErrOverloaded
	for _, call := range []string{"hold", "best", "extend", "release"} {
		e.want(503, "", "POST", path+"/"+call, ticketFor(call), form...).holds(t, "Very many people")
	}
}

func ticketFor(call string) string {
	if call == "hold" || call == "release" {
		return "ticket=" + guarded.Ticket(0).String()
	}
	return ""
}

func TestFormsOfTheSeatsWantWhatTheAPIWants(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config, _ *Parts) { c.VisitorRate = 2 })
	e.soon()
	v, sealed := e.room.NewVisitor()
	with := func(cookie string) []string {
		return []string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "Accept", "text/html", "Cookie", cookie}
	}
	visitor := visitorCookie + "=" + sealed
	for _, call := range []string{"hold", "best", "extend", "book"} {
		path := seatsPath(guarded) + "/" + call
		for cookie, status := range map[string]int{
			visitor: 401, visitor + "; " + passCookie + roomName + "=x": 401, visitor + "; " + passCookie + roomName + "=" + passOf("expired", v): 401,
			visitor + "; " + passCookie + roomName + "=" + passOf(otherRoom, v): 403,
		} {
			e.want(status, "", "POST", path, ticketFor(call), with(cookie)...).holds(t, `href="/rooms/`+roomName+`"`)
		}
		e.room.session = func() error { return waitroom.ErrSessionOver }
		e.want(401, "", "POST", path, ticketFor(call), with(visitor+"; "+passCookie+roomName+"="+passOf(roomName, v))...).holds(t, "Your time to choose seats is over", `href="/rooms/`)
		e.room.session = nil
	}
	// Letting go needs no pass.
	e.do("POST", seatsPath(guarded)+"/release", ticketFor("hold"), with(visitor)...).leads(t, seatsPath(guarded)+"#basket")
	e.want(404, "", "POST", seatsPath(guarded)+"/release", ticketFor("hold"), with("")...).holds(t, "not kept for you any more")
	e.want(401, "", "POST", seatsPath(unguarded)+"/release", "ticket="+unguarded.Ticket(0).String(), with(visitorCookie+"=forged")...)

	// Without a room the first hold makes somebody a visitor, at a bounded rate; extending and booking do not.
	for _, call := range []string{"hold", "best"} {
		r := e.do("POST", seatsPath(unguarded)+"/"+call, strings.ReplaceAll(ticketFor(call), guarded.String(), unguarded.String()), with("")...)
		r.leads(t, seatsPath(unguarded)+"#basket")
		if !strings.HasPrefix(r.header.Get("Set-Cookie"), visitorCookie+"=") {
			t.Errorf("%s: no visitor in %v", call, r.header)
		}
	}
	for _, call := range []string{"hold", "best"} {
		e.want(429, "", "POST", seatsPath(unguarded)+"/"+call, strings.ReplaceAll(ticketFor(call), guarded.String(), unguarded.String()), with("")...)
	}
	for _, call := range []string{"extend", "book"} {
		e.want(401, "", "POST", seatsPath(unguarded)+"/"+call, "", with("")...).holds(t, "Your browser did not send our cookie")
	}
}

func TestBookingByForm(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	_, form := e.fan()
	path := seatsPath(guarded) + "/book"
	e.desk.basket = []id.Ticket{guarded.Ticket(0), guarded.Ticket(1)}
	key := id.NewKey().String()
	first := e.do("POST", path, "key="+key, form...)
	to := first.header.Get("Location")
	if !strings.HasPrefix(to, "/checkout/"+guarded.String()+"-") {
		t.Fatalf("%d to %q: %.300s", first.status, to, first.raw)
	}
	if got := strings.Join(first.header.Values("Set-Cookie"), "; "); !strings.Contains(got, passCookie+roomName+"=") {
		t.Errorf("the session does not follow the booking: %q", got)
	}
	e.desk.basket = nil // they are booked, no longer held: a second click finds the first one's booking
	calls := e.desk.calls
	e.do("POST", path, "key="+key, form...).leads(t, to)
	if e.desk.calls != calls {
		t.Error("a second click booked again")
	}
	if r := e.do("POST", path, "key="+id.NewKey().String(), form...); r.status != 409 { // the control: another key is another booking
		t.Errorf("another page: %d", r.status)
	}
	e.desk.basket, e.desk.status = []id.Ticket{guarded.Ticket(0)}, booking.Pending
	if r := e.do("POST", path, "key="+id.NewKey().String(), form...); r.status != 303 || !strings.HasPrefix(r.header.Get("Location"), "/checkout/") {
		t.Errorf("a pending booking: %d", r.status)
	}
	// What was refused is not remembered: the seats may be held again.
	key = id.NewKey().String()
	e.desk.err, e.desk.lists, e.desk.status = &booking.HoldRequiredError{}, true, ""
	if r := e.do("POST", path, "key="+key, form...); r.status != 409 {
		t.Errorf("refused: %d", r.status)
	}
	e.desk.err = nil
	if r := e.do("POST", path, "key="+key, form...); r.status != 303 {
		t.Errorf("after a refusal: %d", r.status)
	}
	for _, bad := range []string{"a b", strings.Repeat("x", maxKey+1), "é", "\x01"} {
		e.want(400, "", "POST", path, "key="+url.QueryEscape(bad), form...)
	}
	e.do("POST", path, "", form...) // a page without a key books all the same
	if e.desk.calls < 3 {
		t.Error("nothing was booked without a key")
	}
	e.desk.err = booking.ErrTicketNotFound
	e.want(404, "", "POST", path, "key="+id.NewKey().String(), form...)
}

func TestTheBasketWarnsBeforeItsEnd(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.soon()
	page, _ := e.fan()
	e.desk.basket, e.desk.ends = []id.Ticket{guarded.Ticket(0)}, time.Now().Add(9*time.Minute)
	e.want(200, "", "GET", seatsPath(guarded), "", page...).lacks(t, "Less than 2 minutes are left. Ask for more time, or continue to checkout.</p></div>")
	e.desk.ends = time.Now().Add(time.Minute)
	e.want(200, "", "GET", seatsPath(guarded), "", page...).holds(t, `<p class="note warn">Less than 2 minutes`, "I need more time")
}
