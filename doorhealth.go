package main

import (
	"context"
	"sync"
	"time"

	"usher/booking/desk"
	"usher/booking/event"
	"usher/waitroom/pace"
)

// doorHealth watches what is behind the doors of one gateway, so that their pace may follow it.
type doorHealth struct {
	load  func() desk.Load
	waits func() (asked int64, waited time.Duration) // for connections

	mu           sync.Mutex // guards what follows
	now          pace.Health
	lag          time.Duration // the longest since the last look
	begun, ended []int         // payments, a step each, the last one under way
}

// Now is the health of the last few seconds.
func (h *doorHealth) Now() pace.Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// heard takes what the booking core tells.
func (h *doorHealth) heard(e *event.Event, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lag = max(h.lag, now.Sub(e.At)); len(h.begun) == 0 {
		return
	}
	switch last := len(h.begun) - 1; e.Kind {
	case event.BookingPaying:
		h.begun[last]++
	case event.BookingConfirmed, event.BookingDeclined:
		h.ended[last]++
	}
}

// Run looks every few seconds until ctx ends.
func (h *doorHealth) Run(ctx context.Context) error {
	tick := time.NewTicker(pace.Every)
	defer tick.Stop()
	before := h.load()
	asked, waited := h.waits()
	for {
		h.next()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		load := h.load()
		a, w := h.waits()
		h.look(before, load, (w-waited)/time.Duration(max(1, a-asked)))
		before, asked, waited = load, a, w
	}
}

// next begins another step of the payments' window.
func (h *doorHealth) next() {
	h.mu.Lock()
	defer h.mu.Unlock()
	const steps = int(pace.Window / pace.Every)
	h.begun, h.ended = append(h.begun, 0), append(h.ended, 0)
	if len(h.begun) > steps {
		h.begun, h.ended = h.begun[1:], h.ended[1:]
	}
}

// look sums up what has been since the last look.
func (h *doorHealth) look(before, load desk.Load, wait time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	begun, ended := 0, 0
	for i := range h.begun {
		begun, ended = begun+h.begun[i], ended+h.ended[i]
	}
	h.now = pace.Health{
		Late: pace.Late(load.Calls-before.Calls, load.Late-before.Late), Lag: h.lag, PoolWait: wait, Unsettled: pace.Unsettled(begun, ended),
	}
	if n := load.Decided - before.Decided; n > 0 {
		h.now.Latency = (load.Took - before.Took) / time.Duration(n)
	}
	h.lag = 0
}
