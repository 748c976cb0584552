// Package desk is the API's side of the booking core: it holds seats, turns calls into commands on the log, and waits for
// their results. It decides nothing about who owns a seat: Redis decides holds, the worker decides bookings.
//
//	hold     Redis decides, Postgres remembers, then it is acknowledged
//	book     holds checked and kept for the checkout → command → result, or pending after two seconds
//	confirm  command begin_payment → paying → the cashier charges → command settle → result
package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/hold"
	"usher/booking/pgstore"
	"usher/catalog/layout"
	"usher/internal/batch"
	"usher/internal/guard"
	"usher/internal/id"
)

// Config sets a desk up.
type Config struct {
	Node     string        // the name that results are sent to
	Checkout time.Duration // how long a reserved booking waits for its payment
	Wait     time.Duration // how long a call waits for its result
	Limit    int           // tickets a visitor and event, and a command
	// ValidPayment reports whether a provider knows the means of payment.
	ValidPayment func(booking.Payment) bool
	// Append puts a command on the log and returns when the log has it; an error leaves it open whether it has.
	Append func(ctx context.Context, c command.Command) error
	// Action returns what a payer must do for an attempt that waits for him, or nil.
	Action func(ctx context.Context, attempt id.Key) (*booking.Action, error)
	Log    *slog.Logger
}

const (
	maxInFlight    = 4096                    // calls of Book, Confirm and Cancel at once: beyond it the desk sheds
	storeTime      = 1500 * time.Millisecond // for one call's work on the stores
	holdBatch      = 100                     // holds a transaction
	loadTries      = 20
	loadPause      = 50 * time.Millisecond
	maxAlternative = 4
	// Commands are refused by the worker when they come later than this after the desk gave up: by then it has told the
	// fan "pending", and the status call says how it ended.
	deadlineSlack = 8 * time.Second
)

// Desk serves the booking calls. Make it with New; Run must be running.
type Desk struct {
	Config
	holds    *hold.Store
	store    *pgstore.Store
	plans    *plans
	waiters  *waiters
	durable  *batch.Batcher[pgstore.HoldRequest, bool]
	inFlight chan struct{}
	pending  *pending
}

// New returns a desk.
func New(c Config, holds *hold.Store, store *pgstore.Store) *Desk {
	return &Desk{
		Config: c, holds: holds, store: store, plans: newPlans(store), waiters: newWaiters(store.Results),
		durable:  batch.New(store.Hold, holdBatch, 2, 10_000),
		inFlight: make(chan struct{}, maxInFlight), pending: newPending(),
	}
}

// Run does the desk's shared work until ctx ends: group commits and the search for results.
func (d *Desk) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.durable.Run(ctx) })
	g.Go(func() error { return d.waiters.run(ctx) })
	return g.Wait()
}

// Results takes what a worker says about commands that may be waited for here: a hint.
func (d *Desk) Results(results []command.Result) {
	hintedTotal.Add(d.waiters.deliver(results))
}

// Ready reports whether the truth answers.
func (d *Desk) Ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	return d.store.Ping(ctx)
}

// Hold claims the given tickets of one event, all or none. fresh is false when all were the visitor's already.
func (d *Desk) Hold(ctx context.Context, o booking.Owner, e id.Event, tickets []id.Ticket) (h booking.Holds, fresh bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	plan, err := d.plans.onSale(ctx, e)
	if err != nil {
		return h, false, err
	}
	seats, err := seatsOf(plan, tickets)
	if err != nil {
		return h, false, err
	}
	expires, fresh, err := d.claim(ctx, o.Visitor, plan, seats)
	if err != nil {
		return h, false, err
	}
	return d.holdsOf(plan, seats, expires), fresh, nil
}

