package pgcatalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/catalog/change"
	"usher/catalog/pgchange"
	"usher/internal/id"
)

// Event is an event to be put.
type Event struct {
	Key        string // external id
	Name       string
	Venue      string // external id
	Layout     string // key of a layout of the venue; empty: the venue's default
	Performers []string
	Start      time.Time // only its clock counts if Local
	Local      bool      // Start is a reading of a clock at the venue
	Length     time.Duration
	Details    string
	Category   string
	ImageURL   string
	Currency   string
	Prices     map[string]int // price level → minor units
}

// EventOutcome is what became of an event.
type EventOutcome struct {
	Outcome
	Reason string // of a refusal
	ID     id.Event
	OnSale bool // its tickets exist
}

// stored is an event as the table has it.
type stored struct {
	id                                                       id.Event
	onSale                                                   bool
	key, name, image, details, performer, category, currency string
	venue, layout                                            int64
	start, end, date                                         time.Time
	prices                                                   map[string]int
	performers                                               []int64
}

// same reports whether two events have the same facts.
func (s *stored) same(o *stored) bool {
	return s.name == o.name && s.image == o.image && s.details == o.details && s.performer == o.performer && s.category == o.category &&
		s.start.Equal(o.start) && s.end.Equal(o.end) && s.date.Equal(o.date) && s.sameSeats(o) && slices.Equal(s.performers, o.performers)
}

// sameSeats reports whether two events have the same seats at the same prices.
func (s *stored) sameSeats(o *stored) bool {
	return s.venue == o.venue && s.layout == o.layout && s.currency == o.currency && maps.Equal(s.prices, o.prices)
}

// PutEvents adds and changes events and tells the world of them. Events that name what does not exist are refused, as is another seating
// or another price for an event whose tickets exist. The keys are distinct.
func (s *Store) PutEvents(ctx context.Context, events []Event) (out []EventOutcome, err error) {
	err = s.change(ctx, func(tx pgx.Tx) error {
		out = make([]EventOutcome, len(events))
		k, err := s.readKnown(ctx, tx, events)
		if err != nil {
			return err
		}
		var write []*stored
		var changed []int64
		months := map[int][]*stored{} // the new ones by the month that they are stored under
		for i, e := range events {
			row, err := k.resolve(e)
			if err != nil {
				out[i] = EventOutcome{Outcome: Refused, Reason: err.Error()}
				continue
			}
			old := k.events[e.Key]
			out[i] = outcome(old, row)
			switch out[i].Outcome {
			case Added:
				month, err := id.MonthOf(row.start)
				if err != nil {
					out[i] = EventOutcome{Outcome: Refused, Reason: err.Error()}
					continue
				}
				months[month] = append(months[month], row)
				write = append(write, row)
			case Changed:
				row.id = old.id
				write, changed = append(write, row), append(changed, int64(row.id))
			}
		}
		if err := number(ctx, tx, months); err != nil {
			return err
		}
		at := map[string]id.Event{}
		for _, row := range write {
			at[row.key] = row.id
		}
		for i, e := range events {
			if out[i].Outcome == Added {
				out[i].ID = at[e.Key]
			}
		}
		return writeEvents(ctx, tx, write, changed)
	})
	if err != nil {
		return nil, fmt.Errorf("put events: %w", err)
	}
	return out, nil
}

// outcome compares an event with what is stored of it.
func outcome(old, row *stored) EventOutcome {
	switch {
	case old == nil:
		return EventOutcome{Outcome: Added}
	case old.onSale && !old.sameSeats(row):
		return EventOutcome{Outcome: Refused, Reason: "venue, seating, currency and prices of an event on sale cannot change", ID: old.id, OnSale: true}
	case old.same(row):
		return EventOutcome{Outcome: Same, ID: old.id, OnSale: old.onSale}
	default:
		return EventOutcome{Outcome: Changed, ID: old.id, OnSale: old.onSale}
	}
}

// number gives new events their ids.
func number(ctx context.Context, tx pgx.Tx, months map[int][]*stored) error {
	for _, month := range slices.Sorted(maps.Keys(months)) {
		var last int
		if err := tx.QueryRow(ctx, query("take_sequence"), month, len(months[month])).Scan(&last); err != nil {
			return err
		}
		for i, row := range months[month] {
			var err error
			if row.id, err = id.NewEvent(month, last-len(months[month])+1+i); err != nil {
				return err
			}
		}
	}
	return nil
}

