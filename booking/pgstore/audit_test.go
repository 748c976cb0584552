package pgstore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/audit"
	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
)

// lived is a truth in which things have happened: a reserved booking, one that is being paid, a confirmed one, a cancelled one, a seat that is withheld.
func lived(t *testing.T) (*pgstore.Store, map[string]command.Command) {
	t.Helper()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 40)
	now := time.Now()
	reserved, paying, confirmed, cancelled := bookSeats(e, 1, 2), bookSeats(e, 3), bookSeats(e, 5, 6, 7), bookSeats(e, 9)
	pays := func(c command.Command) command.Command {
		return command.Command{ID: id.NewKey(), Kind: command.BeginPayment, Event: e, Booking: c.ID, Owner: c.Owner, Attempt: id.NewKey(), IssuedAt: now,
			Until: now.Add(time.Hour), Payment: booking.Payment{Method: "sandbox", Token: "tok_ok"}}
	}
	begun := pays(confirmed)
	results := apply(t, s, e, 0, reserved, paying, pays(paying), confirmed, begun,
		command.Command{ID: id.NewKey(), Kind: command.Settle, Event: e, Booking: confirmed.ID, Attempt: begun.Attempt, Outcome: command.Captured, IssuedAt: now},
		cancelled, command.Command{ID: id.NewKey(), Kind: command.Cancel, Event: e, Booking: cancelled.ID, Owner: cancelled.Owner, IssuedAt: now},
		command.Command{ID: id.NewKey(), Kind: command.Block, Event: e, Seats: []int{20}, IssuedAt: now})
	for _, r := range results {
		if r.Outcome != command.Done {
			t.Fatalf("%+v", r)
		}
	}
	return s, map[string]command.Command{"reserved": reserved, "paying": paying, "confirmed": confirmed, "cancelled": cancelled}
}

