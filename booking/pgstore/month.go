package pgstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// MonthTables are the tables that have a partition a month, in the order in which they are put away: who sells asks for tickets first.
var MonthTables = []string{"tickets", "bookings", "booking_seats"}

// ErrMonthNotOver says that a month cannot be put away.
var ErrMonthNotOver = errors.New("the month is not over")

// ErrMonthState says that a month's tables are not as the step needs them.
var ErrMonthState = errors.New("the month's tables are not ready for that")

const (
	detachTries = 30 // a second each at most: beyond, something holds a lock for long
	ticketBits  = 47 // of a ticket's id below its month
	eventBits   = 27 // of an event's id below its month
)

// Month is the tables of one month.
type Month struct {
	Month    int // since 2000-01
	Attached int // tables of the three that are in use
	Pending  int // that are half taken out: the step was interrupted
	Tables   int // that are there
	Bytes    int64
	Tickets  int64 // about
}

// MonthName is a month as people write it, 2026-06.
func MonthName(month int) string { return fmt.Sprintf("%04d-%02d", 2000+month/12, month%12+1) }

// ParseMonth reads a month such as 2026-06.
func ParseMonth(text string) (int, error) {
	at, err := time.Parse("2006-01", text)
	if err != nil || at.Year() < 2000 {
		return 0, fmt.Errorf("%q is no month such as 2026-06", text)
	}
	return (at.Year()-2000)*12 + int(at.Month()) - 1, nil
}

func suffix(month int) string { return strings.ReplaceAll(MonthName(month), "-", "_") }

// Months returns every month that has tables, in order.
func (s *Store) Months(ctx context.Context) ([]Month, error) {
	rows, err := s.pool.Query(ctx, query("months"))
	if err != nil {
		return nil, fmt.Errorf("months: %w", away(err))
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Month, err error) {
		var name string
		if err = row.Scan(&name, &m.Attached, &m.Pending, &m.Tables, &m.Bytes, &m.Tickets); err == nil {
			m.Month, err = ParseMonth(strings.ReplaceAll(name, "_", "-"))
		}
		return m, err
	})
	return out, away(err)
}

// AddMonth makes the tables of a month if they are missing. Nobody who sells waits for it.
func (s *Store) AddMonth(ctx context.Context, month int) error {
	if _, err := s.pool.Exec(ctx, query("month_add"), month); err != nil {
		return fmt.Errorf("add %s: %w", MonthName(month), away(err))
	}
	return nil
}

// PutAway takes a month out of use: its tables stay, and nothing reads them. It waits for those who use them, a second at a time, and never makes anybody wait
// longer; when it is interrupted or gives up, the same call goes on. ErrMonthNotOver.
func (s *Store) PutAway(ctx context.Context, month int) error {
	var events, bookings, payments int
	if err := s.pool.QueryRow(ctx, query("month_open"), month).Scan(&events, &bookings, &payments); err != nil {
		return fmt.Errorf("look at %s: %w", MonthName(month), away(err))
	}
	if events+bookings+payments > 0 {
		return fmt.Errorf("%w: in %s %d events end later than a week ago, %d bookings wait for an end, and %d payments", ErrMonthNotOver, MonthName(month), events, bookings, payments)
	}
	if _, err := s.pool.Exec(ctx, query("month_put_away"), month); err != nil {
		return fmt.Errorf("put away %s: %w", MonthName(month), away(err))
	}
	for _, table := range MonthTables {
		if err := s.detach(ctx, table, month); err != nil {
			return fmt.Errorf("detach %s of %s: %w", table, MonthName(month), err)
		}
	}
	return nil
}

// detach takes one table out.
func (s *Store) detach(ctx context.Context, table string, month int) (err error) {
	for range detachTries {
		var there, attached, pending bool
		if err := s.pool.QueryRow(ctx, query("month_state"), table+"_"+suffix(month)).Scan(&there, &attached, &pending); err != nil {
			return away(err)
		}
		step := "month_detach"
		switch {
		case !there:
			return fmt.Errorf("%w: there is no table", ErrMonthState)
		case !attached:
			return nil
		case pending:
			step = "month_finalize"
		}
		if _, err = s.pool.Exec(ctx, fmt.Sprintf(query(step), table, suffix(month))); err != nil {
			if err = away(err); ctx.Err() != nil {
				return err
			}
			time.Sleep(100 * time.Millisecond) // the lock's own timeout is the pause
		}
	}
	return err
}