// claim lets Redis decide and Postgres remember.
func (d *Desk) claim(ctx context.Context, visitor id.Visitor, plan *layout.Plan, seats []int) (expires time.Time, fresh bool, err error) {
	err = d.loaded(ctx, plan.Event, func() (err error) {
		expires, fresh, err = d.holds.Hold(ctx, plan.Event, visitor, seats)
		return err
	})
	var taken *hold.TakenError
	if errors.As(err, &taken) {
		return expires, false, d.unavailable(ctx, plan, taken.Seats)
	}
	if err != nil || !fresh || guard.Off(guard.DurableHold) {
		return expires, fresh, err
	}
	granted, err := d.durable.Do(ctx, pgstore.HoldRequest{Owner: visitor, Tickets: ticketsOf(plan.Event, seats), Until: expires})
	if err == nil && granted {
		return expires, true, nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if _, e := d.holds.Release(after, plan.Event, visitor, seats); e != nil {
		d.Log.Warn("a refused hold stays in Redis until it runs out", "err", e)
	}
	if err != nil {
		return expires, false, overload(err)
	}
	if err := d.repair(after, plan, seats); err != nil {
		d.Log.Warn("the seat map is not repaired", "event", plan.Event, "err", err)
	}
	return expires, false, d.unavailable(ctx, plan, seats)
}

// repair brings what Postgres says about seats to a map that said otherwise.
func (d *Desk) repair(ctx context.Context, plan *layout.Plan, seats []int) error {
	truth, err := d.store.Seats(ctx, ticketsOf(plan.Event, seats))
	if err != nil {
		return err
	}
	var held []hold.Held
	for _, t := range truth {
		if t.State == booking.SeatFree && !t.Holder.IsZero() && t.Until.After(time.Now()) {
			held = append(held, hold.Held{Seat: t.Ticket.Seat(), Owner: t.Holder, Expires: t.Until})
		}
	}
	if err := d.holds.Apply(ctx, changesOf(plan.Event, truth)); err != nil || len(held) == 0 {
		return err
	}
	return d.holds.Restore(ctx, plan.Event, held)
}

// Holds returns what the visitor holds on the event and has not booked.
func (d *Desk) Holds(ctx context.Context, o booking.Owner, e id.Event) (h booking.Holds, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	plan, err := d.plans.onSale(ctx, e)
	if err != nil {
		return h, err
	}
	var seats []int
	var expires time.Time
	err = d.loaded(ctx, e, func() (err error) {
		seats, expires, err = d.holds.Mine(ctx, e, o.Visitor)
		return err
	})
	return d.holdsOf(plan, seats, expires), err
}

// Release gives tickets back; without tickets, all that the visitor holds on the event. Postgres forgets first: a seat that
// Redis shows free must not be refused by Postgres. booking.ErrHoldNotFound: a named ticket is held by somebody else.
func (d *Desk) Release(ctx context.Context, o booking.Owner, e id.Event, tickets []id.Ticket) error {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	plan, err := d.plans.onSale(ctx, e)
	if err != nil {
		return err
	}
	return d.loaded(ctx, e, func() error {
		mine, _, err := d.holds.Mine(ctx, e, o.Visitor)
		if err != nil {
			return err
		}
		give := mine
		if len(tickets) > 0 {
			asked, err := seatsOf(plan, tickets)
			if err != nil {
				return err
			}
			if give = both(asked, mine); len(give) < len(asked) {
				return d.foreign(ctx, e, o.Visitor, asked)
			}
		}
		if len(give) == 0 {
			return nil
		}
		if err := d.store.ReleaseHolds(ctx, o.Visitor, ticketsOf(e, give)); err != nil {
			return err
		}
		_, err = d.holds.Release(ctx, e, o.Visitor, give)
		return err
	})
}

// foreign tells a repeated release, which is fine, from one of a seat that is not the visitor's.
func (d *Desk) foreign(ctx context.Context, e id.Event, visitor id.Visitor, seats []int) error {
	snap, err := d.holds.Snapshot(ctx, e, 0)
	if err != nil {
		return err
	}
	for _, seat := range seats {
		h, held := snap.Holds[seat]
		if snap.States[seat] != booking.SeatFree || held && h.Owner != visitor {
			return booking.ErrHoldNotFound
		}
	}
	return nil
}

// ExtendHolds moves the end of the visitor's holds on the event, up to the cap. booking.ErrHoldNotFound, ErrHoldCapReached.
func (d *Desk) ExtendHolds(ctx context.Context, o booking.Owner, e id.Event) (expires time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	if _, err := d.plans.onSale(ctx, e); err != nil {
		return expires, err
	}
	var seats []int
	err = d.loaded(ctx, e, func() (err error) {
		if seats, _, err = d.holds.Mine(ctx, e, o.Visitor); err != nil {
			return err
		}
		if len(seats) == 0 {
			return booking.ErrHoldNotFound
		}
		expires, err = d.holds.Extend(ctx, e, o.Visitor, seats)
		return err
	})
	if errors.Is(err, hold.ErrNone) {
		return expires, booking.ErrHoldNotFound
	}
	if err != nil {
		return expires, err
	}
	granted, err := d.durable.Do(ctx, pgstore.HoldRequest{Owner: o.Visitor, Tickets: ticketsOf(e, seats), Until: expires})
	if err == nil && !granted {
		err = booking.ErrHoldNotFound
	}
	return expires, overload(err)
}

// loaded runs a call on the seat map, and loads the map first if it is lost.
func (d *Desk) loaded(ctx context.Context, e id.Event, call func() error) error {
	for range loadTries {
		err := call()
		if !errors.Is(err, hold.ErrLost) {
			return err
		}
		if err := d.load(ctx, e); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the seat map of %s is lost again and again", booking.ErrStoreUnavailable, e)
}

// LoadMap fills the seat map of an event from Postgres if it is lost, or waits until another process has.
func (d *Desk) LoadMap(ctx context.Context, e id.Event) error { return d.load(ctx, e) }

// load fills a map from Postgres, or waits until another process has.
func (d *Desk) load(ctx context.Context, e id.Event) error {
	_, err, _ := d.plans.loads.Do(e.String(), func() (any, error) {
		for range loadTries {
			err := d.holds.Load(ctx, e, func(ctx context.Context) ([]hold.Seat, []hold.Held, error) { return d.readSeats(ctx, e) })
			if !errors.Is(err, hold.ErrLoading) && !errors.Is(err, hold.ErrCalledOff) {
				return nil, err
			}
			select {
			case <-ctx.Done():
				return nil, fmt.Errorf("%w: %w", booking.ErrStoreUnavailable, err)
			case <-time.After(loadPause):
			}
		}
		return nil, fmt.Errorf("%w: the seat map of %s does not come", booking.ErrStoreUnavailable, e)
	})
	return err
}

func (d *Desk) readSeats(ctx context.Context, e id.Event) ([]hold.Seat, []hold.Held, error) {
	s, err := d.store.Sale(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	seats := make([]hold.Seat, len(s.Seats))
	var held []hold.Held
	for i, seat := range s.Seats {
		seats[i] = hold.Seat{State: seat.State, Version: int(seat.Version)}
	}
	for i, h := range s.Holds() {
		if s.Seats[i].State != booking.SeatFree || h.Until.After(time.Now()) {
			held = append(held, hold.Held{Seat: i, Owner: h.Holder, Expires: h.Until})
		}
	}
	return seats, held, nil
}

func overload(err error) error {
	if errors.Is(err, batch.ErrFull) {
		return booking.ErrOverloaded
	}
	return err
}
