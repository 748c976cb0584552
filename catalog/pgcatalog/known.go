package pgcatalog

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/id"
)

// readKnown reads what the events of a batch refer to, and what is stored of them, in one round trip, or two when it meets new layouts.
func (s *Store) readKnown(ctx context.Context, tx pgx.Tx, events []Event) (*known, error) {
	keys, venues, layouts, performers := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range events {
		keys[e.Key], venues[e.Venue], layouts[e.Layout], layouts[e.Venue] = true, true, true, true
		for _, p := range e.Performers {
			performers[p] = true
		}
	}
	k := &known{events: map[string]*stored{}, seen: s.seen}
	var b pgx.Batch
	b.Queue(query("known_venues"), names(venues)).Query(k.readVenues)
	b.Queue(query("known_layouts"), names(layouts)).Query(k.readLayouts)
	b.Queue(query("known_performers"), names(performers)).Query(k.readPerformers)
	b.Queue(query("known_events"), names(keys)).Query(k.readEvents)
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return nil, err
	}
	return k, s.seen.readLevels(ctx, tx, k)
}

func names(set map[string]bool) []string { return slices.Collect(maps.Keys(set)) }

func (k *known) readVenues(rows pgx.Rows) error {
	k.venues = map[string]struct {
		id   int64
		zone *time.Location
	}{}
	var key, zone string
	var row int64
	_, err := pgx.ForEachRow(rows, []any{&key, &row, &zone}, func() error {
		z, err := k.seen.zone(zone)
		v := k.venues[key]
		v.id, v.zone = row, z
		k.venues[key] = v
		return err
	})
	return err
}

func (k *known) readLayouts(rows pgx.Rows) error {
	k.layouts = map[string]struct {
		id, venue int64
	}{}
	var key string
	var row, venue int64
	_, err := pgx.ForEachRow(rows, []any{&key, &row, &venue}, func() error {
		l := k.layouts[key]
		l.id, l.venue = row, venue
		k.layouts[key] = l
		return nil
	})
	return err
}

func (k *known) readPerformers(rows pgx.Rows) error {
	k.performers = map[string]struct {
		id   int64
		name string
	}{}
	var key, name string
	var row int64
	_, err := pgx.ForEachRow(rows, []any{&key, &row, &name}, func() error {
		p := k.performers[key]
		p.id, p.name = row, name
		k.performers[key] = p
		return nil
	})
	return err
}

func (k *known) readEvents(rows pgx.Rows) error {
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (*stored, error) {
		s := &stored{}
		var event int64
		err := r.Scan(&s.key, &event, &s.onSale, &s.name, &s.venue, &s.image, &s.details, &s.performer, &s.start, &s.end, &s.date, &s.category,
			&s.currency, &s.prices, &s.layout, &s.performers)
		s.id = id.Event(event)
		return s, err
	})
	for _, s := range list {
		k.events[s.key] = s
	}
	return err
}
