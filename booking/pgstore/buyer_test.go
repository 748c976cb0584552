package pgstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
)

var (
	ada = booking.Buyer{Name: "Ada", Email: "ada@example.org"}
	bob = booking.Buyer{Name: "Bob", Email: "bob@example.org"}
)

// buyerOf reads who buys, or ends the test.
func buyerOf(t *testing.T, s *pgstore.Store, e id.Event, b id.Key) booking.Buyer {
	t.Helper()
	got, _, err := s.Buyer(t.Context(), id.Booking{Event: e, Key: b})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEachBookingKeepsItsBuyer(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 20)
	first, second, gone, over := bookSeats(e, 0), bookSeats(e, 1), bookSeats(e, 2), bookSeats(e, 3)
	apply(t, s, e, 0, first, second, gone, over,
		command.Command{ID: id.NewKey(), Kind: command.Cancel, Event: e, Booking: gone.ID, Owner: gone.Owner},
		command.Command{ID: id.NewKey(), Kind: command.Expire, Event: e, Booking: over.ID, Until: over.Until.Truncate(time.Microsecond)})
	f := func(what string, owner id.Visitor, b id.Key, buyer booking.Buyer, want error) {
		t.Helper()
		if err := s.SetBuyer(t.Context(), owner, id.Booking{Event: e, Key: b}, buyer); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	f("the first", first.Owner, first.ID, ada, nil)
	f("the same again", first.Owner, first.ID, ada, nil)
	f("the second, under another name", second.Owner, second.ID, bob, nil)
	f("a stranger's", id.Visitor{7}, first.ID, bob, booking.ErrBookingNotFound)
	f("none", first.Owner, id.NewKey(), bob, booking.ErrBookingNotFound)
	f("a cancelled one", gone.Owner, gone.ID, bob, booking.ErrBookingNotPayable)
	f("an expired one", over.Owner, over.ID, bob, booking.ErrBookingExpired)
	if a, b := buyerOf(t, s, e, first.ID), buyerOf(t, s, e, second.ID); a != ada || b != bob {
		t.Errorf("buyers %+v and %+v", a, b)
	}
	if b := buyerOf(t, s, e, gone.ID); b != (booking.Buyer{}) {
		t.Errorf("what is over got a buyer: %+v", b)
	}
	if n := pgtest.Count(t, s, `SELECT count(*) FROM users WHERE name = 'Bob' AND email = 'bob@example.org'`); n != 1 {
		t.Errorf("%d users have the latest name, want 1", n)
	}
	// The worker, which knows nothing of buyers, writes the booking: the buyer stays, and so does what the worker wrote.
	apply(t, s, e, 6, command.Command{
		ID: id.NewKey(), Kind: command.Extend, Event: e, Booking: first.ID, Owner: first.Owner, IssuedAt: time.Now(), Until: first.Until.Add(time.Minute),
	})
	got, err := s.Booking(t.Context(), id.Booking{Event: e, Key: first.ID})
	if err != nil || !got.Extended || !got.ExpirationTime.Equal(first.Until.Add(time.Minute).Truncate(time.Microsecond)) || buyerOf(t, s, e, first.ID) != ada {
		t.Errorf("extended: %+v, %v, by %+v", got, err, buyerOf(t, s, e, first.ID))
	}
	if seat := got.Seats[0]; !seat.Held || !seat.HoldExpiry.Equal(got.ExpirationTime) {
		t.Errorf("the seat's row does not follow: %+v", seat)
	}
	if memory, err := s.Sale(t.Context(), e); err != nil || memory.Seats[0].State != booking.SeatReserved || memory.Seats[0].Version != 2 {
		t.Errorf("the seat is %+v, %v", memory.Seats[0], err)
	}
}

// The buyer's columns are in no index, so writing them moves no index entry, and an update that leaves the end of a reservation alone is HOT.
func TestWritingABuyerIsHOT(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 1) // one connection: its statistics are its own until they are flushed
	e := pgtest.Event(t, s, 20)
	b := bookSeats(e, 0)
	apply(t, s, e, 0, b)
	const updates = `SELECT coalesce(sum(%s), 0)::int FROM pg_stat_xact_user_tables WHERE relname LIKE 'bookings%%'`
	tx, err := s.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	var all, hot int
	f := func(statement string, args ...any) {
		t.Helper()
		if _, err := tx.Exec(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(tx.QueryRow(t.Context(), fmt.Sprintf(updates, "n_tup_upd")).Scan(&all), tx.QueryRow(t.Context(), fmt.Sprintf(updates, "n_tup_hot_upd")).Scan(&hot)); err != nil {
			t.Fatal(err)
		}
	}
	f(`UPDATE bookings SET buyer_name = 'Ada', buyer_email = 'ada@example.org' WHERE event_id = $1`, int64(e))
	if all != 1 || hot != 1 {
		t.Errorf("%d of %d updates were HOT, want 1 of 1", hot, all)
	}
	f(`UPDATE bookings SET expiration_time = expiration_time + interval '1 minute' WHERE event_id = $1`, int64(e))
	if all != 2 || hot != 1 { // the control: what an index has cannot be
		t.Errorf("%d of %d updates were HOT, want 1 of 2", hot, all)
	}
}
