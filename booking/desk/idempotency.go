package desk

import (
	"context"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"golang.org/x/sync/errgroup"

	"usher/booking"
	"usher/booking/pgstore"
	"usher/internal/batch"
)

const (
	claimLasts = 10 * time.Second // after it a crashed request's key is free
	keyWait    = 2 * time.Second  // how long a duplicate waits for the first request
	keyPoll    = 25 * time.Millisecond
	purgeEvery = time.Minute
	purgeMax   = 1000 // keys a statement
)

var (
	replayedTotal = metrics.NewCounter("usher_desk_answers_replayed_total")
	purgedTotal   = metrics.NewCounter("usher_desk_keys_purged_total")
)

// Idempotency remembers answers under idempotency keys, in Postgres, group-committed. Underneath, commands have ids derived from
// the same keys: a crash between an effect and its answer is mended by the worker, not by this table.
type Idempotency struct {
	store  *pgstore.Store
	claims *batch.Batcher[pgstore.Claim, pgstore.Claimed]
	keeps  *batch.Batcher[pgstore.Keep, struct{}]
	log    *slog.Logger
}

// NewIdempotency returns the memory of answers; its Run must be running.
func NewIdempotency(store *pgstore.Store, log *slog.Logger) *Idempotency {
	i := &Idempotency{store: store, log: log}
	i.claims = batch.New(i.claim, 200, 2, 10_000)
	i.keeps = batch.New(i.keep, 200, 2, 10_000)
	return i
}

// Run works until ctx ends.
func (i *Idempotency) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return i.claims.Run(ctx) })
	g.Go(func() error { return i.keeps.Run(ctx) })
	g.Go(func() error { return i.purge(ctx) })
	return g.Wait()
}

// Begin claims the key, or returns the answer that is stored under it. It waits up to two seconds for a parallel first request.
// booking.ErrIdempotencyKeyReused: the key was used for another request. booking.ErrIdempotencyKeyInFlight.
func (i *Idempotency) Begin(ctx context.Context, scope, request [32]byte) (*booking.StoredAnswer, error) {
	for deadline := time.Now().Add(keyWait); ; {
		c, err := i.claims.Do(ctx, pgstore.Claim{Scope: scope, Request: request})
		switch {
		case err != nil:
			return nil, fault(err)
		case c.Mine:
			return nil, nil
		case c.Request != request:
			return nil, booking.ErrIdempotencyKeyReused
		case c.Answer != nil:
			replayedTotal.Inc()
			return c.Answer, nil
		case time.Now().After(deadline):
			return nil, booking.ErrIdempotencyKeyInFlight
		}
		select {
		case <-ctx.Done():
			return nil, fault(ctx.Err())
		case <-time.After(keyPoll):
		}
	}
}

// Finish stores the answer; a nil answer gives the key back.
func (i *Idempotency) Finish(ctx context.Context, scope [32]byte, a *booking.StoredAnswer) error {
	_, err := i.keeps.Do(ctx, pgstore.Keep{Scope: scope, Answer: a})
	return fault(err)
}

// claim claims distinct keys in one statement; of duplicates in one batch the later ones wait like those of another batch.
func (i *Idempotency) claim(ctx context.Context, claims []pgstore.Claim) ([]pgstore.Claimed, error) {
	first := map[[32]byte]int{}
	var distinct []pgstore.Claim
	for n, c := range claims {
		if _, again := first[c.Scope]; !again {
			first[c.Scope] = n
			distinct = append(distinct, c)
		}
	}
	got, err := i.store.ClaimKeys(ctx, distinct, claimLasts)
	if err != nil {
		return nil, err
	}
	out := make([]pgstore.Claimed, len(claims))
	for n, c := range claims {
		if out[n] = got[c.Scope]; out[n].Mine && first[c.Scope] != n {
			out[n] = pgstore.Claimed{Request: claims[first[c.Scope]].Request}
		}
	}
	return out, nil
}

func (i *Idempotency) keep(ctx context.Context, keeps []pgstore.Keep) ([]struct{}, error) {
	return make([]struct{}, len(keeps)), i.store.KeepAnswers(ctx, keeps)
}

func (i *Idempotency) purge(ctx context.Context) error {
	tick := time.NewTicker(purgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			for n := int64(purgeMax); n == purgeMax; { // a surge of a day ago is purged in bounded steps
				var err error
				if n, err = i.store.PurgeKeys(ctx, purgeMax); err != nil && ctx.Err() == nil {
					i.log.Warn("old idempotency keys are not purged", "err", err)
				}
				purgedTotal.Add(int(n))
			}
		}
	}
}
