package apptest

import "testing"

// What may be answered about a seat, and what may not, one history a line: calls as "who what answer", one after the other, a second apart. A booking
// is its owner's only one; a hold and a reservation last for five seconds.
func TestControlAHistoryOfSeatsThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	f := func(why string, possible bool, calls ...[3]string) {
		t.Helper()
		h := newSeatHistory()
		for i, c := range calls {
			at := int64(i) * 1e9
			out := seatAnswer{said: c[2]}
			if c[1] == "hold" || c[1] == "book" {
				out.until = at + 5e9
			}
			h.note(0, c[1], c[0], "b-"+c[0], at, out, "seat")
			last := &h.calls[i]
			in := last.Input.(seatCall)
			if c[2] != "unknown" {
				last.Return, in.told = at+5e8, at+5e8
			}
			if in.what == "end" {
				in.booking = ""
			}
			last.Input = in
		}
		illegal, undecided := h.wrong(patienceOfChecker)
		if len(undecided) > 0 || (len(illegal) == 0) != possible {
			t.Errorf("%s: found possible: %v, want %v, undecided %v", why, len(illegal) == 0, possible, undecided)
		}
	}
	hold, book, pay, end := [3]string{"ann", "hold", "done"}, [3]string{"ann", "book", "done"}, [3]string{"ann", "confirm", "confirmed"}, [3]string{"ann", "end", "booked"}
	wait := [3]string{"eve", "hold", "refused"}
	bobHolds, bobBooks, bobPays := [3]string{"bob", "hold", "done"}, [3]string{"bob", "book", "done"}, [3]string{"bob", "confirm", "confirmed"}

	f("a sale", true, hold, book, pay, end)
	f("a sale without an end", true, hold, book, pay)
	f("a lost sale", false, hold, book, pay, [3]string{"", "end", "free"})
	f("a sale that turns out to be another's", false, hold, book, pay, [3]string{"bob", "end", "booked"})
	f("a double sale", false, hold, book, pay, bobBooks, bobPays)
	f("two reservations", false, hold, book, bobBooks)
	f("one after the other has run out", true, hold, book, wait, wait, wait, wait, wait, wait, bobHolds, bobBooks, bobPays)
	f("paid after another had it", false, hold, book, wait, wait, wait, wait, wait, wait, bobHolds, bobBooks, pay)
	f("over a stranger's hold", false, hold, bobHolds)
	f("over his hold when it has run out", true, hold, wait, wait, wait, wait, wait, wait, bobHolds)
	f("after a cancellation", true, hold, book, [3]string{"ann", "cancel", "done"}, bobHolds, bobBooks)
	f("paid after a cancellation", false, hold, book, [3]string{"ann", "cancel", "done"}, pay)
	f("cancelled after it was paid", false, hold, book, pay, [3]string{"ann", "cancel", "done"})
	f("declined, then paid", true, hold, book, [3]string{"ann", "confirm", "reserved"}, pay, end)
	f("a payment that nobody answered", true, hold, book, [3]string{"ann", "confirm", "unknown"}, end)
	f("the same, and it had no effect", true, hold, book, [3]string{"ann", "confirm", "unknown"}, [3]string{"", "end", "free"})
	f("a booking that nobody answered, read later", true, hold, [3]string{"ann", "book", "unknown"}, [3]string{"ann", "read", "reserved"}, pay)
	f("a booking that was read and is lost", false, hold, book, [3]string{"ann", "read", "expired"})
	f("a ticket that nobody bought", false, hold, end)
}
