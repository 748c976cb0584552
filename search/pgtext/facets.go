package pgtext

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/id"
	"usher/search"
)

const (
	maxWordy  = 500  // events with the words of a query that are counted: each is a look into the table
	maxSample = 1000 // events that facets count, of a query without words
)

// count fills in how many events the query finds, and its facets.
func (g *Engine) count(ctx context.Context, r *resolved, page *search.Page) error {
	same := fmt.Sprintf("%s|%v|%t", g.sealer.Sum(r.Query, nil), r.position.fixes, r.Facets) // for all pages of a query
	t, err := g.totals.get(same, func() (total, error) {
		if r.wordy() {
			return g.countWords(ctx, r)
		}
		return g.countAll(ctx, r)
	})
	if err != nil {
		return fmt.Errorf("count what is found: %w", err)
	}
	page.Total, page.TotalCapped, page.Facets = t.count, t.capped, t.facets
	return nil
}

// countAll counts for a query without words, from indexes alone: facets of a fair sample if there are many, and then the total for itself.
func (g *Engine) countAll(ctx context.Context, r *resolved) (t total, err error) {
	if r.Facets {
		sample, err := g.facts(ctx, query("sample"), append(r.filter(), maxSample+1)...)
		if err != nil {
			return t, err
		}
		capped := len(sample) > maxSample
		if t.facets, err = g.tally(ctx, sample[:min(len(sample), maxSample)]); err != nil {
			return t, err
		}
		if t.facets.Capped = capped; !capped {
			t.count = len(sample)
			return t, nil
		}
	}
	err = g.pool.QueryRow(ctx, query("total"), append(r.filter(), search.MaxTotal+1)...).Scan(&t.count)
	t.capped = t.count > search.MaxTotal
	t.count = min(t.count, search.MaxTotal)
	return t, err
}

// countWords counts for a query with words: by distance the nearest, else those from now on, then what is over. What was read for the page is not read again.
func (g *Engine) countWords(ctx context.Context, r *resolved) (t total, err error) {
	var events []found
	switch {
	case r.Sort == search.ByDistance && !r.gathered && len(r.ahead) <= maxWordy:
		err = g.lookAround(ctx, r)
		t.capped = len(r.near) > r.counted
		events = r.near[:min(len(r.near), r.counted)]
	default:
		events, t.capped, err = g.around(ctx, r, place{start: cmp.Or(r.position.now, r.now, time.Now().UTC())})
	}
	if err != nil {
		return t, err
	}
	events = events[:min(len(events), maxWordy)]
	if t.count = len(events); !r.Facets {
		return t, nil
	}
	facts := make([]fact, len(events))
	for i, f := range events {
		facts[i] = f.fact
	}
	if t.facets, err = g.tally(ctx, facts); err != nil {
		return t, err
	}
	t.facets.Capped = t.capped
	return t, nil
}

// around returns what follows a place in time, then what is before it, up to as many as are counted, and whether there is more.
func (g *Engine) around(ctx context.Context, r *resolved, now place) (events []found, more bool, err error) {
	limit, err := g.limit(ctx, r, stretch{from: now}, maxWordy)
	if err != nil {
		return nil, false, err
	}
	if r.ranked != nil && (!r.ranked.more || len(r.ranked.events) >= limit) {
		if events = r.ranked.events; r.ranked.more {
			return events, true, nil
		}
	} else if events, err = g.nearest(ctx, r, stretch{from: now}, limit+1); err != nil {
		return nil, false, err
	}
	if len(events) <= limit && !r.StartDate.After(now.start.Add(slack)) {
		past, err := g.nearest(ctx, r, stretch{from: now, past: true}, limit+1-len(events))
		if err != nil {
			return nil, false, err
		}
		events = append(slices.Clone(events), past...)
	}
	more = len(events) > limit
	return events[:min(len(events), limit)], more, nil
}

// fact is what facets count of an event.
type fact struct {
	Venue     int64
	Category  string
	Date      time.Time
	From, To  int
	Available bool
}

func (g *Engine) facts(ctx context.Context, statement string, args ...any) ([]fact, error) {
	rows, err := g.pool.Query(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[fact])
}

// tally counts events by each facet.
func (g *Engine) tally(ctx context.Context, facts []fact) (*search.Facets, error) {
	venues, categories, months, prices := map[int64]int{}, map[string]int{}, map[string]int{}, make([]int, len(search.Bands()))
	available := 0
	for _, f := range facts {
		venues[f.Venue]++
		months[f.Date.Format("2006-01")]++
		if f.Category != "" {
			categories[f.Category]++
		}
		for i, b := range search.Bands() {
			if f.From <= b.To && f.To >= b.From {
				prices[i]++
			}
		}
		if f.Available {
			available++
		}
	}
	named, err := g.places.of(ctx, g.pool, slices.Collect(maps.Keys(venues)))
	if err != nil {
		return nil, err
	}
	cities := map[string]int{}
	for v, n := range venues {
		cities[named[v].location] += n
	}
	out := &search.Facets{Category: most(plain(categories)), City: most(plain(cities)), Month: plain(months)}
	slices.SortFunc(out.Month, func(a, b search.Facet) int { return cmp.Compare(a.Value, b.Value) })
	out.Month = out.Month[:min(len(out.Month), search.MaxFacet)]
	for v, n := range venues {
		out.Venue = append(out.Venue, search.Facet{Value: id.Venue(v).String(), Label: named[v].name, Count: n})
	}
	out.Venue = most(out.Venue)
	for i, n := range prices {
		if n > 0 {
			out.Price = append(out.Price, search.Facet{Value: search.Bands()[i].Value, Label: search.Bands()[i].Value, Count: n})
		}
	}
	if available > 0 {
		out.Available = []search.Facet{{Value: "true", Count: available}}
	}
	return out, nil
}

// plain are facets that are labelled with their values.
func plain(counts map[string]int) (out []search.Facet) {
	for v, n := range counts {
		out = append(out, search.Facet{Value: v, Label: v, Count: n})
	}
	return out
}

// most are the most frequent, in an order that is total.
func most(all []search.Facet) []search.Facet {
	slices.SortFunc(all, func(a, b search.Facet) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return all[:min(len(all), search.MaxFacet)]
}
