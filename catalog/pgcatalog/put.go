package pgcatalog

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"usher/catalog/change"
	"usher/catalog/layout"
	"usher/catalog/pgchange"
)

// Outcome is what became of one record.
type Outcome int

// The outcomes.
const (
	Same    Outcome = iota // it was there already, as it is
	Added                  // it is new
	Changed                // it was there, with other facts
	Refused                // it was left out
)

// Venue is a venue to be put.
type Venue struct {
	Key                           string // external id
	Name, Location, City, Country string
	Latitude, Longitude           *float64
	TimeZone                      string
}

// Performer is a performer to be put.
type Performer struct{ Key, Name string }

// Layout is a seating to be put.
type Layout struct {
	Key   string // what events call it; the venue's key: the venue's default
	Venue string // external id
	*layout.Layout
}

// PutVenues adds and changes venues, and tells the world of the events that are changed thereby. The keys are distinct.
func (s *Store) PutVenues(ctx context.Context, venues []Venue) (out []Outcome, err error) {
	n := len(venues)
	keys, names, locations, cities := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	countries, zones := make([]string, n), make([]string, n)
	latitudes, longitudes := make([]*float64, n), make([]*float64, n)
	for i, v := range venues {
		keys[i], names[i], locations[i], cities[i], countries[i], zones[i] = v.Key, v.Name, v.Location, v.City, v.Country, v.TimeZone
		latitudes[i], longitudes[i] = v.Latitude, v.Longitude
	}
	return s.put(ctx, "venues", keys, keys, names, locations, cities, countries, latitudes, longitudes, zones)
}

// PutPerformers adds and changes performers, and tells the world of the events that are changed thereby. The keys are distinct.
func (s *Store) PutPerformers(ctx context.Context, performers []Performer) (out []Outcome, err error) {
	n := len(performers)
	keys, names := make([]string, n), make([]string, n)
	for i, p := range performers {
		keys[i], names[i] = p.Key, p.Name
	}
	return s.put(ctx, "performers", keys, keys, names)
}

// put runs put_what.sql, and touch_events_of_what.sql for what it has changed.
func (s *Store) put(ctx context.Context, what string, keys []string, args ...any) (out []Outcome, err error) {
	out = make([]Outcome, len(keys))
	err = s.change(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query("put_"+what), args...)
		if err != nil {
			return err
		}
		at := index(keys)
		var changed []int64
		var key string
		var row int64
		var fresh bool
		_, err = pgx.ForEachRow(rows, []any{&key, &row, &fresh}, func() error {
			if out[at[key]] = Added; !fresh {
				out[at[key]] = Changed
				changed = append(changed, row)
			}
			return nil
		})
		if err != nil || len(changed) == 0 {
			return err
		}
		if rows, err = tx.Query(ctx, query("touch_events_of_"+what), changed); err != nil {
			return err
		}
		return pgchange.Announce(ctx, tx, change.Changed, rows)
	})
	if err != nil {
		return nil, fmt.Errorf("put %s: %w", what, err)
	}
	return out, nil
}

// PutLayouts adds layouts and names them; those of unknown venues are refused. The keys are distinct.
func (s *Store) PutLayouts(ctx context.Context, layouts []Layout) (out []Outcome, err error) {
	n := len(layouts)
	out = make([]Outcome, n)
	keys, venues, digests, capacities, specs := make([]string, n), make([]string, n), make([][]byte, n), make([]int, n), make([][]byte, n)
	for i, l := range layouts {
		spec, err := json.Marshal(l.Layout)
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(spec)
		out[i], keys[i], venues[i], digests[i], capacities[i], specs[i] = Refused, l.Key, l.Venue, digest[:], l.Capacity(), spec
	}
	err = s.change(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, query("put_layouts"), keys, venues, digests, capacities, specs)
		if err != nil {
			return err
		}
		at := index(keys)
		var key string
		var fresh, touched bool
		_, err = pgx.ForEachRow(rows, []any{&key, &fresh, &touched}, func() error {
			switch {
			case fresh:
				out[at[key]] = Added
			case touched:
				out[at[key]] = Changed
			default:
				out[at[key]] = Same
			}
			return nil
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("put layouts: %w", err)
	}
	return out, nil
}

// change runs one transaction of the import; two imports take turns.
func (s *Store) change(ctx context.Context, do func(pgx.Tx) error) error {
	return away(pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("import_lock")); err != nil {
			return err
		}
		return do(tx)
	}))
}

func index(keys []string) map[string]int {
	at := make(map[string]int, len(keys))
	for i, k := range keys {
		at[k] = i
	}
	return at
}
