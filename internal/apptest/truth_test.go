package apptest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Exec runs SQL on the system's Postgres.
func (s *System) Exec(sql string, args ...any) {
	s.t.Helper()
	s.withDB(func(ctx context.Context, db *pgx.Conn) error {
		_, err := db.Exec(ctx, sql, args...)
		return err
	})
}

// Query returns the rows of a query, each as the text of its columns.
func (s *System) Query(sql string, args ...any) (out []string) {
	s.t.Helper()
	s.withDB(func(ctx context.Context, db *pgx.Conn) error {
		rows, err := db.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			values, err := rows.Values()
			if err != nil {
				return err
			}
			out = append(out, strings.Trim(fmt.Sprint(values), "[]"))
		}
		return rows.Err()
	})
	return out
}

func (s *System) withDB(do func(ctx context.Context, db *pgx.Conn) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := pgx.Connect(ctx, s.Postgres)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	if err := do(ctx, db); err != nil {
		s.t.Fatal(err)
	}
}

// invariants are the promises that one snapshot of Postgres can show; each query returns the violations.
var invariants = map[string]string{
	"a seat has one live booking":            `SELECT ticket_id, count(*) FROM booking_seats WHERE live GROUP BY 1 HAVING count(*) > 1`,
	"a ticket and its booking agree":         `SELECT t.id, t.booking_id FROM tickets t LEFT JOIN booking_seats s ON s.ticket_id = t.id AND s.live WHERE t.booking_id IS DISTINCT FROM s.booking_id`,
	"a confirmed booking's seats are booked": `SELECT b.id, t.id FROM bookings b JOIN booking_seats s ON s.booking_id = b.id JOIN tickets t ON t.id = s.ticket_id WHERE b.status = 'confirmed' AND t.status <> 'booked'`,
	"a booked seat has a confirmed booking":  `SELECT t.id FROM tickets t LEFT JOIN bookings b ON b.event_id = t.event_id AND b.id = t.booking_id WHERE t.status = 'booked' AND b.status IS DISTINCT FROM 'confirmed'`,
	"a dead booking owns no seat":            `SELECT b.id FROM bookings b JOIN booking_seats s ON s.booking_id = b.id WHERE s.live AND b.status NOT IN ('reserved', 'paying', 'confirmed')`,
	"no charge without a ticket":             `SELECT l.attempt_id FROM sandbox_ledger l JOIN payment_attempts a ON a.id = l.attempt_id JOIN bookings b ON b.event_id = a.event_id AND b.id = a.booking_id WHERE l.captured_at IS NOT NULL AND l.voided_at IS NULL AND b.status NOT IN ('confirmed', 'paying')`,
	"no ticket without a charge":             `SELECT b.id FROM bookings b LEFT JOIN payment_attempts a ON a.booking_id = b.id AND a.status = 'captured' LEFT JOIN sandbox_ledger l ON l.attempt_id = a.id AND l.captured_at IS NOT NULL AND l.voided_at IS NULL WHERE b.status = 'confirmed' AND l.attempt_id IS NULL`,
	"one charge a booking":                   `SELECT a.booking_id, count(*) FROM sandbox_ledger l JOIN payment_attempts a ON a.id = l.attempt_id WHERE l.captured_at IS NOT NULL AND l.voided_at IS NULL GROUP BY 1 HAVING count(*) > 1`,
}

// CheckTruth reports every violated invariant.
func (s *System) CheckTruth() {
	s.t.Helper()
	for promise, sql := range invariants {
		if bad := s.Query(sql); len(bad) > 0 {
			s.t.Errorf("broken: %s: %v", promise, bad[:min(len(bad), 5)])
		}
	}
}

// Lost returns the acknowledged bookings that the truth does not hold exactly once with the seat that was told.
func (s *System) Lost(sold *sales) (out []string) {
	s.t.Helper()
	have := map[string]int{}
	for _, row := range s.Query(`SELECT encode(uuid_send(b.id), 'hex'), s.ticket_id FROM bookings b JOIN booking_seats s ON s.booking_id = b.id`) {
		have[row]++
	}
	for booking, ticket := range sold.reserved {
		if have[rowOf(booking, ticket)] != 1 {
			out = append(out, booking)
		}
	}
	return out
}

// EventID returns the id of the only event, in its text form.
func (s *System) EventID() string {
	s.t.Helper()
	fan := &Fan{t: s.t, client: client, Base: s.Public[0]}
	a := fan.Do("GET", "/api/v1/events/search", nil)
	list, _ := a.Body["events"].([]any)
	if len(list) != 1 {
		s.t.Fatalf("want one event, got %s", a)
	}
	e, _ := list[0].(map[string]any)
	name, _ := e["id"].(string)
	return name
}
