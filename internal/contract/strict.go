package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// validate holds a body to a schema: one value of UTF-8 JSON, no member twice, and what the schema says.
func validate(schema *jsonschema.Schema, body []byte) error {
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := noneTwice(d); err != nil {
		return fmt.Errorf("the body: %w: %s", err, excerpt(body))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body: %w", err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%w: %s", err, excerpt(body))
	}
	return nil
}

// noneTwice reads one value and refuses an object that names a member twice.
func noneTwice(d *json.Decoder) error {
	t, err := d.Token()
	open, composite := t.(json.Delim)
	if err != nil || !composite {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			t, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := t.(string)
			if seen[name] {
				return fmt.Errorf("member %q stands twice", name)
			}
			seen[name] = true
		}
		if err := noneTwice(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
