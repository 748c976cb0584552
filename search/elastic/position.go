package elastic

import (
	"math"
	"time"

	"github.com/olivere/elastic/v7"

	"usher/internal/id"
	"usher/search"
	"usher/search/cursor"
)

// position is where a page ends. Its parts never change for an event: score or distance, start and id. What may change while somebody turns
// pages is pinned in it: the clock that parts to come from over, and whether typos are forgiven.
type position struct {
	typos bool
	now   int64 // in microseconds; 0: not by relevance, or not begun
	past  bool  // what is over, backwards in time, comes after all that is still to come
	// By relevance, the window whose events are ranked together; before its first event, all that is left to look in.
	ranked window
	key    int64 // the score, or the bits of the distance in metres
	start  int64 // in microseconds
	event  id.Event
}

// begin is the position before the first event.
func (w *wanted) begin(typos bool) (p position) {
	if p.typos = typos; w.Sort != search.ByRelevance {
		return p
	}
	p.now = time.Now().UnixMicro()
	t := w.times()
	p.past = t.to != 0 && t.to <= p.now
	p.ranked = p.side(w)
	return p
}

// side is the part of the query's times that is on the position's side of now.
func (p position) side(w *wanted) window {
	t := w.times()
	switch {
	case !p.past:
		t.from = max(t.from, p.now)
	case t.to == 0 || t.to > p.now:
		t.to = p.now
	}
	return t
}

// last reports whether nothing is left on this side behind what is ranked together.
func (p position) last(w *wanted) bool {
	if p.past {
		return p.ranked.from == p.side(w).from
	}
	return p.ranked.to == p.side(w).to
}

// beyond goes on behind what is ranked together; false: nothing is there.
func (p *position) beyond(w *wanted) bool {
	next, ends := position{typos: p.typos, now: p.now, past: p.past}, p.last(w)
	switch next.ranked = next.side(w); {
	case !ends && p.past:
		next.ranked.to = p.ranked.from
	case !ends:
		next.ranked.from = p.ranked.to
	case p.past || w.times().from > p.now:
		return false
	default:
		next.past = true
		next.ranked = next.side(w)
	}
	*p = next
	return true
}

// behind is the position behind a hit of the index.
func (p position) behind(q search.Query, s shown, sort []any) (position, bool) {
	e, err := id.ParseEvent(s.id)
	p.start, p.event, p.key = s.start, e, 0
	if q.Sort == search.ByDate {
		return p, err == nil
	}
	if len(sort) == 0 {
		return p, false
	}
	key, ok := sort[0].(float64)
	if p.key = int64(key); q.Sort == search.ByDistance {
		p.key = int64(math.Float64bits(key))
	}
	return p, ok && err == nil
}

// order writes the order of the query's events, and where in it to go on.
func (p position) order(q search.Query, s *elastic.SearchSource) {
	var after []any
	switch q.Sort {
	case search.ByRelevance:
		s.SortBy(elastic.NewScoreSort())
		after = append(after, p.key)
	case search.ByDistance:
		s.SortBy(elastic.NewGeoDistanceSort("venue.point").Point(q.Latitude, q.Longitude).Unit("m").Asc())
		after = append(after, math.Float64frombits(uint64(p.key)))
	}
	s.SortBy(elastic.NewFieldSort("start").Order(!p.past), elastic.NewFieldSort("id").Asc())
	if p.event != 0 {
		s.SearchAfter(append(after, p.start, p.event.String())...)
	}
}

const cursorParts = 8

// seal writes the position as a cursor. That of an order by date without typos is any engine's.
func (p position) seal(s cursor.Sealer, q search.Query) string {
	if q.Sort == search.ByDate && !p.typos {
		return s.Seal(q, cursor.ByDate, p.start, int64(p.event))
	}
	bit := func(b bool) int64 {
		if b {
			return 1
		}
		return 0
	}
	return s.Seal(q, cursor.Elastic, bit(p.typos), p.now, bit(p.past), p.ranked.from, p.ranked.to, p.key, p.start, int64(p.event))
}

// open reads the query's cursor; ErrBadCursor if it is not one of this engine.
func open(s cursor.Sealer, q search.Query) (p position, err error) {
	kind, n, err := s.Open(q)
	switch {
	case err != nil:
		return p, err
	case kind == cursor.ByDate && q.Sort == search.ByDate && len(n) == 2:
		return position{start: n[0], event: id.Event(n[1])}, nil
	case kind == cursor.Elastic && len(n) == cursorParts:
		return position{n[0] == 1, n[1], n[2] == 1, window{n[3], n[4]}, n[5], n[6], id.Event(n[7])}, nil
	}
	return p, search.ErrBadCursor
}
