package pgtext

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"usher/internal/id"
	"usher/search"
)

// resolve returns the ids of the venues and performers that the query allows; nil means all.
func (g *Engine) resolve(ctx context.Context, q search.Query) (venues, performers []int64, err error) {
	if q.Venue != "" || q.Location != "" || q.HasPoint {
		if venues, err = g.venues(ctx, q); err != nil {
			return nil, nil, fmt.Errorf("search venues: %w", err)
		}
	}
	if q.Performer != "" {
		if p, err := id.ParsePerformer(q.Performer); err == nil {
			return venues, []int64{int64(p)}, nil
		}
		if performers, err = g.ids(ctx, "performers", q.Performer); err != nil {
			return nil, nil, fmt.Errorf("search performers: %w", err)
		}
	}
	return venues, performers, nil
}

func (g *Engine) venues(ctx context.Context, q search.Query) ([]int64, error) {
	var number *int64
	var name, place *string
	var more []string
	var latitude, longitude, radius *float64
	if v, err := id.ParseVenue(q.Venue); err == nil {
		n := int64(v)
		number = &n
	} else if q.Venue != "" {
		name = &q.Venue
	}
	if q.HasPoint {
		latitude, longitude, radius = &q.Latitude, &q.Longitude, &q.RadiusKM
	} else if q.Location != "" { // "Toronto, Canada": every part must be there
		parts := strings.Split(q.Location, ",")
		place = &parts[0]
		for _, part := range parts[1:] {
			if strings.TrimSpace(part) != "" {
				more = append(more, part)
			}
		}
	}
	return g.ids(ctx, "venues", number, name, place, more, latitude, longitude, radius)
}

// ids runs a query for ids. No match is an empty slice, not nil.
func (g *Engine) ids(ctx context.Context, name string, args ...any) ([]int64, error) {
	rows, err := g.pool.Query(ctx, query(name), args...)
	if err != nil {
		return nil, err
	}
	return pgx.AppendRows([]int64{}, rows, pgx.RowTo[int64])
}
