// Package cursor seals the places where pages of results end, so that they can travel through the hands of strangers: each is signed, and bound
// to what its query restricts and to its order.
package cursor

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"usher/search"
)

// Kind says whose cursor it is: another engine does not take it.
type Kind int64

// The kinds.
const (
	// ByDate is of an order by date without typos: start time in microseconds and id of the last event. The order is the same in every engine, so any
	// of them can go on from there.
	ByDate Kind = iota + 1
	Postgres
	Elastic
)

const macSize = 12 // bytes: nobody gains from a forged one, it must only be refused

// Sealer seals with a key, which is the same on every gateway.
type Sealer struct{ key []byte }

// New returns a sealer.
func New(key []byte) Sealer { return Sealer{key} }

// Seal writes numbers, signed together with the query that they belong to.
func (s Sealer) Seal(q search.Query, k Kind, numbers ...int64) string {
	b := binary.AppendVarint(nil, int64(k))
	for _, n := range numbers {
		b = binary.AppendVarint(b, n)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, s.Sum(q, b)...))
}

// Open returns the kind and the numbers of the query's cursor. search.ErrBadCursor, also for the cursor of another query.
func (s Sealer) Open(q search.Query) (k Kind, numbers []int64, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(b) < macSize || strings.ContainsAny(q.Cursor, "\r\n") { // line breaks, which the decoder leaves out
		return 0, nil, search.ErrBadCursor
	}
	body, mac := b[:len(b)-macSize], b[len(b)-macSize:]
	if !hmac.Equal(mac, s.Sum(q, body)) {
		return 0, nil, search.ErrBadCursor
	}
	for len(body) > 0 {
		n, size := binary.Varint(body)
		if size <= 0 {
			return 0, nil, search.ErrBadCursor
		}
		numbers, body = append(numbers, n), body[size:]
	}
	if len(numbers) == 0 {
		return 0, nil, search.ErrBadCursor
	}
	return Kind(numbers[0]), numbers[1:], nil
}

// Sum binds a place, or nothing, to what the query restricts and to its order. The size of a page and what is shown of an event may change from page to page.
func (s Sealer) Sum(q search.Query, place []byte) []byte {
	h := hmac.New(sha256.New, s.key)
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
	h.Write(place)
	return h.Sum(nil)[:macSize]
}

// Micro is a time in microseconds; the zero time, which is no place, is 0.
func Micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the time of Micro.
func Time(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
