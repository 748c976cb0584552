package pgtext

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/search"
)

const (
	candidates    = 1000   // ranked at a time, in order of time: 1,000 of a common word cost 4 ms of the database, 10,000 would cost 40
	maxCandidates = 10_000 // of a tranche that was begun and has had events added to it since
	nearestVenues = 50     // looked through first by distance; then four times as many
)

// found is an event in an order.
type found struct {
	place
	key int64    // rank, or the bits of the distance in km, which are in the order of the distances
	in  *tranche // that it was ranked in
}

// after is the position behind the event.
func (f found) after(fixes []int64) position {
	p := position{last: f.place, key: f.key, fixes: fixes}
	if f.in != nil {
		p.tranche = *f.in
	}
	return p
}

// next returns up to n events that follow the position.
func (g *Engine) next(ctx context.Context, r *resolved, n int) ([]found, error) {
	switch r.Sort {
	case search.ByRelevance:
		return g.byRelevance(ctx, r, n)
	case search.ByDistance:
		return g.byDistance(ctx, r, n)
	default:
		last := r.position.last
		return g.rows(ctx, "by_date", scanFound, append(r.filter(), last.at(), last.event, n)...)
	}
}

func (g *Engine) rows(ctx context.Context, name string, scan pgx.RowToFunc[found], args ...any) ([]found, error) {
	rows, err := g.pool.Query(ctx, query(name), args...)
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", name, err)
	}
	out, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", name, err)
	}
	return out, nil
}

func scanFound(r pgx.CollectableRow) (f found, err error) {
	return f, r.Scan(&f.event, &f.start, &f.key)
}

func scanFar(r pgx.CollectableRow) (f found, err error) {
	var km float64
	err = r.Scan(&f.event, &f.start, &km)
	f.key = int64(math.Float64bits(km))
	return f, err
}

// byDistance looks through the venues from the nearest on, a growing handful at a time, until the page is full.
func (g *Engine) byDistance(ctx context.Context, r *resolved, n int) (out []found, err error) {
	last := r.position.last
	at, reached := 0, 0.0
	if last.event != 0 {
		reached = math.Float64frombits(uint64(r.position.key))
		at = sort.SearchFloat64s(r.km, reached)
	}
	for handful := nearestVenues; at < len(r.venues) && len(out) < n; handful *= 4 {
		end := min(at+handful, len(r.venues))
		for end < len(r.venues) && r.km[end] == r.km[end-1] { // as near as each other: in one order by start time
			end++
		}
		args := r.filter()
		args[0] = r.venues[at:end]
		more, err := g.rows(ctx, "by_distance", scanFar, append(args, last.at(), last.event, r.km[at:end], reached, n-len(out))...)
		if err != nil {
			return nil, err
		}
		out, at = append(out, more...), end
	}
	return out, nil
}

// byRelevance ranks tranches of candidates, one after the other: what is to come, forwards in time, then what is over, backwards.
func (g *Engine) byRelevance(ctx context.Context, r *resolved, n int) (out []found, err error) {
	p := &r.position
	if p.now.IsZero() {
		p.now = time.Now().UTC().Truncate(time.Microsecond)
		p.from = place{p.now, 0}
	}
	for {
		all, err := g.rank(ctx, r)
		if err != nil {
			return nil, err
		}
		here := p.tranche
		for _, f := range all {
			if p.last.event != 0 && order(found{place: p.last, key: p.key}, f, p.past) >= 0 {
				continue
			}
			f.in = &here
			if out = append(out, f); len(out) == n {
				return out, nil
			}
		}
		switch {
		case p.upTo.event != 0:
			p.from = p.upTo
		case !p.past:
			p.from, p.past = place{p.now, 0}, true
		default:
			return out, nil
		}
		p.last, p.key, p.upTo = place{}, 0, place{}
	}
}

// rank returns the tranche's events, the best first, and ends the tranche where it is too long.
func (g *Engine) rank(ctx context.Context, r *resolved) ([]found, error) {
	p := &r.position
	name, limit := "candidates", g.candidates
	if p.past {
		name = "candidates_past"
	}
	if p.last.event != 0 { // it was begun: all of it, with what was added
		limit = maxCandidates
	}
	exact := slices.Clone(r.text)
	for i := range exact {
		exact[i].fixes = nil
	}
	all, err := g.rows(ctx, name, scanFound, append(r.filter(), p.from.start, p.from.event, p.upTo.at(), p.upTo.event, limit,
		allOf(exact, "", false), allOf(exact, "", true))...)
	if err != nil {
		return nil, err
	}
	if len(all) == limit && p.upTo.event == 0 {
		p.upTo = all[limit-1].place
	}
	slices.SortFunc(all, func(a, b found) int { return order(a, b, p.past) })
	return all, nil
}

// order is that of ranks: the higher first, then the nearer in time.
func order(a, b found, past bool) int {
	time := cmp.Or(a.start.Compare(b.start), cmp.Compare(a.event, b.event))
	if past {
		time = -time
	}
	return cmp.Or(cmp.Compare(b.key, a.key), time)
}
