// Package pgledger is what must outlive the line, in Postgres: rooms, blocks of numbers, the ceiling, admissions.
package pgledger

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"usher/internal/batch"
	"usher/waitroom"
)

//go:embed query/*.sql
var queries embed.FS

func query(name string) string {
	b, err := queries.ReadFile("query/" + name + ".sql")
	if err != nil {
		panic("pgledger: " + err.Error()) // a wrong name fails every test at once
	}
	return string(b)
}

// perSession is how long it may take to give a line one session back: twice what Redis takes (docs/failures.md).
const perSession = 20 * time.Microsecond

// Ledger keeps the waiting room's memory. Make it with New; Run must be running for Admit.
type Ledger struct {
	pool   *pgxpool.Pool
	admits *batch.Batcher[admission, error]
}

type admission struct {
	key waitroom.RunKey
	waitroom.Admission
}

// New returns a ledger on the pool.
func New(pool *pgxpool.Pool) *Ledger {
	l := &Ledger{pool: pool}
	l.admits = batch.New(l.admitAll, 200, 1, 20_000)
	return l
}

// Run commits admissions in groups until ctx ends.
func (l *Ledger) Run(ctx context.Context) error { return l.admits.Run(ctx) }

// Reserve makes sure that numbers below want may be given out by that incarnation. waitroom.ErrLost.
func (l *Ledger) Reserve(ctx context.Context, k waitroom.RunKey, incarnation, want int64) (end int64, err error) {
	err = l.pool.QueryRow(ctx, query("reserve"), k.Room, k.Run, incarnation, want).Scan(&end)
	if errors.Is(err, pgx.ErrNoRows) {
		err = waitroom.ErrLost
	}
	if err != nil {
		err = fmt.Errorf("reserve numbers of room %q: %w", k.Room, err)
	}
	return end, err
}

// Note remembers how far that incarnation has given out numbers, and raises the ceiling. waitroom.ErrLost.
func (l *Ledger) Note(ctx context.Context, k waitroom.RunKey, incarnation, issued, ceiling int64) error {
	tag, err := l.pool.Exec(ctx, query("note"), k.Room, k.Run, incarnation, issued, ceiling)
	if err == nil && tag.RowsAffected() == 0 {
		err = waitroom.ErrLost
	}
	if err != nil {
		return fmt.Errorf("note the ceiling of room %q: %w", k.Room, err)
	}
	return nil
}

// Recover begins a new incarnation with a fresh block. waitroom.ErrRecovering.
func (l *Ledger) Recover(ctx context.Context, k waitroom.RunKey, issued, block int64) (m waitroom.Memory, err error) {
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, query("begin_run"), k.Room, k.Run); err != nil {
			return err
		}
		var noted int64
		var busy bool
		if err := tx.QueryRow(ctx, query("lock_run"), k.Room, k.Run).Scan(&m.Next, &noted, &m.Watermark, &busy); err != nil {
			return err
		}
		if busy {
			return waitroom.ErrRecovering
		}
		if err := tx.QueryRow(ctx, query("recover"), k.Room, k.Run, block).Scan(&m.Incarnation, &m.BlockEnd); err != nil {
			return err
		}
		m.Limit = m.Next
		m.Watermark = min(m.Watermark, m.Limit)
		if from := max(noted, issued); from < m.Limit {
			if _, err := tx.Exec(ctx, query("dig_hole"), k.Room, k.Run, from, m.Limit); err != nil {
				return err
			}
		}
		if err := remember(ctx, tx, k, &m); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, query("recovered"), k.Room, k.Run, time.Duration(len(m.Sessions))*perSession)
		return err
	})
	if err != nil {
		return m, fmt.Errorf("recover the line of room %q: %w", k.Room, err)
	}
	return m, nil
}

