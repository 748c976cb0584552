package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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
