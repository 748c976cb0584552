package waitroom_test

import (
	"testing"
	"time"

	"usher/waitroom"
)

// asked is how many calls a minute the line is asked for.
func (h *house) asked() float64 {
	h.t.Helper()
	s, err := h.Stats("final")
	if err != nil {
		h.t.Error(err)
	}
	return s.PacePerMinute
}

func TestTheDoorFollowsTheHealthOfWhatIsBehindIt(t *testing.T) {
	t.Parallel()
	room := final()
	room.MinCallsPerMinute = 60
	inHouse(t, room, func(h *house) {
		for n := range 20_000 {
			h.join(n)
		}
		h.pass(10 * time.Second)
		h.pace(5, "in health")
		h.late.Store(true)
		h.pass(10 * time.Minute)
		if got := h.asked(); got < 59.9 || got > 60.1 {
			h.t.Errorf("in ten minutes of trouble the pace is %v a minute, want the least, 60", got)
		}
		before := h.watermark()
		h.pass(time.Minute)
		if called := h.watermark() - before; called < 58 || called > 62 {
			h.t.Errorf("at 60 a minute %d were called", called)
		}
		h.stop()
		h.begin()
		h.pass(time.Second)
		if got := h.asked(); got > 61 {
			h.t.Errorf("a gateway that was started again asks for %v a minute", got)
		}
		h.late.Store(false)
		h.pass(20 * time.Minute)
		if got := h.asked(); got < 540 {
			h.t.Errorf("twenty minutes after the trouble the pace is %v a minute, want 600", got)
		}
	})
}

// Of two gateways the one in trouble decides, and no longer when it is gone.
func TestTheSlowestGatewayDecides(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		for n := range 5000 {
			h.join(n)
		}
		h.late.Store(true) // at the one that runs
		troubled := h.stop
		h.make = h.healthy
		h.begin() // and one that is not
		h.pass(5 * time.Minute)
		if got := h.asked(); got > 200 {
			h.t.Errorf("one of two gateways is in trouble, and the pace is %v a minute", got)
		}
		troubled()
		h.pass(5 * time.Second)
		if got := h.asked(); got != 600 {
			h.t.Errorf("the gateway in trouble is gone, and the pace is %v a minute, want 600", got)
		}
		h.pace(5, "when only the other one is left")
	})
}

// Where the least is the most, the pace is as the operator has set it, whatever happens.
func TestAFixedPaceStays(t *testing.T) {
	t.Parallel()
	room := final()
	room.MinCallsPerMinute = room.CallsPerMinute
	inHouse(t, room, func(h *house) {
		for n := range 5000 {
			h.join(n)
		}
		h.late.Store(true)
		h.pass(2 * time.Minute)
		h.pace(10, "in trouble, at a fixed pace")
	})
}

// Whoever waits longer because the door has slowed down is told that it is for that, and not for the organiser or the others.
func TestWhoWaitsBecauseTheDoorSlowsDownIsToldSo(t *testing.T) {
	t.Parallel()
	inHouse(t, final(), func(h *house) {
		for n := range 6000 {
			h.join(n)
		}
		h.pass(time.Minute)
		h.late.Store(true)
		h.pass(4 * time.Minute)
		line, err := h.Poll(h.places[5999], 0)
		if err != nil || line.Slower != waitroom.SlowerBusy {
			h.t.Errorf("the reason is %q, %v; want %q", line.Slower, err, waitroom.SlowerBusy)
		}
	})
}
