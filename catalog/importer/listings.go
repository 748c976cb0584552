package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"usher/catalog/layout"
	"usher/catalog/listing"
	"usher/catalog/pgcatalog"
	"usher/internal/id"
)

// mostTold bounds what is remembered of an import: beyond, venues and performers are told again, about 30 MB.
const mostTold = 200_000

// listings turns events of listings into records. An event brings its venue, seating and performers; they are collected, so that all of a batch's venues
// come before all of its seatings and so on. What was told once in an import counts; a second telling that differs, of a venue on another page,
// would otherwise change it to and fro with each import.
type listings struct {
	reader *listing.Reader
	to     sink
	seats  int

	venues, layouts, performers, events []record
	told                                map[string]bool      // keys of venues, layouts and performers by kind
	starts                              map[string]time.Time // of events by key
	levels                              map[int][]string     // of seatings by capacity
}

func newListings(o Options, to sink) (*listings, error) {
	if o.Seats < 0 || o.Seats > id.MaxSeats {
		return nil, fmt.Errorf("%d seats, want 1 to %d", o.Seats, id.MaxSeats)
	}
	if err := checkFormat(o.Format); err != nil {
		return nil, err
	}
	r, err := listing.New(o.Defaults)
	if err != nil {
		return nil, err
	}
	return &listings{reader: r, to: to, seats: o.Seats, told: map[string]bool{}, starts: map[string]time.Time{}, levels: map[int][]string{}}, nil
}

// from takes what is found in a file.
func (l *listings) from(ctx context.Context, name string) func(listing.Found) error {
	return func(f listing.Found) error {
		at := Place{name, f.Line}
		if f.Err == nil {
			f.Err = l.add(f.Event, at)
		}
		if f.Err != nil {
			l.to.refuse(at, f.Err)
			return nil
		}
		if len(l.events) >= batchSize {
			return l.flush(ctx)
		}
		return nil
	}
}

// add collects an event, or none of it. An event that was told with the same start is the same event on another page.
func (l *listings) add(e *listing.Event, at Place) error {
	seats := e.Seats
	if seats == 0 {
		seats = l.seats
	}
	if seats == 0 {
		return fmt.Errorf("%.80q: nobody says how many seats there are: give maximumAttendeeCapacity (in a table: seats), or --seats", e.Name)
	}
	if start, again := l.starts[e.Key]; again && start.Equal(e.Start) {
		return nil
	} else if again {
		return fmt.Errorf("%.80q: the key %q was given to an event at %s before: give each an @id or identifier of its own (in a table: id)",
			e.Name, e.Key, start.UTC().Format(time.RFC3339))
	}
	records, err := l.records(e, seats)
	if err != nil {
		return fmt.Errorf("%.80q: %w", e.Name, err)
	}
	for _, r := range records {
		r.Place = at
		l.collect(r)
	}
	for _, note := range e.Notes {
		l.to.note(at, fmt.Sprintf("%.80q: %s", e.Name, note))
	}
	return nil
}

// records are those that an event brings, checked like those of our own lines.
func (l *listings) records(e *listing.Event, seats int) (out []record, err error) {
	keep := func(records []record, err error) error {
		out = append(out, records...)
		return err
	}
	seating := fmt.Sprintf("%s/%d", e.Venue.Key, seats)
	err = keep(jsonVenue{
		ID: e.Venue.Key, Name: e.Venue.Name, City: e.Venue.City, Country: e.Venue.Country, Latitude: e.Venue.Latitude, Longitude: e.Venue.Longitude,
		TimeZone: e.Venue.Zone,
	}.records())
	if !l.told["layouts\x00"+seating] || l.levels[seats] == nil {
		err = errors.Join(err, keep(jsonLayout{ID: seating, Venue: e.Venue.Key, Capacity: seats}.records()))
		if err == nil {
			l.learn(seats, out[len(out)-1].layout)
		}
	}
	if err != nil {
		return nil, err
	}
	event := &event{onSale: e.OnSale, Event: pgcatalog.Event{
		Key: e.Key, Name: e.Name, Venue: e.Venue.Key, Layout: seating, Start: e.Start, Length: e.Length, Details: e.Details, Category: e.Category,
		ImageURL: e.Image, Currency: e.Currency, Prices: spread(e.Prices, l.levels[seats]),
	}}
	for _, p := range e.Performers {
		err = errors.Join(err, keep(jsonPerformer{ID: p.Key, Name: p.Name}.records()))
		event.Performers = append(event.Performers, p.Key)
	}
	out = append(out, record{event: event})
	return out, errors.Join(err, event.check())
}

// learn remembers the levels of a seating, the best first.
func (l *listings) learn(seats int, seating *pgcatalog.Layout) {
	const mostCapacities = 1000
	if len(l.levels) >= mostCapacities {
		clear(l.levels)
	}
	l.levels[seats] = levelsOf(seating.Layout)
}

func levelsOf(l *layout.Layout) (levels []string) {
	seen := map[string]bool{}
	for _, s := range l.Sections() {
		if !seen[s.Level] {
			seen[s.Level] = true
			levels = append(levels, s.Level)
		}
	}
	return levels
}

// spread gives each level one of the prices, which are those of the file and no others: the dearest to the best level, the cheapest to the last one.
func spread(prices []int, levels []string) map[string]int {
	out := make(map[string]int, len(levels))
	for i, level := range levels {
		at := 0
		if len(levels) > 1 {
			at = i * (len(prices) - 1) / (len(levels) - 1)
		}
		out[level] = prices[at]
	}
	return out
}

// collect keeps a record for the next flush, unless it was told before.
func (l *listings) collect(r record) {
	kind, key := r.name()
	if r.event != nil {
		if len(l.starts) >= mostTold {
			clear(l.starts)
		}
		l.starts[key] = r.event.Start
		l.events = append(l.events, r)
		return
	}
	if l.told[kind+"\x00"+key] {
		return
	}
	if len(l.told) >= mostTold {
		clear(l.told)
	}
	l.told[kind+"\x00"+key] = true
	switch kind {
	case "venues":
		l.venues = append(l.venues, r)
	case "layouts":
		l.layouts = append(l.layouts, r)
	default:
		l.performers = append(l.performers, r)
	}
}

// flush hands on what was collected, in an order in which what is named stands before.
func (l *listings) flush(ctx context.Context) error {
	for _, list := range []*[]record{&l.venues, &l.layouts, &l.performers, &l.events} {
		for _, r := range *list {
			if err := l.to.take(ctx, r); err != nil {
				return err
			}
		}
		*list = (*list)[:0]
	}
	return nil
}
