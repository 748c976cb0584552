package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher/booking/archive"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// past returns a store with events of a month that is over and put away.
func past(t *testing.T) *pgstore.Store {
	t.Helper()
	s := pgtest.Open(t, 4)
	for range 3 {
		pgtest.Event(t, s, 50)
	}
	for _, sql := range []string{
		`UPDATE events SET start_time = now() - interval '40 days', end_time = now() - interval '39 days'`,
		`UPDATE tickets SET seat_number = E'back\\slash\ttab\nline é' WHERE id % 7 = 0`,
		`INSERT INTO bookings (event_id, id, owner, seats, status, total, currency, buyer_name, created_at, updated_at) SELECT id, gen_random_uuid(), gen_random_uuid(), '{1,2}', 'expired', 5, 'EUR', NULL, now(), now() FROM events`,
		`INSERT INTO booking_seats SELECT event_id << 20 | 1, id, false FROM bookings`,
	} {
		if _, err := s.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func sums(t *testing.T, s *pgstore.Store) (out [3]int) {
	t.Helper()
	for i, table := range pgstore.MonthTables {
		out[i] = pgtest.Count(t, s, `SELECT coalesce(sum(hashtext(r::text)), 0) FROM `+table+` r`)
	}
	return out
}

func TestAMonthComesBackFromItsFilesAsItWas(t *testing.T) {
	t.Parallel()
	s, dir := past(t), t.TempDir()
	before := sums(t, s)
	if _, err := archive.Save(t.Context(), s, dir, pgtest.Month); !errors.Is(err, pgstore.ErrMonthState) {
		t.Fatalf("a month in use: %v", err)
	}
	if _, err := archive.Open(dir, pgtest.Month); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what failed is an archive: %v", err)
	}
	if err := s.PutAway(t.Context(), pgtest.Month); err != nil {
		t.Fatal(err)
	}
	for range 2 { // again is no harm
		if size, err := archive.Save(t.Context(), s, dir, pgtest.Month); err != nil || size == 0 {
			t.Fatal(size, err)
		}
	}
	if err := s.DropMonth(t.Context(), pgtest.Month); err != nil {
		t.Fatal(err)
	}
	a, err := archive.Open(dir, pgtest.Month)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.BringBack(t.Context(), pgtest.Month, a.Load); err != nil || sums(t, s) != before {
		t.Errorf("%v, %v instead of %v", err, sums(t, s), before)
	}
}

// TestABrokenArchiveIsRefused: each way of breaking it is noticed, before or while it is read, and nothing of it stays.
func TestABrokenArchiveIsRefused(t *testing.T) {
	t.Parallel()
	s, dir := past(t), t.TempDir()
	if err := s.PutAway(t.Context(), pgtest.Month); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Save(t.Context(), s, dir, pgtest.Month); err != nil {
		t.Fatal(err)
	}
	if err := s.DropMonth(t.Context(), pgtest.Month); err != nil {
		t.Fatal(err)
	}
	folder := archive.Folder(dir, pgtest.Month)
	tickets, manifest := filepath.Join(folder, "tickets.copy.gz"), filepath.Join(folder, "manifest.json")
	f := func(file string, spoil func(text string) string) {
		t.Helper()
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(spoil(string(good))), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := archive.Open(dir, pgtest.Month)
		if err == nil {
			err = s.BringBack(t.Context(), pgtest.Month, a.Load)
		}
		if err == nil || sums(t, s) != [3]int{} {
			t.Errorf("%s was believed: %v", file, err)
		}
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replaced := func(old, fresh string) func(string) string {
		return func(text string) string {
			if !strings.Contains(text, old) {
				t.Errorf("%q is not in %s", old, text)
			}
			return strings.Replace(text, old, fresh, 1)
		}
	}
	f(tickets, func(text string) string { return text[:len(text)-1] })
	f(tickets, func(text string) string { return text[:20] + "x" + text[21:] })
	f(tickets, func(string) string { return "" })
	f(manifest, func(string) string { return "{" })
	f(manifest, replaced(`"version": 1`, `"version": 2`))
	f(manifest, replaced(`"2026-11"`, `"2026-12"`))
	f(manifest, replaced(`"rows": 150`, `"rows": 151`))
	f(manifest, replaced(`"event_id"`, `"event_id) FROM PROGRAM 'true' --"`))
	f(manifest, replaced(`"name": "bookings"`, `"name": "../bookings"`))
	f(manifest, func(text string) string { return strings.Replace(text, `"bytes": `, `"bytes": 1`, 1)[:0] })
	a, err := archive.Open(dir, pgtest.Month) // the control
	if err != nil {
		t.Fatal(err)
	}
	if err := s.BringBack(t.Context(), pgtest.Month, a.Load); err != nil {
		t.Error(err)
	}
}
