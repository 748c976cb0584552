package waitroom_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"usher/waitroom"
	"usher/waitroom/pass"
)

// crowd is people who do as they are told: they ask when they were told to, enter when they are called, and leave when they have been inside for as long as
// they stay.
type crowd struct {
	*house
	stay   time.Duration
	next   map[int]time.Time // when who waits asks next; who is not in it has gone away
	shown  map[int]int64
	inside map[int]pass.Claims
	until  map[int]time.Time
}

// crowded lets fans from 0 on join.
func (h *house) crowded(size int, stay time.Duration) *crowd {
	c := &crowd{h, stay, map[int]time.Time{}, map[int]int64{}, map[int]pass.Claims{}, map[int]time.Time{}}
	for n := range size {
		h.join(n)
		c.next[n] = time.Now().Add(time.Duration(n%2000) * time.Millisecond)
	}
	return c
}

// pass lets time pass, and calls each after each quarter of a second.
func (c *crowd) pass(d time.Duration, each func()) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for n := range len(c.places) {
			if at, waits := c.next[n]; waits && !time.Now().Before(at) {
				c.asks(n)
			}
			if at, in := c.until[n]; in && !time.Now().Before(at) {
				c.leaves(n)
			}
		}
		time.Sleep(250 * time.Millisecond)
		synctest.Wait()
		each()
	}
}

func (c *crowd) asks(n int) {
	line, err := c.Poll(c.places[n], c.shown[n])
	if err != nil && !errors.Is(err, waitroom.ErrPollTooFast) {
		c.t.Errorf("fan %d asks: %v", n, err)
	}
	c.next[n], c.shown[n] = time.Now().Add(line.PollAfter), line.Position
	if line.State != waitroom.StandCalled {
		return
	}
	claims, err := c.enter(n)
	switch {
	case errors.Is(err, waitroom.ErrRoomFull):
	case err != nil:
		c.t.Errorf("fan %d enters: %v", n, err)
		delete(c.next, n)
	default:
		delete(c.next, n)
		c.inside[n], c.until[n] = claims, time.Now().Add(c.stay)
	}
}

func (c *crowd) leaves(n int) {
	if err := c.LeaveSession(c.t.Context(), c.inside[n]); err != nil {
		c.t.Errorf("fan %d leaves: %v", n, err)
	}
	delete(c.until, n)
}

// idle is the share of slots that are free while somebody waits, when two in five have gone away without a word.
func idle(t *testing.T, patient bool) (share float64) {
	room := final()
	room.Capacity, room.CallsPerMinute, room.PollCap = 100, 1200, 30*time.Second
	inHouse(t, room, func(h *house) {
		h.line.patient.Store(patient)
		c := h.crowded(1000, 5*time.Minute)
		for n := range 1000 {
			if n%5 < 2 {
				delete(c.next, n)
			}
		}
		c.pass(2*time.Minute, func() {})
		free, samples := 0, 0
		c.pass(15*time.Minute, func() {
			w, err := h.line.Watch(t.Context(), finalRun)
			if err != nil {
				t.Error(err)
			}
			if w.Waiting > 0 {
				free, samples = free+room.Capacity-w.Active, samples+room.Capacity
			}
		})
		share = float64(free) / float64(samples)
	})
	return share
}

// Those who have gone away leave no slot empty: sessions of five minutes, two in five of those who wait are gone.
func TestWhoIsGoneLeavesNoSlotEmpty(t *testing.T) {
	t.Parallel()
	share := idle(t, false)
	t.Logf("%.2f %% of the slots are free", 100*share)
	if share >= 0.01 {
		t.Errorf("%.2f %% of the slots are free while people wait, want less than 1 %%", 100*share)
	}
}

// Control: if nobody is taken for gone, they do.
func TestControlWhoIsTakenForPresentLeavesSlotsEmpty(t *testing.T) {
	t.Parallel()
	share := idle(t, true)
	t.Logf("%.2f %% of the slots are free", 100*share)
	if share < 0.01 {
		t.Errorf("only %.2f %% of the slots are free, though those who are gone are expected", 100*share)
	}
}

// All gateways are gone for minutes: nobody could ask, and nobody is taken for gone, so that nobody is called early.
func TestNobodyIsCalledEarlyAfterAllGatewaysWereAway(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity, room.Session = 20, time.Hour
	inHouse(t, room, func(h *house) {
		c := h.crowded(200, time.Hour)
		c.pass(5*time.Minute, func() {})
		before := h.watermark()
		if before != 20 {
			t.Errorf("the watermark is %d, and there are 20 slots", before)
		}
		h.stop()
		time.Sleep(5 * time.Minute)
		h.begin()
		time.Sleep(time.Second)
		for n := range 4 {
			c.leaves(n)
		}
		c.pass(3*time.Minute, func() {})
		if now := h.watermark(); now != before+4 {
			t.Errorf("four slots were free, and the watermark went from %d to %d", before, now)
		}
		if len(c.inside) != 24 {
			t.Errorf("%d were inside, want 24", len(c.inside))
		}
	})
}

// Who was taken for gone and comes back within his grace enters before everybody with a higher number, however often they ask.
func TestWhoComesBackEntersByNumber(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity, room.Grace, room.PollCap = 2, 10*time.Minute, 10*time.Second
	inHouse(t, room, func(h *house) {
		c := h.crowded(8, time.Minute)
		for n := 2; n < 4; n++ {
			delete(c.next, n)
		}
		c.pass(75*time.Second, func() {}) // 0 and 1 were inside, and 2 and 3 were passed
		if w := h.watermark(); w != 6 {
			t.Errorf("the watermark is %d, want 6: 2 and 3 are gone, 4 and 5 are in their place", w)
		}
		h.wants(2, waitroom.ErrRoomFull)
		for n := 4; n < 6; n++ {
			c.leaves(n)
			delete(c.until, n)
		}
		time.Sleep(waitroom.Linger + time.Second)
		h.wants(2, nil)
	})
}
