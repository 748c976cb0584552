package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"usher/internal/problem"
)

const (
	finalRules = "/admin/v1/rooms/final"
	newRules   = "/admin/v1/rooms/second"
	fewRules   = `{"method":"fifo","capacity":5,"calls_per_minute":60}`
)

// asks sends a request with the admin token.
func (e *edge) asks(status int, slug, method, path, body string, headers ...string) reply {
	e.t.Helper()
	r := e.send(e.admin, method, path, body, append(headers, "Authorization", "Bearer "+testToken)...)
	if r.status != status || r.slug() != slug {
		e.t.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, r.status, r.raw, status, slug)
	}
	return r
}

func TestOperatorsMakeAndChangeRooms(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	made := e.asks(201, "", "PUT", newRules, `{"method":"fifo","capacity":5,"calls_per_minute":60,"session_seconds":100,"event_ids":["`+guarded.String()+`"]}`)
	if made.header.Get("Location") != newRules || made.body["session_cap_seconds"] != 200.0 || made.body["grace_seconds"] != 300.0 || made.body["name"] != "second" {
		t.Errorf("made: %v %s", made.header, made.raw)
	}
	if by := e.office.by; !strings.HasPrefix(by.Who, "token-") || strings.Contains(by.Who, testToken) || by.Address != "127.0.0.1" || by.Request != made.header.Get("Request-Id") {
		t.Errorf("made by %+v", by)
	}
	patched := e.asks(200, "", "PATCH", newRules, `{"session_seconds":null,"message":"Soon.","capacity":7}`, "Content-Type", typeMerge)
	if patched.body["session_seconds"] != 900.0 || patched.body["session_cap_seconds"] != 200.0 || patched.body["message"] != "Soon." || patched.body["capacity"] != 7.0 ||
		patched.body["calls_per_minute"] != 60.0 {
		t.Errorf("patched: %s", patched.raw)
	}
	if put := e.asks(200, "", "PUT", newRules, fewRules); put.body["message"] != nil || put.body["capacity"] != 5.0 || len(put.body["event_ids"].([]any)) != 0 {
		t.Errorf("put again: %s", put.raw)
	}
	e.asks(404, "room-not-found", "PATCH", "/admin/v1/rooms/third", `{"capacity":7}`)
	for err, answer := range map[error]string{errUnheard: "internal", context.DeadlineExceeded: "store-unavailable"} {
		e.office.err = err
		kind, _ := problem.Find(answer)
		e.asks(kind.Status, answer, "PUT", newRules, fewRules)
		e.asks(kind.Status, answer, "PATCH", newRules, `{"capacity":7}`)
		e.asks(kind.Status, answer, "GET", "/admin/v1/audit", "")
	}
}

// What a GET has told is what a PUT takes.
func TestARoomThatWasReadCanBePut(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	read := e.asks(200, "", "GET", finalRules, "")
	if read.header.Get("ETag") != `"room-7"` {
		t.Errorf("the tag is %q", read.header.Get("ETag"))
	}
	put := e.asks(200, "", "PUT", finalRules, read.raw, "If-Match", read.header.Get("ETag"))
	for member, value := range read.body {
		if put, _ := json.Marshal(put.body[member]); slices.Contains(ruleMembers, member) {
			if want, _ := json.Marshal(value); string(put) != string(want) {
				t.Errorf("%s was %s and is %s", member, want, put)
			}
		}
	}
	e.asks(422, "room-rules-invalid", "PUT", finalRules, strings.Replace(read.raw, `"state":"open"`, `"state":"paused"`, 1))
}

func TestAStaleChangeIsRefused(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	tag := e.asks(200, "", "GET", finalRules, "").header.Get("ETag")
	next := e.asks(200, "", "PATCH", finalRules, `{"capacity":7}`, "If-Match", tag).header.Get("ETag")
	for _, stale := range []string{tag, "W/" + next, `"room-x"`, `"other"`, "room-8", `"room-8`, strings.Repeat(`"a",`, 30) + next} {
		e.asks(412, "precondition-failed", "PATCH", finalRules, `{"capacity":8}`, "If-Match", stale)
		e.asks(412, "precondition-failed", "PUT", finalRules, fewRules, "If-Match", stale)
	}
	if r := e.asks(200, "", "PATCH", finalRules, `{"capacity":9}`, "If-Match", `"other", `+next); r.body["capacity"] != 9.0 {
		t.Errorf("with a list of tags: %s", r.raw)
	}
	e.asks(200, "", "PUT", finalRules, fewRules, "If-Match", "*")
	e.asks(412, "precondition-failed", "PUT", newRules, fewRules, "If-Match", "*")
	e.asks(412, "precondition-failed", "PUT", finalRules, fewRules, "If-None-Match", "*")
	e.asks(400, "invalid-request", "PUT", finalRules, fewRules, "If-None-Match", tag)
	e.asks(201, "", "PUT", newRules, fewRules, "If-None-Match", "*")
}

