package pgstore

import (
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking"
	"usher/booking/sale"
	"usher/internal/id"
)

// Rows travel as one array a column, which Postgres unnests: one statement for a whole batch.

type seatColumns struct {
	id              []int64
	was, version    []int32
	status          []string
	blocked         []bool
	booking, holder []*[16]byte
	until           []*time.Time
	claimed         []bool
	claimant        []*[16]byte
}

func (c *seatColumns) add(w sale.SeatWrite) {
	c.id, c.was, c.version = append(c.id, int64(w.Ticket)), append(c.was, w.From), append(c.version, w.Version)
	c.status, c.blocked = append(c.status, string(w.State.Status())), append(c.blocked, w.State == booking.SeatBlocked)
	c.booking, c.holder = append(c.booking, nullable(w.Booking)), append(c.holder, nullable(id.Key(w.Holder)))
	c.until = append(c.until, moment(w.Until))
	c.claimed, c.claimant = append(c.claimed, w.Claimed), append(c.claimant, nullable(id.Key(w.Claimant)))
}

func (c *seatColumns) queue(p *pgx.Batch, checked bool) {
	expect(p, len(c.id), ErrStale, query("update_seats"), c.id, c.was, c.version, c.status, c.blocked, c.booking, c.holder, c.until,
		c.claimed, c.claimant, checked)
}

type bookingColumns struct {
	event                        []int64
	key, owner                   [][16]byte
	status, currency             []string
	total                        []int64
	expiration, created, updated []*time.Time
	confirmation, room, jti      []*string
	extended                     []bool
	seats                        []string // unnest takes arrays of arrays apart, so each travels as text
	attempt                      []*[16]byte
}

func (c *bookingColumns) add(e id.Event, currency string, r *sale.Record) {
	c.event, c.key, c.owner = append(c.event, int64(e)), append(c.key, r.Key), append(c.owner, r.Owner)
	c.status, c.currency, c.total = append(c.status, string(r.Status)), append(c.currency, currency), append(c.total, r.Total)
	c.expiration = append(c.expiration, moment(r.ExpirationTime))
	c.created, c.updated = append(c.created, moment(r.CreatedAt)), append(c.updated, moment(r.UpdatedAt))
	c.confirmation, c.attempt = append(c.confirmation, word(r.ConfirmationID)), append(c.attempt, nullable(r.Attempt))
	c.room, c.jti = append(c.room, word(r.Session.Room)), append(c.jti, word(r.Session.JTI))
	c.seats, c.extended = append(c.seats, arrayText(r.Seats)), append(c.extended, r.Extended)
}

func (c *bookingColumns) queue(p *pgx.Batch) {
	expect(p, len(c.key), ErrStale, query("upsert_bookings"), c.event, c.key, c.owner, c.status, c.total, c.currency, c.expiration, c.confirmation, c.attempt,
		c.room, c.jti, c.created, c.updated, c.seats, c.extended)
}

type ownerColumns struct {
	ticket  []int64
	booking [][16]byte
	live    []bool
}

func (c *ownerColumns) add(o sale.SeatOwner) {
	c.ticket, c.booking, c.live = append(c.ticket, int64(o.Ticket)), append(c.booking, o.Booking), append(c.live, o.Live)
}

// arrayText writes numbers as Postgres writes an array of them.
func arrayText(numbers []int) string {
	b := []byte{'{'}
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return string(append(b, '}'))
}

func uuids(keys []id.Key) [][16]byte {
	out := make([][16]byte, len(keys))
	for i, k := range keys {
		out[i] = k
	}
	return out
}

func nullable(k id.Key) *[16]byte {
	if k.IsZero() {
		return nil
	}
	return (*[16]byte)(&k)
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func word(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
