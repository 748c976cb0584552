package pgtext

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"usher/search"
)

const (
	week       = 7 * 24 * time.Hour // that usher_weekly counts in
	maxWeeks   = 53                 // looked through in one statement
	slack      = 14 * time.Hour     // between a venue's clock and UTC, at most; filter.sql has the same
	maxWindows = 4                  // statements about some weeks each; what is not found then is sought in all
	dearSearch = 6000               // microseconds: for no more than that are all candidates sought that may be ranked
	fewEvents  = 250                // a catalog that is walked through whatever the words
)

// What a statement spends on an event, about, in microseconds, besides some 300 for itself and 2 for each match that it ranks: walking along the dates,
// looking through some weeks of words, through all weeks, and along the index of venues, categories or what is for sale. And on looking for a word of a week, and on a place of a word that begins
// as an unfinished one does. Measured over words of every frequency; only their ratios matter.
const (
	walkCost  = 0.3
	weekCost  = 0.9
	wordCost  = 0.7
	otherCost = 2    // in tables that are larger than the cache; 0.6 in it
	keyCost   = 25   // looking for one word of one week
	begunCost = 0.15 // a place of a word that begins as an unfinished one does
)

// stretch is the time in which events are sought: those that follow from, up to upTo if that is a place.
type stretch struct {
	from, upTo place
	past       bool // backwards
}

// gather reads what is to come at once if its words seem to be rare, and what is over if that was little: then pages and counts are made from them,
// whatever their order.
func (g *Engine) gather(ctx context.Context, r *resolved) error {
	now := stretch{from: place{start: cmp.Or(r.position.now, time.Now().UTC().Truncate(time.Microsecond))}}
	d, err := g.coming(ctx, r, now)
	if err != nil {
		return err
	}
	r.now, r.coming = now.from.start, d
	if r.venues != nil && len(r.venues) == 0 {
		r.gathered = true
		return nil
	}
	w, _ := g.plan(d, maxWordy+1)
	if w != byWords && w != byOther || r.Sort == search.ByDistance && w == byOther && !d.few() { // the nearest venues will do
		return nil
	}
	if d.few() { // an index that knows no time tells what is over for the same price
		all, err := g.events(ctx, r, stretch{}, maxWordy+1, w, nil)
		if err != nil {
			return err
		}
		if len(all) <= maxWordy {
			r.ahead, r.whole, r.gathered = now.of(all, len(all)), all, true
			return nil
		}
		if r.Sort != search.ByDistance { // they were more than it seemed: those to come are at least the first of all to come
			r.ahead = now.of(all, len(all))
		}
		return nil
	}
	ahead, err := g.events(ctx, r, now, maxWordy+1, w, nil)
	if err != nil {
		return err
	}
	r.ahead = ahead
	left := maxWordy + 1 - len(ahead)
	if left <= 0 {
		return nil
	}
	if now.past = true; !r.StartDate.After(r.now.Add(slack)) {
		past, err := g.events(ctx, r, now, left, w, nil)
		if err != nil || len(past) == left {
			return err
		}
		slices.Reverse(past)
		ahead = append(past, ahead...)
	}
	r.whole, r.gathered = ahead, true
	return nil
}

// coming tells how matches lie in what is to come. Where it would be dear to look for them, the query is left those venues where they can be.
func (g *Engine) coming(ctx context.Context, r *resolved, now stretch) (density, error) {
	s, err := g.sampler.get(ctx, g.pool)
	if err != nil {
		return density{}, err
	}
	d := s.density(r, now.within(r))
	_, _, cost := reckon(d, maxWordy+1)
	if cost < g.narrowing.dear {
		return d, nil
	}
	if narrowed, err := g.narrow(ctx, r, s, cost); err != nil || !narrowed {
		return d, err
	}
	return s.density(r, now.within(r)), nil
}

