package pgstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/booking/sale"
	"usher/internal/guard"
	"usher/internal/id"
)

const (
	topic   = "booking.commands"
	topicID = "00"
)

// zombie decides a Book of seat 5 for the owner on its own memory of the event, and returns what it would commit: two of
// them are two workers that both believe the partition theirs.
func zombie(t *testing.T, s *pgstore.Store, e id.Event, owner id.Visitor) *pgstore.Batch {
	t.Helper()
	memory, err := s.Sale(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	k := id.NewKey()
	now := time.Now()
	d := memory.Decide(command.Command{
		ID: k, Kind: command.Book, Event: e, Booking: k, Owner: owner, Seats: []int{5}, IssuedAt: now, Until: now.Add(time.Hour),
	}, now)
	if d.Result.Outcome != command.Done {
		t.Fatalf("book: %+v", d.Result)
	}
	return batchOf(memory, 0, 1, d)
}

func batchOf(s *sale.Sale, was, next int64, decisions ...sale.Decision) *pgstore.Batch {
	b := &pgstore.Batch{
		Topic: topic, TopicID: topicID, Offsets: []pgstore.Offset{{Partition: 3, Was: was, Next: next}},
		Sales: []pgstore.SaleWrites{{Event: s.Event, Currency: s.Currency, Writes: s.Flush()}},
	}
	for _, d := range decisions {
		b.Results = append(b.Results, d.Result)
		if d.Attempt != nil {
			b.Attempts = append(b.Attempts, pgstore.AttemptRow{Event: s.Event, Currency: s.Currency, Attempt: *d.Attempt})
		}
		if d.Settled {
			b.Settled = append(b.Settled, d.Result.Attempt)
		}
	}
	return b
}

// twice lets two zombies sell seat 5 of a fresh event and returns how many reservations of the seat were acknowledged, and how the
// second one's commit ended.
func twice(t *testing.T, off ...guard.Guard) (sold int, second error) {
	t.Helper()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 20)
	if _, err := s.Offset(t.Context(), topic, topicID, 3, 0); err != nil {
		t.Fatal(err)
	}
	s.SwitchOff(off...)
	ann, bob := zombie(t, s, e, id.Visitor{1}), zombie(t, s, e, id.Visitor{2})
	if err := s.Commit(t.Context(), ann); err != nil {
		t.Fatalf("the first commit: %v", err)
	}
	second = s.Commit(t.Context(), bob)
	for _, b := range []*pgstore.Batch{ann, bob} {
		got, err := s.Booking(t.Context(), id.Booking{Event: e, Key: b.Results[0].Booking})
		if err == nil && got.Status == booking.Reserved && len(got.Seats) == 1 && got.Seats[0].ID == e.Ticket(5) {
			sold++
		} else if !errors.Is(err, booking.ErrBookingNotFound) {
			t.Errorf("booking: %+v, %v", got, err)
		}
	}
	return sold, second
}

// Each layer alone stops a double sale: the other two are switched off.
func TestEachLayerAloneStopsADoubleSale(t *testing.T) {
	t.Parallel()
	f := func(name string, want error, off ...guard.Guard) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if sold, err := twice(t, off...); !errors.Is(err, want) || sold != 1 {
				t.Errorf("the second worker's commit: %v, want %v; the seat was sold %d times", err, want, sold)
			}
		})
	}
	f("all", pgstore.ErrFenced)
	f("offset", pgstore.ErrFenced, guard.VersionCheck, guard.SeatUnique)
	f("version", pgstore.ErrStale, guard.OffsetCheck, guard.SeatUnique)
	f("unique", pgstore.ErrRefused, guard.OffsetCheck, guard.VersionCheck)
}

// The control: without all three the seat is sold twice.
func TestControlWithoutAllLayersASeatIsSoldTwice(t *testing.T) {
	t.Parallel()
	sold, err := twice(t, guard.OffsetCheck, guard.VersionCheck, guard.SeatUnique)
	if err != nil || sold != 2 {
		t.Errorf("all layers are off, the second commit gave %v and the seat was sold %d times: the proof proves nothing", err, sold)
	}
}

func TestAStrangersHoldStopsABook(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 20)
	if _, err := s.Offset(t.Context(), topic, topicID, 3, 0); err != nil {
		t.Fatal(err)
	}
	b := zombie(t, s, e, id.Visitor{1})
	hold := func(owner id.Visitor, expiry string) {
		t.Helper()
		_, err := s.Pool().Exec(context.Background(), `UPDATE tickets SET hold_user_id = $1, hold_expiry = now() + $2::interval WHERE id = $3`,
			[16]byte(owner), expiry, int64(e.Ticket(5)))
		if err != nil {
			t.Fatal(err)
		}
	}
	hold(id.Visitor{2}, "1 minute")
	if err := s.Commit(t.Context(), b); !errors.Is(err, pgstore.ErrStale) {
		t.Errorf("over a stranger's hold: %v, want ErrStale", err)
	}
	hold(id.Visitor{2}, "-1 second")
	if err := s.Commit(t.Context(), b); err != nil {
		t.Errorf("over a hold that has run out: %v", err)
	}
}
