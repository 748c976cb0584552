package gateway

import (
	"bytes"
	"strings"

	"usher/gateway/lang"
	"usher/gateway/page"
	"usher/internal/id"
	"usher/internal/problem"
)

const (
	langCookie    = "usher_lang"
	langParameter = "lang"
)

// page answers with a page in the visitor's language. What belongs to every page is filled in here; f needs a title and its data. Pages show
// what one visitor has, so no cache may keep them unless the handler has said otherwise.
func (c *call) page(status int, name string, f page.Frame) error {
	f.Lang, f.RequestID = c.language(), requestID(c.out)
	if f.Path == "" {
		f.Path = c.here()
	}
	text, err := page.Render(name, f)
	if err != nil {
		return err
	}
	if len(c.out.Peek("Content-Security-Policy")) == 0 {
		c.set("Content-Security-Policy", c.server.policy)
	}
	c.set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	c.set("Referrer-Policy", "same-origin")
	c.set("Cross-Origin-Opener-Policy", "same-origin")
	if len(c.out.Peek("Permissions-Policy")) == 0 {
		c.set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	}
	c.set("Content-Language", f.Tag)
	c.out.Add("Vary", "Accept-Language, Cookie")
	c.body(status, "text/html; charset=utf-8", text)
	c.compress()
	return nil
}

// language is the one that the visitor has chosen, else the best for his browser.
func (c *call) language() *lang.Lang {
	if l, ok := lang.Find(string(c.in.Cookie(langCookie))); ok {
		return l
	}
	return lang.Match(c.header("Accept-Language"))
}

// maxReturn bounds the address that a visitor comes back to after a change of language, in bytes.
const maxReturn = 2000

// here is the address of the page that was asked for, or that has the form that was sent: forms post to an address below their page's. It never
// leads elsewhere.
func (c *call) here() string {
	target := string(c.in.RequestURI())
	if !c.in.IsGet() && !c.in.IsHead() {
		page := strings.Split(target, "/")[1:]
		if len(page) < 3 || page[0] != "checkout" && page[0] != "rooms" && page[0] != "events" {
			return "/"
		}
		target = "/" + strings.Join(page[:len(page)-1], "/")
	}
	if !ownPath(target) {
		return "/"
	}
	return target
}

// ownPath reports whether an address leads to a page of this site and nowhere else: a path that no browser takes for another host.
func ownPath(s string) bool {
	return len(s) > 0 && len(s) <= maxReturn && s[0] == '/' && !strings.HasPrefix(s, "//") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' })
}

// getLanguage remembers the language that a visitor chooses and sends him back to where he was.
func (s *Server) getLanguage(c *call) error {
	args := c.http.QueryArgs()
	l, ok := lang.Find(string(args.Peek(langParameter)))
	if !ok {
		return problem.Invalid(problem.Field{Field: langParameter, Message: "want one of " + languageTags()})
	}
	to := string(args.Peek("to"))
	if to == "" {
		to = "/"
	}
	if !ownPath(to) {
		return problem.Invalid(problem.Field{Field: "to", Message: "want a path of this site"})
	}
	s.setCookie(c, langCookie, l.Tag)
	c.set("Location", to)
	return c.empty(303)
}

func languageTags() string {
	var tags []string
	for _, l := range lang.All() {
		tags = append(tags, l.Tag)
	}
	return strings.Join(tags, ", ")
}

// wantsPage reports whether a person looks: the path is not of an API, and the client asks for HTML.
func (c *call) wantsPage() bool {
	path := c.in.RequestURI()
	for _, api := range []string{"/api/", "/admin/", "/.well-known/", "/openapi.json"} {
		if bytes.HasPrefix(path, []byte(api)) {
			return false
		}
	}
	return bytes.Contains(c.in.Peek("Accept"), []byte("text/html"))
}

// getAsset serves what pages link to. The name carries a digest of the content: caches may keep it for ever.
func (s *Server) getAsset(c *call) error {
	a, ok := page.FindAsset(c.params[0])
	if !ok {
		return problem.New("not-found", "no such asset")
	}
	c.set("Cache-Control", "public, max-age=31536000, immutable")
	c.out.Add("Vary", "Accept-Encoding")
	body := a.Body
	if c.in.HasAcceptEncoding("gzip") {
		c.set("Content-Encoding", "gzip")
		body = a.Gzip
	}
	c.body(200, a.Type, body)
	return nil
}

// getActionPage asks the payer, for the sandbox.
func (s *Server) getActionPage(c *call) error {
	attempt, err := id.ParseKey(c.params[0])
	if err != nil || s.Sandbox == nil {
		return problem.New("not-found", "no such action")
	}
	back, err := returnTo(string(c.http.QueryArgs().Peek("return")))
	if err != nil {
		return err
	}
	return c.page(200, "action", page.Frame{Title: c.language().T("bank.ask"), Data: actionPage{Attempt: attempt, Return: back}})
}

// actionPage is what the payer sees, before and after his answer.
type actionPage struct {
	Attempt id.Key
	Return  string // where he came from; empty: not told
	Done    bool
}

// postActionForm is the payer's answer on that page.
func (s *Server) postActionForm(approve bool) handle {
	return func(c *call) error {
		f, err := c.form("return")
		if err != nil {
			return err
		}
		back, err := returnTo(f.values["return"])
		if err != nil {
			return err
		}
		if err := s.answerAction(c, approve); err != nil {
			return err
		}
		if back != "" {
			return c.seeOther(back)
		}
		attempt, _ := id.ParseKey(c.params[0])
		return c.page(200, "action", page.Frame{Title: c.language().T("bank.done"), Data: actionPage{Attempt: attempt, Done: true}})
	}
}
