// Package report tells organisers what was sold, as a table that spreadsheets and accountants read: one row for each event, section and price. It is
// pure: what reads the truth hands over rows, one after the other, and nothing but the row at hand is kept.
package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bojanz/currency"

	"usher/internal/id"
)

// Filter says which events a report is about.
type Filter struct {
	Event    id.Event // only that; zero: all
	From, To string   // first and last day at the venue, YYYY-MM-DD; empty: open
}

// Row is what became of the tickets of one section of one event that have one price. Tickets is the sum of the six numbers below it.
type Row struct {
	Event          id.Event
	Name, Venue    string
	Start          time.Time
	Date           string // of Start, at the venue
	Currency       string // ISO 4217
	Section, Level string
	Price          int64 // minor units
	Tickets        int64
	Sold           int64 // paid
	Paying         int64
	Reserved       int64 // booked and not yet paid
	Blocked        int64 // by the organiser
	Held           int64 // free, and a visitor has it in his basket
	Free           int64 // for sale
	Refunded       int64 // payments of a ticket that were taken and given back; the ticket itself stands above as whatever it is now
}

// Gross is all money that was taken, in minor units: for what is sold, and what was given back.
func (r Row) Gross() int64 { return r.Price * (r.Sold + r.Refunded) }

// Refunds is the money that was given back, in minor units.
func (r Row) Refunds() int64 { return r.Price * r.Refunded }

// Net is the money for what is sold, in minor units.
func (r Row) Net() int64 { return r.Gross() - r.Refunds() }

// header names the columns. Readers go by the names: columns may be added at the end, none leaves.
var header = []string{
	"event_id", "event", "venue", "date", "start_time", "section", "price_level", "currency",
	"price_minor", "tickets", "sold", "paying", "reserved", "blocked", "held", "free", "refunded",
	"gross_minor", "refunds_minor", "net_minor", "price", "gross", "refunds", "net",
}

// Writer writes rows as CSV (RFC 4180, UTF-8, lines end with CRLF).
type Writer struct{ csv *csv.Writer }

// NewWriter writes the names of the columns and returns what writes the rows.
func NewWriter(out io.Writer) (*Writer, error) {
	w := &Writer{csv.NewWriter(out)}
	w.csv.UseCRLF = true
	return w, w.csv.Write(header)
}

// Write writes one row.
func (w *Writer) Write(r Row) error {
	major := func(minor int64) string { return decimal(minor, digits(r.Currency)) }
	record := []string{
		r.Event.String(), harmless(r.Name), harmless(r.Venue), r.Date, r.Start.UTC().Format(time.RFC3339), harmless(r.Section), harmless(r.Level), harmless(r.Currency),
	}
	for _, n := range []int64{r.Price, r.Tickets, r.Sold, r.Paying, r.Reserved, r.Blocked, r.Held, r.Free, r.Refunded, r.Gross(), r.Refunds(), r.Net()} {
		record = append(record, strconv.FormatInt(n, 10))
	}
	return w.csv.Write(append(record, major(r.Price), major(r.Gross()), major(r.Refunds()), major(r.Net())))
}

// Flush writes what is buffered, and returns the first error of all writes.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

// harmless is a text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe before it, as OWASP advises
// (https://owasp.org/www-community/attacks/CSV_Injection). Spaces before it do not help: some programs skip them.
func harmless(text string) string {
	if text != "" && strings.ContainsAny(text[:1], "\t\r\n") {
		return "'" + text
	}
	if first, _ := utf8.DecodeRuneInString(strings.TrimSpace(text)); strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + text
	}
	return text
}

// digits is how many digits the minor unit of a currency has: two unless CLDR knows better.
func digits(code string) int {
	if n, ok := currency.GetDigits(code); ok {
		return int(n)
	}
	return 2
}

// decimal writes minor units, which are not negative, as major ones, with all digits and a point: "95.00", and in yen "9500".
func decimal(minor int64, digits int) string {
	text := strconv.FormatInt(minor, 10)
	if digits == 0 {
		return text
	}
	if len(text) <= digits {
		text = strings.Repeat("0", digits+1-len(text)) + text
	}
	return text[:len(text)-digits] + "." + text[len(text)-digits:]
}
