package sale

import (
	"strings"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/event"
	"usher/internal/guard"
	"usher/internal/id"
)

// Decision is what one command does, beside the changes that the Sale keeps until Flush.
type Decision struct {
	Result  command.Result
	Event   *event.Event // nil: nothing happened that the world should know
	Attempt *Attempt     // a payment attempt to be created
	Settled bool         // Result.Attempt has come to its end
}

// Attempt is a new payment attempt.
type Attempt struct {
	ID      id.Key
	Booking id.Key
	Amount  int64 // minor units
	Payment booking.Payment
}

// Decide carries out one command at the given time. A refused command changes nothing.
func (s *Sale) Decide(c command.Command, now time.Time) Decision {
	now = now.Truncate(time.Microsecond).UTC() // as Postgres keeps it
	d := s.decide(c, now)
	d.Result.Command, d.Result.Event, d.Result.Kind = c.ID, s.Event, c.Kind
	if d.Event != nil {
		d.Event.ID, d.Event.Event, d.Event.At, d.Event.Stock = c.ID.String(), s.Event, now, s.stock
	}
	return d
}

func (s *Sale) decide(c command.Command, now time.Time) Decision {
	if !c.Deadline.IsZero() && now.After(c.Deadline) {
		return refuse(command.TooLate)
	}
	switch c.Kind {
	case command.Book:
		return s.book(c, now)
	case command.Block:
		return s.block(c, booking.SeatFree, booking.SeatBlocked, event.SeatsBlocked, now)
	case command.Unblock:
		return s.block(c, booking.SeatBlocked, booking.SeatFree, event.SeatsUnblocked, now)
	}
	r := s.Bookings[c.Booking]
	if r == nil {
		return refuse(command.NoSuchBooking)
	}
	switch c.Kind {
	case command.BeginPayment:
		return s.beginPayment(c, r, now)
	case command.Settle:
		return s.settle(c, r, now)
	case command.Expire:
		return s.expire(c, r, now)
	case command.Cancel:
		return s.cancel(c, r, now)
	case command.Extend:
		return s.extend(c, r, now)
	}
	return refuse(command.Malformed)
}

func refuse(o command.Outcome) Decision { return Decision{Result: command.Result{Outcome: o}} }

// taken returns the asked seats that are not in the wanted state, or on which somebody else's hold is known to live.
func (s *Sale) taken(c command.Command, want booking.SeatState, now time.Time) (taken []int) {
	for _, i := range c.Seats {
		hold, known := s.holds[i]
		held := known && want == booking.SeatFree && hold.Holder != c.Owner && hold.Until.After(now)
		if (s.Seats[i].State != want || held) && !guard.Off(guard.SeatFree) {
			taken = append(taken, i)
		}
	}
	return taken
}

func (s *Sale) book(c command.Command, now time.Time) Decision {
	if len(c.Seats) == 0 || c.Seats[len(c.Seats)-1] >= len(s.Seats) {
		return refuse(command.NoSuchSeat)
	}
	if c.Booking != c.ID {
		return refuse(command.Malformed)
	}
	if r := s.Bookings[c.Booking]; r != nil { // a repeat whose result nobody kept
		return s.state(command.Done, r)
	}
	if !c.Until.After(now) {
		return refuse(command.TooLate)
	}
	if taken := s.taken(c, booking.SeatFree, now); len(taken) > 0 {
		d := refuse(command.SeatsTaken)
		d.Result.Taken = taken
		return d
	}
	r := &Record{
		Key: c.Booking, Owner: c.Owner, Status: booking.Reserved, Seats: c.Seats, Session: c.Session,
		ExpirationTime: c.Until.Truncate(time.Microsecond).UTC(), CreatedAt: now, UpdatedAt: now,
	}
	for _, i := range c.Seats {
		r.Total += int64(s.Seats[i].Price)
	}
	s.Remember(r)
	s.changed[r.Key] = r
	return s.done(r, event.BookingReserved, s.move(r.Seats, booking.SeatReserved, r))
}

func (s *Sale) beginPayment(c command.Command, r *Record, now time.Time) Decision {
	switch {
	case r.Owner != c.Owner:
		return refuse(command.NoSuchBooking)
	case r.Status == booking.Paying || r.Status == booking.Confirmed:
		return s.state(command.Done, r) // a repeat: never charged again
	case r.Status != booking.Reserved:
		return s.state(command.WrongState, r)
	case c.IssuedAt.After(r.ExpirationTime):
		return s.state(command.TooLate, r)
	}
	if r.Attempt.IsZero() && c.Until.After(r.ExpirationTime) { // extended once
		r.ExpirationTime = earlier(c.Until, r.ExpirationTime.Add(MaxExtension)).Truncate(time.Microsecond).UTC()
	}
	r.Attempt = c.Attempt
	s.set(r, booking.Paying, now)
	d := s.done(r, event.BookingPaying, s.move(r.Seats, booking.SeatPaying, r))
	d.Attempt = &Attempt{ID: c.Attempt, Booking: r.Key, Amount: r.Total, Payment: c.Payment}
	return d
}

