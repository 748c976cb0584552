package gateway

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
	"usher/waitroom"
)

func TestHoldBookPay(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, guest := e.guest()
	ev := api + "/events/" + guarded.String()
	seat := guarded.Ticket(7).String()
	e.want(201, "", "POST", ev+"/ticket/"+seat+"/hold", "", guest...)
	e.want(200, "", "POST", ev+"/ticket/"+seat+"/hold", "{}", guest...)
	e.want(201, "", "POST", ev+"/holds", `{"ticketIds":["`+seat+`","`+guarded.Ticket(8).String()+`"]}`, guest...)
	if r := e.want(201, "", "POST", ev+"/holds", `{"best_available":{"quantity":2,"section":"A","max_price":9000,"accessible":false}}`, guest...); r.body["total"] != 8400.0 {
		t.Errorf("best available: %s", r.raw)
	}
	if r := e.want(200, "", "GET", ev+"/holds", "", guest...); r.header.Get("Cache-Control") != privately || r.body["expiration_time"] != nil {
		t.Errorf("holds: %v %s", r.header, r.raw)
	}
	e.want(200, "", "POST", ev+"/holds/extend", "", guest...)
	e.want(204, "", "DELETE", ev+"/ticket/"+seat+"/hold", "", guest...)
	e.want(204, "", "DELETE", ev+"/holds", "", guest...)

	r := e.want(201, "", "POST", api+"/booking", `{"ticketIds":["`+seat+`"]}`, guest...)
	path := api + "/booking/" + r.str("booking_id")
	if r.header.Get("Location") != path || r.header.Get(passHeader) == "" || !strings.Contains(r.header.Get("Set-Cookie"), "usher_pass_final=") {
		t.Errorf("booking: %v", r.header)
	}
	e.want(200, "", "GET", path, "", guest...)
	if r := e.want(200, "", "POST", path+"/confirm", `{"paymentDetails":{"method":"sandbox","token":"tok_ok"}}`, guest...); r.str("confirmation_id") != "CONF1" {
		t.Errorf("confirm: %s", r.raw)
	}
	e.want(200, "", "POST", path+"/cancel", "", guest...)
}

func TestLateAnswers(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, guest := e.guest()
	book := `{"ticketIds":["` + guarded.Ticket(7).String() + `"]}`
	e.desk.status = booking.Pending
	r := e.want(202, "", "POST", api+"/booking", book, guest...)
	if r.header.Get("Retry-After") == "" || r.header.Get("Location") == "" || r.header.Get(passHeader) != "" {
		t.Errorf("pending: %v", r.header)
	}
	e.desk.status = booking.Paying
	path := api + "/booking/" + r.str("booking_id")
	e.want(202, "", "POST", path+"/confirm", `{"paymentDetails":{"method":"sandbox","token":"tok_slow"}}`, guest...)
	e.desk.status = ""
	e.room.extend = func() error { return waitroom.ErrSessionOver } // the booking stands all the same
	if r := e.want(201, "", "POST", api+"/booking", book, guest...); r.header.Get(passHeader) != "" {
		t.Error("a pass that was not extended is handed out")
	}
}

// sqlError is an error of Postgres as pgx has it.
type sqlError string

func (e sqlError) Error() string    { return "sql: " + string(e) }
func (e sqlError) SQLState() string { return string(e) }

