package sale

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/internal/id"
)

// Everything that can meet at one booking, each named by a letter: the payer begins (b) and his attempt ends (e), and is told once more (d);
// he tries another card (B), which is captured (E); the sweeper has seen the first end (x) or the later one (y); he cancels (c); a rival
// wants one of the seats (r).
const meeting = "bedBExycr"

var rivals = id.Key{11}

// orders calls do for every order of the letters in which an attempt begins before it ends.
func orders(do func(order string)) {
	var place func(done string)
	place = func(done string) {
		if len(done) == len(meeting) {
			do(done)
			return
		}
		for _, next := range meeting {
			before := map[rune]rune{'e': 'b', 'd': 'e', 'E': 'B'}[next]
			if !strings.ContainsRune(done, next) && (before == 0 || strings.ContainsRune(done, before)) {
				place(done + string(next))
			}
		}
	}
	place("")
}

// meet runs one order, with the first attempt's outcome, and returns how it ended, and what is wrong with that. sweeps plants a bug: an
// expiry that does not spare who is paying.
func meet(s *Sale, order string, outcome command.Settlement, sweeps bool) (end string, faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	begun := map[id.Key]bool{} // attempts that were made: true when they have ended
	charges := 0               // captured, and taken by the log
	first := settle(try, outcome)
	second := settle(retry, command.Captured)
	var told command.Result
	for i, letter := range order {
		now := noon.Add(time.Duration(i) * 90 * time.Second) // the first end falls into the order, the later one just after it
		c := map[rune]command.Command{
			'b': pay(ann, try), 'e': first, 'd': first, 'B': pay(ann, retry), 'E': second,
			'x': expire(until), 'y': expire(until.Add(2 * time.Minute)), 'c': cancel(ann), 'r': book(bob, rivals, 0),
		}[letter]
		c.IssuedAt = now
		if _, made := begun[c.Attempt]; c.Kind == command.Settle && !made {
			continue // nobody has charged anything
		}
		ours := s.Bookings[mine]
		if sweeps && c.Kind == command.Expire && ours.Status == booking.Paying {
			ours.Status, ours.ExpirationTime = booking.Reserved, c.Until
		}
		d := s.Decide(c, now)
		if d.Attempt != nil {
			for a, ended := range begun {
				if !ended || charges > 0 {
					fault("%c: an attempt beside %s", letter, a)
				}
			}
			begun[d.Attempt.ID] = false
		}
		switch letter {
		case 'e':
			told = d.Result
		case 'd': // the same end is told in the same way, whatever came between
			if told.Outcome == command.Done && outcome == command.Captured && (d.Result.Outcome != command.Done || d.Event != nil) {
				fault("told again: %+v", d.Result)
			}
		}
		if c.Kind == command.Settle && !begun[c.Attempt] {
			begun[c.Attempt] = true
			switch {
			case c.Outcome != command.Captured:
			case d.Result.Outcome == command.Done:
				charges++
			default:
				fault("%c: a captured payment is refused: %s", letter, d.Result.Status)
			}
		}
		stock := s.Stock()
		if stock.Free+stock.Reserved+stock.Paying+stock.Booked+stock.Blocked != stock.Capacity {
			fault("%c: the stock does not add up: %+v", letter, stock)
		}
	}
	ours, theirs := s.Bookings[mine], s.Bookings[rivals]
	if charges > 1 || (charges == 1) != (ours.Status == booking.Confirmed) {
		fault("%d charges for a booking that is %s", charges, ours.Status)
	}
	if ours.Status == booking.Paying {
		fault("all has ended, and it is paying")
	}
	if theirs != nil && ours.Status.Live() {
		fault("two live bookings of one seat")
	}
	for i, owner := range map[int]id.Key{0: s.Seats[0].Booking, 1: s.Seats[1].Booking} {
		if r := s.Bookings[owner]; !owner.IsZero() && (r == nil || !r.Status.Live()) || owner.IsZero() && ours.Status.Live() {
			fault("seat %d belongs to %s", i, owner)
		}
	}
	end = string(ours.Status)
	if theirs != nil {
		end += ", the rival has the seat"
	}
	return end, faults
}

// TestExpiryPaymentRetryAndRivalInEveryOrder exhausts what can meet at one booking: one charge and the seats, or neither.
func TestExpiryPaymentRetryAndRivalInEveryOrder(t *testing.T) {
	t.Parallel()
	ends, n := map[string]int{}, 0
	for _, outcome := range []command.Settlement{command.Captured, command.Declined} { // failed is as declined
		orders(func(order string) {
			end, faults := meet(at(t, booking.Reserved), order, outcome, false)
			ends[end]++
			n++
			for _, f := range faults {
				t.Errorf("%s, %s: %s", order, outcome, f)
			}
			if t.Failed() {
				t.FailNow()
			}
		})
	}
	t.Logf("%d orders: %v", n, ends)
	for _, end := range []string{"confirmed", "expired", "cancelled", "expired, the rival has the seat", "cancelled, the rival has the seat"} {
		if ends[end] == 0 {
			t.Errorf("no order ended as %q", end)
		}
	}
}

// The control: an expiry that does not spare who is paying is found.
func TestASweepOfWhoIsPayingIsFound(t *testing.T) {
	t.Parallel()
	found := 0
	orders(func(order string) {
		if _, faults := meet(at(t, booking.Reserved), order, command.Captured, true); len(faults) > 0 {
			found++
		}
	})
	if found == 0 {
		t.Error("nothing is found")
	}
}
