package sale

import (
	"slices"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/event"
	"usher/internal/id"
)

var (
	noon       = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	until      = noon.Add(10 * time.Minute)
	ann, bob   = id.Visitor{1}, id.Visitor{2}
	mine       = id.Key{10} // ann's booking of seats 0 and 1
	try, retry = id.Key{20}, id.Key{21}
)

// hall is a sale of six seats at 100 each.
func hall(t *testing.T) *Sale {
	t.Helper()
	e, err := id.NewEvent(322, 7)
	if err != nil {
		t.Fatal(err)
	}
	seats := make([]Seat, 6)
	for i := range seats {
		seats[i].Price = 100
	}
	return New(e, "EUR", seats, map[int]Hold{})
}

func book(by id.Visitor, k id.Key, seats ...int) command.Command {
	return command.Command{ID: k, Kind: command.Book, Booking: k, Owner: by, Seats: seats, Until: until, IssuedAt: noon}
}

func pay(by id.Visitor, attempt id.Key) command.Command {
	return command.Command{
		ID: id.NewKey(), Kind: command.BeginPayment, Booking: mine, Owner: by, Attempt: attempt, IssuedAt: noon.Add(time.Minute),
		Until: until.Add(2 * time.Minute), Payment: booking.Payment{Method: "sandbox", Token: "tok_ok"},
	}
}

func settle(attempt id.Key, o command.Settlement) command.Command {
	return command.Command{ID: id.NewKey(), Kind: command.Settle, Booking: mine, Attempt: attempt, Outcome: o, Reason: "why"}
}

func expire(at time.Time) command.Command {
	return command.Command{ID: id.NewKey(), Kind: command.Expire, Booking: mine, Until: at}
}

func cancel(by id.Visitor) command.Command {
	return command.Command{ID: id.NewKey(), Kind: command.Cancel, Booking: mine, Owner: by}
}

func extend(by id.Visitor, to time.Time) command.Command {
	return command.Command{ID: id.NewKey(), Kind: command.Extend, Booking: mine, Owner: by, IssuedAt: noon.Add(time.Minute), Until: to}
}

func block(kind command.Kind, seats ...int) command.Command {
	return command.Command{ID: id.NewKey(), Kind: kind, Seats: seats}
}

// paths lead a fresh sale to each state of ann's booking of seats 0 and 1.
var paths = map[booking.Status][]command.Command{
	"":                {},
	booking.Reserved:  {book(ann, mine, 0, 1)},
	booking.Paying:    {book(ann, mine, 0, 1), pay(ann, try)},
	booking.Confirmed: {book(ann, mine, 0, 1), pay(ann, try), settle(try, command.Captured)},
	booking.Cancelled: {book(ann, mine, 0, 1), cancel(ann)},
	booking.Expired:   {book(ann, mine, 0, 1), expire(until)},
}

func at(t *testing.T, state booking.Status) *Sale {
	t.Helper()
	s := hall(t)
	for _, c := range paths[state] {
		if d := s.Decide(c, noon); d.Result.Outcome != command.Done {
			t.Fatalf("on the way to %q: %s gave %+v", state, c.Kind, d.Result)
		}
	}
	return s
}

