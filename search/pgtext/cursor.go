package pgtext

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"usher/internal/id"
	"usher/search"
)

// position is where a page ends: both parts never change for an event, so a page that follows neither skips nor repeats one.
type position struct {
	start time.Time
	event id.Event // zero: before everything
}

func (p position) at() *time.Time {
	if p.event == 0 {
		return nil
	}
	return &p.start
}

func (p position) id() int64 { return int64(p.event) }

const cursorMAC = 12 // bytes: nobody gains from a forged one, it must only be refused

// sealCursor writes the position, signed together with the query that it belongs to.
func (g *Engine) sealCursor(q search.Query, p position) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.start.UnixMicro()))
	b = binary.BigEndian.AppendUint64(b, uint64(p.event))
	return base64.RawURLEncoding.EncodeToString(append(b, g.sum(q, b)...))
}

// openCursor returns the position of the query's cursor. ErrBadCursor, also for the cursor of another query.
func (g *Engine) openCursor(q search.Query) (p position, err error) {
	if q.Cursor == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(b) != 16+cursorMAC || !hmac.Equal(b[16:], g.sum(q, b[:16])) {
		return p, search.ErrBadCursor
	}
	p.start = time.UnixMicro(int64(binary.BigEndian.Uint64(b))).UTC()
	p.event = id.Event(binary.BigEndian.Uint64(b[8:]))
	return p, nil
}

// sum binds a position to what the query restricts. The size of a page and what is shown of an event may change from page to page.
func (g *Engine) sum(q search.Query, position []byte) []byte {
	h := hmac.New(sha256.New, g.key)
	price := func(p *int) any {
		if p == nil {
			return "any"
		}
		return *p
	}
	fmt.Fprintf(h, "search cursor by date|%q|%q|%q|%s|%s|%v|%v", q.Location, q.Venue, q.Performer, q.StartDate.Format(time.DateOnly),
		q.EndDate.Format(time.DateOnly), price(q.PriceMin), price(q.PriceMax))
	if q.HasPoint {
		fmt.Fprintf(h, "|%v|%v|%v", q.Latitude, q.Longitude, q.RadiusKM)
	}
	h.Write(position)
	return h.Sum(nil)[:cursorMAC]
}
