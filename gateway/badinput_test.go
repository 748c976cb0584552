package gateway

import (
	"strings"
	"testing"

	"usher/internal/id"
)

const api = "/api/v1"

// bad is one line of the tables of bad input.
type bad struct {
	status       int
	slug         string
	method, path string
	body         string
	headers      []string
}

func (e *edge) refuses(table []bad) {
	e.t.Helper()
	for _, c := range table {
		e.want(c.status, c.slug, c.method, c.path, c.body, c.headers...)
	}
}

func TestPathsMethodsAndParametersThatAreNotOurs(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	ev := api + "/events/" + guarded.String()
	e.refuses([]bad{
		{404, "not-found", "GET", "/nowhere", "", nil},
		{404, "not-found", "GET", "/api/v1", "", nil},
		{404, "not-found", "GET", "/healthz/", "", nil},
		{404, "not-found", "GET", api + "/rooms/final/draw", "", nil},
		{404, "not-found", "GET", ev + "/changes", "", nil},
		{404, "not-found", "GET", "/a/b/c/d/e/f/g/h/i/j", "", nil},
		{404, "not-found", "GET", "/problems/cake", "", nil},
		{404, "not-found", "GET", "/" + strings.Repeat("a", 2000), "", nil},
		{405, "method-not-allowed", "POST", "/healthz", "", nil},
		{405, "method-not-allowed", "PUT", api + "/visitors", "", nil},
		{405, "method-not-allowed", "PATCH", ev + "/ticket/x/hold", "", nil},
		{405, "method-not-allowed", "BREW", ev, "", nil},
		{405, "method-not-allowed", "OPTIONS", ev, "", nil},
		{400, "invalid-request", "GET", "/healthz?x=1", "", nil},
		{400, "invalid-request", "GET", ev + "?tickets_cursor=a&tickets_cursor=a", "", nil},
		{400, "invalid-request", "GET", ev + "?Tickets_Cursor=a", "", nil},
		{400, "invalid-request", "POST", api + "/booking?dry=1", "", nil},
		{400, "invalid-cursor", "GET", ev + "?tickets_cursor=forged", "", nil},
		{400, "invalid-request", "GET", api + "/rooms/final/check?redirect=2", "", nil},
	})
	if r := e.want(405, "method-not-allowed", "TRACE", ev+"/holds", ""); r.header.Get("Allow") != "DELETE, GET, HEAD, POST" {
		t.Errorf("Allow is %q", r.header.Get("Allow"))
	}
	r := e.want(400, "invalid-request", "GET", ev+"?"+strings.Repeat("a&", 15)+strings.Repeat("long", 100)+"=1", "")
	if errors, _ := r.body["errors"].([]any); len(errors) != maxFaults {
		t.Errorf("%d faults are named, want %d: %s", len(errors), maxFaults, r.raw)
	}
}

func TestIDsThatNameNothing(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.room.active = false
	_, v := e.visitor()
	ev, stranger := api+"/events/"+unguarded.String(), event(3).String()
	ticket := unguarded.Ticket(7).String()
	e.refuses([]bad{
		{404, "event-not-found", "GET", api + "/events/nothing", "", nil},
		{404, "event-not-found", "GET", api + "/events/" + stranger, "", nil},
		{404, "event-not-found", "GET", api + "/events/" + strings.ToUpper(unguarded.String()), "", nil},
		{404, "event-not-found", "GET", api + "/events/" + stranger + "/seats", "", nil},
		{404, "event-not-found", "GET", api + "/events/search/seats", "", nil},
		{404, "event-not-found", "GET", "/events/nothing", "", nil},
		{404, "event-not-found", "POST", api + "/events/nothing/ticket/" + ticket + "/hold", "", v},
		{404, "event-not-found", "DELETE", api + "/events/nothing/ticket/" + ticket + "/hold", "", v},
		{404, "event-not-found", "POST", api + "/events/nothing/holds", `{"ticketIds":["` + ticket + `"]}`, v},
		{404, "event-not-found", "GET", api + "/events/nothing/holds", "", v},
		{404, "event-not-found", "DELETE", api + "/events/nothing/holds", "", v},
		{404, "event-not-found", "POST", api + "/events/nothing/holds/extend", "", v},
		{404, "ticket-not-found", "POST", ev + "/ticket/nothing/hold", "", v},
		{404, "ticket-not-found", "POST", ev + "/ticket/" + ticket + "0000000/hold", "", v},
		{404, "ticket-not-found", "POST", ev + "/ticket/" + guarded.Ticket(7).String() + "/hold", "", v},
		{404, "ticket-not-found", "DELETE", ev + "/ticket/nothing/hold", "", v},
		{404, "ticket-not-found", "POST", ev + "/holds", `{"ticketIds":["nothing"]}`, v},
		{404, "ticket-not-found", "POST", api + "/booking", `{"ticketIds":["nothing"]}`, v},
		{404, "booking-not-found", "GET", api + "/booking/nothing", "", v},
		{404, "booking-not-found", "POST", api + "/booking/nothing/confirm", "", v},
		{404, "booking-not-found", "POST", api + "/booking/nothing/cancel", "", v},
		{404, "booking-not-found", "POST", api + "/booking/nothing/extend", "", v},
		{404, "booking-not-found", "GET", "/booking/nothing", "", v},
		{404, "room-not-found", "GET", api + "/rooms/nothing", "", v},
		{404, "room-not-found", "POST", api + "/rooms/nothing/join", "", v},
		{404, "room-not-found", "GET", api + "/rooms/nothing/check", "", nil},
		{404, "room-not-found", "GET", "/rooms/nothing", "", nil},
		{404, "not-found", "POST", "/sandbox/actions/nothing", `{"approve":true}`, nil},
		{404, "not-found", "POST", "/sandbox/actions/" + id.NewKey().String(), `{"approve":true}`, nil},
		{404, "not-found", "GET", "/sandbox/actions/nothing", "", nil},
		{404, "not-found", "POST", "/sandbox/actions/nothing/approve", "", nil},
		{404, "not-found", "POST", "/sandbox/actions/nothing/decline", "", nil},
	})
}

