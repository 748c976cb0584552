package elastic

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/olivere/elastic/v7"

	"usher/search"
)

// An index has its events in order of time, so some days of them cost those days, and a page by date ends where it is full. To rank them, or to find the nearest, it looks at all that a
// query finds, in a year of many venues at millions. So a search reaches only a little way at first, and further by as much as was found there; where the count stops anyway, or the page is full, it need not look at the rest.
const (
	firstArea = 1. / 64 // of a circle
	mostArea  = 1. / 2
	margin    = 1.5 // by which a search reaches further than what was found lets expect
)

// bounds are how far a search looks; tests look less far, so that few events show what many do.
type bounds struct {
	first, most time.Duration // how far ahead at first, and from where on at all that follows
	count       time.Duration // how far ahead is counted at first, and looked by date, where looking ends with the page
	ranked      int           // events that are ranked together, at least
	counted     int           // what is counted, at most
}

var usual = bounds{first: 42 * time.Hour, // of a day, all of it, whatever the venues' clocks say
	count: 8 * 24 * time.Hour, most: 90 * 24 * time.Hour, ranked: 500, counted: search.MaxTotal}

// slack is between a venue's clock and UTC, at most.
const slack = 14 * time.Hour

// reach is how far a search may look.
type reach struct {
	first, most float64                 // how far at first, and from where on it looks at all; microseconds or square kilometres
	count       float64                 // how far it counts at first
	complete    bool                    // all is all that the query finds
	within      func(size float64) part // +Inf: all
}

// part is a part of what a query finds: of a window of time, and of a circle around its point. The zero part is all of it.
type part struct {
	window
	km float64 // 0: no circle but the query's
}

// bounded is a size, or +Inf from where on all is looked at.
func (r reach) bounded(size float64) float64 {
	if size >= r.most {
		return math.Inf(1)
	}
	return size
}

// part bounds a count: +Inf is all that the query finds, whatever the reach.
func (r reach) part(size float64) part {
	if math.IsInf(size, 1) {
		return part{}
	}
	return r.within(size)
}

// grown is how far to look when got of those that are wanted were found within a size.
func grown(size float64, want, got int) float64 {
	return size * max(2, margin*float64(want)/float64(max(got, 1)))
}

// narrow asks for the n events that follow a position, no further away than it takes, and returns how far that was: +Inf for all. Counted, it puts how many the whole query finds into
// the page; what is shown already it only counts. Page and count reach out each for itself, in the same round trips.
func (g *Engine) narrow(ctx context.Context, w *wanted, p position, n int, page *search.Page, counted bool, r reach, shown *elastic.SearchResult) (answer *elastic.SearchResult, reached float64, err error) {
	ranked := w.Sort == search.ByRelevance
	size, far := r.bounded(r.first), r.bounded(r.count)
	sampling := counted && w.Facets
	for shown == nil || counted {
		once := shown == nil && counted && size == far && (r.complete || !math.IsInf(far, 1)) // one question tells both
		var ask []*elastic.SearchSource
		if shown == nil {
			s := w.source(p, n, r.within(size))
			if once {
				s.TrackTotalHits(g.counted)
			} else if ranked {
				s.TrackTotalHits(g.ranked)
			}
			ask = append(ask, s)
		}
		if counted && !once {
			ask = append(ask, g.count(w, p.typos, r.part(far)))
		}
		if sampling {
			ask = append(ask, w.sample(p.typos))
		}
		answers, err := g.ask(ctx, ask...)
		if err != nil {
			return nil, 0, err
		}
		if sampling {
			last := len(answers) - 1
			if w.about, _, err = total(answers[last]); err != nil {
				return nil, 0, err
			}
			w.about, answers, sampling = w.about<<probe, answers[:last], false
		}
		if shown == nil {
			got, want := len(answers[0].Hits.Hits), n
			if ranked {
				if got, _, err = total(answers[0]); err != nil {
					return nil, 0, err
				}
				want = g.ranked
			}
			if got >= want || math.IsInf(size, 1) {
				shown, reached = answers[0], size
			}
			size = r.bounded(grown(size, want, got))
		}
		if counted {
			got, capped, err := total(answers[len(answers)-1])
			if err != nil {
				return nil, 0, err
			}
			if capped || math.IsInf(far, 1) {
				page.Total, page.TotalCapped, counted = got, capped, false
				if !capped { // what is little is looked at at once
					size = math.Inf(1)
				}
				if got == 0 && shown == nil {
					shown, reached = answers[0], size
				}
			}
			far = r.bounded(grown(far, g.counted, got))
		}
	}
	return shown, reached, nil
}

// source asks for the n events that follow a position, in the order of the query, within some bounds.
func (w *wanted) source(p position, n int, within part) *elastic.SearchSource {
	s := shows(elastic.NewSearchSource().Query(w.match(p.typos, within)).Size(n).TrackTotalHits(false))
	p.order(w.Query, s)
	return s
}

// count asks how many the query finds within some bounds: a count that stops where it is told costs little.
func (g *Engine) count(w *wanted, typos bool, within part) *elastic.SearchSource {
	return elastic.NewSearchSource().Query(w.all(typos, within)).Size(0).TrackTotalHits(g.counted)
}

