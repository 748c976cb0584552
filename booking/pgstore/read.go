package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/sale"
	"usher/catalog/layout"
	"usher/internal/id"
)

// Sale reads an event's seats as the worker keeps them: one pass over a range of the primary key. An event that is not on
// sale has no seats.
func (s *Store) Sale(ctx context.Context, e id.Event) (*sale.Sale, error) {
	var currency string
	err := s.pool.QueryRow(ctx, query("load_currency"), int64(e)).Scan(&currency)
	if errors.Is(err, pgx.ErrNoRows) {
		return sale.New(e, "", nil, nil), nil
	}
	if err != nil {
		return nil, fmt.Errorf("sale of %s: %w", e, away(err))
	}
	from, to := e.Tickets()
	rows, err := s.pool.Query(ctx, query("load_sale"), int64(from), int64(to))
	if err != nil {
		return nil, fmt.Errorf("sale of %s: %w", e, away(err))
	}
	var seats []sale.Seat
	holds := map[int]sale.Hold{}
	var row seatRow
	_, err = pgx.ForEachRow(rows, row.columns(), func() error {
		if row.at != len(seats) {
			return fmt.Errorf("seat %d is missing", len(seats))
		}
		if row.holder.Valid {
			holds[row.at] = sale.Hold{Holder: row.holder.Bytes, Until: row.until.Time}
		}
		seats = append(seats, row.seat())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sale of %s: %w", e, away(err))
	}
	return sale.New(e, currency, seats, holds), nil
}

// seatRow is a row of load_sale; a stadium has a hundred thousand of them, so nothing of it is a pointer.
type seatRow struct {
	at              int
	version, price  int32
	status          string
	blocked         bool
	booking, holder pgtype.UUID
	until           pgtype.Timestamptz
}

func (r *seatRow) columns() []any {
	return []any{&r.at, &r.version, &r.status, &r.blocked, &r.price, &r.booking, &r.holder, &r.until}
}

func (r *seatRow) seat() sale.Seat {
	return sale.Seat{
		Booking: r.booking.Bytes, Version: r.version, Price: r.price,
		State: booking.StateOf(booking.TicketStatus(r.status), r.booking.Valid, r.blocked),
	}
}

// Records reads bookings by id; those that do not exist are missing in the answer.
func (s *Store) Records(ctx context.Context, ids []id.Booking) (map[id.Booking]*sale.Record, error) {
	var events []int64
	var keys [][16]byte
	for _, b := range ids {
		events, keys = append(events, int64(b.Event)), append(keys, b.Key)
	}
	rows, err := s.pool.Query(ctx, query("load_bookings"), events, keys)
	if err != nil {
		return nil, fmt.Errorf("bookings: %w", away(err))
	}
	out := map[id.Booking]*sale.Record{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		e, r, _, err := scanRecord(row)
		if err == nil {
			out[id.Booking{Event: e, Key: r.Key}] = r
		}
		return struct{}{}, err
	})
	return out, away(err)
}

func scanRecord(row pgx.CollectableRow) (id.Event, *sale.Record, recordRest, error) {
	var e int64
	var k, owner [16]byte
	var attempt *[16]byte
	var status string
	var confirmation, failure, room, jti *string
	var expiration *time.Time
	var rest recordRest
	r := &sale.Record{}
	err := row.Scan(&e, &k, &owner, &status, &r.Total, &rest.currency, &expiration, &confirmation, &failure, &attempt, &room, &jti,
		&r.CreatedAt, &r.UpdatedAt, &r.Seats, &r.Extended)
	r.Key, r.Owner, r.Status, r.Attempt = k, owner, booking.Status(status), key(attempt)
	r.ExpirationTime, r.ConfirmationID = value(expiration), value(confirmation)
	r.Session = booking.Session{Room: value(room), JTI: value(jti)}
	rest.failure = value(failure)
	return id.Event(e), r, rest, err
}

type recordRest struct{ currency, failure string }

// Booking reads one booking with its tickets, which carry no section and row: those are the layout's. Who may see it is the
// caller's to check. booking.ErrBookingNotFound.
func (s *Store) Booking(ctx context.Context, b id.Booking) (booking.Booking, error) {
	rows, err := s.pool.Query(ctx, query("load_bookings"), []int64{int64(b.Event)}, [][16]byte{b.Key})
	if err != nil {
		return booking.Booking{}, fmt.Errorf("booking: %w", away(err))
	}
	var rest recordRest
	r, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (r *sale.Record, err error) {
		_, r, rest, err = scanRecord(row)
		return r, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return booking.Booking{}, booking.ErrBookingNotFound
	}
	if err != nil {
		return booking.Booking{}, fmt.Errorf("booking: %w", away(err))
	}
	out := booking.Booking{
		ID: b, Owner: r.Owner, Status: r.Status, Total: r.Total, Currency: rest.currency, ExpirationTime: r.ExpirationTime,
		ConfirmationID: r.ConfirmationID, Failure: rest.failure, Session: r.Session, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		Attempt: r.Attempt, Extended: r.Extended,
	}
	out.Seats, err = s.tickets(ctx, b.Event, r.Seats, rest.currency)
	return out, err
}

