package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
)

// typeStream is the media type of server-sent events.
const typeStream = "text/event-stream"

// maxEvent bounds what is kept of an event that does not end.
const maxEvent = 4 << 20

// streams reports whether an answer has no end that one could wait for.
func streams(resp *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return kind == typeStream && resp.StatusCode == http.StatusOK
}

// Event reports everything about an event of a stream that the document does not allow, or nil: its text is what stands between two empty
// lines. Comments, and hints when to come back, are no events.
func (c *Checker) Event(method, target string, text []byte) error {
	p, _ := c.find(target)
	if p == nil || p.methods[method] == nil || p.methods[method][http.StatusOK] == nil {
		return errors.New("there is no such stream")
	}
	if err := p.methods[method][http.StatusOK].checkEvent(text); err != nil {
		return fmt.Errorf("%s %s: event %q: %w", method, p.template, excerpt(text), err)
	}
	return nil
}

func (r *response) checkEvent(text []byte) error {
	var id, name, data []byte
	for line := range bytes.Lines(text) {
		field, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			if data != nil {
				return errors.New("data in two lines")
			}
			data = value
		case "retry":
			if _, err := strconv.ParseUint(string(value), 10, 32); err != nil {
				return fmt.Errorf("retry: %w", err)
			}
		case "": // a comment
		default:
			return fmt.Errorf("a field %q", field)
		}
	}
	if id == nil && name == nil && data == nil {
		return nil
	}
	schema := r.events[string(name)]
	if schema == nil {
		return fmt.Errorf("an event %q is not documented", name)
	}
	var body struct{ Version json.Number }
	if err := json.Unmarshal(data, &body); err != nil {
		return err
	}
	if body.Version.String() != string(id) {
		return fmt.Errorf("id %q is not the version", id)
	}
	return validate(schema, data)
}

// follow checks the events of a stream while somebody reads it.
func (t *Transport) follow(method, path string, body io.ReadCloser) io.ReadCloser {
	return &eventReader{ReadCloser: body, check: func(text []byte) {
		err := t.checker(method, path).Event(method, path, text)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.complain(err)
	}}
}

// eventReader hands every whole event that passes to check. It is used by one reader, as a body is.
type eventReader struct {
	io.ReadCloser
	check func(text []byte)
	begun []byte // of an event that has not ended
}

// Read implements io.Reader.
func (r *eventReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.begun = append(r.begun, p[:n]...)
	for {
		text, rest, whole := bytes.Cut(r.begun, []byte("\n\n"))
		if !whole {
			break
		}
		r.check(text)
		r.begun = rest
	}
	if len(r.begun) > maxEvent {
		r.check(r.begun) // which complains
		r.begun = nil
	}
	return n, err
}
