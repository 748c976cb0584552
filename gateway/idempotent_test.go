package gateway

import (
	"strings"
	"testing"

	"usher/booking"
)

func TestARepeatGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, guest := e.guest()
	_, other := e.guest()
	body := `{"ticketIds":["` + guarded.Ticket(7).String() + `"]}`
	keyed := append([]string{keyHeader, "k1"}, guest...)
	first := e.want(201, "", "POST", api+"/booking", body, keyed...)
	again := e.want(201, "", "POST", api+"/booking", body, keyed...)
	if again.raw != first.raw || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("first %s, again %s %v", first.raw, again.raw, again.header)
	}
	for _, name := range []string{"Location", passHeader, "Set-Cookie", "Content-Type"} {
		if again.header.Get(name) != first.header.Get(name) || again.header.Get(name) == "" {
			t.Errorf("%s was %q and is %q", name, first.header.Get(name), again.header.Get(name))
		}
	}
	e.want(422, "idempotency-key-reused", "POST", api+"/booking", `{"ticketIds":["`+guarded.Ticket(8).String()+`"]}`, keyed...)
	for name, r := range map[string]reply{
		"another owner": e.want(201, "", "POST", api+"/booking", body, append([]string{keyHeader, "k1"}, other...)...),
		"another key":   e.want(201, "", "POST", api+"/booking", body, append([]string{keyHeader, "k2"}, guest...)...),
		"another path":  e.want(201, "", "POST", api+"/events/"+guarded.String()+"/holds", body, keyed...),
	} {
		if r.raw == first.raw || r.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s got the first answer", name)
		}
	}
	if e.desk.calls != 4 {
		t.Errorf("the desk was asked %d times, want 4", e.desk.calls)
	}
}

// An extension is to be had once: a repeat that could not know of the first must get its answer, pass and all.
func TestARepeatedExtensionIsTheFirst(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, guest := e.guest()
	path := api + "/booking/" + someBooking.String() + "/extend"
	keyed := append([]string{keyHeader, "more"}, guest...)
	first := e.want(200, "", "POST", path, "", keyed...)
	e.desk.changes = booking.ErrExtensionNotAllowed
	again := e.want(200, "", "POST", path, "", keyed...)
	if again.raw != first.raw || again.header.Get("Idempotent-Replayed") != "true" || again.header.Get(passHeader) != first.header.Get(passHeader) {
		t.Errorf("first %s, again %s %v", first.raw, again.raw, again.header)
	}
	e.want(409, "extension-not-allowed", "POST", path, "", guest...)
}

func TestRefusalsAreKeptAndFaultsAreNot(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	_, guest := e.guest()
	path := api + "/events/" + guarded.String() + "/ticket/" + guarded.Ticket(7).String() + "/hold"
	with := func(key string) []string { return append([]string{keyHeader, key}, guest...) }

	e.desk.err = &booking.HoldLimitError{Limit: 8}
	e.want(409, "hold-limit-reached", "POST", path, "", with("refused")...)
	e.desk.err = booking.ErrStoreUnavailable
	e.want(503, "store-unavailable", "POST", path, "", with("away")...)
	e.desk.err = errUnheard
	e.want(500, "internal", "POST", path, "", with("fault")...)
	e.desk.err, e.desk.panics = nil, true
	e.want(500, "internal", "POST", path, "", with("panic")...)
	e.desk.panics = false
	if r := e.want(409, "hold-limit-reached", "POST", path, "", with("refused")...); r.header.Get("Idempotent-Replayed") != "true" {
		t.Error("the refusal is not a replay")
	}
	for _, key := range []string{"away", "fault", "panic"} {
		if r := e.do("POST", path, "", with(key)...); r.status >= 300 {
			t.Errorf("%s: the repeat got %d %s", key, r.status, r.raw)
		}
	}
}

// A pass that has run out says nothing about the request: with a new pass the same key works.
func TestACredentialThatIsRefusedIsNotKept(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	v, visitor := e.visitor()
	path := api + "/events/" + guarded.String() + "/ticket/" + guarded.Ticket(7).String() + "/hold"
	keyed := append([]string{keyHeader, "k"}, visitor...)
	e.want(401, "pass-expired", "POST", path, "", append(keyed, "Authorization", "Bearer "+passOf("expired", v))...)
	e.want(201, "", "POST", path, "", append(keyed, "Authorization", "Bearer "+passOf(roomName, v))...)
}

func TestKeysOfAnonymousCallers(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	first := e.want(201, "", "POST", api+"/visitors", "", keyHeader, "fresh")
	again := e.want(201, "", "POST", api+"/visitors", "", keyHeader, "fresh")
	if again.raw != first.raw || again.header.Get("Set-Cookie") != first.header.Get("Set-Cookie") || again.header.Get(visitorHeader) == "" {
		t.Errorf("first %s, again %s %v", first.raw, again.raw, again.header)
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for _, key := range []string{"a b", "é", "a\tb", strings.Repeat("k", 256)} {
		e.want(400, "invalid-request", "POST", api+"/visitors", "", keyHeader, key)
	}
	e.want(201, "", "POST", api+"/visitors", "", keyHeader, strings.Repeat("k", 255))
	e.keys.err = booking.ErrIdempotencyKeyInFlight
	if r := e.want(409, "request-in-progress", "POST", api+"/visitors", "", keyHeader, "k"); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	e.keys.err = booking.ErrStoreUnavailable
	e.want(503, "store-unavailable", "POST", api+"/visitors", "", keyHeader, "k")
}
