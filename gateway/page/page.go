// Package page holds the pages that the edge shows: templates and one style sheet, embedded, no script and nothing from elsewhere.
package page

import (
	"embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed *.html
var files embed.FS

var pages = template.Must(template.ParseFS(files, "*.html"))

// Policy is the content security policy of every page.
const Policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Render writes the page with the given name.
func Render(w io.Writer, name string, data any) error {
	if err := pages.ExecuteTemplate(w, name+".html", data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	return nil
}
