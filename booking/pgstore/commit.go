package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/sale"
	"usher/internal/guard"
	"usher/internal/id"
)

// Why a batch was not committed. Either way nothing of it took effect.
var (
	// ErrFenced: the offsets are not where this worker found them, so somebody else owns a partition.
	ErrFenced = errors.New("another worker has moved the offset")
	// ErrStale: a seat's version or hold is not what was decided upon.
	ErrStale = errors.New("a seat has changed since it was read")
	// ErrRefused: Postgres refuses a statement of the batch: a constraint, a value, a deadlock.
	ErrRefused = errors.New("postgres refuses the batch")
)

// Offset is how far one partition's log has been worked off.
type Offset struct {
	Partition int
	Was, Next int64
}

// Message is one outbox row.
type Message struct {
	Topic, Key string
	Payload    []byte
}

// Poison is a message that nobody could read.
type Poison struct {
	Partition int
	Offset    int64
	Message   []byte
	Reason    string
}

// Batch is the effect of one tick: all of it is committed, or nothing.
type Batch struct {
	Topic, TopicID string
	Offsets        []Offset
	Sales          []SaleWrites
	Attempts       []AttemptRow
	Settled        []id.Key
	Results        []command.Result
	Outbox         []Message
	Poison         []Poison
}

// SaleWrites is what changed in one sale.
type SaleWrites struct {
	Event    id.Event
	Currency string
	sale.Writes
}

// AttemptRow is a new payment attempt.
type AttemptRow struct {
	Event    id.Event
	Currency string
	sale.Attempt
}

// Commit writes the batch in one transaction and one pipelined round trip, the offsets first. ErrFenced, ErrStale and ErrRefused
// mean that nothing was written. Any other error leaves it open whether the commit took effect: the caller must read again.
func (s *Store) Commit(ctx context.Context, b *Batch) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return away(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	var p pgx.Batch
	b.offsets(&p, s.off)
	b.sales(&p, s.off)
	if err := b.rest(&p); err != nil {
		return err
	}
	if err := tx.SendBatch(ctx, &p).Close(); err != nil {
		return refused(err)
	}
	return away(tx.Commit(ctx))
}

// refused tells an answer of Postgres, after which the transaction is certainly gone, from its absence.
func refused(err error) error {
	var said *pgconn.PgError
	switch {
	case errors.Is(err, ErrFenced), errors.Is(err, ErrStale):
		return err
	case errors.As(err, &said) && !unavailable(said.Code):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	default:
		return away(err)
	}
}

// expect queues a statement that must touch exactly n rows, or the batch fails with the given error.
func expect(p *pgx.Batch, n int, broken error, sql string, args ...any) {
	p.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != int64(n) {
			return fmt.Errorf("%w: %d rows of %d", broken, tag.RowsAffected(), n)
		}
		return nil
	})
}

func (b *Batch) offsets(p *pgx.Batch, off func(guard.Guard) bool) {
	var partitions []int
	var was, next []int64
	for _, o := range b.Offsets {
		partitions, was, next = append(partitions, o.Partition), append(was, o.Was), append(next, o.Next)
	}
	name := "advance_offsets"
	if off(guard.OffsetCheck) {
		name = "advance_offsets_unchecked"
	}
	expect(p, len(b.Offsets), ErrFenced, query(name), b.Topic, b.TopicID, partitions, was, next)
}

func (b *Batch) sales(p *pgx.Batch, off func(guard.Guard) bool) {
	var seats seatColumns
	var bookings bookingColumns
	var gone, came ownerColumns
	for _, w := range b.Sales {
		for _, seat := range w.Seats {
			seats.add(seat)
		}
		for _, r := range w.Bookings {
			bookings.add(w.Event, w.Currency, r)
		}
		for _, o := range w.Owners {
			if !o.Live {
				gone.add(o)
			}
			came.add(o)
		}
	}
	if off(guard.SeatUnique) {
		came = ownerColumns{}
	}
	if len(seats.id) > 0 {
		seats.queue(p, !off(guard.VersionCheck))
	}
	if len(bookings.key) > 0 {
		bookings.queue(p)
	}
	if len(gone.ticket) > 0 {
		p.Queue(query("release_owners"), gone.ticket, gone.booking)
	}
	if len(came.ticket) > 0 {
		p.Queue(query("insert_owners"), came.ticket, came.booking, came.live)
	}
}

func (b *Batch) rest(p *pgx.Batch) error {
	b.attempts(p)
	if len(b.Settled) > 0 {
		p.Queue(query("settle_attempts"), uuids(b.Settled))
	}
	if len(b.Results) > 0 {
		if err := b.results(p); err != nil {
			return err
		}
	}
	if len(b.Outbox) > 0 {
		var topics, keys []string
		var payloads [][]byte
		for _, m := range b.Outbox {
			topics, keys, payloads = append(topics, m.Topic), append(keys, m.Key), append(payloads, m.Payload)
		}
		p.Queue(query("insert_outbox"), topics, keys, payloads)
	}
	b.poison(p)
	return nil
}

func (b *Batch) attempts(p *pgx.Batch) {
	if len(b.Attempts) == 0 {
		return
	}
	var ids, bookings [][16]byte
	var events, amounts []int64
	var currencies, methods, tokens []string
	for _, a := range b.Attempts {
		ids, bookings = append(ids, a.ID), append(bookings, a.Booking)
		events, amounts = append(events, int64(a.Event)), append(amounts, a.Amount)
		currencies, methods, tokens = append(currencies, a.Currency), append(methods, a.Payment.Method), append(tokens, a.Payment.Token)
	}
	p.Queue(query("insert_attempts"), ids, events, bookings, amounts, currencies, methods, tokens)
}

func (b *Batch) results(p *pgx.Batch) error {
	var commands [][16]byte
	var events []int64
	var bookings []*[16]byte
	var texts []string
	for _, r := range b.Results {
		text, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("result of command %s: %w", r.Command, err)
		}
		commands, events = append(commands, r.Command), append(events, int64(r.Event))
		bookings, texts = append(bookings, nullable(r.Booking)), append(texts, string(text))
	}
	p.Queue(query("insert_results"), commands, events, bookings, texts)
	return nil
}

func (b *Batch) poison(p *pgx.Batch) {
	if len(b.Poison) == 0 {
		return
	}
	var topics, reasons []string
	var partitions []int
	var offsets []int64
	var messages [][]byte
	for _, m := range b.Poison {
		topics, reasons = append(topics, b.Topic), append(reasons, m.Reason)
		partitions, offsets, messages = append(partitions, m.Partition), append(offsets, m.Offset), append(messages, m.Message)
	}
	p.Queue(query("set_aside"), topics, partitions, offsets, messages, reasons)
}

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
	c.seats = append(c.seats, arrayText(r.Seats))
}

func (c *bookingColumns) queue(p *pgx.Batch) {
	expect(p, len(c.key), ErrStale, query("upsert_bookings"), c.event, c.key, c.owner, c.status, c.total, c.currency, c.expiration, c.confirmation, c.attempt,
		c.room, c.jti, c.created, c.updated, c.seats)
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
