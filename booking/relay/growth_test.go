package relay

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/booking/webhook"
	"usher/internal/id"
	"usher/internal/testenv"
)

// rolling are the tables that must not grow with the days.
var rolling = []string{"command_results", "outbox", "idempotency_keys", "webhook_events"}

// lived is what days have left: sizes in bytes after each day, and how long a booking took in the end of it.
type lived struct {
	rolling map[string][]int64 // with indexes
	a       map[string][]int64 // of the tables that keep what was sold: bytes a row, with indexes
	indexes map[string][]int64 // of these bytes those of indexes
	booked  []time.Duration    // from a command's way into the log until its caller hears of it, the median of a few, one by one
	slowest []time.Duration    // of these
}

// way is how days go.
type way struct {
	days, bookings int  // a day, of two seats each
	forgets        bool // what is older than two days is forgotten
	wastes         bool // in the last third all tickets are written three times a day, which leaves dead rows behind
}

// live lives through days. A day ends as real ones do: what is old is forgotten, by the statements that roles use, and Postgres has vacuumed.
func live(t *testing.T, w way) lived {
	t.Helper()
	r := newRig(t)
	testenv.Running(t, r.relay().Run)
	if err := r.store.AddWebhook(t.Context(), webhook.Webhook{ID: id.NewKey(), URL: "https://example.org/", Secrets: [][]byte{{1}}}); err != nil {
		t.Fatal(err)
	}
	out := lived{rolling: map[string][]int64{}, a: map[string][]int64{}, indexes: map[string][]int64{}}
	var began []time.Time
	for day := range w.days {
		began = append(began, time.Now())
		r.day(w.bookings, &out)
		if w.forgets && day > 0 {
			r.forget(time.Since(began[day-1]))
		}
		if w.wastes && day >= 2*w.days/3 {
			for range 3 {
				r.exec("UPDATE tickets SET version = version")
			}
		}
		r.measure(&out)
		t.Logf("day %d: %d bookings in %s, one alone in %s, at most %s", day+1, w.bookings, time.Since(began[day]).Round(time.Millisecond),
			out.booked[day].Round(10*time.Microsecond), out.slowest[day].Round(10*time.Microsecond))
	}
	return out
}

// day sells an event: a few bookings come one by one, after all others.
func (r *rig) day(bookings int, out *lived) {
	r.t.Helper()
	alone := min(100, bookings/10)
	e := pgtest.Event(r.t, r.store, 2*bookings)
	var all []command.Command
	for b := range bookings {
		all = append(all, book(e, id.NewVisitor(), time.Now().Add(time.Hour), 2*b, 2*b+1))
	}
	for batch := range slices.Chunk(all[alone:], 5000) {
		r.append(batch...)
	}
	for sold := -1; ; { // as long as it goes on
		before := sold
		r.eventually("more of the day's bookings", func() bool {
			sold = pgtest.Count(r.t, r.store, `SELECT count(*) FROM bookings WHERE event_id = $1`, int64(e))
			return sold > before
		})
		if sold == bookings-alone {
			break
		}
	}
	var took []time.Duration
	for _, c := range all[:alone] {
		c.ReplyTo = "caller"
		began := time.Now()
		r.append(c)
		r.eventually("what came of a booking", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			at, told := r.told[c.ID]
			if told {
				took = append(took, at.Sub(began))
				delete(r.told, c.ID)
			}
			return told
		})
	}
	slices.Sort(took)
	out.booked, out.slowest = append(out.booked, took[alone/2]), append(out.slowest, took[alone-1])
	for left := -1; left != 0; {
		before := left
		r.eventually("less in the outbox", func() bool {
			left = pgtest.Count(r.t, r.store, `SELECT count(*) FROM outbox`)
			return left == 0 || before < 0 || left < before
		})
	}
	r.exec(`INSERT INTO idempotency_keys (scope, request_hash, status, body, locked_until, created_at)
		SELECT sha256(gen_random_uuid()::text::bytea), '', 201, convert_to(repeat('x', 300), 'UTF8'), now(), now() - interval '25 hours' FROM generate_series(1, $1)`, bookings)
}

