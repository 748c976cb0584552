package gateway

import (
	"slices"
	"strings"
	"testing"

	"usher/booking"
	"usher/gateway/lang"
	"usher/gateway/page"
	"usher/internal/id"
	"usher/waitroom"
)

// fill makes a path of a route's pattern, of things that exist.
func (e *edge) fill(path string) string {
	return strings.NewReplacer("{room}", roomName, "{event_id}", guarded.String(), "{ticket_id}", guarded.Ticket(7).String(),
		"{booking_id}", (id.Booking{Event: guarded, Key: id.Key{1}}).String(), "{attempt}", e.box.attempt.String(), "{slug}", "internal", "{webhook}", e.hooks.one.ID.String(), "{message}", "msg_1", "{profile}", "heap", "{asset}", baseAsset, "{part}", partName(guarded.Month(), 0), "{digest}", owls.String(), "{file}", "card.jpg").Replace(path)
}

// baseAsset is the served name of the style sheet of all pages.
var baseAsset = func() string {
	text, err := page.Render("problem", page.Frame{Lang: lang.English(), Data: problemPage{}})
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(text), page.AssetPath)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}()

// everyRoute calls do for each route of both ports with the address of its port.
func (e *edge) everyRoute(do func(address string, r *route)) {
	for address, port := range map[string]*router{e.public: e.Server.public, e.admin: e.Server.admin} {
		for _, routes := range port.byLen {
			for _, r := range routes {
				do(address, r)
			}
		}
	}
}

// What every call refuses, it refuses in the same way.
func TestWhatEveryCallRefuses(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, guest := e.guest()
	with := func(address string, headers ...string) []string {
		if address == e.admin {
			return append(headers, "Authorization", "Bearer "+testToken)
		}
		return append(headers, guest...)
	}
	e.everyRoute(func(address string, r *route) {
		want := func(status int, slug, method, path, body string, headers ...string) {
			t.Helper()
			if got := e.send(address, method, path, body, headers...); got.status != status || got.slug() != slug {
				t.Errorf("%s %s: %d %q, want %d %q", method, path, got.status, got.slug(), status, slug)
			}
		}
		path := e.fill(r.path)
		want(400, "invalid-request", r.method, path+"?zz=1", "", with(address)...)
		want(405, "method-not-allowed", "BREW", path, "", with(address)...)
		want(404, "not-found", r.method, strings.TrimSuffix(path, "/")+"/x/x/x/x/x/x/x/x", "", with(address)...)
		if address == e.admin && !slices.Contains([]string{"/healthz", "/readyz"}, path) {
			want(401, "unauthorized", r.method, path, "")
		}
		if r.method != "POST" {
			return
		}
		want(413, "body-too-large", "POST", path, `{"x":"`+strings.Repeat("x", maxBody)+`"}`, with(address)...)
		want(400, "invalid-request", "POST", path, "", with(address, keyHeader, "a b")...)
		for err, problem := range map[error]string{
			booking.ErrIdempotencyKeyReused: "422 idempotency-key-reused", booking.ErrIdempotencyKeyInFlight: "409 request-in-progress",
			booking.ErrStoreUnavailable: "503 store-unavailable", booking.ErrOverloaded: "503 overloaded", errUnheard: "500 internal",
		} {
			e.keys.err = err
			got := e.send(address, "POST", path, "", with(address, keyHeader, "k")...)
			if status, slug, _ := strings.Cut(problem, " "); slug != got.slug() || status != got.raw[strings.Index(got.raw, `"status":`)+9:][:3] {
				t.Errorf("POST %s: %d %q, want %s", path, got.status, got.slug(), problem)
			}
		}
		e.keys.err = nil
		if isForm(r.path) {
			want(415, "unsupported-media-type", "POST", path, `{"x":1}`, with(address, "Content-Type", "application/json")...)
			want(400, "invalid-request", "POST", path, "zz=1", with(address, "Content-Type", "application/x-www-form-urlencoded")...)
			want(403, "cross-site", "POST", path, "", with(address, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "cross-site")...)
			want(403, "cross-site", "POST", path, "", "Content-Type", "application/x-www-form-urlencoded", "Origin", "https://evil.example")
		} else {
			want(415, "unsupported-media-type", "POST", path, "x=1", with(address, "Content-Type", "application/x-www-form-urlencoded")...)
		}
	})
}

// isForm reports whether a path takes the forms of a page instead of JSON.
func isForm(path string) bool {
	return !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/admin/") && path != "/sandbox/actions/{attempt}" && path != "/webhooks/stripe"
}

// What a store that is away does to every call that needs one.
func TestWhenTheStoresAreAway(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	v, guest := e.guest()
	away := func() error { return waitroom.ErrLineUnavailable }
	e.room.renew, e.room.leave = away, away
	e.room.join = func() (waitroom.Line, bool, error) { return waitroom.Line{}, false, away() }
	e.room.enter = func() (waitroom.Line, error) { return waitroom.Line{}, away() }
	e.images.away(errUnheard)
	e.desk.err, e.catalog.err, e.search.err = booking.ErrStoreUnavailable, booking.ErrStoreUnavailable, errUnheard
	e.maps.fail(booking.ErrStoreUnavailable)
	e.hook.err = booking.ErrStoreUnavailable
	_, sealed := e.room.NewVisitor()
	headers := append([]string{visitorHeader, sealed, placeHeader, e.room.SealPlace(waitroom.Place{Room: roomName, Visitor: v})}, guest...)
	bodies := map[string]string{
		api + "/booking":                      `{"ticketIds":["` + guarded.Ticket(1).String() + `"]}`,
		api + "/events/{event_id}/holds":      `{"ticketIds":["` + guarded.Ticket(1).String() + `"]}`,
		api + "/booking/{booking_id}/confirm": `{"paymentDetails":{"method":"sandbox","token":"tok_ok"}}`,
		"/events/{event_id}/seats/hold":       "ticket=" + guarded.Ticket(1).String(),
		"/events/{event_id}/seats/release":    "ticket=" + guarded.Ticket(1).String(),
	}
	works := []string{ // from memory alone
		"POST /api/v1/visitors", "GET /api/v1/rooms/{room}", "GET /api/v1/rooms/{room}/place", "GET /api/v1/rooms/{room}/check", "GET /.well-known/jwks.json",
		"POST /sandbox/actions/{attempt}", "GET /rooms/{room}", "GET /problems/{slug}", "GET /assets/{asset}", "GET /language", "GET /robots.txt", "GET /openapi.json", "GET /healthz", "GET /sandbox/actions/{attempt}",
		"POST /sandbox/actions/{attempt}/approve", "POST /sandbox/actions/{attempt}/decline",
	}
	e.everyRoute(func(address string, r *route) {
		if address == e.admin {
			return
		}
		body := ""
		if r.method == "POST" {
			body = bodies[r.path]
		}
		if r.path == "/sandbox/actions/{attempt}" {
			body = `{"approve":true}`
		}
		target := e.fill(r.path)
		if r.path == api+"/suggestions" {
			target += "?q=a"
		}
		kind := "application/json"
		if isForm(r.path) {
			kind = "application/x-www-form-urlencoded"
		}
		got := e.send(address, r.method, target, body, append(headers, "Content-Type", kind)...)
		if want := !slices.Contains(works, r.method+" "+r.path); want != (got.status == 503) {
			t.Errorf("%s %s: %d %s", r.method, r.path, got.status, got.raw)
		}
	})
}
