// Package pgtext searches in Postgres: texts are folded (no case, no accents) and venues resolved to their ids first, then one keyset page of
// events is read from event_search, a row an event that triggers keep. docs/search.md tells how, and what it costs.
package pgtext

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/internal/id"
	"usher/search"
	"usher/search/cursor"
	"usher/search/pgstock"
)

const (
	deadline = 2 * time.Second // of one search
	rounds   = 5               // of reading on while a page is not full
)

var (
	searchSeconds  = metrics.NewHistogram(`usher_search_seconds{engine="postgres"}`)
	suggestSeconds = metrics.NewHistogram(`usher_suggest_seconds{engine="postgres"}`)
	failuresTotal  = metrics.NewCounter(`usher_search_failures_total{engine="postgres"}`)
)

// Engine is a search.Engine.
type Engine struct {
	pool   *pgxpool.Pool
	sealer cursor.Sealer
	stock  *pgstock.Stock

	totals  totals
	places  places
	sampler sampler

	narrowing  narrowing
	candidates int // ranked at a time
	plan       func(d density, n int) (w way, weeks int)
}

// New returns an engine on the pool, whose sessions should plan each query anew (plan_cache_mode=force_custom_plan) and not start
// workers for it (max_parallel_workers_per_gather=0). The key signs cursors; it is the same on every gateway.
func New(pool *pgxpool.Pool, key []byte) *Engine {
	return &Engine{pool: pool, sealer: cursor.New(key), stock: pgstock.New(pool), narrowing: usual, candidates: candidates, plan: plan}
}

// Search answers one page. See search.Engine.
func (g *Engine) Search(ctx context.Context, q search.Query) (page search.Page, err error) {
	defer searchSeconds.UpdateDuration(time.Now())
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	page, err = g.search(ctx, q)
	if err == nil || errors.Is(err, search.ErrBadCursor) || errors.Is(err, search.ErrBadQuery) {
		return page, err
	}
	failuresTotal.Inc()
	return page, fmt.Errorf("%w: %w", search.ErrUnavailable, err)
}

func (g *Engine) search(ctx context.Context, q search.Query) (page search.Page, err error) {
	if err := q.Check(); err != nil {
		return page, err
	}
	after, err := g.openCursor(q)
	if err != nil {
		return page, err
	}
	r, err := g.resolve(ctx, q, after)
	if err != nil || r.nothing {
		return empty(q), err
	}
	if len(after.fixes) > 0 {
		if err := g.recall(ctx, r.text, after.fixes); err != nil {
			return page, err
		}
	}
	if err := g.fill(ctx, r, &page); err != nil {
		return page, err
	}
	if len(page.Events) == 0 && page.NextCursor == "" && q.Cursor == "" && len(r.text) > 0 { // nothing as it is typed: a typo?
		fixes, err := g.correct(ctx, r.text)
		if err != nil {
			return page, err
		}
		if len(fixes) == 0 {
			return empty(q), nil
		}
		if err := g.recall(ctx, r.text, fixes); err != nil {
			return page, err
		}
		r.position = position{fixes: fixes}
		if err := g.fill(ctx, r, &page); err != nil {
			return page, err
		}
	}
	return page, g.count(ctx, r, &page)
}

// empty is the page of a query that finds nothing.
func empty(q search.Query) (page search.Page) {
	if q.Facets {
		page.Facets = &search.Facets{}
	}
	return page
}

// fill looks for as many events as the page holds and one more, which tells that there is another page. With Available, events whose last
// seats are held are passed over, but only so many: then the page is short.
func (g *Engine) fill(ctx context.Context, r *resolved, page *search.Page) error {
	fixes := r.position.fixes
	if r.gathered, r.ahead, r.ranked, r.counted = false, nil, nil, 0; r.wordy() {
		r.venues, r.km = r.allowed.ids, r.allowed.km
		if err := g.gather(ctx, r); err != nil {
			return err
		}
	}
	var ends []position // behind each event of the page
	for range rounds {
		n := r.PageSize + 1
		list, err := g.next(ctx, r, n)
		if err != nil {
			return err
		}
		rows, err := g.show(ctx, r, list)
		if err != nil {
			return err
		}
		for i, hit := range rows {
			if r.Available && hit.Availability == "none" {
				continue
			}
			if len(page.Events) == r.PageSize {
				page.NextCursor = g.sealCursor(r.Query, ends[r.PageSize-1])
				return nil
			}
			page.Events, ends = append(page.Events, hit), append(ends, list[i].after(fixes))
		}
		if len(list) < n {
			return nil
		}
		r.position = list[n-1].after(fixes)
	}
	page.NextCursor = g.sealCursor(r.Query, r.position)
	return nil
}

// show reads what a list shows of the events, and how many seats are left.
func (g *Engine) show(ctx context.Context, r *resolved, list []found) ([]search.Hit, error) {
	events := make([]int64, len(list))
	for i, f := range list {
		events[i] = f.event
	}
	rows, err := g.pool.Query(ctx, query("show"), events)
	if err != nil {
		return nil, fmt.Errorf("show events: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(c pgx.CollectableRow) (search.Hit, error) { return scan(c, r.Query) })
	if err != nil {
		return nil, fmt.Errorf("show events: %w", err)
	}
	return out, g.stock.Fill(ctx, out, r.Tickets)
}

func scan(r pgx.CollectableRow, q search.Query) (h search.Hit, err error) {
	var event, venue int64
	var image *string
	err = r.Scan(&event, &h.Name, &h.Details, &image, &h.Performer, &h.Start, &h.End, &h.PriceFrom, &h.PriceTo, &h.Currency, &h.OnSale,
		&h.Capacity, &venue, &h.Venue.Name, &h.Venue.Location, &h.Venue.City, &h.Venue.Country, &h.Venue.Latitude, &h.Venue.Longitude,
		&h.Venue.TimeZone)
	if err != nil {
		return h, err
	}
	h.ID, h.Venue.ID = id.Event(event), id.Venue(venue).String()
	h.Start, h.End = h.Start.UTC(), h.End.UTC()
	if image != nil {
		h.ImageURL = *image
	}
	return h, h.Place(q)
}

// day is a date without its clock, or nil.
func day(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	d := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return &d
}