// forget forgets what is older than age, and the keys of idempotency, which are older than a day.
func (r *rig) forget(age time.Duration) {
	r.t.Helper()
	for _, forget := range []func() (int64, error){
		func() (int64, error) { return r.store.PurgeResults(r.t.Context(), age, purgeRows) },
		func() (int64, error) { return r.store.PurgeKeys(r.t.Context(), purgeRows) },
		func() (int64, error) { return r.store.PurgeWebhooks(r.t.Context(), age) },
	} {
		for left := int64(1); left > 0; {
			var err error
			if left, err = forget(); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

// measure vacuums, and notes sizes.
func (r *rig) measure(out *lived) {
	r.t.Helper()
	for _, table := range rolling {
		r.vacuum(table)
		out.rolling[table] = append(out.rolling[table], int64(pgtest.Count(r.t, r.store, `SELECT pg_total_relation_size($1::text::regclass)`, table)))
	}
	for _, table := range pgstore.MonthTables {
		r.eventually("a vacuum of "+table, func() bool { return r.vacuumed(table) })
		size := func(sql string) int64 {
			return int64(pgtest.Count(r.t, r.store, `SELECT (sum(`+sql+`) / (SELECT count(*) FROM `+table+`))::bigint FROM pg_partition_tree($1::text::regclass) WHERE isleaf`, table))
		}
		out.a[table] = append(out.a[table], size(`pg_total_relation_size(relid)`))
		out.indexes[table] = append(out.indexes[table], size(`pg_indexes_size(relid)`))
	}
}

func (r *rig) exec(sql string, args ...any) {
	r.t.Helper()
	if _, err := r.store.Pool().Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatal(err)
	}
}

// vacuum frees what is dead in a table, all of it: a reader that is at work may keep rows from it for a moment.
func (r *rig) vacuum(table string) {
	r.t.Helper()
	r.eventually("the end of the dead rows of "+table, func() bool {
		return r.vacuumed(table) && pgtest.Count(r.t, r.store, `SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = $1::text::regclass`, table) == 0
	})
}

// vacuumed vacuums a table; false: Postgres is doing that by itself just now.
func (r *rig) vacuumed(table string) bool {
	r.t.Helper()
	_, err := r.store.Pool().Exec(r.t.Context(), "VACUUM "+table)
	var refused *pgconn.PgError
	if err != nil && (!errors.As(err, &refused) || refused.Code != "55P03") { // lock_not_available
		r.t.Fatal(err)
	}
	return err == nil
}

// thirds are the medians of the days' middle third and of their last: a vacuum that met a reader leaves one day's dead rows to the next.
func thirds(sizes []int64) (middle, last int64) {
	n := len(sizes) / 3
	median := func(days []int64) int64 { return slices.Sorted(slices.Values(days))[len(days)/2] }
	return median(sizes[n : 2*n]), median(sizes[2*n:])
}

// rolls reports whether a table of the last third of days is no larger than it was in the third before, but for half of what one day has brought: pages of an
// index that are empty wait for a vacuum or two until they are used again.
func rolls(sizes []int64) bool {
	middle, last := thirds(sizes)
	return last <= middle+sizes[0]/2
}

// flat reports whether a row takes no more room in the last third of days than it did in the third before, but for a tenth and a few bytes.
func flat(sizes []int64) bool {
	middle, last := thirds(sizes)
	return last <= middle*11/10+8
}

// TestDaysLeaveTablesFlat: what rolls does not grow, and what is kept takes no more room a row. How long a booking takes is told.
func TestDaysLeaveTablesFlat(t *testing.T) {
	t.Parallel()
	w := way{days: 9, bookings: 300, forgets: true}
	if os.Getenv("USHER_PROVE") != "" { // a hundredth of the size that Usher is for: 50,000 tickets a day
		w.days, w.bookings = 30, 25_000
	}
	got := live(t, w)
	for table, sizes := range got.rolling {
		t.Logf("%s: %v KB", table, kilobytes(sizes))
		if !rolls(sizes) {
			t.Errorf("%s grows: %v KB", table, kilobytes(sizes))
		}
	}
	for table, sizes := range got.a {
		t.Logf("%s: %v bytes a row, of which %v are of indexes", table, sizes, got.indexes[table])
		if !flat(sizes) || !flat(got.indexes[table]) {
			t.Errorf("%s takes more and more room: %v bytes a row, of which %v are of indexes", table, sizes, got.indexes[table])
		}
	}
	t.Logf("a booking alone took %v, at most %v", got.booked, got.slowest)
}

func TestControlDaysThatForgetNothingGrow(t *testing.T) {
	t.Parallel()
	got := live(t, way{days: 9, bookings: 300, wastes: true})
	for table, sizes := range got.rolling {
		if rolls(sizes) != (table == "outbox") { // that empties itself
			t.Errorf("%s: %v KB", table, kilobytes(sizes))
		}
	}
	if flat(got.a["tickets"]) {
		t.Errorf("tickets: %v bytes a row after many dead ones", got.a["tickets"])
	}
}

func kilobytes(sizes []int64) (out []int64) {
	for _, s := range sizes {
		out = append(out, s>>10)
	}
	return out
}
