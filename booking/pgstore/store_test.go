package pgstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/testenv"
)

func TestProcessesMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := testenv.Postgres(t, nil)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if err := pgstore.Migrate(t.Context(), dsn); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// apply decides commands on a fresh memory and commits them, from one offset to the next.
func apply(t *testing.T, s *pgstore.Store, e id.Event, was int64, commands ...command.Command) []command.Result {
	t.Helper()
	if _, err := s.Offset(t.Context(), topic, topicID, 3, 0); err != nil {
		t.Fatal(err)
	}
	memory, err := s.Sale(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	var results []command.Result
	b := &pgstore.Batch{}
	for _, c := range commands {
		records, err := s.Records(t.Context(), []id.Booking{{Event: e, Key: c.Booking}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			memory.Remember(r)
		}
		b = batchOf(memory, was, was+1, memory.Decide(c, time.Now()))
		if err := s.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		was++
		results = append(results, b.Results...)
	}
	return results
}

func bookSeats(e id.Event, seats ...int) command.Command {
	k, now := id.NewKey(), time.Now()
	return command.Command{
		ID: k, Kind: command.Book, Event: e, Booking: k, Owner: id.Visitor{1}, Seats: seats, IssuedAt: now, Until: now.Add(time.Hour),
		Session: booking.Session{Room: "final", JTI: "s"},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 45)
	b := bookSeats(e, 3, 44)
	attempt := id.NewKey()
	now := time.Now()
	results := apply(t, s, e, 0, b,
		command.Command{ID: id.NewKey(), Kind: command.BeginPayment, Event: e, Booking: b.ID, Owner: b.Owner, Attempt: attempt, IssuedAt: now,
			Until: now.Add(2 * time.Hour), Payment: booking.Payment{Method: "sandbox", Token: "tok_ok"}},
	)
	got, err := s.Booking(t.Context(), id.Booking{Event: e, Key: b.ID})
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != booking.Paying || got.Owner != b.Owner || got.Total != 2*pgtest.Price || got.Currency != pgtest.Currency || got.Attempt != attempt ||
		got.Session != b.Session || !got.ExpirationTime.Equal(results[1].ExpirationTime) || len(got.Seats) != 2 {
		t.Errorf("booking %+v", got)
	}
	if seat := got.Seats[1]; seat.ID != e.Ticket(44) || seat.SeatNumber != "Stalls-3-5" || seat.Status != booking.PaymentProcessing || seat.Held {
		t.Errorf("seat %+v", seat)
	}
	stored, err := s.Results(t.Context(), []id.Key{b.ID, id.NewKey()})
	if err != nil || len(stored) != 1 || stored[b.ID].Outcome != command.Done || stored[b.ID].Session != b.Session {
		t.Errorf("results %+v, %v", stored, err)
	}
	recalled, clock, err := s.Recall(t.Context(), []id.Key{b.ID, results[1].Command})
	if err != nil || len(recalled) != 2 || recalled[results[1].Command].Status != booking.Paying || time.Since(clock).Abs() > time.Minute {
		t.Errorf("recalled %+v at %s, %v", recalled, clock, err)
	}
	if _, err := s.Booking(t.Context(), id.Booking{Event: e, Key: id.NewKey()}); !errors.Is(err, booking.ErrBookingNotFound) {
		t.Errorf("an unknown booking: %v", err)
	}
	plan, onSale, err := s.Plan(t.Context(), e)
	if err != nil || !onSale || plan.Capacity() != 45 || plan.Price(44) != pgtest.Price || plan.Seat(44).Number != "Stalls-3-5" {
		t.Errorf("plan %+v, %v, %v", plan, onSale, err)
	}
	if _, _, err := s.Plan(t.Context(), e+1<<20); !errors.Is(err, booking.ErrEventNotFound) {
		t.Errorf("an unknown event's plan: %v", err)
	}
}

func TestTheTruthAddsUp(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 40)
	a, b := bookSeats(e, 0, 1, 2), bookSeats(e, 5)
	apply(t, s, e, 0, a, b,
		command.Command{ID: id.NewKey(), Kind: command.Cancel, Event: e, Booking: b.ID, Owner: b.Owner},
		command.Command{ID: id.NewKey(), Kind: command.Block, Event: e, Seats: []int{10, 11}},
	)
	count := func() pgstore.Count {
		t.Helper()
		counts, err := s.Truth(t.Context(), time.Minute)
		if err != nil || len(counts) != 1 {
			t.Fatalf("%+v, %v", counts, err)
		}
		return counts[0]
	}
	if c := count(); c.Difference() != 0 || c.Free != 35 || c.Reserved != 3 || c.Blocked != 2 || c.Capacity != 40 || c.Owned != 3 {
		t.Errorf("counted %+v", c)
	}
	// The control: each broken row is seen.
	f := func(why, sql string) {
		t.Helper()
		if _, err := s.Pool().Exec(context.Background(), sql, int64(e.Ticket(0))); err != nil {
			t.Fatal(err)
		}
		if c := count(); c.Difference() == 0 {
			t.Errorf("%s: nobody noticed: %+v", why, c)
		}
	}
	f("a seat lost its booking", `UPDATE tickets SET booking_id = NULL WHERE id = $1`)
	f("a ticket vanished", `DELETE FROM tickets WHERE id = $1`)
}

func TestAMissingSeatRowIsNoticed(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 40)
	if _, err := s.Pool().Exec(t.Context(), `DELETE FROM tickets WHERE id = $1`, int64(e.Ticket(7))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sale(t.Context(), e); err == nil {
		t.Error("seats behind a gap were taken for their neighbours")
	}
}

// A process that was stopped in the middle of a transaction must not keep its row locks for long.
func TestAPausedTransactionLosesItsLocks(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	e := pgtest.Event(t, s, 20)
	tx, err := s.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	const touch = `UPDATE tickets SET blocked = false WHERE id = $1`
	if _, err := tx.Exec(t.Context(), touch, int64(e.Ticket(0))); err != nil {
		t.Fatal(err)
	}
	began := time.Now() // the holder now says nothing more
	for {
		_, err := s.Pool().Exec(t.Context(), touch, int64(e.Ticket(0)))
		if err == nil {
			break
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Fatalf("still locked after %s: %v", took, err)
		}
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("the lock was gone after %s, want about 2 s", took)
	}
	var limit string // how soon it is, on a machine that has time, is for the server to keep
	if err := s.Pool().QueryRow(t.Context(), `SHOW idle_in_transaction_session_timeout`).Scan(&limit); err != nil || limit != "2s" {
		t.Errorf("a transaction may pause for %q, want 2s: %v", limit, err)
	}
}

func TestOneLeads(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 8)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	leading := make(chan string, 10)
	lead := func(ctx context.Context, name string) {
		_ = s.Lead(ctx, 42, func(ctx context.Context) error {
			leading <- name
			<-ctx.Done()
			return nil
		})
	}
	first, stopFirst := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { lead(first, "first") })
	if got := <-leading; got != "first" {
		t.Fatal(got)
	}
	all.Go(func() { lead(ctx, "second") })
	select {
	case got := <-leading:
		t.Errorf("%s leads beside the first", got)
	case <-time.After(700 * time.Millisecond): // longer than a standby's look
	}
	stopFirst()
	if got := <-leading; got != "second" {
		t.Error(got)
	}
	stop()
	all.Wait()
}

func TestWhoDoesNotWaitToLeadIsTold(t *testing.T) {
	t.Parallel()
	s := pgtest.Open(t, 4)
	const lock = 7
	leads := make(chan struct{})
	release := make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- s.Lead(context.Background(), lock, func(context.Context) error { close(leads); <-release; return nil })
	}()
	<-leads
	ran := 0
	try := func() (bool, error) {
		return s.TryLead(t.Context(), lock, func(context.Context) error { ran++; return errors.New("led") })
	}
	if mine, err := try(); mine || err != nil || ran != 0 {
		t.Errorf("while another leads: %v, %v, ran %d times", mine, err, ran)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	for range 3 { // a lock that was given back can be had at once
		if mine, err := try(); !mine || err == nil || err.Error() != "led" {
			t.Errorf("when nobody leads: %v, %v", mine, err)
		}
	}
	if ran != 3 {
		t.Errorf("led %d times", ran)
	}
}