// TestEveryCommandInEveryState is the whole table: what a command does to a booking in each state.
func TestEveryCommandInEveryState(t *testing.T) {
	t.Parallel()
	f := func(state booking.Status, c command.Command, want command.Outcome, then booking.Status, told event.Kind) {
		t.Helper()
		s := at(t, state)
		stock := s.Stock()
		d := s.Decide(c, noon.Add(time.Minute))
		if d.Result.Outcome != want || d.Result.Status != then {
			t.Errorf("%s on a %q booking: %s, %q; want %s, %q", c.Kind, state, d.Result.Outcome, d.Result.Status, want, then)
		}
		kind := event.Kind("")
		if d.Event != nil {
			kind = d.Event.Kind
			if d.Event.Stock != s.Stock() || d.Event.ID != c.ID.String() || d.Event.Event != s.Event {
				t.Errorf("%s on a %q booking told %+v", c.Kind, state, d.Event)
			}
		} else if s.Stock() != stock {
			t.Errorf("%s on a %q booking moved seats and told nobody", c.Kind, state)
		}
		if kind != told {
			t.Errorf("%s on a %q booking told %q, want %q", c.Kind, state, kind, told)
		}
		if got := d.Result; got.Command != c.ID || got.Kind != c.Kind || got.Event != s.Event {
			t.Errorf("the result does not name its command: %+v", got)
		}
	}
	const none, reserved, paying, confirmed, cancelled, expired = booking.Status(""), booking.Reserved, booking.Paying, booking.Confirmed, booking.Cancelled, booking.Expired
	const done, wrong, taken, unknown = command.Done, command.WrongState, command.SeatsTaken, command.NoSuchBooking
	rival := book(bob, id.Key{11}, 1, 2)

	f(none, rival, done, reserved, event.BookingReserved)
	f(reserved, rival, taken, none, "")
	f(paying, rival, taken, none, "")
	f(confirmed, rival, taken, none, "")
	f(cancelled, rival, done, reserved, event.BookingReserved)
	f(expired, rival, done, reserved, event.BookingReserved)

	f(none, pay(ann, retry), unknown, none, "")
	f(reserved, pay(ann, retry), done, paying, event.BookingPaying)
	f(reserved, pay(bob, retry), unknown, none, "")
	f(paying, pay(ann, retry), done, paying, "")
	f(confirmed, pay(ann, retry), done, confirmed, "")
	f(cancelled, pay(ann, retry), wrong, cancelled, "")
	f(expired, pay(ann, retry), wrong, expired, "")

	f(none, settle(try, command.Captured), unknown, none, "")
	f(reserved, settle(try, command.Captured), wrong, reserved, "")
	f(paying, settle(try, command.Captured), done, confirmed, event.BookingConfirmed)
	f(paying, settle(try, command.Declined), done, reserved, event.BookingDeclined)
	f(paying, settle(try, command.Failed), done, reserved, event.BookingDeclined)
	f(paying, settle(retry, command.Captured), wrong, paying, "")
	f(confirmed, settle(try, command.Captured), done, confirmed, "")
	f(confirmed, settle(retry, command.Captured), wrong, confirmed, "")
	f(confirmed, settle(try, command.Declined), wrong, confirmed, "")
	f(cancelled, settle(try, command.Captured), wrong, cancelled, "")

	f(none, expire(until), unknown, none, "")
	f(reserved, expire(until), done, expired, event.BookingExpired)
	f(reserved, expire(until.Add(time.Second)), wrong, reserved, "")
	f(paying, expire(until), wrong, paying, "")
	f(paying, expire(until.Add(2*time.Minute)), wrong, paying, "") // paying never expires silently
	f(confirmed, expire(until), wrong, confirmed, "")
	f(expired, expire(until), wrong, expired, "")

	f(none, cancel(ann), unknown, none, "")
	f(reserved, cancel(ann), done, cancelled, event.BookingCancelled)
	f(reserved, cancel(bob), unknown, none, "")
	f(paying, cancel(ann), wrong, paying, "")
	f(confirmed, cancel(ann), wrong, confirmed, "")
	f(cancelled, cancel(ann), done, cancelled, "")
	f(expired, cancel(ann), wrong, expired, "")

	later := until.Add(10 * time.Minute)
	f(none, extend(ann, later), unknown, none, "")
	f(reserved, extend(ann, later), done, reserved, event.BookingExtended)
	f(reserved, extend(bob, later), unknown, none, "")
	f(reserved, extend(ann, until), command.TooLate, reserved, "") // never shorter, and not used up by nothing
	f(paying, extend(ann, later), wrong, paying, "")
	f(confirmed, extend(ann, later), wrong, confirmed, "")
	f(cancelled, extend(ann, later), wrong, cancelled, "")
	f(expired, extend(ann, later), wrong, expired, "")

	f(none, block(command.Block, 0), done, none, event.SeatsBlocked)
	f(reserved, block(command.Block, 0, 5), taken, none, "")
	f(none, block(command.Unblock, 0), taken, none, "")
	f(none, block(command.Block), command.NoSuchSeat, none, "")
	f(none, block(command.Block, 6), command.NoSuchSeat, none, "")
}

