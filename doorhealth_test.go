package main

import (
	"testing"
	"time"

	"usher/booking/desk"
	"usher/booking/event"
	"usher/waitroom/pace"
)

func TestTheHealthIsOfWhatHasBeenSinceTheLastLook(t *testing.T) {
	t.Parallel()
	var h doorHealth
	now := time.Now()
	f := func(what string, want pace.Health) {
		t.Helper()
		if got := h.Now(); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	f("before the first look", pace.Health{})
	h.heard(&event.Event{Kind: event.BookingPaying, At: now}, now) // nobody counts yet
	h.next()
	h.heard(&event.Event{Kind: event.BookingReserved, At: now.Add(-3 * time.Second)}, now)
	h.heard(&event.Event{Kind: event.BookingReserved, At: now.Add(time.Minute)}, now) // a clock that is ahead
	before := desk.Load{Calls: 100, Late: 50, Decided: 10, Took: time.Hour}
	h.look(before, desk.Load{Calls: 180, Late: 60, Decided: 30, Took: time.Hour + 10*time.Second}, 7*time.Millisecond)
	f("after some calls", pace.Health{Latency: 500 * time.Millisecond, Late: 0.1, Lag: 3 * time.Second, PoolWait: 7 * time.Millisecond})
	h.look(before, before, 0)
	f("when nothing has happened", pace.Health{})
}

func TestPaymentsAreCountedForAMinute(t *testing.T) {
	t.Parallel()
	var h doorHealth
	tell := func(n int, k event.Kind) {
		for range n {
			h.heard(&event.Event{Kind: k, At: time.Now()}, time.Now())
		}
	}
	h.next()
	tell(400, event.BookingPaying)
	tell(100, event.BookingConfirmed)
	tell(50, event.BookingDeclined)
	for step := range 13 {
		h.look(desk.Load{}, desk.Load{}, 0)
		if got, want := h.Now().Unsettled > 1, step < 12; got != want {
			t.Errorf("%d steps later: %+v", step, h.Now())
		}
		h.next()
	}
}
