// Package page holds what a fan sees: templates, style sheets and scripts, all embedded; nothing comes from elsewhere. Every page works without
// its script: forms post, lists link, a refresh moves the line. A script only makes it better.
//
// A page is a template of its own (room.html) with what belongs to it beside it (room.css, room.js); head, top and foot in frame.html are
// what all pages have in common. Templates get a Frame: its methods are the words and formats of the visitor's language, and .Data is the page's own.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"

	"usher/gateway/lang"
)

//go:embed *.html
var files embed.FS

// Frame is what every template is given.
type Frame struct {
	*lang.Lang
	Title       string // of the document, without the site's name
	Description string // for search engines and previews; may be empty
	Canonical   string // the address under which search engines should know the page; may be empty
	Path        string // of this page with its query, to come back to after a change of language
	Index       bool   // whether search engines may list it
	RequestID   string
	Data        any
}

// Languages are the choices of the language form.
func (Frame) Languages() []*lang.Lang { return lang.All() }

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"asset": assetURL, "style": inlineStyle, "script": inlineScript,
}).ParseFS(files, "*.html"))

// Render returns the page with the given name.
func Render(name string, f Frame) ([]byte, error) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name+".html", f); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return b.Bytes(), nil
}
