package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/pgstore"
	"usher/booking/sale"
	"usher/internal/id"
)

// books are the truth in memory: what package pgstore does in Postgres, statement by statement, each transaction at one moment.
// TestTheBooksAgreeWithPostgres holds them to it.
type books struct {
	now      func() time.Time
	halls    map[id.Event][]seat
	bookings map[id.Booking]sale.Record
	owners   map[owning]bool // whether the booking owns the ticket now
	attempts map[id.Key]*attempt
	results  map[id.Key][]byte // JSON, as in Postgres
	offsets  map[int]int64
	outbox   []pgstore.Message
	poison   map[place]bool

	without   Checks
	committed func(b *pgstore.Batch, was map[int]int64) // hears what has been committed, and where the log was before; may be nil
}

// Checks of a commit.
type Checks struct {
	Offset, Version, Hold, Unique bool
	Ended                         bool // what is over never changes
	Once                          bool // a command has one result
	Attempt                       bool // a booking has one live attempt
	Whole                         bool // a transaction is all or nothing
}

type seat struct {
	version int32
	status  booking.TicketStatus
	blocked bool
	price   int32
	booking id.Key
	holder  id.Visitor
	until   time.Time
}

type owning struct {
	ticket  id.Ticket
	booking id.Key
}

type place struct {
	partition int
	offset    int64
}

// attempt is a row of payment_attempts.
type attempt struct {
	payment.Attempt
	live, settled bool
	created       time.Time
	due, leased   time.Time
}

const currency = "EUR"

func newBooks(now func() time.Time) *books {
	return &books{
		now: now, halls: map[id.Event][]seat{}, bookings: map[id.Booking]sale.Record{}, owners: map[owning]bool{}, attempts: map[id.Key]*attempt{},
		results: map[id.Key][]byte{}, offsets: map[int]int64{}, poison: map[place]bool{},
	}
}

// open puts an event on sale.
func (b *books) open(e id.Event, seats int, price int32) {
	for range seats {
		b.halls[e] = append(b.halls[e], seat{status: booking.Available, price: price})
	}
}

func (s seat) state() booking.SeatState {
	return booking.StateOf(s.status, !s.booking.IsZero(), s.blocked)
}

// Recall is pgstore.Store.Recall.
func (b *books) Recall(_ context.Context, ids []id.Key) (map[id.Key]command.Result, time.Time, error) {
	out := map[id.Key]command.Result{}
	for _, k := range ids {
		if text, ok := b.results[k]; ok {
			var r command.Result
			if err := json.Unmarshal(text, &r); err != nil {
				return nil, time.Time{}, err
			}
			out[k] = r
		}
	}
	return out, b.now(), nil
}

// Results is pgstore.Store.Results.
func (b *books) Results(ctx context.Context, ids []id.Key) (map[id.Key]command.Result, error) {
	out, _, err := b.Recall(ctx, ids)
	return out, err
}

// Sale is pgstore.Store.Sale.
func (b *books) Sale(_ context.Context, e id.Event) (*sale.Sale, error) {
	holds := map[int]sale.Hold{}
	var seats []sale.Seat
	for i, s := range b.halls[e] {
		seats = append(seats, sale.Seat{Booking: s.booking, Version: s.version, Price: s.price, State: s.state()})
		if s.holder != (id.Visitor{}) {
			holds[i] = sale.Hold{Holder: s.holder, Until: s.until}
		}
	}
	return sale.New(e, currency, seats, holds), nil
}

// Records is pgstore.Store.Records.
func (b *books) Records(_ context.Context, ids []id.Booking) (map[id.Booking]*sale.Record, error) {
	out := map[id.Booking]*sale.Record{}
	for _, k := range ids {
		if r, ok := b.bookings[k]; ok {
			r.Seats = slices.Clone(r.Seats)
			out[k] = &r
		}
	}
	return out, nil
}

// transaction is a commit on its way: what it has changed is undone when it fails.
type transaction struct {
	*books
	undo []func()
}

// write changes an entry until the transaction is rolled back.
func write[K comparable, V any](t *transaction, m map[K]V, k K, v V) {
	was, there := m[k]
	t.undo = append(t.undo, func() {
		if there {
			m[k] = was
		} else {
			delete(m, k)
		}
	})
	m[k] = v
}

