package gateway

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/gateway/page"
	"usher/internal/id"
)

var someBooking = id.Booking{Event: guarded, Key: id.Key{9}}

// buyer is a visitor's browser at the checkout: the headers of a page and those of a form.
func (e *edge) buyer() (page, form []string) {
	_, sealed := e.room.NewVisitor()
	page = []string{"Cookie", visitorCookie + "=" + sealed, "Accept", "text/html"}
	return page, append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, page...)
}

func (r reply) holds(t *testing.T, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(r.raw, want) {
			t.Errorf("%d: no %q in %s", r.status, want, r.raw)
		}
	}
}

func (r reply) lacks(t *testing.T, texts ...string) {
	t.Helper()
	for _, bad := range texts {
		if strings.Contains(r.raw, bad) {
			t.Errorf("%d: %q in %s", r.status, bad, r.raw)
		}
	}
}

func (r reply) leads(t *testing.T, to string) {
	t.Helper()
	if got := r.header.Get("Location"); r.status != 303 || got != to {
		t.Errorf("%d to %q, want 303 to %q: %.300s", r.status, got, to, r.raw)
	}
}

func TestTheCheckoutShowsEveryStateOfABooking(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	page, _ := e.buyer()
	path := "/checkout/" + someBooking.String()
	e.desk.ends = time.Now().Add(8 * time.Minute)
	e.want(200, "", "GET", path, "", page...).holds(t, "A &lt;match&gt;", "Section A, row 3, seat 7", "$42.00", "All taxes and fees included", "Kept for you until",
		"8 minutes left", "I need more time", `name="email"`, "Pay $42.00", `value="tok_ok" checked`, "Give the seats back")
	e.desk.ends = time.Now().Add(90 * time.Second)
	e.want(200, "", "GET", path, "", page...).holds(t, "go back on sale in less than 2 minutes")
	e.desk.extended = true
	r := e.want(200, "", "GET", path, "", page...)
	r.holds(t, "It cannot be extended again")
	r.lacks(t, "I need more time")
	e.desk.declined = "insufficient_funds"
	e.want(200, "", "GET", path, "", page...).holds(t, "does not have enough money")
	e.desk.declined = "some_reason_of_a_provider"
	e.want(200, "", "GET", path, "", page...).holds(t, "The payment did not go through")
	e.desk.ends = time.Now().Add(-time.Second) // the sweep has not seen it yet
	late := e.want(200, "", "GET", path, "", page...)
	late.holds(t, "The time for these seats is over")
	late.lacks(t, `name="token"`, "I need more time")
	e.desk.ends = time.Now().Add(8 * time.Minute)
	for status, text := range map[booking.Status]string{
		booking.Pending: "We are reserving your seats", booking.Paying: "Your payment is being made", booking.Expired: "The time for these seats is over",
		booking.Cancelled: "You gave these seats back", booking.Failed: "could not be booked",
	} {
		e.desk.status = status
		r := e.want(200, "", "GET", path, "", page...)
		r.holds(t, text, "Section A, row 3, seat 7")
		r.lacks(t, `name="token"`)
		if waits := status == booking.Pending || status == booking.Paying; waits != strings.Contains(r.raw, `http-equiv="refresh"`) {
			t.Errorf("%s looks again by itself: %v", status, !waits)
		}
	}
	e.desk.status, e.desk.action = booking.Paying, &booking.Action{Type: "redirect", URL: "/sandbox/actions/x"}
	e.want(200, "", "GET", path, "", page...).holds(t, "Your bank asks you", `href="/sandbox/actions/x?return=/checkout/`+someBooking.String())
	e.desk.action.URL = "https://bank.example/approve"
	e.want(200, "", "GET", path, "", page...).holds(t, `href="https://bank.example/approve"`)
	e.desk.status = booking.Confirmed
	e.do("GET", path, "", page...).leads(t, "/booking/"+someBooking.String())
	e.desk.status, e.catalog.err = booking.Reserved, booking.ErrStoreUnavailable
	e.want(200, "", "GET", path, "", page...).holds(t, "Section A, row 3, seat 7", "Pay $42.00") // paying needs no catalog
}

