package audit

import (
	"context"
	"fmt"
	"iter"
	"time"

	"usher/booking/payment"
	"usher/internal/audit"
	"usher/internal/id"
)

// Row is one difference, as a snapshot shows it. What it is about is zero where it does not apply.
type Row struct {
	Event   id.Event
	Booking id.Key
	Ticket  id.Ticket
	Detail  string
}

func (r Row) String() string {
	switch {
	case r.Ticket != 0:
		return "ticket " + r.Ticket.String() + ": " + r.Detail
	case !r.Booking.IsZero():
		return "booking " + id.Booking{Event: r.Event, Key: r.Booking}.String() + ": " + r.Detail
	case r.Event != 0:
		return "event " + r.Event.String() + ": " + r.Detail
	}
	return r.Detail
}

// Offset is where a partition's next command is, as the snapshot has it.
type Offset struct {
	Partition int
	Next      int64
}

// Snapshot is Postgres at one moment, however long it takes to ask.
type Snapshot interface {
	// At is the moment.
	At(ctx context.Context) (time.Time, error)
	// Broken returns how many rows break a rule, and the first of them, at most limit.
	Broken(ctx context.Context, rule string, limit int) (rows []Row, total int, err error)
	// Unpaid yields the confirmed bookings that have no attempt to pay.
	Unpaid(ctx context.Context) iter.Seq2[payment.Entry, error]
	// Others returns how many attempts that were begun at or after a time have another provider than these, by provider.
	Others(ctx context.Context, methods []string, from time.Time) (map[string]int, error)
	payment.Truth
	// Offsets returns the partitions of the log that a worker has ever owned.
	Offsets(ctx context.Context) ([]Offset, error)
	// Unanswered returns those of the commands that have no result.
	Unanswered(ctx context.Context, ids []id.Key) ([]id.Key, error)
}

// Log is the log of commands.
type Log interface {
	// Bounds returns the first offset of a partition and the one past its last.
	Bounds(ctx context.Context, partition int) (first, end int64, err error)
	// Commands yields the commands of a partition from an offset on to below another. What nobody can read is left out.
	Commands(ctx context.Context, partition int, from, to int64) iter.Seq2[Entry, error]
}

// Ledger is a provider whose books are compared with the bookings.
type Ledger struct {
	Method string
	Books  payment.Books
	Within time.Duration // how old the payments are that are compared, at most; 0: all are
}

// Entry is one command of the log.
type Entry struct {
	Offset   int64
	Command  id.Key
	Event    id.Event
	IssuedAt time.Time
}

// Run checks every rule. Payments that were begun within recent by a provider that is not among the ledgers are told of as not compared. Its error
// is that of asking: then nothing is known.
func Run(ctx context.Context, s Snapshot, l Log, ledgers []Ledger, recent time.Duration) (r audit.Report, err error) {
	if r.At, err = s.At(ctx); err != nil {
		return r, err
	}
	for _, rule := range Rules {
		rows, total, err := s.Broken(ctx, rule.Name, audit.Examples)
		if err != nil {
			return r, fmt.Errorf("whether %s: %w", rule.Says, err)
		}
		f := audit.Finding{Rule: rule, Total: total}
		for _, row := range rows {
			f.Rows = append(f.Rows, row.String())
		}
		r.Findings = append(r.Findings, f)
	}
	if err := checkMoney(ctx, &r, s, ledgers, recent); err != nil {
		return r, err
	}
	return r, checkLog(ctx, &r, s, l)
}
