package waitroom_test

import (
	"sync/atomic"
	"testing"
	"time"

	"usher/waitroom"
	"usher/waitroom/pace"
)

// paced is a house whose gateways follow a health that the test sets.
func paced(h *house) (late *atomic.Bool, restart func()) {
	late = new(atomic.Bool)
	h.healthy = h.make
	h.make = func() *waitroom.Keeper {
		k := h.healthy()
		k.Follow(func() pace.Health {
			if late.Load() {
				return pace.Health{Late: 1}
			}
			return pace.Health{}
		})
		return k
	}
	restart = func() { h.stop(); h.begin(); h.pass(time.Second) }
	restart()
	return late, restart
}

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
		late, restart := paced(h)
		for n := range 20_000 {
			h.join(n)
		}
		h.pass(10 * time.Second)
		h.pace(5, "in health")
		late.Store(true)
		h.pass(10 * time.Minute)
		if got := h.asked(); got < 59.9 || got > 60.1 {
			h.t.Errorf("in ten minutes of trouble the pace is %v a minute, want the least, 60", got)
		}
		before := h.watermark()
		h.pass(time.Minute)
		if called := h.watermark() - before; called < 58 || called > 62 {
			h.t.Errorf("at 60 a minute %d were called", called)
		}
		restart()
		if got := h.asked(); got > 61 {
			h.t.Errorf("a gateway that was started again asks for %v a minute", got)
		}
		late.Store(false)
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
		late, _ := paced(h) // one that is in trouble
		late.Store(true)
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
		late, _ := paced(h)
		for n := range 5000 {
			h.join(n)
		}
		late.Store(true)
		h.pass(2 * time.Minute)
		h.pace(10, "in trouble, at a fixed pace")
	})
}
