// Package pgtest gives tests of the booking core a truth of their own: a fresh database, and events on sale in it.
package pgtest

import (
	"context"
	_ "embed"
	"encoding/json"
	"strconv"
	"sync/atomic"
	"testing"

	"usher/booking/pgstore"
	"usher/catalog/layout"
	"usher/internal/id"
	"usher/internal/testenv"
)

var (
	//go:embed add_month.sql
	addMonth string
	//go:embed add_event.sql
	addEvent string
	//go:embed add_tickets.sql
	addTickets string
)

// Month is the storage month of the events: November 2026.
const Month = 322

// Price is what every seat costs, in minor units of Currency.
const (
	Price    = 9500
	Currency = "EUR"
)

var sequence atomic.Int64

// Open returns a store of a fresh migrated database with the given number of connections.
func Open(t testing.TB, conns int) *pgstore.Store {
	t.Helper()
	return Again(t, testenv.Postgres(t, pgstore.Migrate), conns)
}

// Again returns another store of a database: another process would have one.
func Again(t testing.TB, dsn string, conns int) *pgstore.Store {
	t.Helper()
	s, err := pgstore.Open(context.Background(), dsn, conns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Event creates an event on sale with the given number of seats in rows of 20, and returns its id.
func Event(t testing.TB, s *pgstore.Store, seats int) id.Event {
	t.Helper()
	e, err := id.NewEvent(Month, int(sequence.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	section := layout.Section{Name: "Stalls", Level: "A"}
	for left := seats; left > 0; left -= 20 {
		section.Rows = append(section.Rows, layout.Row{Name: strconv.Itoa(len(section.Rows) + 1), Seats: min(left, 20)})
	}
	hall, err := layout.New([]layout.Section{section})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := json.Marshal(hall)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, s, addMonth, Month)
	exec(t, s, addEvent, int64(e), e.String(), Currency, Price, seats, spec)
	exec(t, s, addTickets, int64(e.Ticket(0)), seats, Price)
	return e
}

func exec(t testing.TB, s *pgstore.Store, sql string, args ...any) {
	t.Helper()
	if _, err := s.Pool().Exec(context.Background(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// Count returns the number that a query answers.
func Count(t testing.TB, s *pgstore.Store, sql string, args ...any) (n int) {
	t.Helper()
	if err := s.Pool().QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
