package pgtext

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const maxPlaces = 50_000

// venuePlace is what facets say of a venue.
type venuePlace struct{ name, location string }

// places remembers names and places of venues for a moment: thousands are counted by a wide query, and the same ones by the next.
type places struct {
	mu    sync.Mutex // guards known, until
	known map[int64]venuePlace
	until time.Time
}

// of returns the places of venues; those that are gone are missing.
func (p *places) of(ctx context.Context, pool *pgxpool.Pool, venues []int64) (map[int64]venuePlace, error) {
	out := make(map[int64]venuePlace, len(venues))
	var missing []int64
	p.mu.Lock()
	if p.known == nil || time.Now().After(p.until) || len(p.known) >= maxPlaces {
		p.known, p.until = map[int64]venuePlace{}, time.Now().Add(remembered)
	}
	for _, v := range venues {
		if place, ok := p.known[v]; ok {
			out[v] = place
		} else {
			missing = append(missing, v)
		}
	}
	p.mu.Unlock()
	if len(missing) == 0 {
		return out, nil
	}
	rows, err := pool.Query(ctx, query("places"), missing)
	if err != nil {
		return nil, err
	}
	var v int64
	var place venuePlace
	_, err = pgx.ForEachRow(rows, []any{&v, &place.name, &place.location}, func() error { out[v] = place; return nil })
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range missing {
		if place, ok := out[v]; ok {
			p.known[v] = place
		}
	}
	return out, err
}
