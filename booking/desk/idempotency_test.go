package desk

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/pgstore/pgtest"
)

func newKeys(t *testing.T) *Idempotency {
	t.Helper()
	i := NewIdempotency(pgtest.Open(t, 4), quiet())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = i.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return i
}

func TestParallelDuplicatesShareTheFirstAnswer(t *testing.T) {
	t.Parallel()
	i := newKeys(t)
	scope, request := [32]byte{1}, [32]byte{2}
	want := booking.StoredAnswer{Status: 201, Headers: map[string]string{"Location": "/b"}, Body: []byte(`{}`)}
	var ran atomic.Int32
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			got, err := i.Begin(t.Context(), scope, request)
			if err != nil {
				t.Error(err)
				return
			}
			if got == nil {
				ran.Add(1)
				if err := i.Finish(t.Context(), scope, &want); err != nil {
					t.Error(err)
				}
			} else if !reflect.DeepEqual(*got, want) {
				t.Errorf("answer %+v", got)
			}
		})
	}
	all.Wait()
	if n := ran.Load(); n != 1 {
		t.Errorf("%d requests ran", n)
	}
}

func TestAKeyInUse(t *testing.T) {
	t.Parallel()
	i := newKeys(t)
	scope := [32]byte{1}
	if got, err := i.Begin(t.Context(), scope, [32]byte{1}); got != nil || err != nil {
		t.Fatal(got, err)
	}
	if _, err := i.Begin(t.Context(), scope, [32]byte{9}); !errors.Is(err, booking.ErrIdempotencyKeyReused) {
		t.Errorf("another request: %v", err)
	}
	began := time.Now()
	if _, err := i.Begin(t.Context(), scope, [32]byte{1}); !errors.Is(err, booking.ErrIdempotencyKeyInFlight) || time.Since(began) < keyWait {
		t.Errorf("a duplicate after %s: %v", time.Since(began), err)
	}
	if err := i.Finish(t.Context(), scope, nil); err != nil { // a fault: the next one may try
		t.Fatal(err)
	}
	if got, err := i.Begin(t.Context(), scope, [32]byte{1}); got != nil || err != nil {
		t.Errorf("after the first gave up: %+v, %v", got, err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := i.Begin(over, scope, [32]byte{1}); !errors.Is(err, booking.ErrStoreUnavailable) {
		t.Errorf("a caller who has gone: %v", err)
	}
}
