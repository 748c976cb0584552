package pgtext

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/jackc/pgx/v5"

	"usher/search"
)

const (
	candidates    = 500    // ranked at a time, in order of time: finding and ranking them takes the database 1 to 2 ms; fewer where they lie far apart
	fewest        = 100    // of them, though they do
	maxCandidates = 10_000 // of a tranche that was begun and has had events added to it since
	nearestVenues = 50     // looked through first by distance, or fewer if those will do; then four times as many
)

// found is an event in an order.
type found struct {
	place
	key  int64    // rank, or the bits of the distance in km, which are in the order of the distances
	in   *tranche // that it was ranked in
	fact          // if facets count it
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
		if r.wordy() {
			return g.nearest(ctx, r, stretch{from: last}, n)
		}
		return g.rows(ctx, query("by_date"), scanFound, append(r.filter(), last.at(), last.event, n)...)
	}
}

func (g *Engine) rows(ctx context.Context, statement string, scan pgx.RowToFunc[found], args ...any) ([]found, error) {
	rows, err := g.pool.Query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	out, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	return out, nil
}

func scanFound(r pgx.CollectableRow) (f found, err error) {
	return f, r.Scan(&f.event, &f.start, &f.key)
}

func scanCounted(r pgx.CollectableRow) (f found, err error) {
	return f, r.Scan(&f.event, &f.start, &f.key, &f.Venue, &f.Category, &f.Date, &f.From, &f.To, &f.Available)
}

func scanFar(r pgx.CollectableRow) (f found, err error) {
	var km float64
	err = r.Scan(&f.event, &f.start, &km, &f.Venue, &f.Category, &f.Date, &f.From, &f.To, &f.Available)
	f.key = int64(math.Float64bits(km))
	return f, err
}

// byDistance looks through the venues from the nearest on, a growing handful at a time, until the page is full.
func (g *Engine) byDistance(ctx context.Context, r *resolved, n int) (out []found, err error) {
	switch {
	case r.gathered:
		return r.byDistance(n), nil
	case !r.wordy() || r.position.last.event != 0:
		return g.outward(ctx, r, r.position, n)
	}
	if err := g.lookAround(ctx, r); err != nil {
		return nil, err
	}
	return r.near[:min(n, len(r.near))], nil
}

// lookAround reads as many of the nearest events as are counted, and one more: a page has no more.
func (g *Engine) lookAround(ctx context.Context, r *resolved) (err error) {
	if r.counted > 0 {
		return nil
	}
	d, err := g.density(ctx, r, stretch{})
	if err != nil {
		return err
	}
	r.counted = d.countable(max(fewest, r.PageSize))
	r.near, err = g.outward(ctx, r, position{}, r.counted+1)
	return err
}

// countable is how many matches are counted by distance: fewer, but least at least, where so few of the events there match that to find more is dear.
func (d density) countable(least int) int {
	return int(min(max(dearSearch/(2*otherCost)*d.all/max(d.other, 1), float64(least)), maxWordy))
}

// byDistance returns the next n of all that the query finds.
func (r *resolved) byDistance(n int) (out []found) {
	far := make(map[int64]float64, len(r.venues))
	for i, v := range r.venues {
		far[v] = r.km[i]
	}
	out = slices.Clone(r.whole)
	for i := range out {
		out[i].key = int64(math.Float64bits(far[out[i].Venue]))
	}
	nearer := func(a, b found) int { return cmp.Or(cmp.Compare(a.key, b.key), a.place.compare(b.place)) }
	slices.SortFunc(out, nearer)
	if last := (found{place: r.position.last, key: r.position.key}); last.event != 0 {
		out = slices.DeleteFunc(out, func(f found) bool { return nearer(f, last) <= 0 })
	}
	return out[:min(n, len(out))]
}

// outward returns the next n by distance after a position.
func (g *Engine) outward(ctx context.Context, r *resolved, p position, n int) (out []found, err error) {
	last := p.last
	at, reached := 0, 0.0
	if last.event != 0 {
		reached = math.Float64frombits(uint64(p.key))
		at = sort.SearchFloat64s(r.km, reached)
	}
	handful, err := g.handful(ctx, r, n)
	if err != nil {
		return nil, err
	}
	for ; at < len(r.venues) && len(out) < n; handful *= 4 {
		end := min(at+handful, len(r.venues))
		for end < len(r.venues) && r.km[end] == r.km[end-1] { // as near as each other: in one order by start time
			end++
		}
		args := r.filter()
		args[0] = r.venues[at:end]
		more, err := g.rows(ctx, query("by_distance"), scanFar, append(args, r.km[at:end], last.at(), last.event, reached, n-len(out))...)
		if err != nil {
			return nil, err
		}
		out, at = append(out, more...), end
	}
	return out, nil
}

// handful is how many of the nearest venues have twice as many matches as are sought, if those lie as in the sample: each venue has all its events looked at.
func (g *Engine) handful(ctx context.Context, r *resolved, n int) (int, error) {
	d, err := g.density(ctx, r, stretch{})
	if err != nil || d.all == 0 {
		return nearestVenues, err
	}
	each := d.all / d.drawn * d.stored / float64(len(r.venues))
	return int(min(max(math.Ceil(2*float64(n)/each), 1), nearestVenues)), nil
}

// byRelevance ranks tranches of candidates, one after the other: what is to come, forwards in time, then what is over, backwards.
func (g *Engine) byRelevance(ctx context.Context, r *resolved, n int) (out []found, err error) {
	p := &r.position
	if p.now.IsZero() {
		p.now = r.now
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
func (g *Engine) rank(ctx context.Context, r *resolved) (all []found, err error) {
	p := &r.position
	s := stretch{from: p.from, upTo: p.upTo, past: p.past}
	limit := maxCandidates // it was begun: all of it, with what was added
	if p.last.event == 0 {
		if limit, err = g.limit(ctx, r, s, g.candidates); err != nil {
			return nil, err
		}
	}
	all, err = g.nearest(ctx, r, s, limit+1)
	if err != nil {
		return nil, err
	}
	more := len(all) > limit
	if more {
		all = all[:limit]
		if p.upTo.event == 0 {
			p.upTo = all[limit-1].place
		}
	}
	if !p.past && p.from == (place{p.now, 0}) && p.last.event == 0 {
		r.ranked = &tranched{slices.Clone(all), more}
	}
	slices.SortFunc(all, func(a, b found) int { return order(a, b, p.past) })
	return all, nil
}

// limit is how many of the next n matches in a stretch are sought at once.
func (g *Engine) limit(ctx context.Context, r *resolved, s stretch, n int) (int, error) {
	if r.gathered {
		return n, nil
	}
	d, err := g.density(ctx, r, s)
	return affordable(d, n, max(fewest, r.PageSize)), err
}

// tranched are the events of a tranche in order of time, and whether there are more behind it.
type tranched struct {
	events []found
	more   bool
}

// order is that of ranks: the higher first, then the nearer in time.
func order(a, b found, past bool) int {
	time := a.place.compare(b.place)
	if past {
		time = -time
	}
	return cmp.Or(cmp.Compare(b.key, a.key), time)
}
