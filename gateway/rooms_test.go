package gateway

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"usher/internal/id"
	"usher/waitroom"
)

func (e *edge) placed() (id.Visitor, []string) {
	v := id.NewVisitor()
	return v, []string{placeHeader, e.room.SealPlace(waitroom.Place{Room: roomName, Visitor: v})}
}

func TestAVisitorIsIssuedOnce(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	first := e.want(201, "", "POST", api+"/visitors", "{}")
	again := e.want(200, "", "POST", api+"/visitors", "", visitorHeader, first.str("visitor"))
	jar := e.want(200, "", "POST", api+"/visitors", "", "Cookie", "usher_visitor="+first.str("visitor"))
	if first.str("visitor_id") == "" || again.str("visitor_id") != first.str("visitor_id") || jar.str("visitor") != first.str("visitor") {
		t.Errorf("first %s, again %s, by cookie %s", first.raw, again.raw, jar.raw)
	}
	if forged := e.want(201, "", "POST", api+"/visitors", "", visitorHeader, "forged"); forged.str("visitor_id") == first.str("visitor_id") {
		t.Error("a forged visitor is somebody")
	}
}

func TestOneAddressMayNotBecomeACrowd(t *testing.T) {
	t.Parallel()
	e := newEdge(t, func(c *Config, _ *Parts) { c.VisitorRate = 3 })
	for range 3 {
		e.want(201, "", "POST", api+"/visitors", "", "X-Forwarded-For", "10.0.0.1") // nobody trusts it
	}
	r := e.want(429, "too-many-requests", "POST", api+"/visitors", "", "X-Forwarded-For", "10.0.0.2")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	e.room.active = false
	e.want(429, "too-many-requests", "POST", api+"/events/"+unguarded.String()+"/ticket/"+unguarded.Ticket(1).String()+"/hold", "")
	e.want(429, "too-many-requests", "POST", api+"/events/"+unguarded.String()+"/holds", `{"best_available":{"quantity":1}}`)
	e.want(429, "too-many-requests", "GET", "/rooms/final", "")
}

func TestTheWayThroughARoom(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.want(401, "visitor-required", "POST", api+"/rooms/final/join", "")
	_, visitor := e.visitor()
	r := e.want(201, "", "POST", api+"/rooms/final/join", `{"proof_of_work":"x"}`, visitor...)
	place := r.str("place")
	if place == "" || !strings.Contains(r.header.Get("Set-Cookie"), "usher_place_final="+place) {
		t.Errorf("no place in %s, %v", r.raw, r.header)
	}
	e.want(200, "", "POST", api+"/rooms/final/join", "", append([]string{placeHeader, place}, visitor...)...)
	poll := e.want(200, "", "GET", api+"/rooms/final/place?shown=13", "", placeHeader, place)
	if poll.header.Get("Cache-Control") != privately || poll.str("place") != place {
		t.Errorf("poll: %v %s", poll.header, poll.raw)
	}
	e.want(200, "", "GET", api+"/rooms/final/place", "", "Cookie", "usher_place_final="+place)
	in := e.want(200, "", "POST", api+"/rooms/final/enter", "", placeHeader, place)
	token := in.str("pass")
	if in.str("state") != "entered" || !strings.Contains(strings.Join(in.header.Values("Set-Cookie"), "\n"), "usher_pass_final="+token) {
		t.Errorf("enter: %s %v", in.raw, in.header)
	}
	bearer := []string{"Authorization", "Bearer " + token}
	if r := e.want(200, "", "GET", api+"/rooms/final/check", "", bearer...); r.header.Get("Usher-Visitor-Id") == "" {
		t.Error("check names nobody")
	}
	e.want(200, "", "POST", api+"/rooms/final/renew", "", bearer...)
	e.want(204, "", "POST", api+"/rooms/final/leave", "", bearer...)
	e.want(204, "", "POST", api+"/rooms/final/leave", "", placeHeader, place)
	e.want(204, "", "POST", api+"/rooms/final/leave", "", append([]string{"Authorization", "Bearer " + passOf("expired", id.NewVisitor())}, placeHeader, place)...)
}