func (s *Store) tickets(ctx context.Context, e id.Event, seats []int, currency string) ([]booking.Ticket, error) {
	ids := make([]int64, len(seats))
	for i, seat := range seats {
		ids[i] = int64(e.Ticket(seat))
	}
	rows, err := s.pool.Query(ctx, query("booking_tickets"), ids)
	if err != nil {
		return nil, fmt.Errorf("tickets of a booking: %w", away(err))
	}
	tickets, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t booking.Ticket, err error) {
		var ticket int64
		var status string
		var owned, held bool
		var until *time.Time
		err = row.Scan(&ticket, &t.SeatNumber, &t.Price, &status, &t.Blocked, &owned, &held, &until)
		t.ID, t.Status, t.Currency = id.Ticket(ticket), booking.TicketStatus(status), currency
		if t.Held = t.Status == booking.Available && (owned || held && value(until).After(time.Now())); t.Held {
			t.HoldExpiry = value(until)
		}
		return t, err
	})
	return tickets, away(err)
}

// Results reads the stored results of commands; those that are not decided yet are missing in the answer.
func (s *Store) Results(ctx context.Context, ids []id.Key) (map[id.Key]command.Result, error) {
	rows, err := s.pool.Query(ctx, query("results"), uuids(ids))
	if err != nil {
		return nil, fmt.Errorf("results: %w", away(err))
	}
	out := map[id.Key]command.Result{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var k [16]byte
		var r command.Result
		err := row.Scan(&k, &r)
		out[k] = r
		return struct{}{}, err
	})
	return out, away(err)
}

// Recall reads the stored results of commands and the time, in one round trip.
func (s *Store) Recall(ctx context.Context, ids []id.Key) (results map[id.Key]command.Result, now time.Time, err error) {
	results = make(map[id.Key]command.Result, len(ids))
	var p pgx.Batch
	p.Queue(query("now")).QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	p.Queue(query("results"), uuids(ids)).Query(func(rows pgx.Rows) error {
		var k [16]byte
		var r command.Result
		_, err := pgx.ForEachRow(rows, []any{&k, &r}, func() error {
			results[k], r = r, command.Result{}
			return nil
		})
		return err
	})
	if err := s.pool.SendBatch(ctx, &p).Close(); err != nil {
		return nil, now, fmt.Errorf("results: %w", away(err))
	}
	return results, now, nil
}

// LiveHold is a visitor's hold as Postgres has it.
type LiveHold struct {
	Ticket id.Ticket
	Owner  id.Visitor
	Until  time.Time
}

// LiveHolds reads the holds of an event that have not run out.
func (s *Store) LiveHolds(ctx context.Context, e id.Event) ([]LiveHold, error) {
	from, to := e.Tickets()
	rows, err := s.pool.Query(ctx, query("live_holds"), int64(from), int64(to))
	if err != nil {
		return nil, fmt.Errorf("live holds: %w", away(err))
	}
	holds, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h LiveHold, err error) {
		var ticket int64
		var owner [16]byte
		err = row.Scan(&ticket, &owner, &h.Until)
		h.Ticket, h.Owner = id.Ticket(ticket), owner
		return h, err
	})
	return holds, away(err)
}

// Plan reads an event's layout and prices, and whether its tickets exist. booking.ErrEventNotFound.
func (s *Store) Plan(ctx context.Context, e id.Event) (plan *layout.Plan, onSale bool, err error) {
	plan = &layout.Plan{Event: e}
	var prices, spec []byte
	err = s.pool.QueryRow(ctx, query("plan"), int64(e)).Scan(&plan.Currency, &prices, &spec, &onSale)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, booking.ErrEventNotFound
	}
	if err != nil {
		return nil, false, fmt.Errorf("plan of %s: %w", e, away(err))
	}
	if plan.Layout, err = layout.Parse(spec); err != nil {
		return nil, false, fmt.Errorf("plan of %s: %w", e, err)
	}
	if err := json.Unmarshal(prices, &plan.Prices); err != nil {
		return nil, false, fmt.Errorf("prices of %s: %w", e, err)
	}
	return plan, onSale, plan.Check()
}

func key(k *[16]byte) id.Key {
	if k == nil {
		return id.Key{}
	}
	return *k
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
