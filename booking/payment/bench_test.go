package payment_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/booking/pgstore/pgtest"
)

// BenchmarkCashier is what one cashier pays a second, the log and the worker left out. It includes the sandbox's own books: two of the
// four statements that a payment takes beside its share of a claim.
func BenchmarkCashier(b *testing.B) {
	store := pgtest.Open(b, 16)
	event := pgtest.Event(b, store, 20)
	_, err := store.Pool().Exec(b.Context(), `WITH new AS (SELECT gen_random_uuid() AS booking, gen_random_uuid() AS attempt FROM generate_series(1, $2)),
		b AS (INSERT INTO bookings (event_id, id, owner, status, total, currency, attempt_id, created_at, updated_at)
			SELECT $1, booking, booking, 'paying', 700, 'EUR', attempt, now(), now() FROM new)
		INSERT INTO payment_attempts (id, event_id, booking_id, amount, currency, method, token, status, live, created_at, updated_at)
		SELECT attempt, $1, booking, 700, 'EUR', 'sandbox', 'tok_ok', 'created', true, now(), now() FROM new`, int64(event), b.N)
	if err != nil {
		b.Fatal(err)
	}
	settled := make(chan struct{}, b.N)
	c := payment.Config{
		Providers: map[string]payment.Provider{sandbox.Method: sandbox.New(sandbox.Config{}, store.SandboxLedger())},
		Append: func(context.Context, command.Command) error {
			settled <- struct{}{}
			return nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	done := make(chan error, 1)
	b.ResetTimer()
	began := time.Now()
	go func() { done <- payment.NewCashier(c, store).Run(ctx) }()
	for range b.N {
		<-settled
	}
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "payments/s")
	b.StopTimer()
	cancel()
	<-done
}
