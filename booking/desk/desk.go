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
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sync/errgroup"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/hold"
	"usher/booking/limit"
	"usher/booking/pgstore"
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
	Stranded Stranded      // whether a hold may leave a seat alone
	// ValidPayment reports whether a provider knows the means of payment.
	ValidPayment func(booking.Payment) bool
	// Append puts a command on the log and returns when the log has it; an error leaves it open whether it has. batch.ErrFull says
	// that it has not.
	Append func(ctx context.Context, c command.Command) error
	// Action returns what a payer must do for an attempt that waits for him, or nil.
	Action func(ctx context.Context, attempt id.Key) (*booking.Action, error)
	Log    *slog.Logger
}

const (
	maxInFlight = 4096                    // calls of one kind at once, while nothing is slow: beyond it the desk sheds
	minInFlight = 32                      // and at least, however slow it is: two ticks of a worker that is in trouble
	holdTarget  = 250 * time.Millisecond  // a hold is durable in 4 to 10 ms, and in 100 when all roles share two cores in a surge
	bookTarget  = 500 * time.Millisecond  // a decision takes 150 ms at the median in such a surge; the caller waits for two seconds
	storeTime   = 1500 * time.Millisecond // for one call's work on the stores
	holdBatch   = 100                     // holds a transaction
	holdQueue   = 10_000
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
	maps     *maps
	waiters  *waiters
	durable  *batch.Batcher[pgstore.HoldRequest, bool]
	returns  *batch.Batcher[pgstore.HoldRelease, struct{}]
	holding  *gate
	inFlight *gate
	pending  *pending
	load     load
	off      map[guard.Guard]bool // guards that this package's own tests have switched off; nil elsewhere
}

// New returns a desk.
func New(c Config, holds *hold.Store, store *pgstore.Store) *Desk {
	return &Desk{
		Config: c, holds: holds, store: store, plans: newPlans(store), maps: newMaps(holds, store), waiters: newWaiters(store.Results),
		durable: batch.New(store.Hold, holdBatch, 2, holdQueue),
		returns: batch.New(func(ctx context.Context, r []pgstore.HoldRelease) ([]struct{}, error) {
			return make([]struct{}, len(r)), store.ReleaseHolds(ctx, r)
		}, holdBatch, 1, holdQueue),
		holding: newGate("hold", holdTarget), inFlight: newGate("book", bookTarget), pending: newPending(holds),
	}
}

// Run does the desk's shared work until ctx ends: group commits, and the search for results that no hint has brought.
func (d *Desk) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return d.durable.Run(ctx) })
	g.Go(func() error { return d.returns.Run(ctx) })
	g.Go(func() error { return d.waiters.run(ctx) })
	return g.Wait()
}

// Results takes what a worker tells about commands that may be waited for here: a hint.
func (d *Desk) Results(results []command.Result) { hintedTotal.Add(d.waiters.deliver(results)) }

// LoadMap fills the seat map of an event from Postgres if it is lost, or waits until another process has. booking.ErrTicketNotFound:
// its tickets do not exist yet.
func (d *Desk) LoadMap(ctx context.Context, e id.Event) error { return d.maps.load(ctx, e) }

// Ready reports whether the truth answers.
func (d *Desk) Ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	return d.store.Ping(ctx)
}

// gate bounds the calls that are under way: by how quickly what is behind the desk answers.
type gate struct {
	*limit.Limit
	shed *metrics.Counter
}

func newGate(calls string, target time.Duration) *gate {
	g := &gate{
		Limit: limit.New(limit.Rules{Target: target, Least: minInFlight, Most: maxInFlight}),
		shed:  metrics.GetOrCreateCounter(`usher_desk_shed_total{calls="` + calls + `"}`),
	}
	metrics.GetOrCreateGauge(`usher_desk_in_flight{calls="`+calls+`"}`, func() float64 { n, _ := g.Now(); return float64(n) })
	metrics.GetOrCreateGauge(`usher_desk_limit_calls{calls="`+calls+`"}`, func() float64 { _, most := g.Now(); return float64(most) })
	return g
}

// enter takes a place, which leave gives back. Who comes first, because he has reserved already, finds one when others do not. booking.ErrOverloaded.
func (g *gate) enter(first bool) (leave func(), err error) {
	if !g.Enter(first) {
		g.shed.Inc()
		return nil, booking.ErrOverloaded
	}
	return g.Leave, nil
}

// fault gives a failure of shared work the name that the edge knows: a full queue, or a store that did not answer in time.
func fault(err error) error {
	switch {
	case errors.Is(err, batch.ErrFull):
		return booking.ErrOverloaded
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return errors.Join(booking.ErrStoreUnavailable, err)
	}
	return err
}

// timed measures a call: defer timed(holdSeconds)().
func timed(h *metrics.Histogram) func() {
	began := time.Now()
	return func() { h.UpdateDuration(began) }
}
