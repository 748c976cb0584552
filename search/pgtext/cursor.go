package pgtext

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"usher/search"
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

const (
	cursorMAC   = 12 // bytes: nobody gains from a forged one, it must only be refused
	cursorParts = 10 // numbers before the fixes
)

// sealCursor writes the position, signed together with the query that it belongs to.
func (g *Engine) sealCursor(q search.Query, p position) string {
	past := int64(0)
	if p.past {
		past = 1
	}
	var b []byte
	for _, n := range append([]int64{micro(p.last.start), p.last.event, p.key, micro(p.now), past,
		micro(p.from.start), p.from.event, micro(p.upTo.start), p.upTo.event, int64(len(p.fixes))}, p.fixes...) {
		b = binary.AppendVarint(b, n)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, g.sum(q, b)...))
}

// micro is a time in microseconds; the zero time, which is no place, is 0.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// openCursor returns the position of the query's cursor. ErrBadCursor, also for the cursor of another query.
func (g *Engine) openCursor(q search.Query) (p position, err error) {
	if q.Cursor == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(b) < cursorMAC {
		return p, search.ErrBadCursor
	}
	body, mac := b[:len(b)-cursorMAC], b[len(b)-cursorMAC:]
	if !hmac.Equal(mac, g.sum(q, body)) {
		return p, search.ErrBadCursor
	}
	var n []int64
	for len(body) > 0 {
		v, size := binary.Varint(body)
		if size <= 0 {
			return p, search.ErrBadCursor
		}
		n, body = append(n, v), body[size:]
	}
	if len(n) < cursorParts || len(n) != cursorParts+int(n[9]) {
		return p, search.ErrBadCursor
	}
	at := func(i int) (t time.Time) {
		if n[i] != 0 {
			t = time.UnixMicro(n[i]).UTC()
		}
		return t
	}
	p.last, p.key, p.now, p.past = place{at(0), n[1]}, n[2], at(3), n[4] == 1
	p.from, p.upTo, p.fixes = place{at(5), n[6]}, place{at(7), n[8]}, n[cursorParts:]
	return p, nil
}

// sum binds a position to what the query restricts and to its order. The size of a page and what is shown of an event may change from page to page.
func (g *Engine) sum(q search.Query, position []byte) []byte {
	h := hmac.New(sha256.New, g.key)
	price := func(p *int) any {
		if p == nil {
			return "any"
		}
		return *p
	}
	fmt.Fprintf(h, "search cursor|%q|%q|%q|%q|%q|%s|%s|%v|%v|%q|%t", q.Sort, q.Text, q.Location, q.Venue, q.Performer, q.StartDate.Format(time.DateOnly),
		q.EndDate.Format(time.DateOnly), price(q.PriceMin), price(q.PriceMax), q.Category, q.Available)
	if q.HasPoint {
		fmt.Fprintf(h, "|%v|%v|%v", q.Latitude, q.Longitude, q.RadiusKM)
	}
	h.Write(position)
	return h.Sum(nil)[:cursorMAC]
}
