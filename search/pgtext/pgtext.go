// Package pgtext searches in Postgres: texts are folded (no case, no accents) and venues resolved to their ids first, then one keyset page of
// events is read from event_search, a row an event that triggers keep. docs/search.md tells how, and what it costs.
package pgtext

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/VictoriaMetrics/metrics"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/internal/id"
	"usher/search"
)

const (
	deadline     = 2 * time.Second // of one search
	maxPage      = 100
	maxText      = 1000 // bytes
	rounds       = 5    // of reading on while a page is not full
	fewAtMost    = 50   // free seats that are "few" at a large event; at a small one a tenth of its seats
	samples      = 4
	sampleWindow = 20 // free seats, from the cheap end of the hall, that the samples are chosen from: a page of 100 events sorts 2,000
)

var (
	searchSeconds  = metrics.NewHistogram("usher_search_seconds")
	suggestSeconds = metrics.NewHistogram("usher_suggest_seconds")
	failuresTotal  = metrics.NewCounter("usher_search_failures_total")
)

// Engine is a search.Engine.
type Engine struct {
	pool  *pgxpool.Pool
	key   []byte
	zones sync.Map // name → *time.Location: loading one reads a file

	totals  totals
	places  places
	sampler sampler

	candidates int // ranked at a time
	plan       func(d density, n int) (w way, weeks int)
}

// New returns an engine on the pool, whose sessions should plan each query anew (plan_cache_mode=force_custom_plan) and not start
// workers for it (max_parallel_workers_per_gather=0). The key signs cursors; it is the same on every gateway.
func New(pool *pgxpool.Pool, key []byte) *Engine {
	return &Engine{pool: pool, key: key, candidates: candidates, plan: plan}
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
	if err := check(&q); err != nil {
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
	if r.gathered, r.ahead, r.ranked = false, nil, nil; r.wordy() && r.Sort != search.ByDistance {
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
		for i, row := range rows {
			if r.Available && row.hit.Availability == "none" {
				continue
			}
			if len(page.Events) == r.PageSize {
				page.NextCursor = g.sealCursor(r.Query, ends[r.PageSize-1])
				return nil
			}
			page.Events, ends = append(page.Events, row.hit), append(ends, list[i].after(fixes))
		}
		if len(list) < n {
			return nil
		}
		r.position = list[n-1].after(fixes)
	}
	page.NextCursor = g.sealCursor(r.Query, r.position)
	return nil
}

// check refuses what the database could not take, and fills in the defaults.
func check(q *search.Query) error {
	if q.PageSize == 0 {
		q.PageSize = 20
	}
	if q.Sort == "" {
		q.Sort = search.ByDate
	}
	bad := q.PageSize < 0 || q.PageSize > maxPage || q.Sort == search.ByRelevance && q.Text == "" || q.Sort == search.ByDistance && !q.HasPoint ||
		q.Sort != search.ByDate && q.Sort != search.ByRelevance && q.Sort != search.ByDistance
	for _, text := range []string{q.Text, q.Location, q.Venue, q.Performer, q.Category} {
		bad = bad || !fit(text)
	}
	for _, price := range []*int{q.PriceMin, q.PriceMax} {
		bad = bad || price != nil && (*price < math.MinInt32 || *price > math.MaxInt32)
	}
	if q.HasPoint { // written so that NaN is out of range
		bad = bad || !(math.Abs(q.Latitude) <= 90) || !(math.Abs(q.Longitude) <= 180) || !(q.RadiusKM > 0 && q.RadiusKM <= 20_100)
	}
	if bad {
		return search.ErrBadQuery
	}
	return nil
}

// fit reports whether the database can take a text.
func fit(text string) bool {
	return len(text) <= maxText && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// row is a hit with what its availability is found from.
type row struct {
	hit      search.Hit
	capacity int
}

// show reads what a list shows of the events, and how many seats are left.
func (g *Engine) show(ctx context.Context, r *resolved, list []found) ([]row, error) {
	events := make([]int64, len(list))
	for i, f := range list {
		events[i] = f.event
	}
	rows, err := g.pool.Query(ctx, query("show"), events)
	if err != nil {
		return nil, fmt.Errorf("show events: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(c pgx.CollectableRow) (row, error) { return g.scan(c, r.Query) })
	if err != nil {
		return nil, fmt.Errorf("show events: %w", err)
	}
	return out, g.stock(ctx, out, r.Tickets)
}

func (g *Engine) scan(r pgx.CollectableRow, q search.Query) (out row, err error) {
	h := &out.hit
	var event, venue int64
	var image *string
	err = r.Scan(&event, &h.Name, &h.Details, &image, &h.Performer, &h.Start, &h.End, &h.PriceFrom, &h.PriceTo, &h.Currency, &h.OnSale,
		&out.capacity, &venue, &h.Venue.Name, &h.Venue.Location, &h.Venue.City, &h.Venue.Country, &h.Venue.Latitude, &h.Venue.Longitude,
		&h.Venue.TimeZone)
	if err != nil {
		return out, err
	}
	h.ID, h.Venue.ID = id.Event(event), id.Venue(venue).String()
	h.Start, h.End = h.Start.UTC(), h.End.UTC()
	if image != nil {
		h.ImageURL = *image
	}
	if v := h.Venue; q.HasPoint && v.Latitude != nil && v.Longitude != nil {
		km := distance(q.Latitude, q.Longitude, *v.Latitude, *v.Longitude)
		h.DistanceKM = &km
	}
	zone, err := g.zone(h.Venue.TimeZone)
	if err != nil {
		return out, err
	}
	h.Date = h.Start.In(zone)
	return out, nil
}

func (g *Engine) zone(name string) (*time.Location, error) {
	if z, ok := g.zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	z, err := time.LoadLocation(name)
	if err == nil {
		g.zones.Store(name, z)
	}
	return z, err
}

// distance is the great-circle distance in km by the haversine formula, on a sphere of the earth's mean radius, as in venues.sql.
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	const radius, degree = 6371.0, math.Pi / 180
	dLat, dLon := math.Sin((lat2-lat1)*degree/2), math.Sin((lon2-lon1)*degree/2)
	h := dLat*dLat + math.Cos(lat1*degree)*math.Cos(lat2*degree)*dLon*dLon
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(h)))
}

// day is a date without its clock, or nil.
func day(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	d := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return &d
}
