package listing

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxRow bounds a row of a table, in bytes.
const maxRow = 4 << 20

// columns are those of a table; name, start_time, venue and city are required, and a price unless there is a default.
var columns = []string{
	"id", "name", "start_time", "end_time", "venue", "city", "country", "address", "latitude", "longitude", "time_zone", "performers", "price", "currency", "seats",
	"category", "details", "image_url", "url", "status", "on_sale",
}

var required = []string{"name", "start_time", "venue"}

// CSV reads a table (RFC 4180) whose first row names the columns, in any order; blanks, hyphens and case do not count. Cells are apart by commas,
// semicolons or tabs, whichever the first row has most of. Several performers or prices of a cell are apart by |. A byte order mark and the line ends of
// Windows are fine. A column that nobody knows refuses the file: it would otherwise go unseen.
func (r *Reader) CSV(ctx context.Context, in io.Reader, give func(Found) error) error {
	source := &meter{r: in, left: maxRow}
	b := bufio.NewReaderSize(source, 64<<10)
	head, err := b.Peek(b.Size() / 2)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return give(Found{Line: 1, Err: errors.New("it is UTF-16: save it as CSV in UTF-8")})
	}
	if mark := []byte("\xef\xbb\xbf"); bytes.HasPrefix(head, mark) {
		_, _ = b.Discard(len(mark)) // it has been peeked at
		head = head[len(mark):]
	}
	rows := csv.NewReader(b)
	rows.Comma, rows.ReuseRecord = separator(head), true
	rows.TrimLeadingSpace = rows.Comma != '\t' // else an empty cell would vanish
	names, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return give(Found{Line: 1, Err: errors.New("it is empty")})
	}
	if err != nil {
		return give(Found{Line: 1, Err: fmt.Errorf("the first row names the columns: %w", err)})
	}
	t, err := newTable(names)
	if err != nil {
		return give(Found{Line: 1, Err: err})
	}
	return r.rows(ctx, source, rows, t, len(names), give)
}

func (r *Reader) rows(ctx context.Context, source *meter, rows *csv.Reader, t table, columns int, give func(Found) error) error {
	for next := 2; ; { // the line of the next row, if no empty lines lie between
		if err := ctx.Err(); err != nil {
			return err
		}
		source.left = maxRow
		cells, err := rows.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case source.spent: // whatever the reader makes of half a row
			return give(Found{Line: next, Err: fmt.Errorf("the rest of the file cannot be read: %w", errLongRow)})
		case errors.As(err, &broken):
			next = broken.Line + 1
			err = give(Found{Line: broken.StartLine, Err: rowFault(broken, columns)})
		case err != nil:
			return err
		default:
			line, _ := rows.FieldPos(0)
			next, _ = rows.FieldPos(len(cells) - 1)
			next += strings.Count(cells[len(cells)-1], "\n") + 1
			err = r.row(t, cells, line, give)
		}
		if err != nil {
			return err
		}
	}
}

// rowFault says what to do about a row that is none.
func rowFault(broken *csv.ParseError, columns int) error {
	switch {
	case errors.Is(broken, csv.ErrFieldCount):
		return fmt.Errorf("the row has not the %d cells of the first row: are cells with separators in quotes?", columns)
	case errors.Is(broken, csv.ErrBareQuote), errors.Is(broken, csv.ErrQuote):
		return errors.New("a quote stands in a cell: double it, and put the cell in quotes")
	}
	return broken.Err
}

func (r *Reader) row(t table, cells []string, line int, give func(Found) error) error {
	if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		return nil // a spreadsheet's empty rows
	}
	d, err := t.draft(cells)
	if err != nil {
		return give(Found{Line: line, Err: err})
	}
	e, err := r.understand(d)
	return give(Found{Line: line, Event: e, Err: err})
}

// separator is what the first row has most of.
func separator(head []byte) rune {
	row, _, _ := bytes.Cut(head, newline)
	best := byte(',')
	for _, c := range []byte{';', '\t'} {
		if bytes.Count(row, []byte{c}) > bytes.Count(row, []byte{best}) {
			best = c
		}
	}
	return rune(best)
}

// table says which column is where.
type table map[string]int

func newTable(names []string) (table, error) {
	t := table{}
	var errs []error
	for i, n := range names {
		n = strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(n)))
		switch _, twice := t[n]; {
		case twice:
			errs = append(errs, fmt.Errorf("column %.40q stands twice", n))
		case !slices.Contains(columns, n):
			errs = append(errs, fmt.Errorf("column %.40q is not known", n))
		default:
			t[n] = i
		}
		if len(errs) > 10 {
			break
		}
	}
	for _, n := range required {
		if _, ok := t[n]; !ok {
			errs = append(errs, fmt.Errorf("column %q is missing", n))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(append(errs, fmt.Errorf("want a first row with some of %s", strings.Join(columns, ", ")))...)
	}
	return t, nil
}

// draft reads a row.
func (t table) draft(cells []string) (*draft, error) {
	for _, c := range cells {
		if !utf8.ValidString(c) {
			return nil, errNotUTF8
		}
		if strings.ContainsRune(c, 0) {
			return nil, errors.New("a cell has a character of value zero")
		}
	}
	cell := func(name string) string {
		if i, ok := t[name]; ok {
			return strings.TrimSpace(cells[i])
		}
		return ""
	}
	d := &draft{
		id: cell("id"), url: address(nil, cell("url")), name: cell("name"), details: cell("details"), category: line(clip(cell("category"), 50)),
		image: address(nil, cell("image_url")), status: cell("status"), seats: cell("seats"), when: times{start: cell("start_time"), end: cell("end_time")},
		place: place{
			name: cell("venue"), address: cell("address"), city: cell("city"), country: cell("country"), latitude: cell("latitude"), longitude: cell("longitude"),
			zone: cell("time_zone"),
		},
	}
	for name := range strings.SplitSeq(cell("performers"), "|") {
		d.performers = append(d.performers, Named{Name: name})
	}
	code, err := parseCurrency(cell("currency"))
	if err != nil {
		return nil, about(line(d.name), err)
	}
	for price := range strings.SplitSeq(cell("price"), "|") {
		if err := d.offer(price, code); err != nil {
			return nil, about(line(d.name), err)
		}
	}
	switch s := strings.ToLower(cell("on_sale")); s {
	case "true", "yes", "1":
		d.onSale = true
	case "", "false", "no", "0":
	default:
		return nil, about(line(d.name), fmt.Errorf("on_sale is %.20q, want true or false", s))
	}
	return d, nil
}

var errLongRow = fmt.Errorf("a row of more than %d bytes: is a quote not closed?", maxRow)

// meter ends a stream when more than left bytes were read since left was set: encoding/csv has no bound of its own.
type meter struct {
	r     io.Reader
	left  int
	spent bool // it has ended so
}

// Read reads no more than what is left.
func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		m.spent = true
		return 0, errLongRow
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}