// broken returns the rules that a snapshot breaks, with the rows.
func broken(t *testing.T, s *pgstore.Store) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	if err := s.Audit(t.Context(), topic, topicID, func(x *pgstore.Snapshot) error {
		for _, rule := range audit.Rules {
			rows, total, err := x.Broken(t.Context(), rule.Name, 2)
			if err != nil {
				return err
			}
			if len(rows) != min(total, 2) {
				t.Errorf("%s: %d rows of %d", rule.Name, len(rows), total)
			}
			for _, r := range rows {
				out[rule.Name] = append(out[rule.Name], r.String())
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnHonestTruthBreaksNoRule(t *testing.T) {
	t.Parallel()
	s, _ := lived(t)
	if found := broken(t, s); len(found) > 0 {
		t.Errorf("broken: %v", found)
	}
}

// TestEveryRuleIsBrokenBySomething is the control of the rules: each way of breaking the truth is found by the rules that it breaks and by no other, and is told
// with the seat or the booking that it is about. $R, $P, $C and $X are the reserved booking, the one being paid, the confirmed and the cancelled one.
func TestEveryRuleIsBrokenBySomething(t *testing.T) {
	t.Parallel()
	const unguarded = `DROP INDEX one_live_booking_per_seat; ALTER TABLE tickets DROP CONSTRAINT sold_ticket_has_a_booking, DROP CONSTRAINT blocked_ticket_is_not_sold; DROP INDEX one_live_attempt_per_booking; `
	seat := func(n int) string { return fmt.Sprintf("(SELECT id << 20 | %d FROM events)", n) }
	cases := map[string]struct {
		sql   string
		rules []string
		tells string
	}{
		"a seat that is sold twice":              {`INSERT INTO booking_seats VALUES (` + seat(1) + `, $C, true)`, []string{"booking_has_seats", "one_owner", "seat_agrees"}, "-1: live bookings"},
		"a seat whose owner is another":          {`UPDATE tickets SET booking_id = $R WHERE id = ` + seat(3), []string{"seat_agrees", "seat_state"}, "-3: the ticket names booking"},
		"a seat that nobody owns":                {`UPDATE booking_seats SET live = false WHERE ticket_id = ` + seat(6), []string{"booking_has_seats", "seat_agrees"}, "confirmed, names seats {5,6,7} and owns {5,7}"},
		"an owner of a seat that does not exist": {`DELETE FROM tickets WHERE id = ` + seat(2), []string{"seat_agrees", "seats_add_up"}, "-2: no such ticket"},
		"a dead booking that owns its seat":      {`UPDATE booking_seats SET live = true WHERE booking_id = $X; UPDATE tickets SET booking_id = $X WHERE id = ` + seat(9), []string{"dead_owns_nothing", "seat_state"}, "is cancelled"},
		"a sold seat that says it is free":       {`UPDATE tickets SET status = 'available' WHERE id = ` + seat(5), []string{"seat_state"}, "the ticket is available, its booking"},
		"a free seat that says it is sold":       {`UPDATE tickets SET status = 'booked' WHERE id = ` + seat(30), []string{"seat_state", "seats_add_up"}, "the ticket is booked, its booking none"},
		"a booking that is gone":                 {`DELETE FROM bookings WHERE id = $C`, []string{"acknowledged", "dead_owns_nothing", "seat_state"}, "there is no such booking"},
		"a seat that is blocked and sold":        {`UPDATE tickets SET blocked = true WHERE id = ` + seat(5), []string{"seats_add_up"}, "capacity 40, 40 tickets"},
		"tickets that were never made":           {`DELETE FROM tickets WHERE id >= ` + seat(31), []string{"seats_add_up"}, "31 tickets"},
		"no tickets at all":                      {`DELETE FROM tickets; DELETE FROM booking_seats; DELETE FROM bookings; DELETE FROM command_results`, []string{"seats_add_up"}, "capacity 40,  tickets"},
		"two payments that may both take money":  {`UPDATE payment_attempts SET live = true; INSERT INTO payment_attempts (id, event_id, booking_id, amount, currency, method, token, status, live, created_at, updated_at) SELECT gen_random_uuid(), event_id, booking_id, amount, currency, method, token, status, true, now(), now() FROM payment_attempts WHERE booking_id = $P`, []string{"one_attempt"}, "live attempts"},
		"a reservation that nobody ends":         {`UPDATE bookings SET expiration_time = now() - interval '2 minutes' WHERE id = $R`, []string{"overdue"}, "reserved until"},
		"a payment that does not end":            {`UPDATE payment_attempts SET created_at = now() - interval '1 hour' WHERE booking_id = $P`, []string{"unsettled"}, "is created since"},
		"a message that nobody sends":            {`INSERT INTO outbox (topic, key, payload, created_at) VALUES ('booking.events', 'k', '', now() - interval '2 minutes')`, []string{"untold"}, "for booking.events waits since"},
		"a message that nobody can read":         {`INSERT INTO poison_messages VALUES ('booking.commands', 3, 7, '', 'no JSON')`, []string{"set_aside"}, "partition 3, offset 7"},
	}
	known := map[string]bool{}
	for name, c := range cases {
		for _, rule := range c.rules {
			known[rule] = true
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, bookings := lived(t)
			sql := unguarded + c.sql
			for sign, of := range map[string]string{"$R": "reserved", "$P": "paying", "$C": "confirmed", "$X": "cancelled"} {
				sql = strings.ReplaceAll(sql, sign, fmt.Sprintf("'%x'::uuid", [16]byte(bookings[of].ID)))
			}
			if _, err := s.Pool().Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
			found := broken(t, s)
			var rules, rows []string
			for rule, r := range found {
				rules, rows = append(rules, rule), append(rows, r...)
			}
			slices.Sort(rules)
			if !slices.Equal(rules, c.rules) {
				t.Errorf("broken: %v, want %v", found, c.rules)
			}
			if !slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, c.tells) }) {
				t.Errorf("nothing tells %q: %v", c.tells, rows)
			}
		})
	}
	for _, rule := range audit.Rules {
		if !known[rule.Name] {
			t.Errorf("nothing breaks rule %s", rule.Name)
		}
	}
}

// TestCommandsWithoutAResultAreFound: of ids that are asked for, those without a result come back.
func TestCommandsWithoutAResultAreFound(t *testing.T) {
	t.Parallel()
	s, bookings := lived(t)
	ghost := id.NewKey()
	if err := s.Audit(t.Context(), topic, topicID, func(x *pgstore.Snapshot) error {
		missing, err := x.Unanswered(t.Context(), []id.Key{bookings["paying"].ID, ghost, bookings["cancelled"].ID, ghost})
		if err != nil || !slices.Equal(missing, []id.Key{ghost}) {
			t.Errorf("missing %v, %v", missing, err)
		}
		offsets, err := x.Offsets(t.Context())
		if err != nil || !slices.Equal(offsets, []audit.Offset{{Partition: 3, Next: 9}}) {
			t.Errorf("offsets %v, %v", offsets, err)
		}
		at, err := x.At(t.Context())
		if err != nil || time.Since(at).Abs() > time.Hour {
			t.Errorf("at %s, %v", at, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