func TestPayingByForm(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, form := e.buyer()
	path := "/checkout/" + someBooking.String()
	e.desk.ends = time.Now().Add(8 * time.Minute)
	e.do("POST", path+"/pay", "name=Ada&email=ada%40example.org&token=tok_ok", form...).leads(t, "/booking/"+someBooking.String())
	if e.desk.paid != (booking.Payment{Method: "sandbox", Token: "tok_ok"}) || e.desk.buyer != (booking.Buyer{Name: "Ada", Email: "ada@example.org"}) {
		t.Errorf("paid %+v by %+v", e.desk.paid, e.desk.buyer)
	}
	f := func(fields string, status int, texts ...string) {
		t.Helper()
		e.desk.paid, e.desk.buyer = booking.Payment{}, booking.Buyer{}
		r := e.do("POST", path+"/pay", fields, form...)
		if r.status != status {
			t.Errorf("%.80s: %d, want %d", fields, r.status, status)
		}
		r.holds(t, texts...)
		if e.desk.paid.Token != "" || e.desk.buyer.Name != "" {
			t.Errorf("%.80s: paid %+v by %+v", fields, e.desk.paid, e.desk.buyer)
		}
	}
	f("", 422, "Write your name", "Write an e-mail address", "Choose a test card")
	f("name=Ada&email=ada&token=tok_ok", 422, "Write an e-mail address", `value="Ada"`, `value="ada"`)
	f("name="+url.QueryEscape(`"><script>alert(1)</script>`)+"&email=x&token=tok_ok", 422, `value="&#34;&gt;&lt;script&gt;`)
	f("name="+strings.Repeat("x", 101)+"&email=a%40b.c&token=tok_ok", 422, "Write your name")
	f("name="+strings.Repeat("x", 5000)+"&email=a%40b.c&token=tok_ok", 422, "Write your name")
	f("name=Ada&email=a%40b.c&token=4242424242424242", 422, "Choose a test card")
	f("name=Ada&email=a%40b.c&token=tok_ok&token=tok_ok", 400)
	f("name=Ada&email=a%40b.c&token=tok_ok&card=1", 400)
	f("name=%ff&email=a%40b.c&token=tok_ok", 400)

	e.desk.declines = &booking.DeclinedError{Reason: "declined", Until: e.desk.ends}
	e.do("POST", path+"/pay", "name=Ada&email=ada%40example.org&token=tok_declined", form...).leads(t, path)
	e.desk.declined = "declined"
	e.want(200, "", "GET", path, "", form[4:]...).holds(t, "The payment did not go through", `value="Ada"`, `value="ada@example.org"`, "Pay $42.00")
	e.desk.declined, e.desk.declines = "", booking.ErrBookingExpired
	e.do("POST", path+"/pay", "name=Ada&email=ada%40example.org&token=tok_ok", form...).leads(t, path)
	e.desk.declines, e.desk.paid = nil, booking.Payment{}
	for _, over := range []error{booking.ErrBookingExpired, booking.ErrBookingNotPayable} { // between the look and the name
		e.desk.changes = over
		e.do("POST", path+"/pay", "name=Ada&email=ada%40example.org&token=tok_ok", form...).leads(t, path)
	}
	if e.desk.paid.Token != "" {
		t.Error("paid without a name")
	}
	e.desk.changes, e.desk.confirmed = nil, booking.Paying
	e.do("POST", path+"/pay", "name=Ada&email=ada%40example.org&token=tok_slow", form...).leads(t, path)
	e.desk.status = booking.Paying // in another tab
	e.do("POST", path+"/pay", "name=Ada&email=ada%40example.org&token=tok_ok", form...).leads(t, path)
}

