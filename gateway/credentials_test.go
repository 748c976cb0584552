package gateway

import (
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/internal/id"
	"usher/waitroom"
)

func TestWhoMayHold(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	v, visitor := e.visitor()
	_, guest := e.guest()
	hold := func(ev id.Event) string {
		return api + "/events/" + ev.String() + "/ticket/" + ev.Ticket(7).String() + "/hold"
	}
	with := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	cookie := func(pairs ...string) []string { return []string{"Cookie", strings.Join(pairs, "; ")} }
	good := passOf(roomName, v)

	r := e.want(401, "pass-required", "POST", hold(guarded), "", visitor...)
	if r.str("room") != roomName || r.str("join_url") != "http://usher.test/rooms/final" {
		t.Errorf("pass-required names room %q and %q", r.str("room"), r.str("join_url"))
	}
	e.refuses([]bad{
		{401, "pass-required", "POST", hold(guarded), "", nil},
		{401, "pass-invalid", "POST", hold(guarded), "", with("forged")},
		{401, "pass-invalid", "POST", hold(guarded), "", with(good[1:])},
		{401, "pass-invalid", "POST", hold(guarded), "", []string{"Authorization", "Basic " + good}},
		{401, "pass-invalid", "POST", hold(guarded), "", []string{"Authorization", "Bearer"}},
		{401, "pass-expired", "POST", hold(guarded), "", with(passOf("expired", v))},
		{403, "pass-wrong-room", "POST", hold(guarded), "", with(passOf(otherRoom, v))},
		{401, "pass-required", "POST", hold(guarded), "", cookie("usher_pass_other=" + good)},
		{401, "pass-invalid", "POST", hold(guarded), "", append(with("forged"), cookie("usher_pass_final="+good)...)}, // the header wins
		{401, "visitor-required", "POST", hold(unguarded), "", []string{visitorHeader, "forged"}},
		{401, "visitor-required", "POST", hold(unguarded), "", cookie("usher_visitor=forged")},
		{401, "visitor-required", "POST", api + "/booking", `{"ticketIds":["` + unguarded.Ticket(1).String() + `"]}`, nil},
		{401, "pass-required", "POST", api + "/booking", `{"ticketIds":["` + guarded.Ticket(1).String() + `"]}`, visitor},
		{401, "visitor-required", "POST", api + "/events/" + unguarded.String() + "/holds/extend", "", nil},
		{401, "pass-required", "POST", api + "/events/" + guarded.String() + "/holds/extend", "", visitor},
		{401, "visitor-required", "GET", api + "/events/" + guarded.String() + "/holds", "", nil},
		{401, "visitor-required", "DELETE", api + "/events/" + unguarded.String() + "/holds", "", nil},
		{401, "pass-required", "POST", api + "/events/" + guarded.String() + "/holds", `{"best_available":{"quantity":1}}`, visitor},
		{401, "pass-expired", "DELETE", hold(guarded), "", with(passOf("expired", v))},
		{403, "pass-wrong-room", "GET", api + "/events/" + guarded.String() + "/holds", "", with(passOf(otherRoom, v))},
		{404, "hold-not-found", "DELETE", hold(guarded), "", nil},
		{404, "booking-not-found", "GET", api + "/booking/" + (id.Booking{Event: guarded, Key: id.NewKey()}).String(), "", nil},
	})
	e.want(201, "", "POST", hold(guarded), "", guest...)
	e.want(201, "", "POST", hold(guarded), "", cookie("usher_pass_final="+good)...)
	e.want(200, "", "POST", hold(guarded), "", append(with(good), cookie("usher_pass_final=forged")...)...)
	e.want(201, "", "POST", hold(unguarded), "", visitor...)

	e.room.session = func() error { return waitroom.ErrSessionOver }
	e.want(401, "pass-expired", "POST", hold(guarded), "", guest...)
	e.room.session = func() error { return waitroom.ErrLineUnavailable }
	e.want(503, "line-unavailable", "POST", hold(guarded), "", guest...)
	e.room.active = false // nobody asks for a pass, and one that is shown still says who its owner is
	e.want(200, "", "POST", hold(guarded), "", guest...)
	e.want(201, "", "POST", hold(guarded), "")
}

func TestTheFirstHoldOnAnUnguardedEventIssuesAVisitor(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	path := api + "/events/" + unguarded.String() + "/ticket/" + unguarded.Ticket(7).String() + "/hold"
	r := e.want(201, "", "POST", path, "")
	if sealed := r.header.Get(visitorHeader); sealed == "" || !strings.Contains(r.header.Get("Set-Cookie"), "usher_visitor="+sealed) {
		t.Errorf("no visitor in %v", r.header)
	}
	for _, attribute := range []string{"HttpOnly", "SameSite=Lax", "path=/"} {
		if !strings.Contains(r.header.Get("Set-Cookie"), attribute) {
			t.Errorf("the cookie %q lacks %s", r.header.Get("Set-Cookie"), attribute)
		}
	}
	if strings.Contains(strings.ToLower(r.header.Get("Set-Cookie")), "secure") {
		t.Errorf("the cookie %q is Secure without TLS", r.header.Get("Set-Cookie"))
	}
	e.desk.err = booking.ErrStoreUnavailable
	if r := e.want(503, "store-unavailable", "POST", path, ""); r.header.Get("Set-Cookie") != "" || r.header.Get(visitorHeader) != "" {
		t.Errorf("a hold that failed still issues a visitor: %v", r.header)
	}
}

