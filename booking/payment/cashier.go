package payment

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/command"
)

const (
	busyPause  = 5 * time.Millisecond  // between claims that found something
	idlePause  = 40 * time.Millisecond // at most, between claims that found nothing: a fan waits for it
	faultPause = 500 * time.Millisecond
	maxClaim   = 64
	storeTime  = 5 * time.Second        // one statement
	firstRetry = 100 * time.Millisecond // after an error; doubles with each try
	lastRetry  = 10 * time.Second
	actionPoll = time.Second // while the payer acts; doubles with each try, for many may act at once. A wake-up comes sooner
	settleWait = time.Second // for the log to settle an attempt before its end is appended again
)

var (
	claimsTotal   = metrics.NewCounter("usher_payment_claims_total")
	errorsTotal   = metrics.NewCounter("usher_payment_errors_total")
	lostTotal     = metrics.NewCounter("usher_payment_lost_claims_total")
	settleSeconds = metrics.NewHistogram("usher_payment_seconds") // from the attempt's creation to its end on the log
	inFlight      = metrics.NewCounter("usher_payment_in_flight")
)

// Config sets a cashier up. Zero durations and sizes mean the defaults.
type Config struct {
	Providers map[string]Provider // by method
	// Append puts a command on the log and returns when the log has it; an error leaves it open whether it has.
	Append func(ctx context.Context, c command.Command) error
	// Concurrency bounds the attempts under way at once: 256.
	Concurrency int
	// CallTime bounds one call of a provider: 10 s.
	CallTime time.Duration
	// Lease is how long an attempt stays claimed when its cashier dies: CallTime and 5 s, and never less than CallTime.
	Lease time.Duration
	// Patience is the age at which an attempt is taken back instead of completed: 10 min.
	Patience time.Duration
	Log      *slog.Logger
}

// Cashier brings payment attempts to their end. Any number of them may run on one database. Make it with NewCashier.
type Cashier struct {
	Config
	store  Store
	warned atomic.Int64 // unix time of the last warning: one a second
}

// NewCashier returns a cashier.
func NewCashier(c Config, store Store) *Cashier {
	c.Concurrency = cmp.Or(c.Concurrency, 256)
	c.CallTime = cmp.Or(c.CallTime, 10*time.Second)
	c.Lease = max(cmp.Or(c.Lease, c.CallTime+5*time.Second), c.CallTime)
	c.Patience = cmp.Or(c.Patience, 10*time.Minute)
	return &Cashier{Config: c, store: store}
}

// Run works until ctx ends, then gives back what it has claimed.
func (c *Cashier) Run(ctx context.Context) error {
	var works sync.WaitGroup
	defer works.Wait()
	slots := make(chan struct{}, c.Concurrency)
	wait := busyPause
	for pause(ctx, wait) {
		free := cap(slots) - len(slots) // only this goroutine fills them
		if free == 0 {
			wait = busyPause
			continue
		}
		claimed, err := c.claim(ctx, min(free, maxClaim))
		if err != nil {
			c.warn("attempts are not claimed", err)
			wait = faultPause
			continue
		}
		for _, a := range claimed {
			slots <- struct{}{}
			works.Go(func() {
				c.serve(ctx, a)
				<-slots
			})
		}
		wait = min(2*wait, idlePause)
		if len(claimed) > 0 {
			wait = busyPause
		}
	}
	return nil
}

func (c *Cashier) claim(ctx context.Context, n int) ([]Attempt, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	claimed, err := c.store.ClaimAttempts(ctx, n, c.Lease)
	claimsTotal.Add(len(claimed))
	return claimed, err
}

// serve works on one claimed attempt, and gives it back when it cannot go on now.
func (c *Cashier) serve(ctx context.Context, a Attempt) {
	inFlight.Inc()
	defer inFlight.Dec()
	w := &work{Cashier: c, a: a, begun: time.Now()}
	err := w.run(ctx)
	if err == nil {
		return
	}
	after := retry(a.Tries)
	if ctx.Err() != nil {
		after = 0 // nothing is wrong with it: the next cashier goes on at once
	} else {
		errorsTotal.Inc()
		c.warn("a payment attempt is tried again", err, "attempt", a.Attempt, "tries", a.Tries, "after", after)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if _, _, err := c.store.SaveAttempt(ctx, w.a, Change{Status: w.a.Status, Ref: w.a.Ref, After: after}); err != nil {
		c.warn("a payment attempt stays claimed until its lease runs out", err, "attempt", a.Attempt)
	}
}

// await is how long a payer is waited for before his provider is asked by itself.
func await(tries int) time.Duration { return min(actionPoll<<min(tries-1, 4), lastRetry) }

// retry is how long to wait after the given number of tries: growing, capped, and never in step with others.
func retry(tries int) time.Duration {
	d := min(firstRetry<<min(tries-1, 16), lastRetry)
	return d/2 + rand.N(d/2)
}

func (c *Cashier) warn(what string, err error, more ...any) {
	now := time.Now().Unix()
	if last := c.warned.Load(); last != now && c.warned.CompareAndSwap(last, now) {
		c.Log.Warn(what, append(more, "err", err)...)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
