package gateway

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// isPage reports whether a route answers people.
func isPage(r *route) bool {
	return r.method == "GET" && !strings.HasPrefix(r.path, "/api/") && !strings.HasPrefix(r.path, "/.well-known") && !strings.HasPrefix(r.path, "/assets/") && !strings.HasPrefix(r.path, "/images/") &&
		!strings.HasSuffix(r.path, ".ics") && !strings.HasPrefix(r.path, "/sitemap") && r.path != "/robots.txt" && r.path != "/openapi.json" && r.path != "/healthz" && r.path != "/language"
}

// Every page, found or not, forbids frames and whatever it does not carry itself, and hands out cookies that no script and no other site can use.
func TestEveryPageIsSafe(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	pages := 0
	e.everyRoute(func(address string, r *route) {
		if address == e.admin || !isPage(r) {
			return
		}
		pages++
		for _, path := range []string{e.fill(r.path), e.fill(r.path) + "?zz=1"} {
			checkSafe(t, e.do("GET", path, "", "Accept", "text/html"), path)
		}
	})
	if pages < 5 {
		t.Errorf("%d pages were looked at", pages)
	}
}

func checkSafe(t *testing.T, r reply, path string) {
	t.Helper()
	for _, line := range r.header.Values("Set-Cookie") {
		if low := strings.ToLower(line); !strings.Contains(low, "httponly") || !strings.Contains(low, "samesite=lax") || !strings.Contains(low, "path=/") {
			t.Errorf("%s: cookie %q", path, line)
		}
	}
	if r.status == http.StatusSeeOther {
		return
	}
	policy := r.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s: policy %q lacks %s", path, policy, want)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
		t.Errorf("%s: policy %q allows too much", path, policy)
	}
	if r.header.Get("X-Frame-Options") != "DENY" || r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("%s: headers %v", path, r.header)
	}
	for _, bad := range []string{" style=", " onclick=", " onload=", "javascript:", `src="http`, `src="//`, `href="http://cdn`} {
		if strings.Contains(r.raw, bad) {
			t.Errorf("%s: %q in the page", path, bad)
		}
	}
}

// Whoever chooses a language goes back to where he was, and never to another site.
func TestALanguageIsKeptAndLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	f := func(to, want string) {
		t.Helper()
		r := e.do("GET", "/language?lang=ar&to="+url.QueryEscape(to), "")
		if want == "" {
			if r.status != 400 || r.header.Get("Location") != "" {
				t.Errorf("%q: %d %v", to, r.status, r.header)
			}
			return
		}
		if r.status != 303 || r.header.Get("Location") != want || !strings.HasPrefix(r.header.Get("Set-Cookie"), "usher_lang=ar;") {
			t.Errorf("%q: %d %v", to, r.status, r.header)
		}
	}
	f("", "/")
	f("/events/x?y=1", "/events/x?y=1")
	for _, hostile := range []string{
		"https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "evil", "/\tevil", "/ evil", "/\r\nSet-Cookie: a=b",
		"/é", "/" + strings.Repeat("x", maxReturn), "?x", "#x",
	} {
		f(hostile, "")
	}
	e.want(400, "invalid-request", "GET", "/language?lang=xx", "")
	e.want(400, "invalid-request", "GET", "/language", "")
	html := e.do("GET", "/nowhere", "", "Accept", "text/html", "Cookie", "usher_lang=ar")
	if !strings.Contains(html.raw, `<html lang="ar" dir="rtl">`) || html.header.Get("Content-Language") != "ar" {
		t.Errorf("the choice is not kept: %v %.200s", html.header, html.raw)
	}
	if html := e.do("GET", "/nowhere", "", "Accept", "text/html", "Accept-Language", "he-IL", "Cookie", "usher_lang=xx"); !strings.Contains(html.raw, `lang="he"`) {
		t.Errorf("a choice that we do not know: %.200s", html.raw)
	}
}