func TestBodiesThatSayNothing(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.room.active = false
	_, v := e.visitor()
	form := append([]string{"Content-Type", "application/x-www-form-urlencoded"}, v...)
	ev := api + "/events/" + unguarded.String()
	one, two := unguarded.Ticket(1).String(), unguarded.Ticket(2).String()
	var table []bad
	both := func(status int, slug, body string, headers ...string) {
		for _, path := range []string{ev + "/holds", api + "/booking"} {
			table = append(table, bad{status, slug, "POST", path, body, append(headers, v...)})
		}
	}
	both(415, "unsupported-media-type", "ticketIds="+one, form...)
	both(415, "unsupported-media-type", `{"ticketIds":["`+one+`"]}`, "Content-Type", "text/plain; charset=utf-8")
	both(415, "unsupported-media-type", "", v...)
	both(413, "body-too-large", `{"ticketIds":["`+strings.Repeat("x", maxBody)+`"]}`)
	for _, body := range []string{
		`{`, `[]`, `null`, `1`, `"x"`, `{}`, `{"ticketIds":["` + one + `"]} x`, `{"ticketIds":["` + one + `"]}{}`, "{\"ticketIds\":[\"\xff\"]}", `{'ticketIds':[]}`,
		`{"ticketIds":[]}`, `{"ticketIds":null}`, `{"ticketIds":"` + one + `"}`, `{"ticketIds":[1]}`, `{"ticketIds":[null]}`, `{"ticketIds":[["` + one + `"]]}`, `{"ticketIds":{}}`,
		`{"ticketids":["` + one + `"]}`, `{"TicketIds":["` + one + `"]}`, `{"ticketIds":["` + one + `"],"note":"x"}`, `{"ticketIds":["` + one + `","` + one + `"]}`,
		`{"ticketIds":["` + one + `"],"ticketIds":["` + two + `"]}`, `{"ticketIds":["` + strings.Repeat(one+`","`, 8) + two + `"]}`,
		strings.Repeat(`{"ticketIds":`, 40) + "1" + strings.Repeat("}", 40), strings.Repeat("[", 30000),
		strings.Repeat(" ", 60000) + "{", `{"ticketIds":["` + strings.Repeat(`x","`, 16000) + `x"]}`,
	} {
		both(400, "invalid-request", body)
	}
	for _, best := range []string{
		`null`, `[]`, `{}`, `{"quantity":0}`, `{"quantity":9}`, `{"quantity":1.5}`, `{"quantity":"2"}`, `{"quantity":1e1}`, `{"quantity":2,"max_price":-1}`, `{"quantity":2,"section":7}`,
		`{"quantity":2,"section":"a\u0000b"}`, `{"quantity":2,"section":"` + strings.Repeat("x", 300) + `"}`, `{"quantity":2,"accessible":"yes"}`, `{"quantity":2,"rows":1}`,
		`{"quantity":99999999999999999999}`, `{"quantity":2,"quantity":3}`,
	} {
		table = append(table, bad{400, "invalid-request", "POST", ev + "/holds", `{"best_available":` + best + `}`, v})
	}
	table = append(table, bad{400, "invalid-request", "POST", ev + "/holds", `{"ticketIds":["` + one + `"],"best_available":{"quantity":1}}`, v})
	for _, path := range []string{
		"/visitors", "/rooms/final/enter", "/rooms/final/renew", "/rooms/final/leave", "/events/" + unguarded.String() + "/ticket/" + one + "/hold",
		"/events/" + unguarded.String() + "/holds/extend", "/booking/" + unguarded.String() + "-" + id.NewKey().String() + "/cancel",
		"/booking/" + unguarded.String() + "-" + id.NewKey().String() + "/extend",
	} {
		table = append(table, bad{400, "invalid-request", "POST", api + path, `{"x":1}`, v}, bad{400, "invalid-request", "POST", api + path, `[]`, v},
			bad{415, "unsupported-media-type", "POST", api + path, `x=1`, form})
	}
	for _, body := range []string{`[]`, `{"proof_of_work":7}`, `{"proof_of_work":null}`, `{"proof":"x"}`, `x`} {
		table = append(table, bad{400, "invalid-request", "POST", api + "/rooms/final/join", body, v})
	}
	for _, body := range []string{`{}`, `{"approve":"yes"}`, `{"approve":1}`, `{"approve":true,"by":"me"}`} {
		table = append(table, bad{400, "invalid-request", "POST", "/sandbox/actions/" + e.box.attempt.String(), body, nil})
	}
	e.refuses(table)
}