func (s *Sale) settle(c command.Command, r *Record, now time.Time) (d Decision) {
	if r.Status == booking.Confirmed && r.Attempt == c.Attempt && c.Outcome == command.Captured { // a repeat
		d = s.state(command.Done, r)
		d.Settled, d.Result.Settlement = true, c.Outcome
		return d
	}
	if r.Status != booking.Paying || r.Attempt != c.Attempt {
		return s.state(command.WrongState, r)
	}
	switch {
	case c.Outcome == command.Captured:
		r.ConfirmationID = confirmationID(r.Key)
		s.set(r, booking.Confirmed, now)
		d = s.done(r, event.BookingConfirmed, s.move(r.Seats, booking.SeatBooked, r))
	case r.ExpirationTime.After(now):
		s.set(r, booking.Reserved, now)
		d = s.done(r, event.BookingDeclined, s.move(r.Seats, booking.SeatReserved, r))
	default:
		s.set(r, booking.Expired, now)
		d = s.done(r, event.BookingExpired, s.move(r.Seats, booking.SeatFree, nil))
	}
	d.Settled, d.Result.Settlement, d.Result.Reason = true, c.Outcome, c.Reason
	return d
}

func (s *Sale) expire(c command.Command, r *Record, now time.Time) Decision {
	// No look at the clock: the sweeper's was Postgres', and a refusal would stand for ever under the command's id.
	if r.Status != booking.Reserved || !r.ExpirationTime.Equal(c.Until) {
		return s.state(command.WrongState, r) // it has moved on: the log decided who was first
	}
	s.set(r, booking.Expired, now)
	return s.done(r, event.BookingExpired, s.move(r.Seats, booking.SeatFree, nil))
}

func (s *Sale) cancel(c command.Command, r *Record, now time.Time) Decision {
	switch {
	case r.Owner != c.Owner:
		return refuse(command.NoSuchBooking)
	case r.Status == booking.Cancelled:
		return s.state(command.Done, r)
	case r.Status != booking.Reserved:
		return s.state(command.WrongState, r)
	}
	s.set(r, booking.Cancelled, now)
	return s.done(r, event.BookingCancelled, s.move(r.Seats, booking.SeatFree, nil))
}

// extend moves the end of a reservation, once, and never to an earlier time. An expire command that has seen the old end has no effect then.
func (s *Sale) extend(c command.Command, r *Record, now time.Time) Decision {
	switch {
	case r.Owner != c.Owner:
		return refuse(command.NoSuchBooking)
	case r.Status != booking.Reserved || r.Extended:
		return s.state(command.WrongState, r)
	case c.IssuedAt.After(r.ExpirationTime) || !c.Until.After(r.ExpirationTime):
		return s.state(command.TooLate, r)
	}
	r.Extended = true
	r.ExpirationTime = earlier(c.Until, r.ExpirationTime.Add(MaxReservation)).Truncate(time.Microsecond).UTC()
	s.set(r, booking.Reserved, now)
	return s.done(r, event.BookingExtended, s.move(r.Seats, booking.SeatReserved, r))
}

func (s *Sale) block(c command.Command, from, to booking.SeatState, kind event.Kind, now time.Time) Decision {
	if len(c.Seats) == 0 || c.Seats[len(c.Seats)-1] >= len(s.Seats) {
		return refuse(command.NoSuchSeat)
	}
	if taken := s.taken(c, from, now); len(taken) > 0 {
		d := refuse(command.SeatsTaken)
		d.Result.Taken = taken
		return d
	}
	return Decision{
		Result: command.Result{Outcome: command.Done, Seats: c.Seats, UpdatedAt: now},
		Event:  &event.Event{Kind: kind, Seats: s.move(c.Seats, to, nil)},
	}
}

func (s *Sale) set(r *Record, status booking.Status, now time.Time) {
	r.Status, r.UpdatedAt = status, now
	s.changed[r.Key] = r
	s.named = append(s.named, r.Key)
}

// state is the answer that tells where the booking stands.
func (s *Sale) state(o command.Outcome, r *Record) Decision {
	return Decision{Result: command.Result{
		Outcome: o, Booking: r.Key, Status: r.Status, Seats: r.Seats, Total: r.Total, Currency: s.Currency,
		ExpirationTime: r.ExpirationTime, ConfirmationID: r.ConfirmationID, Attempt: r.Attempt,
		Extended: r.Extended, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Session: r.Session,
	}}
}

func (s *Sale) done(r *Record, kind event.Kind, seats []event.SeatChange) Decision {
	d := s.state(command.Done, r)
	d.Event = &event.Event{
		Kind: kind, Booking: r.Key, Owner: r.Owner, Session: r.Session, Seats: seats, ExpirationTime: r.ExpirationTime,
	}
	return d
}

// confirmationID is what a fan reads out at the gate: the first 60 of the booking's 128 random bits.
func confirmationID(k id.Key) string { return strings.ToUpper(k.String()[:12]) }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
