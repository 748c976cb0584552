package sandbox_test

import (
	"context"
	"sync"
	"time"

	"usher/booking/payment"
	"usher/booking/payment/sandbox"
	"usher/internal/id"
)

// memory is the reference: what a ledger promises, with a lock and a map.
type memory struct {
	mu      sync.Mutex // guards entries
	entries map[id.Key]*page
	now     func() time.Time
}

type page struct {
	sandbox.Entry
	opened time.Time
}

func newMemory() *memory { return &memory{entries: map[id.Key]*page{}, now: time.Now} }

// step runs do on the attempt's entry. Without a charge it makes none.
func (m *memory) step(attempt id.Key, c *payment.Charge, do func(e *sandbox.Entry, age time.Duration)) (sandbox.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.entries[attempt]
	if p == nil {
		if c == nil {
			return sandbox.Entry{}, nil
		}
		p = &page{Entry: sandbox.Entry{Amount: c.Amount, Currency: c.Currency, Token: c.Token}, opened: m.now()}
		m.entries[attempt] = p
		do(&p.Entry, time.Duration(1<<62)) // a step that makes the entry asks nothing of its age
	} else {
		do(&p.Entry, m.now().Sub(p.opened))
	}
	p.Age = m.now().Sub(p.opened)
	return p.Entry, nil
}

func (m *memory) Read(_ context.Context, attempt id.Key) (sandbox.Entry, error) {
	return m.step(attempt, nil, func(*sandbox.Entry, time.Duration) {})
}

func (m *memory) Open(_ context.Context, c payment.Charge) (sandbox.Entry, error) {
	return m.step(c.Attempt, &c, func(e *sandbox.Entry, _ time.Duration) { e.Calls++ })
}

func (m *memory) Authorise(_ context.Context, c payment.Charge, within time.Duration) (sandbox.Entry, error) {
	return m.step(c.Attempt, &c, func(e *sandbox.Entry, age time.Duration) {
		e.Authorised = e.Authorised || e.Undecided() && (within == 0 || age < within)
	})
}

func (m *memory) Decline(_ context.Context, c payment.Charge, reason string, after time.Duration) (sandbox.Entry, error) {
	return m.step(c.Attempt, &c, func(e *sandbox.Entry, age time.Duration) {
		if e.Undecided() && age >= after {
			e.Declined = reason
		}
	})
}

func (m *memory) Capture(_ context.Context, attempt id.Key) (sandbox.Entry, error) {
	return m.step(attempt, nil, func(e *sandbox.Entry, _ time.Duration) { e.Captured = e.Captured || e.Authorised && !e.Voided })
}

func (m *memory) Void(_ context.Context, c payment.Charge) (sandbox.Entry, error) {
	return m.step(c.Attempt, &c, func(e *sandbox.Entry, _ time.Duration) { e.Voided = e.Voided || !e.Captured && e.Declined == "" })
}

func (m *memory) Refund(_ context.Context, attempt id.Key) (sandbox.Entry, error) {
	return m.step(attempt, nil, func(e *sandbox.Entry, _ time.Duration) { e.Voided = e.Voided || e.Captured })
}