// window is a part of time in microseconds, from inclusive, to exclusive; 0: it has no such end.
type window struct{ from, to int64 }

func (t window) queries() []elastic.Query {
	if t == (window{}) {
		return nil
	}
	q := elastic.NewRangeQuery("start")
	if t.from != 0 {
		q.Gte(t.from)
	}
	if t.to != 0 {
		q.Lt(t.to)
	}
	return []elastic.Query{q}
}

// and is what two windows have in common.
func (t window) and(o window) window {
	if t.from == 0 || o.from != 0 && o.from > t.from {
		t.from = o.from
	}
	if t.to == 0 || o.to != 0 && o.to < t.to {
		t.to = o.to
	}
	return t
}

// part is so many microseconds of a window from its beginning on, or backwards from its end; +Inf: all of it.
func (t window) part(back bool, size float64) window {
	switch {
	case math.IsInf(size, 1):
		return t
	case back:
		return window{t.to - int64(size), t.to}
	default:
		return window{t.from, t.from + int64(size)}
	}
}

// within looks from the beginning of a window on, or back from its end.
func (b bounds) within(t window, back, complete bool) reach {
	r := reach{first: float64(b.first.Microseconds()), count: float64(b.count.Microseconds()), most: float64(b.most.Microseconds()), complete: complete,
		within: func(size float64) part { return part{window: t.part(back, size)} }}
	if t.from != 0 && t.to != 0 {
		r.most = min(r.most, float64(t.to-t.from)/2)
	}
	if back && t.to == 0 || !back && t.from == 0 { // there is no such place
		r.first, r.count = math.Inf(1), math.Inf(1)
	}
	return r
}

// times is when all that a query finds begins, as far as its dates tell.
func (w *wanted) times() (t window) {
	if !w.StartDate.IsZero() {
		t.from = w.StartDate.Add(-slack).UnixMicro()
	}
	if !w.EndDate.IsZero() {
		t.to = w.EndDate.AddDate(0, 0, 1).Add(slack).UnixMicro()
	}
	return t
}

// listed reports whether the index has lists in order of time of all that restricts the query, as it has of words: then a count costs where it stops, however far it looks. What lies within
// a circle or a range of prices is told for many events at a time, or for each that is looked at.
func (w *wanted) listed() bool {
	return len(w.text) > 0 && !w.HasPoint && w.PriceMin == nil && w.PriceMax == nil
}

// byDate reaches ahead from a position.
func (b bounds) byDate(w *wanted, p position) reach {
	t := w.times()
	if p.event != 0 {
		t.from = p.start
	}
	r := b.within(t, false, p.event == 0)
	if w.listed() {
		r.count = math.Inf(1)
	}
	r.first = max(r.first, r.count)
	return r
}

// byDistance reaches out from the point, beyond a position. In all it is the circle of the query.
func (w *wanted) byDistance(p position) reach {
	whole := w.RadiusKM * w.RadiusKM
	r := reach{first: whole * firstArea, count: whole * firstArea, most: whole * mostArea, complete: true, within: func(size float64) part {
		if math.IsInf(size, 1) {
			return part{}
		}
		return part{km: math.Sqrt(size)}
	}}
	if p.event != 0 {
		km := math.Float64frombits(uint64(p.key)) / 1000
		r.first = max(r.first, 2*km*km)
	}
	return r
}

// circle is that of some kilometres around the query's point.
func (w *wanted) circle(km float64) elastic.Query {
	return elastic.NewGeoDistanceQuery("venue.point").Lat(w.Latitude).Lon(w.Longitude).Distance(fmt.Sprintf("%.3fm", km*earthMetres/search.EarthKM))
}

// rank asks for the n events that follow a position by relevance. What is to come within the days that have enough of it is ranked together, then what follows them, at the end what is
// over, backwards. Which days that are is in the position, so that all pages are one list.
func (g *Engine) rank(ctx context.Context, w *wanted, p *position, n int, page *search.Page, counted bool) (out []found, err error) {
	first := counted && p.event == 0
	for {
		var shown *elastic.SearchResult
		look := p.ranked
		if p.event != 0 { // in the midst of what is ranked together
			answers, err := g.ask(ctx, w.source(*p, n-len(out), part{window: p.ranked}))
			if err != nil {
				return nil, err
			}
			shown, look = answers[0], p.side(w)
		}
		if shown == nil || counted {
			r, size := g.within(look, p.past, look == w.times()), 0.
			if w.listed() {
				r.count = math.Inf(1)
			}
			if first && !counted && !page.TotalCapped {
				r.first, r.count = math.Inf(1), math.Inf(1) // what is left is little
			}
			if shown, size, err = g.narrow(ctx, w, *p, n-len(out), page, counted, r, shown); err != nil {
				return nil, err
			}
			if p.event == 0 {
				p.ranked = look.part(p.past, size)
			}
		}
		more, err := p.readAll(w.Query, shown, n-len(out))
		if err != nil {
			return nil, err
		}
		out, counted = append(out, more...), false
		if len(out) == n || first && !page.TotalCapped && len(out) >= page.Total || !p.beyond(w) {
			return out, nil
		}
	}
}
