package pgstore_test

import (
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/booking/report"
	"usher/internal/id"
)

// reported returns the rows of a report.
func reported(t *testing.T, s *pgstore.Store, f report.Filter) (rows []report.Row, events, absent int) {
	t.Helper()
	events, absent, err := s.Report(t.Context(), f, func(r report.Row) error {
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, events, absent
}

func change(t *testing.T, s *pgstore.Store, sql string, args ...any) {
	t.Helper()
	if _, err := s.Pool().Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// refunded makes a booking whose payment was taken, came too late and was given back.
func refunded(t *testing.T, s *pgstore.Store, e id.Event, was int64, seats ...int) {
	t.Helper()
	b := bookSeats(e, seats...)
	now := time.Now()
	pay := command.Command{ID: id.NewKey(), Kind: command.BeginPayment, Event: e, Booking: b.ID, Owner: b.Owner, Attempt: id.NewKey(), IssuedAt: now, Until: now.Add(time.Hour)}
	pay.Payment.Method, pay.Payment.Token = "sandbox", "tok_ok"
	for _, r := range apply(t, s, e, was, b, pay, command.Command{ID: id.NewKey(), Kind: command.Settle, Event: e, Booking: b.ID, Attempt: pay.Attempt, Outcome: command.Declined, IssuedAt: now},
		command.Command{ID: id.NewKey(), Kind: command.Cancel, Event: e, Booking: b.ID, Owner: b.Owner, IssuedAt: now}) {
		if r.Outcome != command.Done {
			t.Fatalf("%+v", r)
		}
	}
	change(t, s, `UPDATE payment_attempts SET status = 'voided', reason = $2 WHERE id = $1`, [16]byte(pay.Attempt), payment.ReasonRefused)
}

// TestAReportAgreesWithTheTickets: every sum of a report is that of the tickets, the bookings and the payments themselves. The control is a ticket
// that says something else afterwards: then the sums differ.
func TestAReportAgreesWithTheTickets(t *testing.T) {
	t.Parallel()
	s, bookings := lived(t) // 40 seats: 2 reserved, 1 paying, 3 sold, 1 blocked
	e := bookings["confirmed"].Event
	refunded(t, s, e, 9, 30, 31) // nine commands were applied
	change(t, s, `UPDATE tickets SET price = 2500 WHERE id >= $1`, int64(e.Ticket(20)))
	change(t, s, `UPDATE tickets SET hold_user_id = gen_random_uuid(), hold_expiry = now() + interval '1 hour' WHERE id = $1`, int64(e.Ticket(33)))
	change(t, s, `UPDATE tickets SET hold_user_id = gen_random_uuid(), hold_expiry = now() - interval '1 hour' WHERE id = $1`, int64(e.Ticket(34)))
	change(t, s, `UPDATE layouts SET spec = '[{"name":"Front","level":"A","rows":[{"name":"1","seats":6},{"name":"2","seats":4}]},{"name":"Back","level":"B","rows":[{"name":"1","seats":30}]}]'`)

	rows, events, absent := reported(t, s, report.Filter{})
	if events != 1 || absent != 0 || len(rows) != 3 {
		t.Fatalf("%d events, %d absent, %+v", events, absent, rows)
	}
	type figures [8]int64 // tickets, sold, paying, reserved, blocked, held, free, refunded
	for i, want := range []struct {
		section string
		price   int64
		figures
	}{
		{"Front", pgtest.Price, figures{10, 3, 1, 2, 0, 0, 4, 0}},
		{"Back", pgtest.Price, figures{10, 0, 0, 0, 0, 0, 10, 0}},
		{"Back", 2500, figures{20, 0, 0, 0, 1, 1, 18, 2}},
	} {
		r := rows[i]
		got := figures{r.Tickets, r.Sold, r.Paying, r.Reserved, r.Blocked, r.Held, r.Free, r.Refunded}
		if r.Section != want.section || r.Price != want.price || got != want.figures || r.Event != e || r.Currency != pgtest.Currency || r.Date != "2026-11-28" {
			t.Errorf("row %d: %+v, want %+v", i, r, want)
		}
	}
	agrees := func() bool {
		rows, _, _ := reported(t, s, report.Filter{Event: e})
		var net, tickets, all int64
		for _, r := range rows {
			net, tickets, all = net+r.Net(), tickets+r.Tickets, all+r.Sold+r.Paying+r.Reserved+r.Blocked+r.Held+r.Free
		}
		paid := pgtest.Count(t, s, `SELECT coalesce(sum(total), 0) FROM bookings WHERE status = 'confirmed'`)
		return tickets == 40 && all == 40 && net == int64(paid) && net == int64(pgtest.Count(t, s, `SELECT sum(price) FROM tickets WHERE status = 'booked'`))
	}
	if !agrees() {
		t.Error("the report does not agree with tickets and bookings")
	}
	change(t, s, `UPDATE tickets SET status = 'booked' WHERE id = $1`, int64(e.Ticket(1))) // the control
	if agrees() {
		t.Error("a ticket that is sold to nobody is not seen")
	}
}

// TestAReportReadsPageAfterPage: events with one start, more than a page of them, each once; and only those that are asked for.
func TestAReportReadsPageAfterPage(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	var all []id.Event
	for range 45 {
		all = append(all, pgtest.Event(t, s, 2))
	}
	f := func(filter report.Filter, want, gone int) {
		t.Helper()
		rows, events, absent := reported(t, s, filter)
		seen := map[id.Event]bool{}
		for _, r := range rows {
			seen[r.Event] = true
		}
		if events != want || absent != gone || len(rows) != want || len(seen) != want {
			t.Errorf("%+v: %d events, %d absent, %d rows of %d events; want %d and %d", filter, events, absent, len(rows), len(seen), want, gone)
		}
	}
	f(report.Filter{}, 45, 0)
	f(report.Filter{Event: all[7]}, 1, 0)
	f(report.Filter{From: "2026-11-28", To: "2026-11-28"}, 45, 0)
	f(report.Filter{From: "2026-11-29"}, 0, 0)
	f(report.Filter{To: "2026-11-27"}, 0, 0)
	change(t, s, `DELETE FROM tickets WHERE event_id = ANY ($1)`, []int64{int64(all[3]), int64(all[20])})
	f(report.Filter{}, 43, 2)
}