// remember reads the holes and the admissions of a run.
func remember(ctx context.Context, tx pgx.Tx, k waitroom.RunKey, m *waitroom.Memory) error {
	rows, err := tx.Query(ctx, query("holes"), k.Room, k.Run)
	if err != nil {
		return fmt.Errorf("holes: %w", err)
	}
	if m.Holes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[waitroom.Hole]); err != nil {
		return fmt.Errorf("holes: %w", err)
	}
	if rows, err = tx.Query(ctx, query("admissions"), k.Room, k.Run, waitroom.SlotSlack); err != nil {
		return fmt.Errorf("admissions: %w", err)
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (none struct{}, err error) {
		var a waitroom.Admission
		var visitor [16]byte
		var live bool
		if err := row.Scan(&a.Number, &visitor, &a.JTI, &a.Entered, &a.Expires, &live); err != nil {
			return none, err
		}
		a.Visitor = visitor
		m.Used = append(m.Used, a.Number)
		if live {
			m.Sessions = append(m.Sessions, a)
		}
		return none, nil
	})
	if err != nil {
		return fmt.Errorf("admissions: %w", err)
	}
	return nil
}

// Admit records an admission, group-committed. waitroom.ErrPlaceUsed, waitroom.ErrLost.
func (l *Ledger) Admit(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) error {
	refusal, err := l.admits.Do(ctx, admission{k, a})
	if err != nil {
		return err
	}
	return refusal
}

// entry is what admissions of one batch are told apart by. A number may be asked for by several incarnations, of which one at most is live.
type entry struct {
	room, run           string
	number, incarnation int64
}

// admitAll returns for each admission why it is not recorded, if it is not. Repeats go as one, with the latest end.
func (l *Ledger) admitAll(ctx context.Context, all []admission) ([]error, error) {
	of := func(a admission) entry { return entry{a.key.Room, a.key.Run, a.Number, a.Incarnation} }
	first := map[entry]int{} // where it stands in the arrays
	var rooms, runs, jtis []string
	var numbers, incarnations []int64
	var visitors [][16]byte
	var entered, expires []time.Time
	for _, a := range all {
		if i, again := first[of(a)]; again {
			if jtis[i] == a.JTI && visitors[i] == a.Visitor && a.Expires.After(expires[i]) {
				expires[i] = a.Expires
			}
			continue
		}
		first[of(a)] = len(rooms)
		rooms, runs, numbers, incarnations = append(rooms, a.key.Room), append(runs, a.key.Run), append(numbers, a.Number), append(incarnations, a.Incarnation)
		visitors, jtis = append(visitors, a.Visitor), append(jtis, a.JTI)
		entered, expires = append(entered, a.Entered), append(expires, a.Expires)
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	rows, err := l.pool.Query(ctx, query("admit"), rooms, runs, numbers, visitors, jtis, entered, expires, incarnations)
	if err != nil {
		return nil, fmt.Errorf("admit: %w", err)
	}
	recorded := map[entry]bool{} // of live incarnations
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (none struct{}, err error) {
		var e entry
		var ok bool
		err = row.Scan(&e.room, &e.run, &e.number, &e.incarnation, &ok)
		recorded[e] = ok
		return none, err
	})
	if err != nil {
		return nil, fmt.Errorf("admit: %w", err)
	}
	out := make([]error, len(all))
	for n, a := range all {
		ok, live := recorded[of(a)]
		switch i := first[of(a)]; {
		case !live:
			out[n] = waitroom.ErrLost
		case !ok || jtis[i] != a.JTI || visitors[i] != a.Visitor:
			out[n] = waitroom.ErrPlaceUsed
		}
	}
	return out, nil
}

// Done records the end of a session, also of one whose admission comes later.
func (l *Ledger) Done(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) (incarnation int64, err error) {
	if a.Number < 0 {
		err = l.pool.QueryRow(ctx, query("done_session"), k.Room, k.Run, a.JTI).Scan(&incarnation)
	} else {
		err = l.pool.QueryRow(ctx, query("done"), k.Room, k.Run, a.Number, [16]byte(a.Visitor), a.JTI, a.Entered).Scan(&incarnation)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil // no line of that run was ever restored
	}
	if err != nil {
		err = fmt.Errorf("end a session of room %q: %w", k.Room, err)
	}
	return incarnation, err
}