func TestWhatRoomsRefuse(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	v, place := e.placed()
	_, visitor := e.visitor()
	other := []string{placeHeader, e.room.SealPlace(waitroom.Place{Room: otherRoom, Visitor: v})}
	const join, poll, enter, renew, leave, check = "/rooms/final/join", "/rooms/final/place", "/rooms/final/enter", "/rooms/final/renew", "/rooms/final/leave", "/rooms/final/check"
	bearer := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	e.refuses([]bad{
		{401, "visitor-required", "POST", api + join, "", []string{visitorHeader, "forged"}},
		{401, "place-required", "GET", api + poll, "", nil},
		{401, "place-invalid", "GET", api + poll, "", []string{placeHeader, "forged"}},
		{401, "place-invalid", "GET", api + poll, "", other},
		{401, "place-invalid", "GET", api + poll, "", []string{"Cookie", "usher_place_final=forged"}},
		{400, "invalid-request", "GET", api + poll + "?shown=0", "", place},
		{400, "invalid-request", "GET", api + poll + "?shown=-1", "", place},
		{400, "invalid-request", "GET", api + poll + "?shown=1e3", "", place},
		{400, "invalid-request", "GET", api + poll + "?shown=99999999999999999999", "", place},
		{400, "invalid-request", "GET", api + poll + "?shown=1&shown=1", "", place},
		{401, "place-required", "POST", api + enter, "", visitor},
		{401, "place-invalid", "POST", api + enter, "", other},
		{401, "pass-required", "POST", api + renew, "", place},
		{401, "pass-invalid", "POST", api + renew, "", bearer("forged")},
		{401, "pass-expired", "POST", api + renew, "", bearer(passOf("expired", v))},
		{403, "pass-wrong-room", "POST", api + renew, "", bearer(passOf(otherRoom, v))},
		{401, "place-required", "POST", api + leave, "", visitor},
		{401, "pass-invalid", "POST", api + leave, "", bearer("forged")},
		{403, "pass-wrong-room", "POST", api + leave, "", bearer(passOf(otherRoom, v))},
		{401, "pass-required", "GET", api + check, "", visitor},
		{401, "pass-invalid", "GET", api + check, "", bearer("forged")},
		{401, "pass-invalid", "GET", api + check, "", bearer(passOf(otherRoom, v))},
		{401, "pass-expired", "GET", api + check, "", bearer(passOf("expired", v))},
	})
	if r := e.want(401, "pass-required", "GET", api+check, ""); r.header.Get("Location") != "http://usher.test/rooms/final" {
		t.Errorf("Location is %q", r.header.Get("Location"))
	}
	if r := e.want(302, "", "GET", api+check+"?redirect=1", "", bearer("forged")...); r.header.Get("Location") != "http://usher.test/rooms/final" {
		t.Errorf("Location is %q", r.header.Get("Location"))
	}
}

func TestWhatTheLineAnswers(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	v, place := e.placed()
	_, visitor := e.visitor()
	pass := []string{"Authorization", "Bearer " + passOf(roomName, v)}
	late := waitroom.Line{Position: 4, PollAfter: 2500 * time.Millisecond}
	for _, c := range []struct {
		err    error
		status int
		slug   string
	}{
		{waitroom.ErrRoomClosed, 403, "room-closed"}, {waitroom.ErrLineUnavailable, 503, "line-unavailable"}, {waitroom.ErrRoomFull, 409, "room-full"},
		{waitroom.ErrPlaceUsed, 410, "place-used"}, {waitroom.ErrPlaceExpired, 410, "place-expired"}, {waitroom.ErrGraceOver, 410, "grace-over"},
	} {
		e.room.join = func() (waitroom.Line, bool, error) { return late, false, c.err }
		e.want(c.status, c.slug, "POST", api+"/rooms/final/join", "", visitor...)
		page := c.slug // a person gets the page with the problem on it
		if c.status == 409 || c.status == 410 {
			page = ""
		}
		e.want(c.status, page, "POST", "/rooms/final/join", "", visitor...)
		if c.status != 403 {
			e.room.enter = func() (waitroom.Line, error) { return late, c.err }
			e.want(c.status, c.slug, "POST", api+"/rooms/final/enter", "", place...)
			e.want(c.status, page, "POST", "/rooms/final/enter", "", place...)
		}
	}
	e.room.enter = func() (waitroom.Line, error) { return late, waitroom.ErrRoomFull }
	if r := e.want(409, "room-full", "POST", api+"/rooms/final/enter", "", place...); r.header.Get("Retry-After") != "3" {
		t.Errorf("room-full: Retry-After is %q", r.header.Get("Retry-After"))
	}
	e.room.enter = func() (waitroom.Line, error) { return late, waitroom.ErrNotCalled }
	if r := e.want(409, "not-called", "POST", api+"/rooms/final/enter", "", place...); r.body["position"] != 4.0 {
		t.Errorf("not-called: %s", r.raw)
	}
	e.room.poll = func(int64) (waitroom.Line, error) { return late, waitroom.ErrPollTooFast }
	if r := e.want(429, "poll-too-fast", "GET", api+"/rooms/final/place", "", place...); r.header.Get("Retry-After") != "3" {
		t.Errorf("poll-too-fast: Retry-After is %q", r.header.Get("Retry-After"))
	}
	e.room.poll = func(int64) (waitroom.Line, error) { return late, waitroom.ErrPlaceExpired }
	e.want(410, "place-expired", "GET", api+"/rooms/final/place", "", place...)
	e.room.poll = func(int64) (waitroom.Line, error) { return late, waitroom.ErrRoomNotFound }
	e.want(404, "room-not-found", "GET", api+"/rooms/final/place", "", place...)
	e.room.enter = func() (waitroom.Line, error) { return late, waitroom.ErrRoomNotFound }
	e.want(404, "room-not-found", "POST", api+"/rooms/final/enter", "", place...)
	e.want(404, "room-not-found", "POST", "/rooms/final/enter", "", place...)
	e.want(404, "room-not-found", "POST", "/rooms/nothing/join", "", visitor...)
	e.want(401, "", "POST", "/rooms/final/join", "")
	e.want(401, "", "POST", "/rooms/final/leave", "")
	e.room.renew = func() error { return waitroom.ErrRoomNotFound }
	e.want(404, "room-not-found", "POST", api+"/rooms/final/renew", "", pass...)
	e.room.renew = func() error { return waitroom.ErrRenewalNotAllowed }
	e.want(409, "renewal-not-allowed", "POST", api+"/rooms/final/renew", "", pass...)
	e.room.renew = func() error { return waitroom.ErrSessionOver }
	e.want(401, "pass-expired", "POST", api+"/rooms/final/renew", "", pass...)
	e.room.leave = func() error { return waitroom.ErrLineUnavailable }
	e.want(503, "line-unavailable", "POST", api+"/rooms/final/leave", "", place...)
	e.room.session = func() error { return waitroom.ErrSessionOver }
	e.want(401, "pass-expired", "GET", api+"/rooms/final/check", "", pass...)
	e.room.session = func() error { return waitroom.ErrLineUnavailable }
	r := e.want(200, "", "GET", api+"/rooms/final/check", "", pass...) // admitted visitors are not disturbed
	if got := r.header.Get("Usher-Degraded"); got != "line-frozen" {
		t.Errorf("a pass that was not asked for is good, and what is degraded is %q", got)
	}
	e.room.session = nil
	r = e.want(200, "", "GET", api+"/rooms/final/check", "", pass...)
	if got := r.header.Get("Usher-Degraded"); got != "" {
		t.Errorf("a pass whose session lives: degraded %q", got)
	}
	e.room.active = false
	e.want(200, "", "GET", api+"/rooms/final/check", "")
}

