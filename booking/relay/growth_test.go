package relay

import (
	"os"
	"slices"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/pgstore/pgtest"
	"usher/booking/webhook"
	"usher/internal/id"
	"usher/internal/testenv"
)

// rolling are the tables that must not grow with the days.
var rolling = []string{"command_results", "outbox", "idempotency_keys", "webhook_events"}

// days lives through days of the given number of bookings, of two seats each, and returns the size of each rolling table after each day. A day ends as real ones do: what is older than
// two days is forgotten, by the statements that roles use, and Postgres has vacuumed.
func days(t *testing.T, n, bookings int, forgets bool) map[string][]int64 {
	t.Helper()
	r := newRig(t)
	testenv.Running(t, r.relay().Run)
	if err := r.store.AddWebhook(t.Context(), webhook.Webhook{ID: id.NewKey(), URL: "https://example.org/", Secrets: [][]byte{{1}}}); err != nil {
		t.Fatal(err)
	}
	sizes := map[string][]int64{}
	var began []time.Time
	for day := range n {
		began = append(began, time.Now())
		e := pgtest.Event(t, r.store, 2*bookings)
		var all []command.Command
		for b := range bookings {
			all = append(all, book(e, id.NewVisitor(), time.Now().Add(time.Hour), 2*b, 2*b+1))
		}
		for batch := range slices.Chunk(all, 5000) {
			r.append(batch...)
		}
		r.eventually("the day's bookings", func() bool {
			return pgtest.Count(t, r.store, `SELECT count(*) FROM bookings WHERE event_id = $1`, int64(e)) == bookings && pgtest.Count(t, r.store, `SELECT count(*) FROM outbox`) == 0
		})
		if _, err := r.store.Pool().Exec(t.Context(), `INSERT INTO idempotency_keys (scope, request_hash, status, body, locked_until, created_at)
			SELECT sha256(gen_random_uuid()::text::bytea), '', 201, convert_to(repeat('x', 300), 'UTF8'), now(), now() - interval '25 hours' FROM generate_series(1, $1)`, bookings); err != nil {
			t.Fatal(err)
		}
		if forgets && day > 0 {
			age := time.Since(began[day-1])
			for _, forget := range []func() (int64, error){
				func() (int64, error) { return r.store.PurgeResults(t.Context(), age, purgeRows) },
				func() (int64, error) { return r.store.PurgeKeys(t.Context(), purgeRows) },
				func() (int64, error) { return r.store.PurgeWebhooks(t.Context(), age) },
			} {
				for left := int64(1); left > 0; {
					var err error
					if left, err = forget(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		for _, table := range rolling {
			r.vacuum(table)
			sizes[table] = append(sizes[table], int64(pgtest.Count(t, r.store, `SELECT pg_total_relation_size($1::text::regclass)`, table)))
		}
		t.Logf("day %d: %d bookings in %s", day+1, bookings, time.Since(began[day]).Round(time.Millisecond))
	}
	return sizes
}

// vacuum frees what is dead in a table, all of it: a reader that is at work may keep rows from it for a moment.
func (r *rig) vacuum(table string) {
	r.t.Helper()
	r.eventually("the end of the dead rows of "+table, func() bool {
		if _, err := r.store.Pool().Exec(r.t.Context(), "VACUUM "+table); err != nil {
			r.t.Fatal(err)
		}
		return pgtest.Count(r.t, r.store, `SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = $1::text::regclass`, table) == 0
	})
}

// flat reports whether a table is no larger in the last third of days than it was in the third before, but for a tenth and some pages. Thirds are compared by
// their medians: a vacuum that met a reader leaves one day's dead rows to the next.
func flat(sizes []int64) bool {
	third := len(sizes) / 3
	median := func(days []int64) int64 { return slices.Sorted(slices.Values(days))[len(days)/2] }
	return median(sizes[2*third:]) <= median(sizes[third:2*third])*11/10+4*8192
}

// TestDaysLeaveTablesFlat: what rolls does not grow. The control forgets nothing, and grows.
func TestDaysLeaveTablesFlat(t *testing.T) {
	t.Parallel()
	n, bookings := 9, 300
	if os.Getenv("USHER_PROVE") != "" { // a hundredth of the size that Usher is for: 50,000 tickets a day
		n, bookings = 30, 25_000
	}
	for table, sizes := range days(t, n, bookings, true) {
		t.Logf("%s: %v KB", table, kilobytes(sizes))
		if !flat(sizes) {
			t.Errorf("%s grows: %v KB", table, kilobytes(sizes))
		}
	}
}

func TestControlDaysThatForgetNothingGrow(t *testing.T) {
	t.Parallel()
	for table, sizes := range days(t, 9, 300, false) {
		if flat(sizes) != (table == "outbox") { // that empties itself
			t.Errorf("%s: %v KB", table, kilobytes(sizes))
		}
	}
}

func kilobytes(sizes []int64) (out []int64) {
	for _, s := range sizes {
		out = append(out, s>>10)
	}
	return out
}