// Commit is pgstore.Store.Commit.
func (b *books) Commit(_ context.Context, batch *pgstore.Batch) error {
	t, was := &transaction{books: b}, maps.Clone(b.offsets)
	for _, statement := range []func(*pgstore.Batch) error{t.advance, t.seats, t.records, t.owned, t.money, t.answers, t.rest} {
		if err := statement(batch); err != nil {
			if b.without.Whole {
				return err
			}
			for _, undo := range slices.Backward(t.undo) {
				undo()
			}
			return err
		}
	}
	if b.committed != nil {
		b.committed(batch, was)
	}
	return nil
}

// advance is advance_offsets.sql.
func (t *transaction) advance(batch *pgstore.Batch) error {
	for _, o := range batch.Offsets {
		next, known := t.offsets[o.Partition]
		if !known || next != o.Was && !t.without.Offset {
			return fmt.Errorf("%w: partition %d is at %d, not %d", pgstore.ErrFenced, o.Partition, next, o.Was)
		}
		write(t, t.offsets, o.Partition, o.Next)
	}
	return nil
}

// seats is update_seats.sql.
func (t *transaction) seats(batch *pgstore.Batch) error {
	now := t.now()
	for _, s := range batch.Sales {
		for _, w := range s.Seats {
			hall, i := t.halls[s.Event], w.Ticket.Seat()
			row := hall[i]
			held := row.holder != (id.Visitor{}) && row.holder != w.Claimant && row.until.After(now)
			if row.version != w.From && !t.without.Version || w.Claimed && held && !t.without.Hold {
				return fmt.Errorf("%w: seat %s", pgstore.ErrStale, w.Ticket)
			}
			t.undo = append(t.undo, func() { hall[i] = row })
			status, blocked := w.State.Status(), w.State == booking.SeatBlocked
			if status != booking.Available && w.Booking.IsZero() || blocked && !w.Booking.IsZero() {
				return fmt.Errorf("%w: a constraint of seat %s", pgstore.ErrRefused, w.Ticket)
			}
			hall[i] = seat{version: w.Version, status: status, blocked: blocked, price: row.price, booking: w.Booking, holder: w.Holder, until: w.Until}
		}
	}
	return nil
}

// records is upsert_bookings.sql.
func (t *transaction) records(batch *pgstore.Batch) error {
	for _, s := range batch.Sales {
		for _, r := range s.Bookings {
			k := id.Booking{Event: s.Event, Key: r.Key}
			was, known := t.bookings[k]
			if known && was.Status != booking.Reserved && was.Status != booking.Paying && !t.without.Ended {
				return fmt.Errorf("%w: booking %s is over", pgstore.ErrStale, k)
			}
			if (r.Status == booking.Confirmed) != (r.ConfirmationID != "") {
				return fmt.Errorf("%w: a constraint of booking %s", pgstore.ErrRefused, k)
			}
			row := *r
			if row.Seats = slices.Clone(r.Seats); known {
				row.Owner, row.Seats, row.Total, row.Session, row.CreatedAt = was.Owner, was.Seats, was.Total, was.Session, was.CreatedAt
			}
			write(t, t.bookings, k, row)
		}
	}
	return nil
}

// owned is release_owners.sql and insert_owners.sql with the index one_live_booking_per_seat.
func (t *transaction) owned(batch *pgstore.Batch) error {
	var all []sale.SeatOwner
	for _, s := range batch.Sales {
		all = append(all, s.Owners...)
	}
	for _, o := range all {
		k := owning{o.Ticket, o.Booking}
		if _, known := t.owners[k]; known && !o.Live {
			write(t, t.owners, k, false)
		}
	}
	for _, o := range all {
		k := owning{o.Ticket, o.Booking}
		if _, known := t.owners[k]; known {
			continue
		}
		if o.Live && !t.without.Unique {
			for other, live := range t.owners {
				if live && other.ticket == o.Ticket {
					return fmt.Errorf("%w: seat %s has an owner", pgstore.ErrRefused, o.Ticket)
				}
			}
		}
		write(t, t.owners, k, o.Live)
	}
	return nil
}

// money is insert_attempts.sql with the index one_live_attempt_per_booking, and settle_attempts.sql.
func (t *transaction) money(batch *pgstore.Batch) error {
	now := t.now()
	for _, a := range batch.Attempts {
		b := id.Booking{Event: a.Event, Key: a.Booking}
		for k, other := range t.attempts {
			if k == a.ID || other.live && other.Booking == b && !t.without.Attempt {
				return fmt.Errorf("%w: booking %s has a live attempt", pgstore.ErrRefused, b)
			}
		}
		write(t, t.attempts, a.ID, &attempt{
			Attempt: payment.Attempt{
				Charge: payment.Charge{Attempt: a.ID, Booking: b, Amount: a.Amount, Currency: a.Currency, Token: a.Payment.Token},
				Method: a.Payment.Method, Status: payment.StatusCreated,
			},
			live: true, created: now, due: now,
		})
	}
	for _, k := range batch.Settled {
		if a := t.attempts[k]; a != nil {
			settled := *a
			settled.settled, settled.live = true, false
			write(t, t.attempts, k, &settled)
		}
	}
	return nil
}

