package pgtext

import (
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	sampleSize = 2000 // events; a word that one in 200 has is found ten times
	sampleAge  = 30 * time.Second
)

// sample is a fair sample of all events, kept in memory: how dense what is sought lies is told from it. It only tells what a search will cost, never
// what it finds, so words are taken without their places and labels, and half a minute's age does no harm.
type sample struct {
	events []drawn
	words  vocabulary      // of their documents
	own    vocabulary      // without those of venue and place
	venues map[int64][]int // venue → the events there
	stored float64         // events in all, about
	places float64         // venues in all, about
	at     time.Time
}

// vocabulary tells which events of a sample have a word.
type vocabulary struct {
	having map[string]*set // word → the events that have it
	sorted []string        // the words in order
}

// drawn is what restricts an event of the sample.
type drawn struct {
	start, date time.Time
	venue       int64
	from, to    int
	forSale     bool
	category    string
}

// set is a set of the sample's events.
type set [(sampleSize + 63) / 64]uint64

func (s *set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

func (s set) and(o set) set {
	for i := range s {
		s[i] &= o[i]
	}
	return s
}

func (s set) count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

func (s set) or(o set) set {
	for i := range s {
		s[i] |= o[i]
	}
	return s
}

// sampler draws samples, one at a time.
type sampler struct {
	known   atomic.Pointer[sample]
	drawing sync.Mutex
}

// get returns a sample. Only the first search waits for one; later ones go on with that which there is while one of them draws another.
func (s *sampler) get(ctx context.Context, pool *pgxpool.Pool) (*sample, error) {
	known := s.known.Load()
	switch {
	case known == nil:
		s.drawing.Lock()
	case time.Since(known.at) < sampleAge || !s.drawing.TryLock():
		return known, nil
	}
	defer s.drawing.Unlock()
	if last := s.known.Load(); last != known { // another has drawn one meanwhile
		return last, nil
	}
	fresh, err := draw(ctx, pool)
	if err != nil {
		return nil, fmt.Errorf("draw a sample of the events: %w", err)
	}
	s.known.Store(fresh)
	return fresh, nil
}

func newSample() *sample {
	return &sample{words: vocabulary{having: map[string]*set{}}, own: vocabulary{having: map[string]*set{}}, venues: map[int64][]int{}, at: time.Now()}
}

func draw(ctx context.Context, pool *pgxpool.Pool) (*sample, error) {
	s := newSample()
	rows, err := pool.Query(ctx, query("draw"), sampleSize)
	if err != nil {
		return nil, err
	}
	var d drawn
	var words, own []string
	_, err = pgx.ForEachRow(rows, []any{&d.start, &d.date, &d.venue, &d.from, &d.to, &d.forSale, &d.category, &words, &own, &s.stored, &s.places}, func() error {
		s.add(d, words, own)
		return nil
	})
	s.sort()
	return s, err
}

func (s *sample) add(d drawn, words, own []string) {
	i := len(s.events)
	s.events = append(s.events, d)
	s.venues[d.venue] = append(s.venues[d.venue], i)
	s.words.add(i, words)
	s.own.add(i, own)
}

func (v *vocabulary) add(event int, words []string) {
	for _, w := range words {
		if v.having[w] == nil {
			v.having[w] = new(set)
		}
		v.having[w].add(event)
	}
}

// sort makes words that begin alike neighbours.
func (s *sample) sort() {
	s.words.sorted, s.own.sorted = slices.Sorted(maps.Keys(s.words.having)), slices.Sorted(maps.Keys(s.own.having))
}

// there returns the events at some venues; nil: all.
func (s *sample) there(venues []int64) (there set) {
	if venues == nil {
		return s.all()
	}
	for _, v := range venues {
		for _, i := range s.venues[v] {
			there.add(i)
		}
	}
	return there
}

// all are the sample's events.
func (s *sample) all() (all set) {
	for i := range s.events {
		all.add(i)
	}
	return all
}

// word returns the events that have a word.
func (v *vocabulary) word(w string) set {
	if having := v.having[w]; having != nil {
		return *having
	}
	return set{}
}

// with returns the events that have a query's words.
func (s *sample) with(r *resolved) set {
	found := everything
	for i, t := range r.text {
		found = found.and(s.words.term(t, i == len(r.text)-1))
	}
	for _, w := range r.act {
		found = found.and(s.words.word(w))
	}
	return found
}

var everything = func() (all set) {
	for i := range all {
		all[i] = ^uint64(0)
	}
	return all
}()

// term returns the events that have a term, or words that begin with it if it may be unfinished.
func (v *vocabulary) term(t term, open bool) (found set) {
	switch {
	case len(t.Chars) > 0:
		found = everything
		for _, c := range t.Chars {
			found = found.and(v.word(c))
		}
	case open:
		for at := sort.SearchStrings(v.sorted, t.Text); at < len(v.sorted) && strings.HasPrefix(v.sorted[at], t.Text); at++ {
			found = found.or(v.word(v.sorted[at]))
		}
	default:
		found = v.word(t.Text)
	}
	for _, fix := range t.fixes {
		found = found.or(v.word(fix))
	}
	return found
}

// density tells how what a query restricts to lies in a stretch of time, and settles which of its words an index is asked for.
func (s *sample) density(r *resolved, st stretch) (d density) {
	d.drawn, d.stored = float64(len(s.events)), max(s.stored, float64(len(s.events)))
	words, there := s.with(r), s.there(r.venues)
	var leads set
	r.leads, leads = s.leading(r)
	d.keys = float64(len(r.leads))
	for _, l := range r.leads {
		if l.open {
			d.begun = float64(l.in.count())
		}
	}
	var at, sale, kind counter
	for i, e := range s.events {
		if leads.has(i) {
			d.having++
		}
		if words.has(i) && there.has(i) && e.fits(r) {
			d.ever++
		}
		if !st.holds(e.start) || !r.StartDate.IsZero() && e.date.Before(r.StartDate) || !r.EndDate.IsZero() && e.date.After(r.EndDate) {
			continue
		}
		d.seen++
		if d.first.IsZero() || st.past == e.start.After(d.first) {
			d.first = e.start
		}
		if d.last.IsZero() || st.past == e.start.Before(d.last) {
			d.last = e.start
		}
		at.count(there.has(i))
		sale.count(!r.Available || e.forSale)
		kind.count(r.category == nil || e.category == *r.category)
		if leads.has(i) {
			d.words++
		}
		if words.has(i) && there.has(i) && e.fits(r) {
			d.all++
		}
	}
	d.other = float64(min(at, sale, kind))
	if r.venues != nil && s.places > 0 {
		d.at = float64(len(r.venues)) / s.places * d.drawn
	}
	if d.seen > 0 && !st.from.start.IsZero() {
		d.gap = int(d.first.Sub(st.from.start).Abs() / week)
	}
	return d
}

// counter counts what is so.
type counter int

func (c *counter) count(yes bool) {
	if yes {
		*c++
	}
}

// fits reports whether a query's other restrictions let the event pass, as filter.sql has them.
func (e *drawn) fits(r *resolved) bool {
	return (r.PriceMin == nil || e.to >= *r.PriceMin) && (r.PriceMax == nil || e.from <= *r.PriceMax) && (!r.Available || e.forSale) &&
		(r.category == nil || e.category == *r.category)
}