func TestAFrozenLineSaysSo(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, place := e.placed()
	e.room.poll = func(int64) (waitroom.Line, error) {
		l := e.room.line(id.NewVisitor())
		l.Degraded, l.State, l.EnterBefore, l.Estimate, l.Position = true, waitroom.StandCalled, noon, nil, 0
		return l, nil
	}
	r := e.want(200, "", "GET", api+"/rooms/final/place", "", place...)
	if r.header.Get("Usher-Degraded") != "line-frozen" || r.body["position"] != nil || r.str("enter_before") != "2026-06-11T12:00:00Z" {
		t.Errorf("%v %s", r.header, r.raw)
	}
}

// A line is written by hand: it must say what encoding/json would.
func TestALineIsTheJSONThatItSeems(t *testing.T) {
	t.Parallel()
	f := &fakeRoom{}
	of := func(change func(*waitroom.Line)) map[string]any {
		t.Helper()
		l := f.line(id.NewVisitor())
		l.Sealed = "abc"
		change(&l)
		var out map[string]any
		if err := json.Unmarshal(appendLine(nil, &l), &out); err != nil {
			t.Fatalf("%s: %v", appendLine(nil, &l), err)
		}
		if len(out) != 20 {
			t.Errorf("%d members, want 20: %v", len(out), out)
		}
		return out
	}
	for _, message := range []string{"", "plain", `"quoted" \ <b>&amp;</b>`, "line\nend\ttab\x00", "\u2028 \u2029 é 日本 \U0001F3AB", "broken \xff utf-8"} {
		got := of(func(l *waitroom.Line) { l.Room.Message = message })["message"]
		want, _ := json.Marshal(message)
		var same any
		_ = json.Unmarshal(want, &same)
		if message == "" {
			same = nil
		}
		if got != same {
			t.Errorf("message %q came out as %q, want %q", message, got, same)
		}
	}
	got := of(func(l *waitroom.Line) {
		l.Estimate = &waitroom.Estimate{Low: 90*time.Second + 900*time.Millisecond, High: 90*time.Second + 100*time.Millisecond}
		l.PollAfter, l.TicketsLeft, l.Slower = 2100*time.Millisecond, 0, waitroom.SlowerFull
	})
	if got["slower"] != "full" {
		t.Errorf("slower is %v", got["slower"])
	}
	estimate, _ := got["estimate"].(map[string]any)
	if estimate["low_seconds"] != 90.0 || estimate["high_seconds"] != 91.0 || got["poll_after_seconds"] != 3.0 || got["tickets_left"] != 0.0 || got["odds"] != nil {
		t.Errorf("rounding: %v", got)
	}
	odds, _ := of(func(l *waitroom.Line) { l.Odds = waitroom.Odds{Wanted: 7, Percent: 65} })["odds"].(map[string]any)
	if odds["percent"] != 65.0 || odds["wanted_ahead"] != 7.0 {
		t.Errorf("odds: %v", odds)
	}
}