// answers is insert_results.sql.
func (t *transaction) answers(batch *pgstore.Batch) error {
	for _, r := range batch.Results {
		if _, known := t.results[r.Command]; known && !t.without.Once {
			return fmt.Errorf("%w: command %s has a result", pgstore.ErrRefused, r.Command)
		}
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		write(t, t.results, r.Command, text)
	}
	return nil
}

// rest is insert_outbox.sql and set_aside.sql.
func (t *transaction) rest(batch *pgstore.Batch) error {
	t.outbox = append(t.outbox, batch.Outbox...)
	for _, m := range batch.Poison {
		write(t, t.poison, place{m.Partition, m.Offset}, true)
	}
	return nil
}

// Hold is pgstore.Store.Hold of one request.
func (b *books) Hold(r pgstore.HoldRequest) (granted bool) {
	for _, t := range r.Tickets {
		row := b.halls[t.Event()][t.Seat()]
		others := row.holder != (id.Visitor{}) && row.holder != r.Owner && row.until.After(b.now())
		if row.state() != booking.SeatFree || others {
			return false
		}
	}
	for _, t := range r.Tickets {
		row := &b.halls[t.Event()][t.Seat()]
		row.holder, row.until = r.Owner, r.Until
	}
	return true
}

// ReleaseHolds is pgstore.Store.ReleaseHolds of one visitor.
func (b *books) ReleaseHolds(r pgstore.HoldRelease) {
	for _, t := range r.Tickets {
		if row := &b.halls[t.Event()][t.Seat()]; row.holder == r.Owner && row.booking.IsZero() && row.status == booking.Available {
			row.holder, row.until = id.Visitor{}, time.Time{}
		}
	}
}

// Overdue is pgstore.Store.Overdue.
func (b *books) Overdue() (out []pgstore.Overdue) {
	for k, r := range b.bookings {
		if r.Status == booking.Reserved && !r.ExpirationTime.After(b.now()) {
			out = append(out, pgstore.Overdue{Booking: k, Until: r.ExpirationTime})
		}
	}
	slices.SortFunc(out, func(x, y pgstore.Overdue) int { return compare(x.Booking.Key, y.Booking.Key) })
	return out
}

// ClaimAttempts is pgstore.Store.ClaimAttempts.
func (b *books) ClaimAttempts(_ context.Context, n int, lease time.Duration) (out []payment.Attempt, err error) {
	now := b.now()
	var due []id.Key
	for k, a := range b.attempts {
		if !a.settled && !a.due.After(now) && !a.leased.After(now) {
			due = append(due, k)
		}
	}
	slices.SortFunc(due, compare)
	for _, k := range due[:min(n, len(due))] {
		a := b.attempts[k]
		a.Tries++
		a.leased = now.Add(lease)
		claimed := a.Attempt
		claimed.Age, claimed.Paying = now.Sub(a.created), b.paying(a)
		out = append(out, claimed)
	}
	return out, nil
}

func (b *books) paying(a *attempt) bool {
	r, ok := b.bookings[a.Booking]
	return ok && r.Status == booking.Paying && r.Attempt == a.Attempt.Attempt
}

// SaveAttempt is pgstore.Store.SaveAttempt.
func (b *books) SaveAttempt(_ context.Context, saved payment.Attempt, c payment.Change) (paying, ok bool, err error) {
	a := b.attempts[saved.Attempt]
	if a == nil || a.Tries != saved.Tries || a.Status != saved.Status || a.settled {
		return false, false, nil
	}
	now := b.now()
	a.Status, a.due, a.leased = c.Status, now.Add(c.After), time.Time{}
	if c.Reason != "" {
		a.Reason = c.Reason
	}
	if c.Lease > 0 {
		a.leased = now.Add(c.Lease)
	}
	a.settled, a.live = c.Settled, a.live && !c.Settled
	return b.paying(a), true, nil
}

func compare(a, b id.Key) int { return slices.Compare(a[:], b[:]) }
