package gateway

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
	"usher/search"

	"github.com/valyala/fasthttp"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/problem"
)

// FuzzRequest sends anything at the public port's handler, past what fasthttp itself refuses: there is always a proper answer.
func FuzzRequest(f *testing.F) {
	box := &fakeBox{}
	s := New(Config{VisitorRate: 1 << 30, Limit: 8}, Parts{
		Waitroom: &fakeRoom{active: true}, Desk: &fakeDesk{}, Catalog: newFakeCatalog(), Sitemap: &fakeMap{}, Search: &fakeSearch{}, Sandbox: box, Webhook: &fakeHook{},
		Idempotency: &fakeKeys{request: map[[32]byte][32]byte{}, answers: map[[32]byte]*booking.StoredAnswer{}},
	})
	guest := "Bearer " + passOf(roomName, id.Visitor{1})
	for _, routes := range s.public.byLen {
		for _, r := range routes {
			path := strings.NewReplacer("{room}", roomName, "{event_id}", guarded.String(), "{ticket_id}", guarded.Ticket(7).String()).Replace(r.path)
			f.Add(r.method, path, guest, "k", `{"ticketIds":["`+guarded.Ticket(7).String()+`"],"paymentDetails":{"method":"sandbox","token":"tok_ok"}}`)
		}
	}
	f.Add("GET", "/api/v1/events/search?location=1,2&radius_km=5&start_date=2026-06-11&page_size=3", "", "", "")
	f.Add("POST", "/a/..%2f..;x=1//b#c", "Basic x", "\x00", "[{}]")
	handle := s.handler(s.public)
	f.Fuzz(func(t *testing.T, method, target, authorization, key, body string) {
		var ctx fasthttp.RequestCtx
		ctx.Init(&fasthttp.Request{}, nil, nil)
		ctx.Request.Header.SetMethod(method)
		ctx.Request.Header.SetRequestURI(target)
		ctx.Request.Header.Set("Authorization", authorization)
		ctx.Request.Header.Set(keyHeader, key)
		ctx.Request.Header.SetContentType("application/json")
		ctx.Request.SetBodyString(body)
		handle(&ctx)
		status := ctx.Response.StatusCode()
		if status == 500 || status < 200 || len(ctx.Response.Header.Peek("Request-Id")) == 0 {
			t.Fatalf("%d %s", status, ctx.Response.Body())
		}
		if status < 400 || strings.HasPrefix(string(ctx.Response.Header.ContentType()), "text/html") {
			return
		}
		var p struct{ Type, Instance string }
		if err := json.Unmarshal(ctx.Response.Body(), &p); err != nil {
			t.Fatalf("%d %q: %v", status, ctx.Response.Body(), err)
		}
		if k, ok := problem.Find(strings.TrimPrefix(p.Type, "/problems/")); !ok || k.Status != status {
			t.Errorf("%d says %s", status, p.Type)
		}
		if _, err := url.Parse(p.Instance); err != nil {
			t.Errorf("instance: %v", err)
		}
	})
}

// FuzzObject holds the strict reader of bodies to the standard one: what it accepts, the other accepts too, with the same members.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{"a":{"b":[1,{"c":null}]}}`, `{"a":1,"a":2}`, `[]`, `{"a":"\ud800"}`, `{"a":1}{}`, "{\"a\":\"\xff\"}", strings.Repeat(`[`, 50)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseObject(body, "a", "b")
		if err != nil {
			if p, ok := err.(*problem.Problem); !ok || p.Status != 400 || len(p.Errors) == 0 || !utf8.ValidString(p.Detail) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		var same map[string]json.RawMessage
		if err := json.Unmarshal(body, &same); err != nil {
			t.Fatalf("%q is accepted; encoding/json says %v", body, err)
		}
		unknown := 0
		for name := range same {
			if name != "a" && name != "b" {
				unknown++
			}
		}
		if len(m.raw) != len(same) || (m.err() == nil) != (unknown == 0) {
			t.Errorf("%q: %d members, %d unknown, %v", body, len(m.raw), unknown, m.err())
		}
		m.text("a", 10)
		m.texts("a")
		m.integer("b", 0, 10, 0)
		m.boolean("b")
		m.nested("a").only(nil)
		_, _ = paymentOf(m)
	})
}

// FuzzAppendString holds the writer of strings to the standard reader.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\\n\x00<>&", "é\u2028\U0001F3AB", "\xff\xc3", "\uFFFD"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got *string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		encoded, _ := json.Marshal(s)
		var want string
		_ = json.Unmarshal(encoded, &want)
		if s == "" && got != nil || s != "" && *got != want {
			t.Errorf("%q came back as %v", s, got)
		}
	})
}

// FuzzSearch holds the reader of searches to its promises: what it lets through is in range.
func FuzzSearch(f *testing.F) {
	f.Add("location=59.9,10.7&radius_km=20&start_date=2026-06-11&end_date=2026-06-12&price_min=1&price_max=2&page_size=5&include=tickets&sort=date")
	f.Add("q=%25_%5C%27%22%26%7C!%3A*%28%29%3C-%3E&category=Rock&available=true&facets=true&sort=relevance")
	f.Add("q=%E2%80%8F%D8%B3&sort=distance&location=-90,180")
	f.Add("location=NaN,1e999&radius_km=0x1p-2&page_size=-0&start_date=9999-12-31")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		q, err := parseSearch(values.Get)
		if err != nil {
			return
		}
		if q.PageSize < 1 || q.PageSize > maxPage || q.HasPoint && !(q.RadiusKM >= 1 && q.RadiusKM <= maxReach && q.Latitude >= -90 && q.Latitude <= 90 && q.Longitude >= -180 && q.Longitude <= 180) {
			t.Errorf("%q: %+v", query, q)
		}
		if len(q.Location) > maxText || len(q.Text) > maxText || strings.ContainsRune(q.Text+q.Location+q.Venue+q.Performer+q.Category, 0) {
			t.Errorf("%q: %+v", query, q)
		}
		if q.Sort == search.ByRelevance && q.Text == "" || q.Sort == search.ByDistance && !q.HasPoint || q.Sort == "" {
			t.Errorf("%q: %+v", query, q)
		}
	})
}