// With Stripe's card form the page lets Stripe in and nobody else; no other page does, nor this one when there is nothing to pay.
func TestPayingByStripesForm(t *testing.T) {
	t.Parallel()
	path := "/checkout/" + someBooking.String()
	e := newEdge(t, func(_ *Config, p *Parts) { p.Sandbox = nil })
	seen, _ := e.buyer()
	e.desk.ends = time.Now().Add(8 * time.Minute)
	r := e.want(200, "", "GET", path, "", seen...)
	r.holds(t, "Payment is not possible")
	r.lacks(t, "stripe", `name="token"`)
	plain := r.header.Get("Content-Security-Policy")

	e = newEdge(t, func(c *Config, p *Parts) {
		p.Sandbox, c.Card = nil, CardForm{Key: "pk_test_x", Script: page.StripeScript}
	})
	seen, form := e.buyer()
	e.desk.ends = time.Now().Add(8 * time.Minute)
	r = e.want(200, "", "GET", path, "", seen...)
	r.holds(t, `data-key="pk_test_x"`, `<script src="https://js.stripe.com/v3/" defer>`, `<button class="wide pay" hidden>`, "Paying by card needs JavaScript")
	r.lacks(t, "Payment is not possible", "tok_ok")
	policy := page.CardPolicy("", page.StripeScript)
	if got := r.header.Get("Content-Security-Policy"); got != policy || got == plain || plain != page.Policy("") {
		t.Errorf("policies %q and %q", got, plain)
	}
	for _, want := range []string{
		"script-src 'self' https://*.js.stripe.com https://js.stripe.com", "frame-src https://*.js.stripe.com https://js.stripe.com https://hooks.stripe.com",
		"connect-src 'self' https://api.stripe.com", "default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'",
	} {
		if !slices.Contains(strings.Split(policy, "; "), want) {
			t.Errorf("no %q in %q", want, policy)
		}
	}
	if own := page.CardPolicy("", "http://127.0.0.1:7/v3/"); strings.Contains(own, "stripe") || !strings.Contains(own, "frame-src http://127.0.0.1:7") {
		t.Errorf("a script from elsewhere: %q", own)
	}

	e.do("POST", path+"/pay", "name=Ada&email=ada%40example.org&token=pm_1Abc", form...).leads(t, "/booking/"+someBooking.String())
	if e.desk.paid != (booking.Payment{Method: "stripe", Token: "pm_1Abc"}) {
		t.Errorf("paid %+v", e.desk.paid)
	}
	e.desk.paid = booking.Payment{}
	for _, bad := range []string{"", "tok_ok", "4242424242424242", "pm_", "pm_%3Cscript%3E", "pm_" + strings.Repeat("x", 121)} {
		r := e.do("POST", path+"/pay", "name=Ada&email=ada%40example.org&token="+bad, form...)
		r.holds(t, "Type your card", `value="Ada"`)
		if r.status != 422 || e.desk.paid.Token != "" || r.header.Get("Content-Security-Policy") != policy {
			t.Errorf("%q: %d, paid %+v", bad, r.status, e.desk.paid)
		}
	}
	e.desk.status = booking.Paying
	if r := e.want(200, "", "GET", path, "", seen...); r.header.Get("Content-Security-Policy") != plain || strings.Contains(r.raw, "stripe") {
		t.Errorf("nothing is to be paid, and the page lets in: %s", r.header.Get("Content-Security-Policy"))
	}
}

