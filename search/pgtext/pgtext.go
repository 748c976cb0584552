// Package pgtext searches in Postgres: what is asked of venues and performers is resolved to their ids first, then one keyset page of
// events by (start time, id) is read along an index. Text is compared folded: no case, no accents, whole words.
package pgtext

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/internal/id"
	"usher/search"
)

//go:embed query/*.sql
var queries embed.FS

// query returns the statement in query/name.sql. The files are compiled in, so a wrong name fails every test at once.
func query(name string) string {
	b, err := queries.ReadFile("query/" + name + ".sql")
	if err != nil {
		panic("pgtext: " + err.Error())
	}
	return string(b)
}

const (
	deadline     = 2 * time.Second // of one search
	maxPage      = 100
	fewAtMost    = 50 // free seats that are "few" at a large event; at a small one a tenth of its seats
	samples      = 4
	sampleWindow = 500 // free seats, from the cheap end of the hall, that the samples are chosen from
)

var (
	searchSeconds = metrics.NewHistogram("usher_search_seconds")
	failuresTotal = metrics.NewCounter("usher_search_failures_total")
)

// Engine is a search.Engine.
type Engine struct {
	pool  *pgxpool.Pool
	key   []byte
	zones sync.Map // name → *time.Location: loading one reads a file

	totals totals
}

// New returns an engine on the pool, whose sessions should plan each query anew (plan_cache_mode=force_custom_plan). The key signs
// cursors; it is the same on every gateway.
func New(pool *pgxpool.Pool, key []byte) *Engine { return &Engine{pool: pool, key: key} }

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
	venues, performers, err := g.resolve(ctx, q)
	if err != nil || venues != nil && len(venues) == 0 || performers != nil && len(performers) == 0 {
		return page, err
	}
	rows, total, err := g.events(ctx, q, venues, performers, after)
	if err != nil {
		return page, err
	}
	page.Total = total
	if len(rows) > q.PageSize {
		rows = rows[:q.PageSize]
		last := rows[q.PageSize-1]
		page.NextCursor = g.sealCursor(q, position{last.hit.Start, last.hit.ID})
	}
	if err := g.stock(ctx, rows, q.Tickets); err != nil {
		return page, err
	}
	for _, r := range rows {
		page.Events = append(page.Events, r.hit)
	}
	return page, nil
}

// check refuses what the database could not take, and fills in the defaults.
func check(q *search.Query) error {
	if q.PageSize == 0 {
		q.PageSize = 20
	}
	bad := q.PageSize < 0 || q.PageSize > maxPage || len(q.Location) > 1000 || len(q.Venue) > 1000 || len(q.Performer) > 1000 ||
		strings.ContainsRune(q.Location+q.Venue+q.Performer, 0)
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

// row is a hit with what its availability is found from.
type row struct {
	hit      search.Hit
	capacity int
	onSale   bool
}

// events reads one event more than the page holds, and how many there are in all.
func (g *Engine) events(ctx context.Context, q search.Query, venues, performers []int64, after position) (rows []row, total int, err error) {
	variant := ""
	if performers != nil {
		variant = "_of_performers"
	}
	filter := []any{venues, performers, day(q.StartDate), day(q.EndDate), q.PriceMin, q.PriceMax}
	var batch pgx.Batch
	batch.Queue(query("page"+variant), append(filter, after.at(), after.id(), q.PageSize+1)...).Query(func(r pgx.Rows) (err error) {
		rows, err = pgx.CollectRows(r, func(r pgx.CollectableRow) (row, error) { return g.scan(r, q) })
		return err
	})
	same := string(g.sum(q, nil)) // for all pages of a query
	total, known := g.totals.get(same)
	if !known {
		batch.Queue(query("total"+variant), filter...).QueryRow(func(r pgx.Row) error { return r.Scan(&total) })
	}
	began := time.Now()
	if err := g.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, 0, fmt.Errorf("search events: %w", err)
	}
	if !known { // the page itself takes a millisecond
		g.totals.put(same, total, time.Since(began))
	}
	return rows, total, nil
}

func (g *Engine) scan(r pgx.CollectableRow, q search.Query) (out row, err error) {
	h := &out.hit
	var event, venue int64
	var image *string
	err = r.Scan(&event, &h.Name, &h.Details, &image, &h.Performer, &h.Start, &h.End, &h.PriceFrom, &h.PriceTo, &h.Currency, &out.onSale,
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
