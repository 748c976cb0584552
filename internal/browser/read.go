package browser

import (
	"strings"
)

// Text is what the page shows, as selecting all of it would copy it, with every run of white space as one space.
func (b *Tab) Text() string {
	b.t.Helper()
	text, err := b.text()
	if err != nil {
		b.fatalf("text: %v", err)
	}
	return text
}

func (b *Tab) text() (string, error) {
	text, err := evaluate[string](b, `document.body.innerText`)
	return strings.Join(strings.Fields(text), " "), err
}

// See waits until the page shows the text. While a page gives way to the next there is nothing to read.
func (b *Tab) See(text string) {
	b.t.Helper()
	b.wait("the text "+quote(text), func() bool {
		shown, err := b.text()
		return err == nil && strings.Contains(shown, text)
	})
}

// NotSee waits until the page no longer shows the text.
func (b *Tab) NotSee(text string) {
	b.t.Helper()
	b.wait("the text "+quote(text)+" to go", func() bool {
		shown, err := b.text()
		return err == nil && !strings.Contains(shown, text)
	})
}

// SeeTitle waits until the tab's title contains the text.
func (b *Tab) SeeTitle(text string) {
	b.t.Helper()
	b.wait("the title "+quote(text), func() bool {
		title, err := evaluate[string](b, `document.title`)
		return err == nil && strings.Contains(title, text)
	})
}

// Path is the address without scheme and host: path, query and fragment.
func (b *Tab) Path() string {
	b.t.Helper()
	return Evaluate[string](b, `location.pathname + location.search + location.hash`)
}

// SeePath waits until the address's path, query and fragment begin so.
func (b *Tab) SeePath(prefix string) {
	b.t.Helper()
	b.wait("the address "+prefix, func() bool {
		path, err := evaluate[string](b, `location.pathname + location.search + location.hash`)
		return err == nil && strings.HasPrefix(path, prefix)
	})
}