func TestMoreTimeAndGivingBackByForm(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, form := e.buyer()
	path := "/checkout/" + someBooking.String()
	e.desk.ends = time.Now().Add(8 * time.Minute)
	e.do("POST", path+"/extend", "", form...).leads(t, path)
	e.do("POST", path+"/cancel", "", form...).leads(t, path)
	e.desk.changes = booking.ErrExtensionNotAllowed
	r := e.do("POST", path+"/extend", "", form...)
	if r.status != 409 {
		t.Errorf("a second extension: %d", r.status)
	}
	r.holds(t, "cannot be extended again", `role="alert"`)
	e.desk.changes = booking.ErrBookingExpired
	e.desk.status = booking.Expired
	e.do("POST", path+"/extend", "", form...).leads(t, path)
	e.desk.changes = booking.ErrBookingNotCancellable
	e.do("POST", path+"/cancel", "", form...).leads(t, path)

	v, guest := e.guest()
	e.desk.changes, e.desk.status = nil, ""
	extend := api + "/booking/" + someBooking.String() + "/extend"
	if r := e.want(200, "", "POST", extend, "", guest...); r.body["extendable"] != false || r.header.Get(passHeader) != passOf(roomName, v) {
		t.Errorf("the session does not follow: %v %s", r.header, r.raw)
	}
	e.desk.session = "another"
	if r := e.want(200, "", "POST", extend, "", guest...); r.header.Get(passHeader) != "" {
		t.Error("a session that has not booked is extended")
	}
	e.desk.session = ""
	e.desk.changes = booking.ErrExtensionNotAllowed
	e.want(409, "extension-not-allowed", "POST", extend, "", guest...)
	e.desk.changes = booking.ErrBookingExpired
	e.want(410, "booking-expired", "POST", extend, "{}", guest...)
}

func TestTheConfirmation(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	page, _ := e.buyer()
	path := "/booking/" + someBooking.String()
	e.do("GET", path, "", page...).leads(t, "/checkout/"+someBooking.String())
	e.want(404, "booking-not-found", "GET", path+"/calendar.ics", "", page[:2]...)
	e.desk.status, e.desk.buyer = booking.Confirmed, booking.Buyer{Name: "Ada <3"}
	e.want(200, "", "GET", path, "", page...).holds(t, "You are going!", "CONF1", "Ada &lt;3", `<svg role="img"`, "Section A, row 3, seat 7", "calendar.ics", "Thursday, June 11, 2026")
	r := e.want(200, "", "GET", path+"/calendar.ics", "", page...)
	r.holds(t, "BEGIN:VEVENT", "Confirmation number CONF1", "DTSTART:20260611T200000Z")
	if r.header.Get("Content-Disposition") != `attachment; filename="`+guarded.String()+`.ics"` {
		t.Errorf("headers %v", r.header)
	}
	e.desk.owner = id.NewVisitor()
	e.want(404, "", "GET", path, "", page...).holds(t, "We cannot show this booking")
	e.want(404, "", "GET", "/booking/nothing", "", page...)
}

func TestTheSandboxSendsItsPayerBack(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	page, form := e.buyer()
	action := "/sandbox/actions/" + e.box.attempt.String()
	e.want(200, "", "GET", action+"?return=/checkout/x", "", page...).holds(t, `name="return" value="/checkout/x"`)
	e.want(400, "invalid-request", "GET", action+"?return=https://evil.example", "")
	e.do("POST", action+"/approve", "return=/checkout/x", form...).leads(t, "/checkout/x")
	e.do("POST", action+"/decline", "return=/checkout/x", form...).leads(t, "/checkout/x")
	e.want(400, "invalid-request", "POST", action+"/approve", "return=//evil.example", form[:4]...)
}

func TestACodeIsWhatItSays(t *testing.T) {
	t.Parallel()
	a, err := newQRCode("ABCDEFGHJKMN")
	if err != nil || a.Size != 21+2*quiet || !strings.HasPrefix(a.Path, "M4 4h7v1h-7z") { // version 1, and the first finder's upper edge
		t.Errorf("%+v, %v", a, err)
	}
	b, _ := newQRCode("ABCDEFGHJKMP")
	if a.Path == b.Path {
		t.Error("two numbers have one code")
	}
	if _, err := newQRCode(strings.Repeat("x", 5000)); err == nil {
		t.Error("a novel fits into a code")
	}
}
