package pgstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
)

func monthOf(t *testing.T, s *pgstore.Store, month int) (m pgstore.Month) {
	t.Helper()
	all, err := s.Months(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(all, func(m pgstore.Month) bool { return m.Month == month }); i >= 0 {
		m = all[i]
	}
	return m
}

func TestMonthsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"2000-01", "2026-06", "2026-12", "2341-04"} {
		if m, err := pgstore.ParseMonth(text); err != nil || pgstore.MonthName(m) != text {
			t.Errorf("%s: %d, %v", text, m, err)
		}
	}
	for _, bad := range []string{"", "2026", "2026-13", "2026-00", "1999-12", "2026-06-01", "2026_06"} {
		if _, err := pgstore.ParseMonth(bad); err == nil {
			t.Errorf("%q is a month", bad)
		}
	}
}

// TestAMonthIsAddedBesideASale: who has written tickets and not yet committed does not keep a month from being added. The control is a partition that is made as
// such: it wants the table for itself.
func TestAMonthIsAddedBesideASale(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 4)
	tx, err := s.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil { // it must be there still when the control comes
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `UPDATE tickets SET version = version + 1 WHERE event_id = $1`, int64(e)); err != nil {
		t.Fatal(err)
	}
	if err := s.AddMonth(t.Context(), pgtest.Month+1); err != nil {
		t.Error(err)
	}
	if m := monthOf(t, s, pgtest.Month+1); m.Attached != 3 {
		t.Errorf("%+v", m)
	}
	first := int64(pgtest.Month+2) << 47
	if _, err := s.Pool().Exec(t.Context(), fmt.Sprintf(`CREATE TABLE by_hand PARTITION OF tickets FOR VALUES FROM (%d) TO (%d)`, first, first+1<<47)); err == nil {
		t.Error("the control: a partition was made while somebody sells")
	}
}

