package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"usher/internal/problem"
)

// answer writes a JSON answer that nobody may store.
func (c *call) answer(status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	if len(c.Response.Header.Peek("Cache-Control")) == 0 {
		c.Response.Header.Set("Cache-Control", "private, no-store")
	}
	c.Response.Header.SetContentType("application/json; charset=utf-8")
	c.SetStatusCode(status)
	c.SetBody(text)
	return nil
}

// none accepts a call that has no body: none at all, or {}.
func (c *call) none() error {
	body := bytes.TrimSpace(c.PostBody())
	if len(body) == 0 {
		return nil
	}
	var empty struct{}
	return c.decode(&empty)
}

// decode reads a JSON body strictly: unknown and repeated members, trailing text and wrong types are named.
func (c *call) decode(into any) error {
	kind, _, err := mime.ParseMediaType(string(c.Request.Header.ContentType()))
	if err != nil || kind != "application/json" {
		return problem.New("unsupported-media-type", "the body is not application/json")
	}
	body := c.PostBody()
	if err := repeated(body); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return malformedBody(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return problem.Invalid(problem.Field{Field: "body", Message: "something follows the JSON value"})
	}
	return nil
}

func malformedBody(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		field := wrong.Field
		if field == "" {
			field = "body"
		}
		return problem.Invalid(problem.Field{Field: clip(field), Message: "is a " + wrong.Value + ", want " + wrong.Type.String()})
	}
	if _, name, found := strings.Cut(err.Error(), "unknown field "); found {
		return problem.Invalid(problem.Field{Field: clip(strings.Trim(name, `"`)), Message: "not a member of this body"})
	}
	return problem.Invalid(problem.Field{Field: "body", Message: "not well-formed JSON"})
}

// repeated refuses an object that names a member twice: parsers differ in which one counts.
func repeated(body []byte) error {
	type level struct {
		names map[string]bool // nil: an array
		value bool            // a value comes next, not a name
	}
	d := json.NewDecoder(bytes.NewReader(body))
	var stack []level
	for {
		t, err := d.Token()
		if err != nil {
			return nil // decode says what is wrong
		}
		top := len(stack) - 1
		switch t {
		case json.Delim('{'), json.Delim('['):
			if top >= 0 {
				stack[top].value = false
			}
			l := level{}
			if t == json.Delim('{') {
				l.names = map[string]bool{}
			}
			if stack = append(stack, l); len(stack) > 32 {
				return problem.Invalid(problem.Field{Field: "body", Message: "nested deeper than 32"})
			}
			continue
		case json.Delim('}'), json.Delim(']'):
			if stack = stack[:top]; len(stack) == 0 {
				return nil
			}
			continue
		}
		if top < 0 || stack[top].names == nil {
			continue
		}
		if stack[top].value {
			stack[top].value = false
			continue
		}
		name, _ := t.(string)
		if stack[top].names[name] {
			return problem.Invalid(problem.Field{Field: clip(name), Message: "stands twice"})
		}
		stack[top].names[name], stack[top].value = true, true
	}
}
