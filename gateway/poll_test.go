package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"usher/internal/problem"
	"usher/waitroom"
)

// What is written by hand is what the table of problems would have written.
func TestAPollThatComesTooSoonIsToldAsEveryProblemIs(t *testing.T) {
	t.Parallel()
	s := New(Config{}, Parts{})
	f := func(target string, after time.Duration) {
		t.Helper()
		answer := func(write func(c *call)) string {
			var ctx fasthttp.RequestCtx
			ctx.Request.SetRequestURI(target)
			ctx.Response.Header.Set("Request-Id", "abc123")
			c := newCall(s, &ctx)
			defer c.done()
			write(c)
			return ctx.Response.String()
		}
		byHand := answer(func(c *call) { answerTooFast(c, &waitroom.Line{PollAfter: after}) })
		byTable := answer(func(c *call) {
			p := problem.New("poll-too-fast", waitroom.ErrPollTooFast.Error())
			p.RetryAfter = seconds(after)
			s.answerError(c, p)
		})
		if byHand != byTable || !strings.Contains(byHand, " 429 ") {
			t.Errorf("%s, after %s: by hand\n%s\nand by the table\n%s", target, after, byHand, byTable)
		}
	}
	f("/api/v1/rooms/final/place", 3*time.Second)
	f("/api/v1/rooms/final/place?shown=7", 0)
	f("/api/v1/rooms/fi\"<nal/place", 61500*time.Millisecond)
}

func TestTimesAreAppendedAsPackageTimeDoes(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		time.Date(2026, 11, 27, 9, 5, 7, 0, time.UTC), time.Date(2026, 1, 2, 23, 59, 59, 999_999_999, time.UTC), time.Date(2028, 2, 29, 0, 0, 0, 120_000_000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 1_000_000, time.UTC), time.Date(2030, 7, 1, 12, 30, 0, 50_000_001, time.FixedZone("", 7200)), time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, want := string(appendTime(nil, at)), `"`+clock(at).Format(time.RFC3339Nano)+`"`; got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	if got := string(appendTime(nil, time.Time{})); got != "null" {
		t.Errorf("no time is %s", got)
	}
}

// A token is found in the header as it is found when all cookies are taken apart; what is not as we set it is left to that.
func TestATokenIsFoundInTheCookieHeader(t *testing.T) {
	t.Parallel()
	const name = "usher_place_final"
	f := func(header, want string, quick bool) {
		t.Helper()
		got := string(tokenIn([]byte(header), name))
		if found := got != ""; found != quick || quick && got != want {
			t.Errorf("%q: found %q", header, got)
		}
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.Set("Cookie", header)
		c := newCall(nil, &ctx)
		defer c.done()
		if got := c.cookie(name); got != want || c.cookies != (want != "") {
			t.Errorf("%q: the cookie is %q, not %q", header, got, want)
		}
	}
	f("usher_place_final=cAE_-9.x", "cAE_-9.x", true)
	f("usher_visitor=a; usher_place_final=b; c=d", "b", true)
	f("usher_visitor=a;usher_place_final=b", "b", true)
	f("usher_place_final=b; usher_place_final=c", "b", true)
	f("usher_place_finals=b; xusher_place_final=c", "", false)
	f("x=usher_place_final=b", "", false)
	f("usher_place_final", "", false)
	f("usher_place_final=", "", false)
	f("", "", false)
	f(";;; ;=; usher_place_final=b", "b", true)
	f(`usher_place_final="b"`, "b", false)
	f("usher_place_final=b ", "b", false)
	f("usher_place_final = b", "b", false)
}