// nearest returns the first n events with the query's words in a stretch of time, in its order. Each way to find them is cheap for words of some frequency and
// ruinous for others: walking along the dates for those that every other event has, the index of words for rare ones, that of words in weeks
// for all between. So it looks at how dense the matches lie first, and the work is bounded by n, whatever the words.
func (g *Engine) nearest(ctx context.Context, r *resolved, s stretch, n int) (out []found, err error) {
	if r.gathered {
		return s.of(r.whole, n), nil
	}
	d := r.coming
	same := !s.past && s.upTo.start.IsZero() && (s.from == place{start: r.now} || s.from.start.Before(r.now) && r.StartDate.After(r.now.Add(slack)))
	if same && !r.now.IsZero() && n <= len(r.ahead) {
		return slices.Clone(r.ahead[:n]), nil
	}
	s = s.within(r)
	if r.now.IsZero() || !same {
		if d, err = g.density(ctx, r, s); err != nil {
			return nil, err
		}
	}
	for windows := 0; ; windows++ {
		w, weeks := g.plan(d, n-len(out))
		switch {
		case windows > 0 && d.seen == 0: // next to nothing is left
			w = walk
		case windows == maxWindows:
			w = d.anywhere()
		}
		here, done := s, true
		var marked *string
		if w == byWeeks {
			if s.from.start.IsZero() {
				if s.from, err = g.beginning(ctx); err != nil {
					return nil, err
				}
			}
			here.upTo, done, marked = s.window(r, weeks)
		}
		more, err := g.events(ctx, r, here, n-len(out), w, marked)
		if err != nil {
			return nil, err
		}
		if out = append(out, more...); len(out) >= n || done {
			return out, nil
		}
		s.from = here.upTo
		if d, err = g.density(ctx, r, s); err != nil {
			return nil, err
		}
		d.all /= float64(int(2) << windows) // it was thought denser than it is: look twice as far, or everywhere
	}
}

// events asks for the next n events of a stretch, ranked if that is the order of the query; marked are the words that lead to them in some weeks.
func (g *Engine) events(ctx context.Context, r *resolved, s stretch, n int, w way, marked *string) ([]found, error) {
	var typed, unfinished *string
	if r.Sort == search.ByRelevance {
		exact := make([]term, len(r.text))
		for i, t := range r.text {
			exact[i] = term{Word: t.Word}
		}
		a, b := spelling{}.all(exact), spelling{open: true}.all(exact)
		typed, unfinished = &a, &b
	}
	if w == byWords {
		lead := r.lead("")
		marked = &lead
	}
	scan, facts := scanFound, r.Facets || r.Sort == search.ByDistance // which is told by the venue
	if facts {
		scan = scanCounted
	}
	return g.rows(ctx, inTime(s.past, w, facts), scan,
		append(r.filter(), s.from.at(), s.from.event, s.upTo.at(), s.upTo.event, n, marked, typed, unfinished)...)
}

// of returns the first n of some events, which are in order of time, that lie in the stretch.
func (s stretch) of(all []found, n int) (out []found) {
	for i := range all {
		f := all[i]
		if s.past {
			f = all[len(all)-1-i]
		}
		after, beyond := f.place.compare(s.from), f.place.compare(s.upTo)
		if s.past {
			after, beyond = -after, -beyond
		}
		if (s.from.start.IsZero() || after > 0) && (s.upTo.start.IsZero() || beyond <= 0) && len(out) < n {
			out = append(out, f)
		}
	}
	return out
}

// end is when a stretch ends for a query; zero: it is open.
func (s stretch) end(r *resolved) (end time.Time) {
	end = s.upTo.start
	if s.past {
		if first := r.StartDate.Add(-slack); !r.StartDate.IsZero() && first.After(end) {
			end = first
		}
	} else if last := r.EndDate.Add(36 * time.Hour); !r.EndDate.IsZero() && (end.IsZero() || last.Before(end)) {
		end = last
	}
	return end
}

// window returns where so many weeks of the stretch end, whether that is at its own end, and the query's words marked with each of the weeks.
func (s stretch) window(r *resolved, weeks int) (upTo place, done bool, words *string) {
	first := weekOf(s.from.start)
	after := first + weeks // the week at whose beginning the window ends
	if s.past {
		if s.from.event == 0 { // nothing of this very moment is sought
			first = weekOf(s.from.start.Add(-time.Microsecond))
		}
		first -= weeks - 1
		after = first
	}
	upTo = place{start: time.UnixMicro(int64(after) * week.Microseconds()).UTC()}
	if end := s.end(r); !end.IsZero() && (s.past && !upTo.start.After(end) || !s.past && upTo.start.After(end)) {
		upTo, done = s.upTo, true
	}
	var all []string
	for w := first; w < first+weeks; w++ {
		all = append(all, "("+r.lead(fmt.Sprintf("%04x", w))+")")
	}
	any := strings.Join(all, " | ")
	return upTo, done, &any
}

// weekOf numbers weeks as usher_weekly does.
func weekOf(t time.Time) int {
	return int(math.Floor(float64(t.UnixMicro()) / float64(week.Microseconds())))
}

// density tells how matches lie in a stretch of time, by a fair sample of all events. The next ones in time would be no fair sample: in the hours when
// Europe plays, no word of America is found.
type density struct {
	drawn, having           float64   // events in the sample, and those of them with the words that an index is asked for, whenever they are
	seen, words, other, all float64   // those of them in the stretch, and there: with those words, that an index of something else leads to, that match
	ever                    float64   // those of the sample that match, whenever they are
	at                      float64   // those of the sample at the query's venues, if each has as many as the others; 0: at all venues
	keys, begun             float64   // words that an index is asked for, and events of the sample with one that begins as the unfinished one of them
	first, last             time.Time // the starts of the nearest and the farthest of those in the stretch; zero: there are none
	gap                     int       // weeks before the first of those
	stored                  float64   // events in all, about
}