func TestBooksThatAreRefused(t *testing.T) {
	t.Parallel()
	f := func(why string, want command.Outcome, change func(c *command.Command)) {
		t.Helper()
		s := hall(t)
		s.holds[3] = Hold{bob, until}
		c := book(ann, mine, 0, 1)
		change(&c)
		if d := s.Decide(c, noon); d.Result.Outcome != want || s.Stock().Free != 6 && want != command.Done {
			t.Errorf("%s: %+v, want %s", why, d.Result, want)
		}
	}
	f("no seats", command.NoSuchSeat, func(c *command.Command) { c.Seats = nil })
	f("a seat that is not there", command.NoSuchSeat, func(c *command.Command) { c.Seats = []int{0, 6} })
	f("the deadline has passed", command.TooLate, func(c *command.Command) { c.Deadline = noon.Add(-time.Second) })
	f("the deadline has not passed", command.Done, func(c *command.Command) { c.Deadline = noon.Add(time.Second) })
	f("the reservation would end at once", command.TooLate, func(c *command.Command) { c.Until = noon })
	f("the booking has another id", command.Malformed, func(c *command.Command) { c.Booking = id.Key{99} })
	f("a stranger's hold", command.SeatsTaken, func(c *command.Command) { c.Seats = []int{2, 3} })
	f("one's own hold", command.Done, func(c *command.Command) { c.Seats, c.Owner = []int{2, 3}, bob })
	f("not on sale", command.NoSuchSeat, func(c *command.Command) { c.Seats = []int{100} })
}

func TestARefusalNamesTheSeats(t *testing.T) {
	t.Parallel()
	s := at(t, booking.Reserved)
	d := s.Decide(book(bob, id.Key{11}, 0, 1, 2), noon)
	if !slices.Equal(d.Result.Taken, []int{0, 1}) {
		t.Errorf("taken %v, want 0 and 1", d.Result.Taken)
	}
}

// A hold is known only as fresh as the sale was read. Later the seat's row decides, or a released hold would refuse others for
// minutes.
func TestAStaleHoldRefusesNobody(t *testing.T) {
	t.Parallel()
	s := hall(t)
	s.holds[0] = Hold{bob, until}
	if d := s.Decide(book(ann, mine, 0), noon); d.Result.Outcome != command.SeatsTaken {
		t.Errorf("a fresh hold was ignored: %+v", d.Result)
	}
	s.Flush() // the next tick
	if d := s.Decide(book(ann, id.Key{12}, 0), noon); d.Result.Outcome != command.Done {
		t.Errorf("a hold of the last tick refused a seat: %+v", d.Result)
	}
	w := s.Flush()
	if len(w.Seats) != 1 || !w.Seats[0].Claimed || w.Seats[0].Claimant != ann {
		t.Errorf("the write does not check the hold: %+v", w.Seats)
	}
}

func TestTheWriteChecksTheHoldOfTheFirstClaimant(t *testing.T) {
	t.Parallel()
	s := at(t, booking.Cancelled) // ann took 0 and 1 and gave them back, all in this tick
	s.Decide(book(bob, id.Key{11}, 0), noon)
	w := s.Flush()
	if len(w.Seats) != 2 || w.Seats[0].Claimant != ann || w.Seats[0].Holder != bob || w.Seats[0].From != 0 || w.Seats[0].Version != 3 {
		t.Errorf("writes %+v", w.Seats)
	}
	want := []SeatOwner{
		{s.Event.Ticket(0), mine, false}, {s.Event.Ticket(0), id.Key{11}, true}, {s.Event.Ticket(1), mine, false},
	}
	for _, o := range want {
		if !slices.Contains(w.Owners, o) {
			t.Errorf("owner %+v is missing in %+v", o, w.Owners)
		}
	}
}

func TestPayingExtendsOnce(t *testing.T) {
	t.Parallel()
	s := at(t, booking.Paying)
	if got := s.Bookings[mine].ExpirationTime; !got.Equal(until.Add(2 * time.Minute)) {
		t.Errorf("the first attempt extends to %s", got)
	}
	s.Decide(settle(try, command.Declined), noon)
	again := pay(ann, retry)
	again.Until = until.Add(time.Hour)
	s.Decide(again, noon)
	if got := s.Bookings[mine].ExpirationTime; !got.Equal(until.Add(2 * time.Minute)) {
		t.Errorf("the second attempt extends to %s", got)
	}
	f := func(asked, want time.Time) {
		t.Helper()
		s := at(t, booking.Reserved)
		c := pay(ann, try)
		c.Until = asked
		s.Decide(c, noon)
		if got := s.Bookings[mine].ExpirationTime; !got.Equal(want) {
			t.Errorf("asked for %s, got %s, want %s", asked, got, want)
		}
	}
	f(until.Add(time.Hour), until.Add(MaxExtension))
	f(noon, until) // never shorter
	f(time.Time{}, until)
}

