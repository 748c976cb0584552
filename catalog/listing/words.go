package listing

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/unicode/norm"
)

// maxRough bounds what is cleaned, in bytes: of what comes later, little would be kept.
const maxRough = 4 * maxDetails

// line is what a person reads of a text, on one line: without tags, entities as what they stand for, no control characters.
func line(s string) string { return strings.Join(strings.Fields(plain(s)), " ") }

// paragraphs is the same with its line ends.
func paragraphs(s string) string {
	var out []string
	for part := range strings.Lines(plain(s)) {
		part = strings.Join(strings.Fields(part), " ")
		if part != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, part)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

// plain takes tags out and resolves entities, twice: what was escaped for a page was often escaped again for JSON.
func plain(s string) string {
	s = strings.ToValidUTF8(clip(s, maxRough), "\uFFFD")
	for range 2 {
		if strings.ContainsAny(s, "<&") {
			s = untag(s)
		}
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsControl(r):
			return ' '
		case r == '\u200b' || r == '\ufeff': // of no width
			return -1
		}
		return r
	}, s)
}

// untag takes out the elements of HTML, with the text of scripts and styles. What only looks like a tag ("<untitled>") stays.
func untag(s string) string {
	var b strings.Builder
	hidden := atom.Atom(0)
	for t := html.NewTokenizer(strings.NewReader(s)); ; {
		kind := t.Next()
		raw := string(t.Raw()) // before its name is read, which changes its letters
		switch kind {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if hidden == 0 {
				b.Write(t.Text())
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			name, _ := t.TagName()
			element := atom.Lookup(name)
			switch {
			case element == 0:
				b.WriteString(raw)
			case kind == html.StartTagToken && (element == atom.Script || element == atom.Style):
				hidden = element
			case kind == html.EndTagToken && element == hidden:
				hidden = 0
			}
			b.WriteString(apart(element))
		}
	}
}

// apart is what a tag puts between words.
func apart(element atom.Atom) string {
	switch element {
	case 0, atom.B, atom.I, atom.Em, atom.Strong, atom.Span, atom.A, atom.U, atom.Sup, atom.Sub, atom.Small, atom.Mark, atom.Font:
		return ""
	}
	return "\n"
}

// clip cuts a text to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// fold makes names comparable: lower case, no accents, words of letters and digits.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(clip(s, maxName))) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r):
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// derive makes a key of what is the same each time: 16 hexadecimal digits of SHA-256. Case and blanks do not count.
func derive(kind string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(strings.ToLower(strings.Join(strings.Fields(p), " "))))
		h.Write([]byte{0})
	}
	return kind + "/" + hex.EncodeToString(h.Sum(nil)[:8])
}

// address is the absolute form of an address of the web, or "" when there is none.
func address(base *url.URL, s string) string {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || s == "" || len(s) > maxAddress {
		return ""
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return u.String()
}

// short is a key as it stands, or its digest when it is too long or has characters that no key has.
func short(kind, key string) string {
	if len(key) > maxKey || strings.ContainsFunc(key, unicode.IsControl) || strings.TrimSpace(key) != key || !utf8.ValidString(key) {
		return derive(kind, key)
	}
	return key
}