func TestWhatTheDeskRefuses(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, guest := e.guest()
	ticket := guarded.Ticket(7)
	hold, holds := api+"/events/"+guarded.String()+"/ticket/"+ticket.String()+"/hold", api+"/events/"+guarded.String()+"/holds"
	b := api + "/booking/" + (id.Booking{Event: guarded, Key: id.NewKey()}).String()
	ids, pay := `{"ticketIds":["`+ticket.String()+`"]}`, `{"paymentDetails":{"method":"sandbox","token":"tok_ok"}}`
	taken := &booking.UnavailableError{Tickets: []id.Ticket{ticket}, Alternatives: []booking.Ticket{e.desk.ticket(guarded.Ticket(9))}}
	near := func(seat int) []booking.Ticket { return []booking.Ticket{e.desk.ticket(guarded.Ticket(seat))} }
	lonely := &booking.StrandedSeatError{Wanted: near(1), Stranded: near(0), Alternatives: near(2)}
	for _, c := range []struct {
		err          error
		status       int
		slug         string
		method, path string
		body, member string
	}{
		{taken, 409, "ticket-unavailable", "POST", hold, "", "alternatives"},
		{&booking.UnavailableError{Tickets: []id.Ticket{ticket}}, 409, "ticket-unavailable", "POST", holds, ids, "ticketIds"},
		{taken, 409, "ticket-unavailable", "POST", api + "/booking", ids, "ticketIds"},
		{&booking.HoldLimitError{Limit: 8}, 409, "hold-limit-reached", "POST", hold, "", "limit"},
		{&booking.CoolDownError{Until: time.Now().Add(time.Minute)}, 409, "hold-cool-down", "POST", hold, "", "until"},
		{lonely, 409, "stranded-seat", "POST", hold, "", "ticketIds"},
		{&booking.CoolDownError{Until: time.Now().Add(time.Minute)}, 409, "hold-cool-down", "POST", hold, "", "until"},
		{lonely, 409, "stranded-seat", "POST", holds, ids, "alternatives"},
		{&booking.NoSeatsTogetherError{LargestBlock: 3}, 409, "no-seats-together", "POST", holds, `{"best_available":{"quantity":5}}`, "largest_block"},
		{&booking.HoldRequiredError{Tickets: []id.Ticket{ticket}}, 409, "hold-required", "POST", api + "/booking", ids, "ticketIds"},
		{booking.ErrTicketNotFound, 404, "ticket-not-found", "POST", hold, "", ""},
		{booking.ErrEventNotFound, 404, "event-not-found", "POST", hold, "", ""},
		{booking.ErrEventNotFound, 404, "event-not-found", "POST", api + "/booking", ids, ""},
		{booking.ErrHoldNotFound, 404, "hold-not-found", "DELETE", hold, "", ""},
		{booking.ErrHoldNotFound, 404, "hold-not-found", "POST", holds + "/extend", "", ""},
		{booking.ErrHoldCapReached, 409, "hold-cap-reached", "POST", holds + "/extend", "", ""},
		{&booking.DeclinedError{Reason: "insufficient_funds"}, 402, "payment-declined", "POST", b + "/confirm", pay, "reason"},
		{booking.ErrPaymentDetailsInvalid, 422, "payment-details-invalid", "POST", b + "/confirm", pay, ""},
		{booking.ErrBookingNotPayable, 409, "booking-not-payable", "POST", b + "/confirm", pay, ""},
		{booking.ErrBookingExpired, 410, "booking-expired", "POST", b + "/confirm", pay, ""},
		{booking.ErrBookingNotCancellable, 409, "booking-not-cancellable", "POST", b + "/cancel", "", ""},
		{booking.ErrExtensionNotAllowed, 409, "extension-not-allowed", "POST", b + "/extend", "", ""},
		{booking.ErrBookingExpired, 410, "booking-expired", "POST", b + "/extend", "", ""},
		{booking.ErrBookingNotFound, 404, "booking-not-found", "POST", b + "/extend", "", ""},
		{booking.ErrOverloaded, 503, "overloaded", "POST", b + "/extend", "", ""},
		{booking.ErrOverloaded, 503, "overloaded", "POST", b + "/cancel", "", ""},
		{fmt.Errorf("hold: %w", booking.ErrStoreUnavailable), 503, "store-unavailable", "POST", hold, "", ""},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), 503, "store-unavailable", "GET", b, "", ""},
		{fmt.Errorf("dial: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}), 503, "store-unavailable", "GET", holds, "", ""},
		{fmt.Errorf("update: %w", sqlError("57P01")), 503, "store-unavailable", "DELETE", holds, "", ""},
		{fmt.Errorf("insert: %w", sqlError("23505")), 500, "internal", "POST", b + "/cancel", "", ""},
		{errUnheard, 500, "internal", "POST", hold, "", ""},
	} {
		e.desk.err = c.err
		r := e.want(c.status, c.slug, c.method, c.path, c.body, guest...)
		if _, ok := r.body[c.member]; c.member != "" && !ok {
			t.Errorf("%s lacks %s: %s", c.slug, c.member, r.raw)
		}
		if strings.Contains(r.raw, "nobody has heard") || strings.Contains(r.raw, "sql:") {
			t.Errorf("a fault of ours is told in detail: %s", r.raw)
		}
	}
	e.desk.err = nil
	both := `{"ticketIds":["` + guarded.Ticket(1).String() + `","` + unguarded.Ticket(1).String() + `"]}`
	e.want(422, "tickets-span-events", "POST", api+"/booking", both, guest...)
}

func TestWhatStripeTells(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	const path, good, bad = "/webhooks/stripe", "good", "bad"
	e.want(200, "", "POST", path, `{"type":"charge.updated"}`, "Stripe-Signature", good)
	e.want(200, "", "POST", path, `not JSON, but signed`, "Stripe-Signature", good)
	e.want(400, "invalid-request", "POST", path, `{}`, "Stripe-Signature", bad)
	e.want(400, "invalid-request", "POST", path, `{}`)
	if want := []string{`{"type":"charge.updated"}`, `not JSON, but signed`}; !slices.Equal(e.hook.heard, want) {
		t.Errorf("heard %q, want %q", e.hook.heard, want)
	}
	e.hook.err = booking.ErrStoreUnavailable // Stripe tells it again
	e.want(503, "store-unavailable", "POST", path, `{}`, "Stripe-Signature", good)
	none := newEdge(t, func(_ *Config, p *Parts) { p.Webhook = nil })
	none.want(404, "not-found", "POST", path, `{}`, "Stripe-Signature", good)
}

func TestThePayerOfTheSandbox(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	path := "/sandbox/actions/" + e.box.attempt.String()
	e.want(204, "", "POST", path, `{"approve":true}`)
	e.want(200, "", "GET", path, "").holds(t, "Approve the payment?", "stands in for a bank")
	e.want(200, "", "GET", path, "", "Accept-Language", "fr").holds(t, "Valider le paiement", "Refuser")
	e.want(200, "", "POST", path+"/approve", "").holds(t, "Answered.")
	e.want(200, "", "POST", path+"/decline", "", "Content-Type", "application/x-www-form-urlencoded")
	none := newEdge(t, func(_ *Config, p *Parts) { p.Sandbox = nil })
	none.want(404, "not-found", "POST", path, `{"approve":true}`)
}