func TestABuyerExtendsOnce(t *testing.T) {
	t.Parallel()
	s := at(t, booking.Reserved)
	later := until.Add(10 * time.Minute)
	if d := s.Decide(extend(ann, later), noon); !d.Result.ExpirationTime.Equal(later) || !d.Result.Extended || !d.Event.ExpirationTime.Equal(later) {
		t.Fatalf("extended: %+v, told %+v", d.Result, d.Event)
	}
	if d := s.Decide(extend(ann, later.Add(time.Minute)), noon); d.Result.Outcome != command.WrongState || !d.Result.ExpirationTime.Equal(later) {
		t.Errorf("a second time: %+v", d.Result)
	}
	if d := s.Decide(expire(until), until.Add(time.Second)); d.Result.Outcome != command.WrongState {
		t.Errorf("the end that is no more: %+v", d.Result)
	}
	w := s.Flush()
	if len(w.Bookings) != 1 || !w.Bookings[0].Extended || len(w.Seats) != 2 || !w.Seats[0].Until.Equal(later) || w.Seats[0].Holder != ann {
		t.Errorf("written: %+v", w)
	}
	s = at(t, booking.Reserved)
	if d := s.Decide(extend(ann, until.Add(24*time.Hour)), noon); !d.Result.ExpirationTime.Equal(until.Add(MaxReservation)) {
		t.Errorf("asked for a day: %s", d.Result.ExpirationTime)
	}
	late := extend(ann, later)
	late.IssuedAt = until.Add(time.Second)
	if d := at(t, booking.Reserved).Decide(late, late.IssuedAt); d.Result.Outcome != command.TooLate {
		t.Errorf("asked after the end: %+v", d.Result)
	}
}

func TestPayingAfterTheEndIsTooLate(t *testing.T) {
	t.Parallel()
	s := at(t, booking.Reserved)
	c := pay(ann, try)
	c.IssuedAt = until.Add(time.Second)
	if d := s.Decide(c, until.Add(time.Second)); d.Result.Outcome != command.TooLate || d.Attempt != nil {
		t.Errorf("%+v", d)
	}
}

func TestADeclineAfterTheEndExpires(t *testing.T) {
	t.Parallel()
	s := at(t, booking.Paying)
	d := s.Decide(settle(try, command.Declined), until.Add(time.Hour))
	if d.Result.Status != booking.Expired || d.Event.Kind != event.BookingExpired || !d.Settled || s.Stock().Free != 6 {
		t.Errorf("%+v, stock %+v", d, s.Stock())
	}
}

func TestAnAttemptIsMadeOnceAndSettledOnce(t *testing.T) {
	t.Parallel()
	s := at(t, booking.Reserved)
	d := s.Decide(pay(ann, try), noon)
	if d.Attempt == nil || d.Attempt.ID != try || d.Attempt.Amount != 200 || d.Attempt.Booking != mine || d.Attempt.Payment.Token != "tok_ok" {
		t.Fatalf("attempt %+v", d.Attempt)
	}
	if again := s.Decide(pay(ann, retry), noon); again.Attempt != nil {
		t.Errorf("a repeat while paying made another attempt: %+v", again.Attempt)
	}
	d = s.Decide(settle(try, command.Captured), noon)
	if !d.Settled || d.Result.ConfirmationID == "" || d.Result.Settlement != command.Captured {
		t.Errorf("settled: %+v", d)
	}
}

func TestFlushForgetsWhatHasEnded(t *testing.T) {
	t.Parallel()
	for _, state := range []booking.Status{booking.Confirmed, booking.Cancelled, booking.Expired} {
		s := at(t, state)
		if w := s.Flush(); len(w.Bookings) != 1 || w.Bookings[0].Status != state {
			t.Errorf("%s: writes %+v", state, w.Bookings)
		}
		if len(s.Bookings) != 0 {
			t.Errorf("a booking that is %s stays in memory", state)
		}
		s.Remember(&Record{Key: mine, Owner: ann, Status: state})
		s.Flush()
		if len(s.Bookings) != 0 {
			t.Errorf("a booking that was read and is %s stays in memory", state)
		}
	}
	s := at(t, booking.Reserved)
	s.Flush()
	if len(s.Bookings) != 1 {
		t.Error("a reserved booking was forgotten")
	}
	if w := s.Flush(); len(w.Seats)+len(w.Bookings)+len(w.Owners) != 0 {
		t.Errorf("a second flush writes again: %+v", w)
	}
}