// BringBack puts a month's tables back in use. Those that are not there are made, and load fills them; nil: they must be there. All or nothing. ErrMonthState.
func (s *Store) BringBack(ctx context.Context, month int, load func(*MonthLoader) error) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("month_session")); err != nil {
			return err
		}
		for _, table := range MonthTables {
			var there, attached, pending bool
			if err := tx.QueryRow(ctx, query("month_state"), table+"_"+suffix(month)).Scan(&there, &attached, &pending); err != nil {
				return err
			}
			if attached {
				return fmt.Errorf("%w: %s is in use", ErrMonthState, table)
			}
			if !there && load == nil {
				return fmt.Errorf("%w: there is no table of %s; bring it back from its archive", ErrMonthState, table)
			}
			if !there {
				if _, err := tx.Exec(ctx, fmt.Sprintf(query("month_create"), table, suffix(month))); err != nil {
					return err
				}
				if err := load(&MonthLoader{ctx, tx, table, month}); err != nil {
					return err
				}
			}
			bits := ticketBits
			if table == "bookings" {
				bits = eventBits
			}
			if _, err := tx.Exec(ctx, fmt.Sprintf(query("month_attach"), table, suffix(month), int64(month)<<bits, int64(month+1)<<bits)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, query("month_bring_back"), month)
		return err
	})
	if err != nil {
		return fmt.Errorf("bring back %s: %w", MonthName(month), away(err))
	}
	return nil
}

// MonthLoader fills one table of a month.
type MonthLoader struct {
	ctx   context.Context
	tx    pgx.Tx
	Table string
	month int
}

// Copy reads rows as CopyMonth has written them, and returns how many.
func (l *MonthLoader) Copy(columns []string, from io.Reader) (int64, error) {
	tag, err := l.tx.Conn().PgConn().CopyFrom(l.ctx, from, fmt.Sprintf(query("month_copy_in"), l.Table+"_"+suffix(l.month), quoted(columns)))
	return tag.RowsAffected(), err
}

// CopyMonth writes all rows of a table of a month that is put away, and returns its columns and how many rows it has. ErrMonthState.
func (s *Store) CopyMonth(ctx context.Context, table string, month int, to io.Writer) (columns []string, n int64, err error) {
	name := table + "_" + suffix(month)
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("month_session")); err != nil {
			return err
		}
		if err := isAway(ctx, tx, name); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, query("month_columns"), name)
		if err != nil {
			return err
		}
		if columns, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		tag, err := tx.Conn().PgConn().CopyTo(ctx, to, fmt.Sprintf(query("month_copy_out"), name, quoted(columns)))
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		err = fmt.Errorf("copy %s: %w", name, away(err))
	}
	return columns, n, err
}

// DropMonth removes the tables of a month that is put away. ErrMonthState.
func (s *Store) DropMonth(ctx context.Context, month int) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		for _, table := range MonthTables {
			if err := isAway(ctx, tx, table+"_"+suffix(month)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, fmt.Sprintf(query("month_drop"), table, suffix(month))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("drop %s: %w", MonthName(month), away(err))
	}
	return nil
}

// isAway complains unless a table is there and in nobody's use.
func isAway(ctx context.Context, tx pgx.Tx, name string) error {
	var there, attached, pending bool
	if err := tx.QueryRow(ctx, query("month_state"), name).Scan(&there, &attached, &pending); err != nil {
		return err
	}
	if !there || attached {
		return fmt.Errorf("%w: %s is not there, or in use: detach the month first", ErrMonthState, name)
	}
	return nil
}

// quoted lists names of columns. Those of an archive are bytes from outside.
func quoted(columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = pgx.Identifier{c}.Sanitize()
	}
	return strings.Join(out, ", ")
}

// PurgeResults forgets results of commands that are older than that, at most n, and returns how many.
func (s *Store) PurgeResults(ctx context.Context, age time.Duration, n int) (int64, error) {
	tag, err := s.pool.Exec(ctx, query("results_purge"), age.Seconds(), n)
	return tag.RowsAffected(), away(err)
}