func TestCookiesBehindTLSAreSecure(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config, _ *Parts) { c.SecureCookies = true })
	if r := e.want(201, "", "POST", api+"/visitors", ""); !strings.Contains(strings.ToLower(r.header.Get("Set-Cookie")), "secure") {
		t.Errorf("the cookie %q is not Secure", r.header.Get("Set-Cookie"))
	}
}

// A change that a cookie vouches for and another site has sent is refused; the same with a header is not.
func TestCrossSiteRequestsWithCookies(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	v, sealed := e.room.NewVisitor()
	hold := api + "/events/" + unguarded.String() + "/ticket/" + unguarded.Ticket(7).String() + "/hold"
	b := api + "/booking/" + (id.Booking{Event: unguarded, Key: id.NewKey()}).String()
	place := e.room.SealPlace(waitroom.Place{Room: roomName, Visitor: v})
	jar := "usher_visitor=" + sealed + "; usher_place_final=" + place + "; usher_pass_final=" + passOf(roomName, v)
	guardedHolds := api + "/events/" + guarded.String() + "/holds"
	foreign := []string{"Cookie", jar, "Sec-Fetch-Site", "cross-site"}
	e.refuses([]bad{
		{403, "cross-site", "POST", hold, "", foreign},
		{403, "cross-site", "POST", hold, "", []string{"Cookie", jar, "Sec-Fetch-Site", "same-site"}},
		{403, "cross-site", "POST", hold, "", []string{"Cookie", jar, "Origin", "https://evil.test"}},
		{403, "cross-site", "POST", hold, "", []string{"Cookie", jar, "Origin", "null"}},
		{403, "cross-site", "DELETE", hold, "", foreign},
		{403, "cross-site", "DELETE", guardedHolds, "", foreign},
		{403, "cross-site", "POST", guardedHolds, `{"best_available":{"quantity":1}}`, foreign},
		{403, "cross-site", "POST", guardedHolds + "/extend", "", foreign},
		{403, "cross-site", "POST", api + "/booking", `{"ticketIds":["` + unguarded.Ticket(1).String() + `"]}`, foreign},
		{403, "cross-site", "POST", b + "/confirm", `{}`, foreign},
		{403, "cross-site", "POST", b + "/cancel", "", foreign},
		{403, "cross-site", "POST", api + "/visitors", "", foreign},
		{403, "cross-site", "POST", api + "/visitors", "", []string{"Sec-Fetch-Site", "cross-site"}}, // no cookie: Lax keeps it away from other sites' forms
		{403, "cross-site", "POST", api + "/events/" + unguarded.String() + "/ticket/" + unguarded.Ticket(3).String() + "/hold", "", []string{"Origin", "https://evil.example"}},
		{403, "cross-site", "POST", api + "/events/" + unguarded.String() + "/holds", `{"best_available":{"quantity":1}}`, []string{"Sec-Fetch-Site", "cross-site"}},
		{403, "cross-site", "POST", api + "/rooms/final/join", "", foreign},
		{403, "cross-site", "POST", api + "/rooms/final/enter", "", foreign},
		{403, "cross-site", "POST", api + "/rooms/final/renew", "", foreign},
		{403, "cross-site", "POST", api + "/rooms/final/leave", "", foreign},
		{403, "cross-site", "POST", "/rooms/final/join", "", foreign},
		{403, "cross-site", "POST", "/rooms/final/enter", "", foreign},
		{403, "cross-site", "POST", "/rooms/final/leave", "", foreign},
	})
	for _, headers := range [][]string{
		{"Cookie", jar}, {"Cookie", jar, "Sec-Fetch-Site", "same-origin"}, {"Cookie", jar, "Origin", "http://" + e.public}, {"Cookie", jar, "Origin", "http://usher.test"},
		{visitorHeader, sealed, "Sec-Fetch-Site", "cross-site", "Origin", "https://partner.test"},
	} {
		if r := e.do("POST", hold, "", headers...); r.status >= 300 {
			t.Errorf("%v: %d %s", headers, r.status, r.raw)
		}
	}
	e.want(200, "", "GET", api+"/events/"+unguarded.String()+"/holds", "", foreign...) // reading changes nothing
}

