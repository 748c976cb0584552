package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"usher/internal/problem"
)

const maxDepth = 16 // of a JSON body

// none accepts a call that has no body: none at all, or {}.
func (c *call) none() error {
	if len(bytes.TrimSpace(c.http.PostBody())) == 0 {
		return nil
	}
	m, err := c.object()
	if err != nil {
		return err
	}
	return m.err()
}

// object reads the body as one JSON object with no other members than those. The standard decoder is too kind for bytes from outside:
// it takes any case of a name, the last of two equal names, and null for everything.
func (c *call) object(known ...string) (*members, error) {
	return c.objectOf([]string{"application/json"}, known...)
}

// objectOf is object of one of several media types.
func (c *call) objectOf(kinds []string, known ...string) (*members, error) {
	kind, _, err := mime.ParseMediaType(string(c.in.ContentType()))
	if err != nil || !slices.Contains(kinds, kind) {
		return nil, problem.New("unsupported-media-type", "the body is not "+strings.Join(kinds, " or "))
	}
	return parseObject(c.http.PostBody(), known...)
}

func parseObject(body []byte, known ...string) (*members, error) {
	if !utf8.Valid(body) {
		return nil, problem.Invalid(problem.Field{Field: "body", Message: "not UTF-8"})
	}
	if err := wellFormed(body); err != nil {
		return nil, err
	}
	m := &members{faults: &[]problem.Field{}}
	if json.Unmarshal(body, &m.raw) != nil || m.raw == nil {
		return nil, problem.Invalid(problem.Field{Field: "body", Message: "want a JSON object"})
	}
	m.only(known)
	return m, nil
}

// members reads the members of a JSON object and gathers what is wrong with them, so that all faults are named at once.
type members struct {
	raw    map[string]json.RawMessage
	prefix string // of the names of a nested object
	faults *[]problem.Field
}

// only names the members that are not known.
func (m *members) only(known []string) {
	for name := range m.raw {
		if !slices.Contains(known, name) {
			m.fault(clip(name), "not a member of this body")
		}
	}
}

func (m *members) fault(name, message string) {
	if len(*m.faults) < maxFaults {
		*m.faults = append(*m.faults, problem.Field{Field: m.prefix + name, Message: message})
	}
}

// err is what is wrong, or nil.
func (m *members) err() error {
	if len(*m.faults) == 0 {
		return nil
	}
	slices.SortFunc(*m.faults, func(a, b problem.Field) int { return strings.Compare(a.Field, b.Field) })
	return problem.Invalid(*m.faults...)
}

func (m *members) has(name string) bool { _, ok := m.raw[name]; return ok }

// text reads a printable string of at most limit bytes; "" when it is not there.
func (m *members) text(name string, limit int) (s string) {
	raw, ok := m.raw[name]
	if !ok {
		return ""
	}
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		m.fault(name, "want a string")
	} else if len(s) > limit || strings.ContainsFunc(s, unicode.IsControl) {
		m.fault(name, fmt.Sprintf("want printable text of at most %d bytes", limit))
	}
	return s
}

// texts reads an array of strings.
func (m *members) texts(name string) (out []string) {
	var items []json.RawMessage
	if json.Unmarshal(m.raw[name], &items) != nil || items == nil {
		m.fault(name, "want an array of strings")
	}
	for i, item := range items {
		var s string
		if item[0] != '"' || json.Unmarshal(item, &s) != nil {
			m.fault(name+"["+strconv.Itoa(i)+"]", "want a string")
		}
		out = append(out, s)
	}
	return out
}

// integer reads a whole number between low and high; otherwise when it is not there.
func (m *members) integer(name string, low, high, otherwise int) int {
	raw, ok := m.raw[name]
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < low || n > high {
		m.fault(name, fmt.Sprintf("want a whole number from %d to %d", low, high))
	}
	return n
}

// boolean reads true or false; false when it is not there.
func (m *members) boolean(name string) bool {
	raw, ok := m.raw[name]
	if ok && string(raw) != "true" && string(raw) != "false" {
		m.fault(name, "want true or false")
	}
	return string(raw) == "true"
}

// nested reads a nested object, empty when it is not there. Its faults are the outer one's.
func (m *members) nested(name string) *members {
	inner := &members{prefix: m.prefix + name + ".", faults: m.faults}
	if raw, ok := m.raw[name]; ok && (json.Unmarshal(raw, &inner.raw) != nil || inner.raw == nil) {
		m.fault(name, "want an object")
	}
	return inner
}

var errTwice = errors.New("a member stands twice")

// wellFormed refuses what is not one JSON value, what is nested too deeply, and objects that name a member twice: parsers differ in
// which one counts.
func wellFormed(body []byte) error {
	if !json.Valid(body) {
		return problem.Invalid(problem.Field{Field: "body", Message: "not well-formed JSON"})
	}
	d := json.NewDecoder(bytes.NewReader(body))
	name, err := twice(d, 0)
	if errors.Is(err, errTwice) {
		return problem.Invalid(problem.Field{Field: clip(name), Message: "stands twice"})
	}
	if err != nil {
		return problem.Invalid(problem.Field{Field: "body", Message: fmt.Sprintf("nested deeper than %d", maxDepth)})
	}
	return nil
}

// twice walks one value and returns the name of a member that its object has twice.
func twice(d *json.Decoder, depth int) (name string, err error) {
	t, err := d.Token()
	open, ok := t.(json.Delim)
	if err != nil || !ok {
		return "", err
	}
	if depth == maxDepth {
		return "", errors.New("too deep")
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			if err != nil {
				return "", err
			}
			name, _ := t.(string)
			if seen[name] {
				return name, errTwice
			}
			seen[name] = true
		}
		if name, err := twice(d, depth+1); err != nil {
			return name, err
		}
	}
	_, err = d.Token()
	return "", err
}