func TestPaymentDetails(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.room.active = false
	_, v := e.visitor()
	b := id.Booking{Event: unguarded, Key: id.NewKey()}
	path := api + "/booking/" + b.String() + "/confirm"
	const good = `"paymentDetails":{"method":"sandbox","token":"tok_ok"}`
	table := []bad{
		{415, "unsupported-media-type", "POST", path, "", v},
		{422, "booking-id-mismatch", "POST", path, `{"booking_id":"other",` + good + `}`, v},
		{422, "booking-id-mismatch", "POST", path, `{"booking_id":"",` + good + `}`, v},
		{400, "invalid-request", "POST", path, `{"booking_id":7,` + good + `}`, v},
		{400, "invalid-request", "POST", path, `{"tip":1,` + good + `}`, v},
		{422, "payment-details-invalid", "POST", path, `{}`, v},
	}
	for _, details := range []string{
		`{}`, `{"method":"cash"}`, `{"method":"sandbox"}`, `{"method":"sandbox","token":""}`, `{"method":"stripe"}`, `{"token":"tok_ok"}`,
		`{"method":"sandbox","token":"4242 4242 4242 4242"}`, `{"method":"stripe","payment_method":"4242-4242-4242-4242"}`,
		`{"method":"card","number":"4242424242424242","cvc":"123"}`, `{"method":"sandbox","token":"tok_ok","CVC":"123"}`,
		`{"method":"sandbox","token":"tok_ok","exp_month":12}`, `{"method":"sandbox","token":"tok_ok","card":{"number":"4242424242424242"}}`,
	} {
		table = append(table, bad{422, "payment-details-invalid", "POST", path, `{"paymentDetails":` + details + `}`, v})
	}
	for _, details := range []string{
		`null`, `"tok_ok"`, `[]`, `{"method":7,"token":"tok_ok"}`, `{"method":"sandbox","token":7}`, `{"method":"sandbox","token":"tok_ok","tip":1}`,
		`{"method":"sandbox","payment_method":"tok_ok"}`, `{"method":"sandbox","token":"` + strings.Repeat("x", 300) + `"}`, `{"method":"sandbox","token":"a\nb"}`,
	} {
		table = append(table, bad{400, "invalid-request", "POST", path, `{"paymentDetails":` + details + `}`, v})
	}
	e.refuses(table)
	for _, c := range table {
		if r := e.do(c.method, c.path, c.body, c.headers...); strings.Contains(r.raw, "4242") {
			t.Errorf("a card number is repeated: %s", r.raw)
		}
	}
	if e.desk.paid.Token != "" {
		t.Errorf("the desk was handed %+v", e.desk.paid)
	}
	e.want(200, "", "POST", path, `{"booking_id":"`+b.String()+`",`+good+`}`, v...)
	if e.desk.paid.Method != "sandbox" || e.desk.paid.Token != "tok_ok" {
		t.Errorf("the desk was handed %+v", e.desk.paid)
	}
}