// The owner's visitor credential counts also after the pass has run out; others never learn that a booking exists.
func TestOwnersAndStrangers(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	v, visitor := e.visitor()
	_, stranger := e.visitor()
	e.desk.owner = v
	path := api + "/booking/" + (id.Booking{Event: guarded, Key: id.NewKey()}).String()
	const pay = `{"paymentDetails":{"method":"sandbox","token":"tok_ok"}}`
	expired := append([]string{"Authorization", "Bearer " + passOf("expired", v)}, visitor...)
	for _, headers := range [][]string{visitor, expired, {"Authorization", "Bearer " + passOf(roomName, v)}} {
		e.want(200, "", "GET", path, "", headers...)
		e.want(200, "", "POST", path+"/confirm", pay, headers...)
		e.want(200, "", "POST", path+"/cancel", "", headers...)
		e.want(200, "", "POST", path+"/extend", "", headers...)
		e.want(200, "", "GET", "/checkout/"+path[len(api+"/booking/"):], "", headers...)
	}
	e.refusesStrangersAtTheTill(path[len(api+"/booking/"):], v, stranger)
	e.refuses([]bad{
		{404, "booking-not-found", "GET", path, "", stranger},
		{404, "booking-not-found", "POST", path + "/confirm", pay, stranger},
		{404, "booking-not-found", "POST", path + "/cancel", "", stranger},
		{404, "booking-not-found", "POST", path + "/extend", "", stranger},
		{401, "pass-expired", "POST", path + "/extend", "", []string{"Authorization", "Bearer " + passOf("expired", v)}},
		{403, "pass-wrong-room", "POST", path + "/extend", "", []string{"Authorization", "Bearer " + passOf(otherRoom, v)}},
		{404, "booking-not-found", "GET", path, "", append([]string{"Authorization", "Bearer " + passOf(roomName, id.NewVisitor())}, visitor...)}, // the pass's owner counts
		{401, "pass-expired", "GET", path, "", []string{"Authorization", "Bearer " + passOf("expired", v)}},
		{401, "pass-invalid", "POST", path + "/cancel", "", []string{"Authorization", "Bearer forged"}},
		{403, "pass-wrong-room", "POST", path + "/confirm", pay, []string{"Authorization", "Bearer " + passOf(otherRoom, v)}},
		{401, "pass-expired", "POST", path + "/confirm", pay, []string{"Authorization", "Bearer " + passOf("expired", v)}},
		{403, "pass-wrong-room", "GET", path, "", []string{"Authorization", "Bearer " + passOf(otherRoom, v)}},
	})
}

// Pages of a booking refuse as the API does.
func (e *edge) refusesStrangersAtTheTill(b string, v id.Visitor, stranger []string) {
	e.t.Helper()
	late, lost := []string{"Authorization", "Bearer " + passOf("expired", v)}, []string{"Authorization", "Bearer " + passOf(otherRoom, v)}
	for _, call := range []string{
		"GET /booking/", "GET /booking//calendar.ics", "GET /checkout/", "POST /checkout//pay", "POST /checkout//extend", "POST /checkout//cancel",
	} {
		method, path, _ := strings.Cut(call, " ")
		before, after, cut := strings.Cut(path, "//")
		if path += b; cut {
			path = before + "/" + b + "/" + after
		}
		form := func(headers []string) []string {
			if method == "GET" {
				return headers
			}
			return append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)
		}
		e.want(404, "booking-not-found", method, path, "", form(stranger)...)
		e.want(401, "pass-expired", method, path, "", form(late)...)
		e.want(403, "pass-wrong-room", method, path, "", form(lost)...)
	}
}

// Whoever is inside when an event moves to another room goes on; who enters the old room later does not get at it.
func TestSessionsGoOnWhenTheirEventMoves(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	v, _ := e.guest()
	path := api + "/events/" + guarded.String() + "/ticket/" + guarded.Ticket(7).String() + "/hold"
	old := []string{"Authorization", "Bearer " + passOf(otherRoom, v)}
	moved := func(room string, at time.Time) {
		e.room.former = map[id.Event]waitroom.Former{guarded: {Room: room, Until: at}}
	}
	moved(otherRoom, noon.Add(time.Second))
	e.want(201, "", "POST", path, "", old...)
	e.want(200, "", "POST", path, "", "Cookie", "usher_pass_other="+passOf(otherRoom, v))
	e.want(200, "", "POST", path, "", "Authorization", "Bearer "+passOf(roomName, v))
	e.want(200, "", "GET", api+"/events/"+guarded.String()+"/holds", "", old...)
	e.want(403, "pass-wrong-room", "POST", path, "", "Authorization", "Bearer "+passOf("third", v))
	e.want(401, "pass-invalid", "POST", path, "", "Authorization", "Bearer forged")
	e.want(401, "pass-required", "POST", path, "")
	e.room.session = func() error { return waitroom.ErrSessionOver }
	e.want(401, "pass-expired", "POST", path, "", old...)
	e.room.session = nil
	moved(otherRoom, noon)
	e.want(403, "pass-wrong-room", "POST", path, "", old...)
	moved("third", noon.Add(time.Second))
	e.want(403, "pass-wrong-room", "POST", path, "", old...)
}
