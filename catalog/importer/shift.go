package importer

import (
	"fmt"
	"strconv"
	"time"
)

// shift says by how many days dates move.
type shift struct {
	auto  bool
	fixed int
	now   time.Time
}

// ahead is how many days lie between today and an opening match that was moved automatically, at least.
const ahead = 14

// parseShift reads "" (nothing moves), "auto", or a number of days.
func parseShift(s string, now time.Time) (shift, error) {
	switch s {
	case "":
		return shift{}, nil
	case "auto":
		return shift{auto: true, now: now}, nil
	}
	days, err := strconv.Atoi(s)
	if err != nil || days < -100_000 || days > 100_000 {
		return shift{}, fmt.Errorf("shift %q: want auto, or a number of days", s)
	}
	return shift{fixed: days}, nil
}

// days returns by how many days everything moves whose first date is given. Automatically these are whole weeks, as few as bring the first
// date two weeks ahead: weekdays stay, and an import that is repeated within the week moves nothing.
func (s shift) days(first time.Time) int {
	if !s.auto || first.IsZero() {
		return s.fixed
	}
	missing := int(Monday(s.now).AddDate(0, 0, ahead).Sub(Monday(first)).Hours() / 24)
	return max(missing, 0)
}

// Monday is the first day of t's week at midnight UTC.
func Monday(t time.Time) time.Time {
	t = t.UTC()
	back := (int(t.Weekday()) + 6) % 7
	return time.Date(t.Year(), t.Month(), t.Day()-back, 0, 0, 0, 0, time.UTC)
}
