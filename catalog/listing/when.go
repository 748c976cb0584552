package listing

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	usualClock  = 20 * time.Hour // of an event of which only the day is known
	usualEnd    = 23 * time.Hour // of one of which only the last day is known
	usualLength = 150 * time.Minute
	maxLength   = 14 * 24 * time.Hour
)

// moment is a point in time as it is written: with an offset, as a clock at the venue, or as a day.
type moment struct {
	t      time.Time // clocks and days as if in UTC
	offset bool
	day    bool
}

// forms are those of ISO 8601 that occur; in Go's layouts one digit of a month, day or hour stands for one or two.
var (
	offsetForms = []string{"2006-1-2T15:04:05Z07:00", "2006-1-2T15:04:05Z0700", "2006-1-2T15:04:05Z07", "2006-1-2T15:04Z07:00", "2006-1-2T15:04Z0700",
		"2006-1-2T15:04Z07", "20060102T150405Z07:00", "20060102T150405Z0700"}
	clockForms = []string{"2006-1-2T15:04:05", "2006-1-2T15:04", "20060102T150405", "20060102T1504"}
	dayForms   = []string{"2006-1-2", "20060102"}
)

// parseMoment reads ISO 8601, also with a blank instead of the T.
func parseMoment(s string) (m moment, err error) {
	const maxMoment = 40
	text := strings.Join(strings.Fields(strings.ToUpper(clip(s, maxMoment+1))), " ")
	if day, rest, ok := strings.Cut(text, " "); ok {
		text = day + "T" + strings.ReplaceAll(rest, " ", "")
	}
	if len(text) <= maxMoment {
		for _, form := range offsetForms {
			if m.t, err = time.Parse(form, text); err == nil {
				m.offset = true
				return m, nil
			}
		}
		for _, form := range clockForms {
			if m.t, err = time.Parse(form, text); err == nil {
				return m, nil
			}
		}
		for _, form := range dayForms {
			if m.t, err = time.Parse(form, text); err == nil {
				m.day = true
				return m, nil
			}
		}
	}
	return moment{}, fmt.Errorf("%.60q is no time of ISO 8601 such as 2027-02-01T20:00 or 2027-02-01T20:00:00-05:00", s)
}

// in is the instant, for a day at the given time of day. Clocks that a zone leaves out in spring are an hour earlier.
func (m moment) in(zone *time.Location, clock time.Duration) time.Time {
	if m.offset {
		return m.t
	}
	t := m.t
	if m.day {
		t = t.Add(clock)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
}

// times are those of an event as they are written; empty ones are missing.
type times struct{ start, previous, end, door, length string }

// span is when an event is at a place, and its first start, which its key may need.
func (t times) span(start moment, zone *time.Location) (from time.Time, length time.Duration, first string, err error) {
	clock := usualClock
	if door, ok := clockOf(t.door); ok && start.day {
		clock = door
	}
	from = start.in(zone, clock)
	first = from.UTC().Format(time.RFC3339)
	if y := from.Year(); y < 2000 || y > 2300 {
		return from, 0, first, fmt.Errorf("startDate: the year %d is not from 2000 to 2300", y)
	}
	if t.previous != "" {
		if m, err := parseMoment(t.previous); err == nil {
			first = m.in(zone, clock).UTC().Format(time.RFC3339)
		}
	}
	length, err = t.lasts(from, zone)
	return from, length, first, err
}

// lasts is how long an event takes.
func (t times) lasts(from time.Time, zone *time.Location) (time.Duration, error) {
	usual := usualLength
	if d, ok := parseDuration(t.length); ok && d > 0 {
		usual = d
	}
	if t.end == "" {
		return usual, nil
	}
	m, err := parseMoment(t.end)
	if err != nil {
		return 0, fmt.Errorf("endDate: %w", err)
	}
	end := m.in(zone, usualEnd)
	if m.day && end.Before(from.Add(usual)) && end.After(from.Add(-usualEnd)) { // the day of the start
		end = from.Add(usual)
	}
	length := end.Sub(from)
	switch {
	case length == 0:
		return usual, nil
	case length < 0 && length > -24*time.Hour:
		length += 24 * time.Hour
	case length < 0:
		return 0, errors.New("endDate lies before startDate: correct one of them")
	}
	if length > maxLength {
		return 0, fmt.Errorf("ends %d days after its start: give each day or evening, at most %d days long, as an event of its own",
			length/(24*time.Hour), maxLength/(24*time.Hour))
	}
	return length, nil
}

// clockOf is the time of day of a time or a moment.
func clockOf(s string) (time.Duration, bool) {
	for _, form := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(form, strings.TrimSpace(clip(s, 20))); err == nil {
			return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, true
		}
	}
	m, err := parseMoment(s)
	if err != nil || m.day {
		return 0, false
	}
	return time.Duration(m.t.Hour())*time.Hour + time.Duration(m.t.Minute())*time.Minute, true // as it is written: the clock at the venue
}

var duration = regexp.MustCompile(`^P(?:([0-9]{1,3})D)?(?:T(?:([0-9]{1,4})H)?(?:([0-9]{1,5})M)?(?:[0-9]{1,6}S)?)?$`)

// parseDuration reads days, hours and minutes of ISO 8601: PT2H30M.
func parseDuration(s string) (d time.Duration, ok bool) {
	found := duration.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(clip(s, 40))))
	if found == nil {
		return 0, false
	}
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		n, _ := strconv.Atoi(found[i+1]) // digits by the pattern, or missing
		d += time.Duration(n) * unit
	}
	return d, d <= maxLength
}