// known is what the events of a batch refer to.
type known struct {
	venues map[string]struct {
		id   int64
		zone *time.Location
	}
	layouts map[string]struct {
		id, venue int64
	}
	levels     map[int64][]string // by the row of the layout
	performers map[string]struct {
		id   int64
		name string
	}
	events map[string]*stored
	seen   *seen
}

// resolve turns the names of an event into what they stand for. Its errors are reasons for the reader of a file.
func (k *known) resolve(e Event) (*stored, error) {
	venue, ok := k.venues[e.Venue]
	if !ok {
		return nil, fmt.Errorf("no venue %q", e.Venue)
	}
	if e.Layout == "" {
		e.Layout = e.Venue
	}
	seating, ok := k.layouts[e.Layout]
	if !ok || seating.venue != venue.id {
		return nil, fmt.Errorf("venue %q has no layout %q", e.Venue, e.Layout)
	}
	if e.Local {
		e.Start = time.Date(e.Start.Year(), e.Start.Month(), e.Start.Day(), e.Start.Hour(), e.Start.Minute(), e.Start.Second(), 0, venue.zone)
	}
	local := e.Start.In(venue.zone)
	row := &stored{
		key: e.Key, name: e.Name, venue: venue.id, layout: seating.id, image: e.ImageURL, details: e.Details, category: e.Category,
		currency: e.Currency, prices: map[string]int{}, start: e.Start.Truncate(time.Microsecond).UTC(),
		date: time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC),
	}
	row.end = row.start.Add(e.Length)
	for _, level := range k.levels[seating.id] {
		price, priced := e.Prices[level]
		if !priced {
			return nil, fmt.Errorf("level %q of layout %q has no price", level, e.Layout)
		}
		row.prices[level] = price
	}
	for _, key := range e.Performers {
		p, ok := k.performers[key]
		if !ok {
			return nil, fmt.Errorf("no performer %q", key)
		}
		if slices.Contains(row.performers, p.id) {
			return nil, fmt.Errorf("performer %q stands twice", key)
		}
		row.performers = append(row.performers, p.id)
	}
	if len(row.performers) == 0 {
		return nil, errors.New("no performer")
	}
	row.performer = k.performers[e.Performers[0]].name
	return row, nil
}

// priceRange is the lowest and the highest price.
func (s *stored) priceRange() (low, high int) {
	prices := slices.Sorted(maps.Values(s.prices))
	return prices[0], prices[len(prices)-1]
}

// writeEvents adds and changes events; changed are the ids of those that exist.
func writeEvents(ctx context.Context, tx pgx.Tx, events []*stored, changed []int64) error {
	if len(events) == 0 {
		return nil
	}
	c := newColumns(events)
	rows, err := tx.Query(ctx, query("put_events"), c.ids, c.names, c.venues, c.images, c.details, c.performers, c.starts, c.ends, c.dates,
		c.categories, c.currencies, c.prices, c.lows, c.highs, c.layouts, c.keys)
	if err != nil {
		return err
	}
	if err := pgchange.Announce(ctx, tx, change.Changed, rows); err != nil {
		return err
	}
	var eventIDs, performerIDs []int64
	var positions []int16
	for _, e := range events {
		for i, p := range e.performers {
			eventIDs, performerIDs, positions = append(eventIDs, int64(e.id)), append(performerIDs, p), append(positions, int16(i))
		}
	}
	if len(changed) > 0 {
		if _, err := tx.Exec(ctx, query("clear_performers"), changed); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, query("put_event_performers"), eventIDs, performerIDs, positions)
	return err
}

// columns are events as the arrays of put_events.sql.
type columns struct {
	ids, venues, layouts                                             []int64
	keys, names, images, details, performers, categories, currencies []string
	starts, ends, dates                                              []time.Time
	prices                                                           [][]byte
	lows, highs                                                      []int
}

func newColumns(events []*stored) (c columns) {
	for _, e := range events {
		prices, _ := json.Marshal(e.prices) // of text and numbers: cannot fail
		low, high := e.priceRange()
		c.ids, c.venues, c.layouts = append(c.ids, int64(e.id)), append(c.venues, e.venue), append(c.layouts, e.layout)
		c.keys, c.names, c.images = append(c.keys, e.key), append(c.names, e.name), append(c.images, e.image)
		c.details, c.performers = append(c.details, e.details), append(c.performers, e.performer)
		c.categories, c.currencies = append(c.categories, e.category), append(c.currencies, e.currency)
		c.starts, c.ends, c.dates = append(c.starts, e.start), append(c.ends, e.end), append(c.dates, e.date)
		c.prices, c.lows, c.highs = append(c.prices, prices), append(c.lows, low), append(c.highs, high)
	}
	return c
}
