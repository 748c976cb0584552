package pgcatalog

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/jackc/pgx/v5"

	"usher/booking"
	"usher/catalog/change"
	"usher/catalog/layout"
	"usher/catalog/pgchange"
	"usher/internal/id"
)

// OpenSale makes the tickets of an event from its layout and prices, all or none, and says how many it made: zero when they exist already.
// booking.ErrEventNotFound.
func (s *Store) OpenSale(ctx context.Context, e id.Event) (tickets int, err error) {
	// A transaction of its own: making a partition locks the whole table for others.
	if _, err := s.pool.Exec(ctx, query("add_month"), e.Month()); err != nil {
		return 0, fmt.Errorf("open the sale of %s: %w", e, away(err))
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		plan, open, err := lockEvent(ctx, tx, e)
		if err != nil || open {
			return err
		}
		copied, err := tx.Conn().PgConn().CopyFrom(ctx, newTickets(plan), query("copy_tickets"))
		if err != nil {
			return err
		}
		tickets = int(copied.RowsAffected())
		rows, err := tx.Query(ctx, query("open_sale"), int64(e))
		if err != nil {
			return err
		}
		return pgchange.Announce(ctx, tx, change.Changed, rows)
	})
	if err != nil {
		return 0, fmt.Errorf("open the sale of %s: %w", e, away(err))
	}
	return tickets, nil
}

func lockEvent(ctx context.Context, tx pgx.Tx, e id.Event) (plan *layout.Plan, open bool, err error) {
	plan = &layout.Plan{Event: e}
	var prices, spec []byte
	err = tx.QueryRow(ctx, query("lock_event"), int64(e)).Scan(&plan.Currency, &prices, &spec, &open)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, booking.ErrEventNotFound
	}
	if err != nil || open {
		return nil, open, err
	}
	if plan.Layout, err = layout.Parse(spec); err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal(prices, &plan.Prices); err != nil {
		return nil, false, err
	}
	return plan, false, plan.Check()
}

// tickets is a reader of an event's tickets in COPY's binary format: it makes them as Postgres takes them, so memory stays small.
type tickets struct {
	plan *layout.Plan
	buf  []byte // made and not yet read
	next int    // seat
	last int    // behind the seats of the current row
	from int    // its first seat
	// What all tickets of the row share.
	price  uint32
	number []byte // "section-row-"
	ended  bool
}

func newTickets(plan *layout.Plan) io.Reader {
	t := &tickets{plan: plan}
	t.buf = append(t.buf, "PGCOPY\n\377\r\n\000"...)
	t.buf = binary.BigEndian.AppendUint64(t.buf, 0) // no flags, no header extension
	return t
}

// Read fills p with rows.
func (t *tickets) Read(p []byte) (int, error) {
	for len(t.buf) < len(p) && !t.ended {
		if t.next == t.plan.Capacity() {
			t.buf = binary.BigEndian.AppendUint16(t.buf, 0xffff) // the end
			t.ended = true
			break
		}
		t.appendSeat()
	}
	if len(t.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(p, t.buf)
	t.buf = t.buf[:copy(t.buf, t.buf[n:])]
	return n, nil
}

func (t *tickets) appendSeat() {
	if t.next == t.last {
		s := t.plan.Seat(t.next)
		t.from, t.last = t.plan.RowOf(t.next)
		t.price = uint32(t.plan.Price(t.next))
		t.number = append(append(append(append(t.number[:0], s.Section...), '-'), s.Row...), '-')
	}
	b := binary.BigEndian.AppendUint16(t.buf, 4) // columns
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(t.plan.Event.Ticket(t.next)))
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(t.plan.Event))
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, 4), t.price)
	at := len(b)
	b = append(append(b, 0, 0, 0, 0), t.number...)
	b = strconv.AppendInt(b, int64(t.next-t.from+1), 10)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	t.buf = b
	t.next++
}
