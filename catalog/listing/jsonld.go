package listing

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxValue bounds one value of JSON-LD, in bytes.
const maxValue = 4 << 20

var (
	errLongValue = fmt.Errorf("a JSON-LD value of more than %d bytes: write a list of events, or one a line; or is a bracket or a quote not closed?", maxValue)
	errNotUTF8   = errors.New("it is not UTF-8: convert it first, for example with iconv -f WINDOWS-1252 -t UTF-8")
	errNoEvent   = errors.New("no event of schema.org in it: want an object whose @type is Event or one of its kinds")
)

// JSONLD reads a file of JSON-LD: one object, several one after the other, or a list of any length. give is called for each event; its error ends
// the reading. What cannot be understood is given as refused, and the reading goes on behind it.
func (r *Reader) JSONLD(ctx context.Context, in io.Reader, give func(Found) error) error {
	s := &splitter{r: bufio.NewReaderSize(in, 64<<10), line: 1}
	for any := false; ; any = true {
		if err := ctx.Err(); err != nil {
			return err
		}
		raw, at, err := s.next()
		switch {
		case errors.Is(err, io.EOF) && !any:
			return give(Found{Line: 1, Err: errNoEvent})
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errLongValue):
			err = give(Found{Line: at, Err: err})
		case errors.Is(err, errNoJSON):
			return give(Found{Line: at, Err: fmt.Errorf("the rest of the file cannot be read: %w", err)})
		case err == nil:
			err = r.object(raw, at, give)
		}
		if err != nil {
			return err
		}
	}
}

// object gives the events of one object.
func (r *Reader) object(raw []byte, at int, give func(Found) error) error {
	g := newGraph(nil)
	v, err := decode(raw)
	if err == nil {
		v, err = g.normal(v, 0)
	}
	if err == nil {
		err = g.collect(v, nil, 0)
	}
	if err == nil && len(g.events) == 0 {
		err = errNoEvent
	}
	if err != nil {
		return give(Found{Line: at, Err: err})
	}
	return r.drafts(g, at, give)
}

// drafts gives the events that a graph has collected. Several of one value are told apart by their number.
func (r *Reader) drafts(g *graph, line int, give func(Found) error) error {
	for i, n := range g.events {
		e, err := r.understand(g.draft(n))
		if err != nil && len(g.events) > 1 {
			err = fmt.Errorf("event %d of %d, %w", i+1, len(g.events), err)
		}
		if err := give(Found{Line: line, Event: e, Err: err}); err != nil {
			return err
		}
	}
	return nil
}

// decode reads one value, mended if it must be.
func decode(b []byte) (v any, err error) {
	if !utf8.Valid(b) {
		return nil, errNotUTF8
	}
	if v, err = decodeOne(b); err == nil {
		return v, nil
	}
	if mended, bad := decodeOne(mend(b)); bad == nil {
		return mended, nil
	}
	return nil, fmt.Errorf("not JSON: %w", err)
}

func decodeOne(b []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands behind the value")
	}
	return v, nil
}

var errNoJSON = errors.New("it is no JSON")

// splitter cuts a stream into the objects that stand in it one after the other or in lists. It counts brackets and knows texts, no more: so it
// finds the next object behind one that is broken.
type splitter struct {
	r    *bufio.Reader
	line int // that is being read
}

// next returns an object and the line on which it begins. Errors: io.EOF at the end, errLongValue, errNoJSON, or that of the stream.
func (s *splitter) next() (raw []byte, at int, err error) {
	for {
		c, err := s.r.ReadByte()
		switch {
		case err != nil:
			return nil, s.line, err
		case c == '{':
			return s.object()
		case c == '\n':
			s.line++
		case strings.IndexByte(" \t\r[],;\xef\xbb\xbf", c) < 0: // the last three are a byte order mark
			return nil, s.line, errNoJSON
		}
	}
}

// object reads on to the bracket that closes. At the stream's end it returns what there is: the decoder will say what is missing.
func (s *splitter) object() (raw []byte, at int, err error) {
	raw, at = []byte{'{'}, s.line
	long, inText, escaped := false, false, false
	for depth := 1; depth > 0; {
		c, err := s.r.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, at, err
		}
		if long = long || len(raw) == maxValue; !long {
			raw = append(raw, c)
		}
		switch {
		case c == '\n':
			s.line++
			escaped = false
		case inText:
			inText = escaped || c != '"'
			escaped = c == '\\' && !escaped
		case c == '"':
			inText = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	if long {
		return nil, at, errLongValue
	}
	return raw, at, nil
}
