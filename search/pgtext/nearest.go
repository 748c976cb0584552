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
	probeSize  = 250                // events that are drawn to see how dense the matches lie
)

// What a statement spends on an event, about, in microseconds: walking along the dates, looking through some weeks of words, through all weeks, and through
// venues. Measured over words of every frequency; only their ratios matter.
const (
	walkCost  = 1.0
	weekCost  = 4.0
	wordCost  = 2.5
	venueCost = 1.5
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
	d, err := g.probe(ctx, r, now)
	if err != nil {
		return err
	}
	r.now, r.coming = now.from.start, d
	if w, _ := g.plan(d, maxWordy+1); w != byWords {
		return nil
	}
	ahead, err := g.events(ctx, r, now, maxWordy+1, byWords, nil)
	if err != nil {
		return err
	}
	r.ahead = ahead
	left := maxWordy + 1 - len(ahead)
	if left <= 0 {
		return nil
	}
	if now.past = true; !r.StartDate.After(r.now.Add(slack)) {
		past, err := g.events(ctx, r, now, left, byWords, nil)
		if err != nil || len(past) == left {
			return err
		}
		slices.Reverse(past)
		ahead = append(past, ahead...)
	}
	r.whole, r.gathered = ahead, true
	return nil
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
	if r.now.IsZero() || !same {
		d, err = g.probe(ctx, r, s)
	}
	if err != nil || d.first == nil {
		return nil, err
	}
	s.from = d.from(s)
	for windows := 0; ; windows++ {
		w, weeks := g.plan(d, n-len(out))
		if windows == maxWindows {
			w = byWords
		}
		here, done := s, true
		var marked *string
		if w == byWeeks {
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
		d.all /= 2 // it was thought denser than it is: look twice as far, or everywhere
	}
}

// events asks for the next n events of a stretch, ranked if that is the order of the query; marked are its words in some weeks, nil for all.
func (g *Engine) events(ctx context.Context, r *resolved, s stretch, n int, w way, marked *string) ([]found, error) {
	var typed, unfinished *string
	if r.Sort == search.ByRelevance {
		exact := make([]term, len(r.text))
		for i, t := range r.text {
			exact[i] = term{word: t.word, chars: t.chars}
		}
		a, b := spelling{}.all(exact), spelling{open: true}.all(exact)
		typed, unfinished = &a, &b
	}
	return g.rows(ctx, inTime(s.past, w), scanFound,
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
		all = append(all, "("+r.words(fmt.Sprintf("%04x", w))+")")
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
	drawn                    float64    // events in the sample
	seen, words, venues, all float64    // those of them in the stretch, and there: with the words, at the venues, that match
	first                    *time.Time // the start of the first event in the stretch; nil: it has none
	last                     *time.Time // of the last one drawn
	stored                   float64    // events in all, about
}

func (g *Engine) probe(ctx context.Context, r *resolved, s stretch) (d density, err error) {
	args := append(r.filter(), s.from.at(), s.from.event, s.upTo.at(), s.upTo.event, probeSize)
	err = g.pool.QueryRow(ctx, query("probe", towards(s.past)...), args...).Scan(&d.drawn, &d.seen, &d.words, &d.venues, &d.all, &d.first, &d.last, &d.stored)
	if err != nil {
		return d, fmt.Errorf("probe: %w", err)
	}
	return d, nil
}

// from is where the events of the stretch begin: a gap before them costs nothing.
func (d density) from(s stretch) place {
	if d.first.Equal(s.from.start) {
		return s.from
	}
	if s.past {
		return place{*d.first, math.MaxInt64}
	}
	return place{*d.first, 0}
}

// plan chooses how to look for the next n matches, and through how many weeks if by weeks.
func plan(d density, n int) (w way, weeks int) {
	if d.drawn < probeSize || d.seen == 0 || d.first == nil || d.last == nil {
		return walk, 0 // few events, in all or in the stretch
	}
	share := func(of float64) float64 { return max(of, 0.5) / d.seen } // none seen: perhaps one in as many again
	rest := d.seen / d.drawn * max(d.stored, d.drawn)
	perWeek := rest / max(d.last.Sub(*d.first).Abs().Hours()/week.Hours(), 1/week.Hours())
	sought := min(float64(n), share(d.all)*rest)
	along := min(sought/share(d.all), rest) // events that are passed until so many matches are found
	weeks = int(1.1*along/perWeek) + 1

	byWalk := along * walkCost
	byWeek := max(share(d.words)*along, share(d.words)*perWeek) * weekCost
	byAll := min(share(d.words)*wordCost, share(d.venues)*venueCost) * rest
	switch {
	case byWalk <= byWeek && byWalk <= byAll:
		return walk, 0
	case byWeek <= byAll && weeks <= maxWeeks:
		return byWeeks, weeks
	default:
		return byWords, 0
	}
}