// density tells how what the query seeks lies in the stretch.
func (g *Engine) density(ctx context.Context, r *resolved, s stretch) (density, error) {
	sample, err := g.sampler.get(ctx, g.pool)
	if err != nil {
		return density{}, err
	}
	return sample.density(r, s.within(r)), nil
}

// beginning is before the first of all events.
func (g *Engine) beginning(ctx context.Context) (place, error) {
	var first *time.Time
	if err := g.pool.QueryRow(ctx, query("beginning")).Scan(&first); err != nil {
		return place{}, fmt.Errorf("find the first event: %w", err)
	}
	if first == nil {
		return place{start: time.Now()}, nil
	}
	return place{start: *first}, nil
}

// within is the stretch without what a query's dates exclude before it.
func (s stretch) within(r *resolved) stretch {
	if first := r.StartDate.Add(-slack); !s.past && !r.StartDate.IsZero() && first.After(s.from.start) {
		s.from = place{first, 0}
	}
	if last := r.EndDate.Add(36 * time.Hour); s.past && !r.EndDate.IsZero() && last.Before(s.from.start) {
		s.from = place{last, math.MaxInt64}
	}
	return s
}

// holds reports whether a start time lies in the stretch.
func (s stretch) holds(start time.Time) bool {
	after, beyond := start.Compare(s.from.start), start.Compare(s.upTo.start)
	if s.past {
		after, beyond = -after, -beyond
	}
	return (s.from.start.IsZero() || after >= 0) && (s.upTo.start.IsZero() || beyond <= 0)
}

// few reports whether all that matches, whenever it is, seems to be less than is counted.
func (d density) few() bool { return d.ever == 0 || 2*d.ever/d.drawn*d.stored <= maxWordy }

// plan chooses how to look for the next n matches, and through how many weeks if by weeks.
func plan(d density, n int) (w way, weeks int) {
	w, weeks, _ = reckon(d, n)
	return w, weeks
}

// affordable is how many of n matches are sought at once: fewer where the next ones lie far apart, but least at least, and all n if fewer cost hardly less.
func affordable(d density, n, least int) int {
	_, _, cost := reckon(d, n)
	for cost > dearSearch && n/2 >= least {
		_, _, less := reckon(d, n/2)
		if less > cost*3/4 {
			break
		}
		n, cost = n/2, less
	}
	return n
}

// reckon is plan, with what it costs in microseconds.
func reckon(d density, n int) (w way, weeks int, cost float64) {
	if d.drawn < fewEvents || d.seen == 0 || d.first.IsZero() {
		return walk, 0, 0 // few events, in all or in the stretch
	}
	share := func(of float64) float64 { return max(of, 0.5) / d.seen } // none seen: perhaps one in as many again
	matching := max(d.all, 0.25) / d.seen
	rest := d.seen / d.drawn * max(d.stored, d.drawn)
	perWeek := rest / max(d.last.Sub(d.first).Abs().Hours()/week.Hours(), 1/week.Hours())
	sought := min(float64(n), matching*rest)
	along := min(sought/matching, rest) // events that are passed until so many matches are found
	weeks = int(1.1*along/perWeek) + d.gap + 1

	byWalk := along * walkCost
	byWeek := max(share(d.words)*along, share(d.words)*perWeek)*weekCost + float64(weeks)*(d.keys*keyCost+d.begun/d.drawn*perWeek*begunCost)
	byAll := min(d.byWords(), d.byOther())
	switch {
	case byWalk <= byWeek && byWalk <= byAll:
		return walk, 0, byWalk
	case byWeek <= byAll && weeks <= maxWeeks:
		return byWeeks, weeks, byWeek
	default:
		return d.anywhere(), 0, byAll
	}
}

// byWords is what it costs to read all events with the words that the index is asked for: it knows no time.
func (d density) byWords() float64 {
	return (max(d.having, 0.5)*wordCost + d.begun*begunCost) / d.drawn * d.stored
}

// byOther is what it costs to read all events that another index leads to.
func (d density) byOther() float64 {
	other := max(d.other, 0.5)
	if d.at > 0 && d.other < 1 { // a few venues are known better than the sample knows them
		other = d.at
	}
	return other / d.drawn * d.stored * otherCost
}

// anywhere is the cheaper index of those that know no time.
func (d density) anywhere() way {
	if d.drawn > 0 && d.byOther() < d.byWords() {
		return byOther
	}
	return byWords
}
