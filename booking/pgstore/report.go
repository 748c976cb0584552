package pgstore

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/booking/report"
	"usher/internal/id"
)

// reportPage is how many events one statement reads: their rows are in memory together. Twenty stadiums of 94,000 seats are two million tickets,
// which an index scan reads in about a second.
const reportPage = 20

// Report hands the rows of a report to write, in order of the events' starts, their seats and falling prices. What it tells of one event is of one
// moment; between pages it keeps no snapshot, so a long report does not hinder the sale. It returns how many events are in it, and how many
// are not because their tickets are not in this database: their month is put away, or the sale has not reached Postgres.
func (s *Store) Report(ctx context.Context, f report.Filter, write func(report.Row) error) (events, absent int, err error) {
	after, at := id.Event(0), time.Time{}
	for {
		rows, err := s.reportPage(ctx, f, at, after)
		if err != nil {
			return events, absent, fmt.Errorf("read sales: %w", away(err))
		}
		page := 0
		for i, r := range rows {
			if r.Event != after { // the rows of an event stand together
				page++
				after, at = r.Event, r.Start
				if of(rows[i:]) > 0 {
					events++
				} else {
					absent++
				}
			}
			if r.Tickets == 0 {
				continue
			}
			if err := write(r); err != nil {
				return events, absent, err
			}
		}
		if page < reportPage {
			return events, absent, nil
		}
	}
}

// of counts the tickets of the first event of some rows.
func of(rows []report.Row) (tickets int64) {
	for _, r := range rows {
		if r.Event != rows[0].Event {
			break
		}
		tickets += r.Tickets
	}
	return tickets
}

func (s *Store) reportPage(ctx context.Context, f report.Filter, at time.Time, after id.Event) (out []report.Row, err error) {
	from, to := orElse(f.From, "2000-01-01"), orElse(f.To, "2400-01-01")
	first, last := id.Event(0), id.Event(math.MaxInt64)
	if f.Event != 0 {
		first, last = f.Event, f.Event
	}
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("report_session")); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, query("report"), at, int64(after), from, to, int64(first), int64(last), reportPage)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r report.Row, err error) {
			err = row.Scan((*int64)(&r.Event), &r.Name, &r.Venue, &r.Start, &r.Date, &r.Currency, &r.Section, &r.Level, &r.Price, &r.Tickets,
				&r.Sold, &r.Paying, &r.Reserved, &r.Blocked, &r.Held, &r.Free, &r.Refunded)
			return r, err
		})
		return err
	})
	return out, err
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
