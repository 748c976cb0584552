package pgtext

import (
	"cmp"
	"time"

	"usher/search"
	"usher/search/cursor"
)

// place is a point in the order by (start time, id).
type place struct {
	start time.Time
	event int64 // zero: none
}

// at is the start time, or nil for no place.
func (p place) at() *time.Time {
	if p.start.IsZero() {
		return nil
	}
	return &p.start
}

func (p place) compare(other place) int {
	return cmp.Or(p.start.Compare(other.start), cmp.Compare(p.event, other.event))
}

// position is where a page ends. Its parts never change for an event: start time, id, distance of the venue, and a rank that is a function of the event's
// words and the query's alone. What may change while somebody turns pages is pinned in it: the words that typos were led back to, the clock, and
// the candidates that are being ranked, as the places they lie between. So a page that follows neither skips nor repeats an event.
type position struct {
	last  place // the last event shown; zero: before everything
	key   int64 // its rank, or the bits of its distance
	fixes []int64
	tranche
}

// tranche is what a search by relevance ranks at a time: the candidates after one place, up to another.
type tranche struct {
	now        time.Time // zero: the search has not begun
	past       bool      // what is over, backwards in time, comes after all that is still to come
	from, upTo place     // upTo is zero in a last tranche: it is open
}

const cursorParts = 10 // numbers before the fixes

// sealCursor writes the position. That of an order by date without typos is any engine's.
func (g *Engine) sealCursor(q search.Query, p position) string {
	if q.Sort == search.ByDate && len(p.fixes) == 0 {
		return g.sealer.Seal(q, cursor.ByDate, p.last.start.UnixMicro(), p.last.event)
	}
	past := int64(0)
	if p.past {
		past = 1
	}
	return g.sealer.Seal(q, cursor.Postgres, append([]int64{cursor.Micro(p.last.start), p.last.event, p.key, cursor.Micro(p.now), past,
		cursor.Micro(p.from.start), p.from.event, cursor.Micro(p.upTo.start), p.upTo.event, int64(len(p.fixes))}, p.fixes...)...)
}

// openCursor returns the position of the query's cursor. ErrBadCursor, also for the cursor of another query or engine.
func (g *Engine) openCursor(q search.Query) (p position, err error) {
	if q.Cursor == "" {
		return p, nil
	}
	kind, n, err := g.sealer.Open(q)
	switch {
	case err != nil:
		return p, err
	case kind == cursor.ByDate && q.Sort == search.ByDate && len(n) == 2:
		p.last = place{time.UnixMicro(n[0]).UTC(), n[1]}
		return p, nil
	case kind != cursor.Postgres || len(n) < cursorParts || len(n) != cursorParts+int(n[9]):
		return p, search.ErrBadCursor
	}
	p.last, p.key, p.now, p.past = place{cursor.Time(n[0]), n[1]}, n[2], cursor.Time(n[3]), n[4] == 1
	p.from, p.upTo, p.fixes = place{cursor.Time(n[5]), n[6]}, place{cursor.Time(n[7]), n[8]}, n[cursorParts:]
	return p, nil
}
