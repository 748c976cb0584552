package generate

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Options says which catalog is made.
type Options struct {
	Seed     uint64
	Venues   int       // with the stadiums
	Stadiums int       // of them, with 30,000 to 70,000 seats, and football
	Events   int       // in all
	From     time.Time // the first day; its clock does not count
	Days     int       // that the events are spread over
	Tickets  int       // how many events are on sale; they lie evenly among all
}

const (
	maxVenues   = 100_000
	maxStadiums = 50
	maxEvents   = 20_000_000
	maxDays     = 3660
	aDay        = 2 // events of a venue, at most: matinée and evening
)

// check reports every option that is out of bounds.
func (o Options) check() error {
	var errs []error
	f := func(name string, n, least, most int) {
		if n < least || n > most {
			errs = append(errs, fmt.Errorf("%s: %d is not from %d to %d", name, n, least, most))
		}
	}
	f("venues", o.Venues, 1, maxVenues)
	f("stadiums", o.Stadiums, 0, min(maxStadiums, max(o.Venues, 0)))
	f("events", o.Events, 1, maxEvents)
	f("days", o.Days, 1, maxDays)
	f("tickets", o.Tickets, 0, max(o.Events, 0))
	f("from: the year", o.From.Year(), 2000, 2290)
	if len(errs) == 0 && o.Events > o.Venues*o.Days*aDay {
		errs = append(errs, fmt.Errorf("events: %d do not fit into %d venues and %d days, at most %d a day in a venue", o.Events, o.Venues, o.Days, aDay))
	}
	return errors.Join(errs...)
}

// prefix begins all keys of a catalog. It tells catalogs apart, so that two of them in one database do not overwrite each other. How many
// events are on sale is no part of it: tickets can be made for more of a catalog's events later.
func (o Options) prefix() string {
	text := fmt.Sprintf("%d %d %d %d %s %d", o.Seed, o.Venues, o.Stadiums, o.Events, o.From.Format(time.DateOnly), o.Days)
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("gen-%x/", sum[:4])
}
