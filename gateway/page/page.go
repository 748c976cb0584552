// Package page holds the pages that the edge shows: templates and one style sheet, embedded, no script and nothing from elsewhere.
package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
)

//go:embed *.html
var files embed.FS

// Style is the style sheet of every page, served at StylePath.
//
//go:embed style.css
var Style []byte

// StylePath is where the templates look for the style sheet.
const StylePath = "/style.css"

// Policy is the content security policy of every page.
const Policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

var pages = template.Must(template.ParseFS(files, "*.html"))

// Render returns the page with the given name.
func Render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name+".html", data); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return b.Bytes(), nil
}