func TestBadRulesAreRefusedByName(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	f := func(status int, slug, method, body string, fields ...string) {
		t.Helper()
		r := e.asks(status, slug, method, finalRules, body)
		var named []string
		errors, _ := r.body["errors"].([]any)
		for _, one := range errors {
			named = append(named, one.(map[string]any)["field"].(string))
		}
		slices.Sort(named)
		if !slices.Equal(named, fields) {
			t.Errorf("%s %s names %q, want %q: %s", method, body, named, fields, r.raw)
		}
	}
	f(422, "room-rules-invalid", "PUT", `{"method":"draw","capacity":0,"calls_per_minute":0,"session_seconds":90000,"paths":["/x"],"activate_above":1,"bypass":{"a":1}}`,
		"activate_above", "bypass", "paths")
	f(422, "room-rules-invalid", "PUT", `{"method":"draw","capacity":0,"calls_per_minute":0,"session_seconds":90000}`, "calls_per_minute", "capacity", "method", "session_seconds")
	f(422, "room-rules-invalid", "PATCH", `{"capacity":null,"min_calls_per_minute":1000}`, "capacity", "min_calls_per_minute")
	f(422, "room-rules-invalid", "PATCH", `{"poll_floor_seconds":50,"poll_cap_seconds":40}`, "poll_cap_seconds")
	f(400, "invalid-request", "PUT", `{}`, "calls_per_minute", "capacity", "method")
	f(400, "invalid-request", "PATCH", `{"capacity":"9","calls_per_minute":-1,"renewable":1,"opens_at":"soon","event_ids":["?"],"state":"open","colour":"red"}`,
		"calls_per_minute", "capacity", "colour", "event_ids[0]", "opens_at", "renewable", "state")
	f(400, "invalid-request", "PATCH", `{"capacity":1e3}`, "capacity")
	f(400, "invalid-request", "PATCH", `{"calls_per_minute":1e99,"message":"a\u0000b"}`, "calls_per_minute", "message")
	f(400, "invalid-request", "PUT", `{"room":"other","method":"fifo","capacity":1,"calls_per_minute":1}`, "room")
	f(400, "invalid-request", "PATCH", `{"capacity":1,"capacity":2}`, "capacity")
	for _, method := range []string{"PUT", "PATCH"} {
		e.asks(415, "unsupported-media-type", method, finalRules, "capacity=1", "Content-Type", "application/x-www-form-urlencoded")
		e.asks(413, "body-too-large", method, finalRules, `{"message":"`+strings.Repeat("x", maxBody)+`"}`)
		if r := e.send(e.admin, method, finalRules, fewRules); r.status != 401 {
			t.Errorf("%s without a token: %d", method, r.status)
		}
	}
	if r := e.asks(200, "", "GET", finalRules, ""); r.body["capacity"] != 100.0 {
		t.Errorf("refused changes have changed the room: %s", r.raw)
	}
}

func TestTheAuditLogIsReadPageByPage(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	e.asks(200, "", "PATCH", finalRules, `{"capacity":7}`)
	first := e.asks(200, "", "GET", "/admin/v1/audit", "")
	if next := first.body["next_page_cursor"]; next != "more" || !strings.Contains(first.raw, `"who":"token-`) || !strings.Contains(first.raw, `"before":{"capacity":1},"after":{"capacity":2}`) {
		t.Errorf("first page: %s", first.raw)
	}
	if last := e.asks(200, "", "GET", "/admin/v1/audit?page_cursor=more", ""); last.body["next_page_cursor"] != nil || !strings.Contains(last.raw, `"before":null`) {
		t.Errorf("last page: %s", last.raw)
	}
	e.asks(400, "invalid-cursor", "GET", "/admin/v1/audit?page_cursor=forged", "")
}

// Somebody else's token has another fingerprint, and a fingerprint is no token.
func TestAFingerprintTellsTokensApart(t *testing.T) {
	t.Parallel()
	who := func(token string) string {
		s := New(Config{AdminToken: token}, Parts{})
		var ctx fasthttp.RequestCtx
		ctx.Init(&fasthttp.Request{}, nil, nil)
		c := newCall(s, &ctx)
		defer c.done()
		return s.by(c).Who
	}
	if a, b := who(testToken), who(testToken+"x"); a == b || len(a) != len("token-")+fingerprint || a != who(testToken) {
		t.Errorf("%s and %s", a, b)
	}
}

// FuzzRules sends anything as the rules of a room: it is refused with a proper answer, or makes a room that holds what rooms must hold.
func FuzzRules(f *testing.F) {
	for _, body := range []string{
		fewRules, `{"method":"fifo","capacity":1e9,"calls_per_minute":1e308,"opens_at":"2026-06-11T19:30:00+14:00"}`, `{"event_ids":["17m00001",null],"message":null}`,
		`{"paths":[ ],"bypass":{ },"activate_above":null,"session_seconds":0.0000001}`, `[]`, `{"state":"open","room":"final"}`, `{"capacity":-0}`, `{"poll_cap_seconds":0}`,
	} {
		f.Add("PUT", body, `"room-7"`)
		f.Add("PATCH", body, "*")
	}
	f.Fuzz(func(t *testing.T, method, body, tags string) {
		room := &fakeRoom{}
		office := newFakeOffice(room)
		s := New(Config{AdminToken: testToken}, Parts{Waitroom: room, Admin: room, Office: office, Desk: &fakeDesk{}})
		var ctx fasthttp.RequestCtx
		ctx.Init(&fasthttp.Request{}, nil, nil)
		ctx.Request.Header.SetMethod(method)
		ctx.Request.Header.SetRequestURI(finalRules)
		ctx.Request.Header.Set("Authorization", "Bearer "+testToken)
		ctx.Request.Header.Set("If-Match", tags)
		ctx.Request.Header.SetContentType("application/json")
		ctx.Request.SetBodyString(body)
		s.handler(s.admin)(&ctx)
		status := ctx.Response.StatusCode()
		if status == 500 || status < 200 {
			t.Fatalf("%s %q: %d %s", method, body, status, ctx.Response.Body())
		}
		r := office.rooms[roomName]
		if faults := r.Check(); len(faults) > 0 {
			t.Errorf("%s %q makes a room with %v", method, body, faults)
		}
		if _, err := r.Record(); err != nil {
			t.Errorf("%s %q makes a room that cannot be written down: %v", method, body, err)
		}
		if status >= 400 && method != http.MethodGet && r.Version != room.room().Version {
			t.Errorf("%s %q is refused with %d and has changed the room", method, body, status)
		}
	})
}
