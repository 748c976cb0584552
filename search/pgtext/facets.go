package pgtext

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/search"
)

// count fills in how many events the query finds, and its facets.
func (g *Engine) count(ctx context.Context, r *resolved, page *search.Page) error {
	same := fmt.Sprintf("%s|%v|%t", g.sum(r.Query, nil), r.position.fixes, r.Facets) // for all pages of a query
	t, known := g.totals.get(same)
	if !known {
		began := time.Now()
		var err error
		if t, err = g.countAnew(ctx, r); err != nil {
			return fmt.Errorf("count what is found: %w", err)
		}
		g.totals.put(same, t, time.Since(began))
	}
	page.Total, page.TotalCapped, page.Facets = t.count, t.capped, t.facets
	return nil
}

func (g *Engine) countAnew(ctx context.Context, r *resolved) (t total, err error) {
	if !r.Facets {
		err = g.pool.QueryRow(ctx, query("total"), append(r.filter(), search.MaxTotal+1)...).Scan(&t.count)
	} else {
		t.facets = &search.Facets{}
		var rows pgx.Rows
		if rows, err = g.pool.Query(ctx, query("facets"), append(r.filter(), search.MaxTotal+1, search.MaxFacet)...); err != nil {
			return t, err
		}
		err = t.read(rows)
	}
	if t.capped = t.count > search.MaxTotal; t.capped {
		t.count = search.MaxTotal
	}
	if t.facets != nil {
		t.facets.Capped = t.capped
	}
	return t, err
}

// read takes the rows of facets.sql.
func (t *total) read(rows pgx.Rows) error {
	lists := map[string]*[]search.Facet{
		"category": &t.facets.Category, "city": &t.facets.City, "venue": &t.facets.Venue, "month": &t.facets.Month, "price": &t.facets.Price,
		"available": &t.facets.Available,
	}
	var name string
	var f search.Facet
	defer func() {
		slices.SortStableFunc(t.facets.Venue, func(a, b search.Facet) int { return cmp.Compare(b.Count, a.Count) })
	}()
	_, err := pgx.ForEachRow(rows, []any{&name, &f.Value, &f.Label, &f.Count}, func() error {
		if name == "total" {
			t.count = f.Count
			return nil
		}
		list := lists[name]
		*list = append(*list, f)
		return nil
	})
	return err
}
