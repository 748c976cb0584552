package gateway

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"usher/internal/problem"
)

// form reads the fields of a page's form, none but those that are known, each at most once. A form from another site is refused whether a cookie
// came with it or not: one without would be answered with a new visitor, and take the old one from this browser.
func (c *call) form(known ...string) (*fields, error) {
	if err := c.server.sameOrigin(c); err != nil {
		return nil, err
	}
	body := c.http.PostBody()
	if kind := string(c.in.ContentType()); len(body) > 0 && !strings.HasPrefix(kind, "application/x-www-form-urlencoded") {
		return nil, problem.New("unsupported-media-type", "the body is not a form")
	}
	f := &fields{values: map[string]string{}}
	for name, value := range c.http.PostArgs().All() {
		switch name := string(name); {
		case len(f.faults) == maxFaults:
		case !slices.Contains(known, name):
			f.fault(clip(name), "not a field of this form")
		case f.has(name):
			f.fault(name, "given twice")
		case !utf8.Valid(value):
			f.fault(name, "not UTF-8")
		default:
			f.values[name] = string(value)
		}
	}
	return f, f.err()
}

// fields are a form's values; what is wrong with them is gathered, so that all faults are named at once.
type fields struct {
	values map[string]string
	faults []problem.Field
}

func (f *fields) has(name string) bool { _, ok := f.values[name]; return ok }

func (f *fields) fault(name, message string) {
	f.faults = append(f.faults, problem.Field{Field: name, Message: message})
}

// err is what is wrong, or nil.
func (f *fields) err() error {
	if len(f.faults) == 0 {
		return nil
	}
	return problem.Invalid(f.faults...)
}

// text reads printable text of at most limit bytes, trimmed; "" when it is not there.
func (f *fields) text(name string, limit int) string {
	v := strings.TrimSpace(f.values[name])
	if len(v) > limit || strings.ContainsFunc(v, unicode.IsControl) {
		f.fault(name, fmt.Sprintf("want printable text of at most %d bytes", limit))
		return ""
	}
	return v
}

// integer reads a whole number between low and high; otherwise when it is not there or empty.
func (f *fields) integer(name string, low, high, otherwise int) int {
	v := strings.TrimSpace(f.values[name])
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		f.fault(name, fmt.Sprintf("want a whole number from %d to %d", low, high))
		return otherwise
	}
	return n
}
