package listing

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

const (
	maxPage    = 16 << 20 // bytes of a page
	maxScripts = 1000     // of a page
)

// HTML reads the events of a page: all scripts of type application/ld+json together, for one may name what stands in another. A script that is broken
// is given as refused, and the others count.
func (r *Reader) HTML(ctx context.Context, in io.Reader, give func(Found) error) error {
	b, err := io.ReadAll(io.LimitReader(in, maxPage+1))
	if err != nil {
		return err
	}
	switch {
	case len(b) > maxPage:
		return give(Found{Line: 1, Err: fmt.Errorf("a page of more than %d bytes", maxPage)})
	case !utf8.Valid(b):
		return give(Found{Line: 1, Err: errNotUTF8})
	}
	p := readPage(b)
	g := newGraph(p.base())
	var values []script
	for i, s := range p.scripts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i == maxScripts {
			if err := give(Found{Line: s.line, Err: fmt.Errorf("more than %d scripts of JSON-LD: the rest is not read", maxScripts)}); err != nil {
				return err
			}
			break
		}
		read, err := s.read(g, give)
		if err != nil {
			return err
		}
		values = append(values, read...)
	}
	return r.scripts(ctx, g, values, give)
}

// scripts gives the events of a page's scripts.
func (r *Reader) scripts(ctx context.Context, g *graph, list []script, give func(Found) error) error {
	none := len(list) > 0
	for _, s := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		g.events = nil
		if err := g.collect(s.value, nil, 0); err != nil {
			return give(Found{Line: s.line, Err: err})
		}
		none = none && len(g.events) == 0
		if err := r.drafts(g, s.line, give); err != nil {
			return err
		}
	}
	if none || len(list) == 0 {
		return give(Found{Line: 1, Err: errNoScript})
	}
	return nil
}

var errNoScript = errors.New("no event in a script of type application/ld+json: save the page as the server sends it, with view-source or curl")

// script is one of JSON-LD.
type script struct {
	line  int // on which its text begins
	text  []byte
	value any
}

// read reads a script. Of one that is no JSON as a whole, the objects that stand in it are read one by one: the others are given as refused.
func (s script) read(g *graph, give func(Found) error) (out []script, err error) {
	if len(s.text) > maxValue {
		return nil, give(Found{Line: s.line, Err: errLongValue})
	}
	v, err := decode(s.text)
	if err != nil && bytes.Contains(s.text, []byte("&quot;")) { // a template has escaped it as text of the page
		v, err = decode([]byte(html.UnescapeString(string(s.text))))
	}
	if err == nil {
		if s.value, err = g.normal(v, 0); err == nil {
			return []script{s}, nil
		}
		return nil, give(Found{Line: s.line, Err: err})
	}
	whole := err
	for in := (&splitter{r: bufio.NewReader(bytes.NewReader(s.text)), line: s.line}); ; {
		raw, at, err := in.next()
		if errors.Is(err, io.EOF) && len(out) > 0 {
			return out, nil
		} else if err != nil || len(raw) == len(s.text) { // it is one object
			return out, give(Found{Line: at, Err: whole})
		}
		one := script{line: at}
		if v, err = decode(raw); err == nil {
			one.value, err = g.normal(v, 0)
		}
		if err == nil {
			out = append(out, one)
		} else if err := give(Found{Line: at, Err: err}); err != nil {
			return nil, err
		}
	}
}

// webPage is what counts of a page.
type webPage struct {
	canonical, og string
	scripts       []script
}

func readPage(b []byte) (p webPage) {
	line := 1
	inScript := false
	for t := html.NewTokenizer(bytes.NewReader(b)); ; {
		kind := t.Next()
		if kind == html.ErrorToken {
			return p
		}
		at := line
		raw := t.Raw()
		line += bytes.Count(raw, newline)
		if kind == html.TextToken && inScript && len(p.scripts) <= maxScripts {
			if text := bytes.TrimSpace(raw); len(text) > 0 {
				at += bytes.Count(raw[:bytes.Index(raw, text)], newline)
				p.scripts = append(p.scripts, script{line: at, text: bytes.Clone(text)})
			}
		}
		inScript = false
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		switch tag := t.Token(); tag.Data {
		case "script":
			media, _, _ := mime.ParseMediaType(attribute(tag, "type"))
			inScript = kind == html.StartTagToken && media == "application/ld+json"
		case "link":
			if strings.EqualFold(attribute(tag, "rel"), "canonical") && p.canonical == "" {
				p.canonical = attribute(tag, "href")
			}
		case "meta":
			if strings.EqualFold(attribute(tag, "property"), "og:url") && p.og == "" {
				p.og = attribute(tag, "content")
			}
		}
	}
}

var newline = []byte("\n")

// base is the address of the page, as it tells it; nil when it does not.
func (p webPage) base() *url.URL {
	for _, s := range []string{p.canonical, p.og} {
		if a := address(nil, s); a != "" {
			u, _ := url.Parse(a) // it was parsed by address
			return u
		}
	}
	return nil
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
