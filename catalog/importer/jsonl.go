package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds a line of JSON Lines: a stadium's seating with every row takes 200 KB.
const maxLine = 4 << 20

// sink takes what a source reads. An error of it ends the import; a refused record does not, nor does a note on one that was taken.
type sink interface {
	take(ctx context.Context, r record) error
	refuse(at Place, reason error)
	note(at Place, text string)
}

// readLines reads a file of JSON Lines.
func readLines(ctx context.Context, name string, r io.Reader, to sink) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for at := (Place{File: name, Line: 1}); ; at.Line++ {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			if !errors.Is(err, errLongLine) {
				return fmt.Errorf("%s, line %d: %w", name, at.Line, err)
			}
			to.refuse(at, err)
			continue
		}
		if at.Line == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")) // some editors begin a file with a byte order mark
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		records, err := parseLine(line)
		if err != nil {
			to.refuse(at, err)
			continue
		}
		for _, rec := range records {
			rec.Place = at
			if err := to.take(ctx, rec); err != nil {
				return err
			}
		}
	}
}

var errLongLine = fmt.Errorf("the line is longer than %d bytes", maxLine)

// readLine reads up to a line's end. A line that is too long is skipped and answers errLongLine.
func readLine(r *bufio.Reader) (line []byte, err error) {
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(line)+len(part) > maxLine; !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case long && (err == nil || errors.Is(err, io.EOF)):
			return nil, errLongLine
		default:
			return line, err
		}
	}
}

// parseLine reads one record and checks it.
func parseLine(line []byte) ([]record, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	switch head.Type {
	case "venue":
		return parseAs[jsonVenue](line)
	case "layout":
		return parseAs[jsonLayout](line)
	case "performer":
		return parseAs[jsonPerformer](line)
	case "event":
		return parseAs[jsonEvent](line)
	default:
		return nil, fmt.Errorf("type %.40q is none of venue, layout, performer, event", head.Type)
	}
}

// parseAs reads the record strictly: a member that nobody knows is a mistake that would otherwise go unseen.
func parseAs[T interface{ records() ([]record, error) }](line []byte) ([]record, error) {
	var v T
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return v.records()
}
