package importer

import (
	"context"
	"fmt"

	"usher/catalog/pgcatalog"
	"usher/internal/id"
)

// batchSize is how many records go to Postgres at once: 500 events in one transaction take 30 ms, one by one 600 ms.
const batchSize = 500

// loader collects records of one kind and puts them into the store. What comes later may name what came before, so a record of another
// kind, or one with the key of a collected one, puts what there is first.
type loader struct {
	store  *pgcatalog.Store
	report *report
	all    bool               // make the tickets of every event
	sell   chan<- saleRequest // takes the events whose tickets are to be made
	images *pictures          // nil: there is no place for pictures

	kind  string
	keys  map[string]bool
	batch []record
}

// saleRequest asks for the tickets of an event.
type saleRequest struct {
	Place
	event id.Event
}

func (l *loader) take(ctx context.Context, r record) error {
	kind, key := r.name()
	if kind != l.kind || l.keys[key] || len(l.batch) >= batchSize {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	if l.keys == nil {
		l.keys = map[string]bool{}
	}
	l.kind, l.keys[key] = kind, true
	l.batch = append(l.batch, r)
	return nil
}

func (l *loader) refuse(at Place, reason error) { l.report.refuse(at, reason) }

func (l *loader) note(at Place, text string) { l.report.tell("note", at, text) }

// name returns the kind of a record and its key.
func (r record) name() (kind, key string) {
	switch {
	case r.venue != nil:
		return "venues", r.venue.Key
	case r.layout != nil:
		return "layouts", r.layout.Key
	case r.performer != nil:
		return "performers", r.performer.Key
	default:
		return "events", r.event.Key
	}
}

// flush puts the collected records.
func (l *loader) flush(ctx context.Context) error {
	batch := l.batch
	if len(batch) == 0 {
		return nil
	}
	l.batch, l.keys = nil, nil
	var outcomes []pgcatalog.Outcome
	var err error
	switch l.kind {
	case "venues":
		outcomes, err = l.store.PutVenues(ctx, collect(batch, func(r record) pgcatalog.Venue { return *r.venue }))
	case "performers":
		outcomes, err = l.store.PutPerformers(ctx, collect(batch, func(r record) pgcatalog.Performer { return *r.performer }))
	case "layouts":
		outcomes, err = l.store.PutLayouts(ctx, collect(batch, func(r record) pgcatalog.Layout { return *r.layout }))
		for i, o := range outcomes {
			if o == pgcatalog.Refused {
				l.refuse(batch[i].Place, fmt.Errorf("no venue %q", batch[i].layout.Venue))
			}
		}
	default:
		return l.flushEvents(ctx, batch)
	}
	l.report.count(l.kind, outcomes)
	return err
}

func (l *loader) flushEvents(ctx context.Context, batch []record) error {
	faults, err := l.images.take(ctx, batch)
	if err != nil {
		return err
	}
	whole := batch[:0]
	for i, r := range batch {
		if faults[i] != nil {
			l.refuse(r.Place, faults[i])
			continue
		}
		whole = append(whole, r)
	}
	batch = whole
	got, err := l.store.PutEvents(ctx, collect(batch, func(r record) pgcatalog.Event { return r.event.Event }))
	if err != nil {
		return err
	}
	l.report.count("events", collect(got, func(o pgcatalog.EventOutcome) pgcatalog.Outcome { return o.Outcome }))
	for i, o := range got {
		if o.Outcome == pgcatalog.Refused {
			l.refuse(batch[i].Place, fmt.Errorf("%s", o.Reason))
			continue
		}
		if o.OnSale || !l.all && !batch[i].event.onSale {
			continue
		}
		select {
		case l.sell <- saleRequest{batch[i].Place, o.ID}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func collect[A, B any](list []A, f func(A) B) []B {
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = f(a)
	}
	return out
}