// TestAMonthIsPutAwayAndBroughtBack: what is not over stays; what is put away is missed by nobody, and comes back as it was, from its tables or from a copy.
func TestAMonthIsPutAwayAndBroughtBack(t *testing.T) {
	t.Parallel()
	s, bookings := lived(t)
	e := bookings["confirmed"].Event
	if err := s.PutAway(t.Context(), pgtest.Month); !errors.Is(err, pgstore.ErrMonthNotOver) {
		t.Fatalf("a month that is not over: %v", err)
	}
	change(t, s, `UPDATE events SET start_time = now() - interval '40 days', end_time = now() - interval '39 days'`)
	if err := s.PutAway(t.Context(), pgtest.Month); !errors.Is(err, pgstore.ErrMonthNotOver) { // bookings wait
		t.Fatalf("a month with bookings that wait: %v", err)
	}
	change(t, s, `UPDATE bookings SET status = 'expired' WHERE status IN ('reserved', 'paying')`)
	change(t, s, `UPDATE booking_seats SET live = false WHERE booking_id IN (SELECT id FROM bookings WHERE status = 'expired')`)
	change(t, s, `UPDATE tickets SET status = 'available', booking_id = NULL, hold_user_id = NULL, hold_expiry = NULL WHERE booking_id IN (SELECT id FROM bookings WHERE status = 'expired')`)
	change(t, s, `UPDATE payment_attempts SET settled = true, live = false`)
	if found := broken(t, s); len(found) > 0 {
		t.Fatalf("the truth before: %v", found)
	}
	sums := func() (out [3]int) {
		for i, table := range pgstore.MonthTables {
			out[i] = pgtest.Count(t, s, `SELECT coalesce(sum(hashtext(r::text)), 0) FROM `+table+` r`)
		}
		return out
	}
	before := sums()
	month := pgtest.Month
	if err := s.PutAway(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	if err := s.PutAway(t.Context(), month); err != nil { // again is no harm
		t.Error(err)
	}
	if m := monthOf(t, s, month); m.Attached != 0 || m.Tables != 3 || m.Bytes == 0 || sums() != [3]int{} {
		t.Errorf("put away: %+v", m)
	}
	if found := broken(t, s); len(found) > 0 {
		t.Errorf("the audit misses what is put away: %v", found)
	}
	if _, err := s.Sale(t.Context(), e); err != nil {
		t.Errorf("a sale of what is put away: %v", err)
	}
	if err := s.BringBack(t.Context(), month, nil); err != nil || sums() != before {
		t.Fatalf("brought back: %v", err)
	}
	if err := s.BringBack(t.Context(), month, nil); !errors.Is(err, pgstore.ErrMonthState) {
		t.Errorf("twice: %v", err)
	}
	if _, _, err := s.CopyMonth(t.Context(), "tickets", month, &bytes.Buffer{}); !errors.Is(err, pgstore.ErrMonthState) {
		t.Errorf("a copy of what is in use: %v", err)
	}
	if err := s.DropMonth(t.Context(), month); !errors.Is(err, pgstore.ErrMonthState) {
		t.Errorf("what is in use is dropped: %v", err)
	}

	if err := s.PutAway(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	copies, columns := map[string]*bytes.Buffer{}, map[string][]string{}
	for _, table := range pgstore.MonthTables {
		copies[table] = &bytes.Buffer{}
		var n int64
		var err error
		if columns[table], n, err = s.CopyMonth(t.Context(), table, month, copies[table]); err != nil || n == 0 {
			t.Fatalf("copy %s: %d rows, %v", table, n, err)
		}
	}
	if err := s.DropMonth(t.Context(), month); err != nil {
		t.Fatal(err)
	}
	if err := s.BringBack(t.Context(), month, nil); !errors.Is(err, pgstore.ErrMonthState) {
		t.Errorf("what is gone: %v", err)
	}
	failed := errors.New("the file is broken")
	if err := s.BringBack(t.Context(), month, func(*pgstore.MonthLoader) error { return failed }); !errors.Is(err, failed) || monthOf(t, s, month).Tables != 0 {
		t.Errorf("half a month is left: %v, %+v", err, monthOf(t, s, month))
	}
	if err := s.BringBack(t.Context(), month, func(l *pgstore.MonthLoader) error {
		_, err := l.Copy(columns[l.Table], copies[l.Table])
		return err
	}); err != nil || sums() != before {
		t.Errorf("brought back from copies: %v", err)
	}
	if found := broken(t, s); len(found) > 0 {
		t.Errorf("the truth afterwards: %v", found)
	}
	if b := bookSeats(e, 6); apply(t, s, e, 9, b)[0].Outcome == "done" {
		t.Error("a seat that is sold is sold again")
	}
}

// TestWhoIsInTheWayIsWaitedFor: a reader that stays holds nobody up but the step itself, which goes on where it stopped.
func TestWhoIsInTheWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 6)
	e := pgtest.Event(t, s, 4)
	change(t, s, `UPDATE events SET start_time = now() - interval '40 days', end_time = now() - interval '39 days'`)
	tx, err := s.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SET LOCAL idle_in_transaction_session_timeout = 0`); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `SELECT count(*) FROM tickets`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.PutAway(t.Context(), pgtest.Month) }()
	for deadline := time.Now().Add(30 * time.Second); monthOf(t, s, pgtest.Month).Pending == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is half detached: nobody is in the way")
		}
	}
	if _, err := s.Stock(t.Context(), e); err != nil {
		t.Errorf("who reads waits: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if m := monthOf(t, s, pgtest.Month); m.Attached != 0 || m.Pending != 0 || m.Tables != 3 {
		t.Errorf("%+v", m)
	}
}

func TestResultsLeaveByAge(t *testing.T) {
	t.Parallel()
	s, _ := lived(t) // nine commands
	change(t, s, `UPDATE command_results SET created_at = now() - interval '15 days' WHERE command_id IN (SELECT command_id FROM command_results LIMIT 5)`)
	for i, want := range []int64{3, 2, 0} {
		if n, err := s.PurgeResults(t.Context(), 14*24*time.Hour, 3); err != nil || n != want {
			t.Errorf("purge %d: %d, want %d: %v", i, n, want, err)
		}
	}
	if n := pgtest.Count(t, s, `SELECT count(*) FROM command_results`); n != 4 {
		t.Errorf("%d results are left, want 4", n)
	}
}
