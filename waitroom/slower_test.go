package waitroom_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"usher/internal/id"
	"usher/waitroom"
)

// change changes the room, as its operator may at any time.
func (l *ledger) change(room string, change func(*waitroom.Room)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rooms[room]
	change(&r)
	l.rooms[room] = r
}

// TestWhoWaitsLongerThanHeWasToldIsToldWhy: in each case 1,500 wait, ten are called a second, and something happens after a minute and a half. Whoever has waited is told
// why it takes longer; whoever comes now was told nothing better; and while nothing has happened nobody is told that something has.
func TestWhoWaitsLongerThanHeWasToldIsToldWhy(t *testing.T) {
	t.Parallel()
	const waiting, last, newcomer = 1500, 1499, 2000
	for name, c := range map[string]struct {
		happens func(h *house)
		seconds int // until it must be told
		want    waitroom.Slower
	}{
		"nothing":              {func(*house) {}, 40, ""},
		"the pace rises":       {func(h *house) { h.pacing(1200) }, 40, ""},
		"the pace falls":       {func(h *house) { h.pacing(240) }, 40, waitroom.SlowerPace},
		"the pace falls a bit": {func(h *house) { h.pacing(570) }, 40, ""},
		"a pause": {func(h *house) {
			h.orders("pause")
			time.Sleep(3 * time.Minute)
			h.orders("resume")
		}, 30, waitroom.SlowerPaused},
		"a store is away": {func(h *house) {
			h.line.away.Store(true)
			time.Sleep(3 * time.Minute)
			h.line.away.Store(false)
		}, 30, waitroom.SlowerFault},
		"the line is lost": {func(h *house) {
			h.line.refuses.Store(true) // and cannot be restored for so long
			h.line.Lose(finalRun)
			time.Sleep(3 * time.Minute)
			h.line.refuses.Store(false)
		}, 30, waitroom.SlowerFault},
		"sold out for a while": {func(h *house) {
			h.SetStock(eventOne, waitroom.Stock{Known: true, Left: 0, Sold: 99_999, Version: 2})
			time.Sleep(3 * time.Minute)
			h.SetStock(eventOne, waitroom.Stock{Known: true, Left: 99_999, Version: 3})
		}, 70, waitroom.SlowerStock},
		"the room is full": {func(h *house) {
			h.ledger.change("final", func(r *waitroom.Room) { r.Capacity = 600 })
		}, 120, waitroom.SlowerFull},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			room := final()
			room.Events = []id.Event{eventOne}
			inHouse(t, room, func(h *house) {
				h.SetStock(eventOne, waitroom.Stock{Known: true, Left: 99_999, Version: 1})
				for n := range waiting {
					h.join(n)
				}
				entered := 0
				enters := func(seconds int) { // who is called goes in, and stays
					for range seconds {
						time.Sleep(time.Second)
						synctest.Wait()
						for ; entered < int(h.watermark()) && entered < last; entered++ {
							if _, err := h.enter(entered); err != nil && !errors.Is(err, waitroom.ErrRoomFull) && !errors.Is(err, waitroom.ErrLineUnavailable) {
								t.Errorf("fan %d enters: %v", entered, err)
							}
						}
					}
				}
				enters(60)
				if got := h.slower(last); got != "" {
					t.Errorf("before anything happens the reason is %q", got)
				}
				c.happens(h)
				enters(c.seconds)
				if got := h.slower(last); got != c.want {
					t.Errorf("the reason is %q, want %q", got, c.want)
				}
				h.join(newcomer)
				if got := h.slower(newcomer); got != "" {
					t.Errorf("who has just come is told that he waits longer: %q", got)
				}
			})
		})
	}
}

const eventOne = id.Event(1)

// pacing changes how many are called a minute.
func (h *house) pacing(perMinute float64) {
	h.ledger.change("final", func(r *waitroom.Room) { r.CallsPerMinute = perMinute })
}

func (h *house) orders(order string) {
	h.t.Helper()
	if err := h.order(order); err != nil {
		h.t.Errorf("%s: %v", order, err)
	}
}

// slower is why a fan's wait has grown, as a poll tells him.
func (h *house) slower(n int) waitroom.Slower {
	h.t.Helper()
	line, err := h.Poll(h.places[n], 0)
	if err != nil && !errors.Is(err, waitroom.ErrPollTooFast) {
		h.t.Errorf("fan %d polls: %v", n, err)
	}
	return line.Slower
}

// TestALineThatStandsHasNoEstimate: a room that is full for longer than its speed is measured calls nobody; nobody knows then how long it takes.
func TestALineThatStandsHasNoEstimate(t *testing.T) {
	t.Parallel()
	room := final()
	room.Capacity = 100
	inHouse(t, room, func(h *house) {
		for n := range 300 {
			h.join(n)
		}
		for n := range 100 {
			for h.watermark() <= int64(n) {
				time.Sleep(time.Second)
				synctest.Wait()
			}
			h.wants(n, nil)
		}
		time.Sleep(30 * time.Second)
		if line, err := h.Poll(h.places[299], 0); err != nil || line.Estimate == nil {
			t.Errorf("while the speed of the last minute is known, the estimate is %v, %v", line.Estimate, err)
		}
		time.Sleep(time.Minute)
		if line, err := h.Poll(h.places[299], 0); err != nil || line.Estimate != nil || line.Slower != waitroom.SlowerFull {
			t.Errorf("the line stands, and the estimate is %v, the reason %q, %v", line.Estimate, line.Slower, err)
		}
	})
}
