package id

import (
	"strconv"
	"strings"
)

// Venue identifies a venue. Its text form is "ven-" and the number, so that no name is taken for an id.
type Venue int64

// Performer identifies a performer. Its text form is "per-" and the number.
type Performer int64

const venuePrefix, performerPrefix = "ven-", "per-"

// String returns the text form.
func (v Venue) String() string { return venuePrefix + strconv.FormatInt(int64(v), 10) }

// String returns the text form.
func (p Performer) String() string { return performerPrefix + strconv.FormatInt(int64(p), 10) }

// ParseVenue reads the text form; ErrMalformed otherwise.
func ParseVenue(s string) (Venue, error) {
	n, err := parseNumbered(venuePrefix, s)
	return Venue(n), err
}

// ParsePerformer reads the text form; ErrMalformed otherwise.
func ParsePerformer(s string) (Performer, error) {
	n, err := parseNumbered(performerPrefix, s)
	return Performer(n), err
}

func parseNumbered(prefix, s string) (int64, error) {
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok || len(digits) == 0 || len(digits) > 18 || digits[0] == '0' || digits[0] == '+' || digits[0] == '-' {
		return 0, ErrMalformed
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, ErrMalformed
	}
	return n, nil
}
