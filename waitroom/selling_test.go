package waitroom_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"usher/internal/id"
	"usher/waitroom"
	"usher/waitroom/pass"
)

// selling is a room in front of one event.
func selling() waitroom.Room {
	r := final()
	r.Events = []id.Event{7}
	return r
}

func stock(left, sold int) waitroom.Stock {
	return waitroom.Stock{Known: true, Left: left, Sold: sold, Version: int64(sold) + 1}
}

// told is the state that a fan is told, and how many tickets are left.
func (h *house) told(n int) (waitroom.Standing, int) {
	h.t.Helper()
	line, err := h.Poll(h.places[n], 0)
	if err != nil {
		h.t.Errorf("fan %d asks: %v", n, err)
	}
	return line.State, line.TicketsLeft
}

func (h *house) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestCallingStopsWhenNothingIsLeftAndGoesOnWhenSeatsComeBack(t *testing.T) {
	t.Parallel()
	inHouse(t, selling(), func(h *house) {
		for n := range 50 {
			h.join(n)
		}
		h.SetStock(7, stock(0, 40))
		h.pass(time.Second)
		before := h.watermark()
		h.pass(time.Minute)
		if after := h.watermark(); after != before {
			h.t.Errorf("with nothing left %d were called", after-before)
		}
		if state, left := h.told(49); state != waitroom.StandSoldOut || left != 0 {
			h.t.Errorf("told %s, %d left", state, left)
		}
		back := stock(2, 40)
		back.Version = 100
		h.SetStock(7, back)
		h.pass(30 * time.Second)
		if called := h.watermark() - before; called < 2 || called > 6 { // those who do not come make room for the next two
			h.t.Errorf("two came back, and %d were called in half a minute", called)
		}
		if state, left := h.told(49); state != waitroom.StandWaiting || left != 2 {
			h.t.Errorf("told %s, %d left", state, left)
		}
	})
}

// A gateway that was started again knows no stock yet, and nobody is called for nothing meanwhile: the line has heard of it. If nobody knows
// for long, that is no reason to keep people out.
func TestAGatewayThatWasStartedAgainCallsNobodyForNothing(t *testing.T) {
	t.Parallel()
	inHouse(t, selling(), func(h *house) {
		for n := range 500 {
			h.join(n)
		}
		h.SetStock(7, stock(0, 40))
		h.pass(time.Second)
		before := h.watermark()
		h.stop()
		h.begin()
		h.pass(50 * time.Second)
		if after := h.watermark(); after != before {
			h.t.Errorf("after the restart %d were called", after-before)
		}
		if state, _ := h.told(499); state != waitroom.StandSoldOut {
			h.t.Errorf("after the restart a fan is told %s", state)
		}
		h.pass(15 * time.Second)
		h.pace(5, "when nobody has known the stock for a minute")
	})
}

// Of those who are let in one of four buys: at every moment those who are inside or expected are as many as what is left feeds, and in the end everything is sold.
func TestEverythingIsSoldAndNobodyIsCalledForNothing(t *testing.T) {
	t.Parallel()
	room := selling()
	room.CallsPerMinute = 6000
	inHouse(t, room, func(h *house) {
		const tickets, fans = 100, 1000
		left, version := tickets, int64(1)
		tell := func() {
			version++
			h.SetStock(7, waitroom.Stock{Known: true, Left: left, Sold: tickets - left, Version: version})
		}
		tell()
		for n := range fans {
			h.join(n)
		}
		limit := func() int {
			stats, err := h.Stats("final")
			if err != nil {
				h.t.Fatal(err)
			}
			return waitroom.MayBuy(left, float64(stats.Served+20)/float64(stats.Bought+20))
		}
		type guest struct {
			pass  pass.Claims
			since int
		}
		var inside []guest
		entered, before := int64(0), limit()
		for s := 0; s < 600 && left > 0; s++ {
			h.pass(time.Second)
			called, after := int(h.watermark()-entered), limit()
			if most := max(before, after); called > 0 && len(inside)+called > most {
				h.t.Fatalf("second %d: %d left, %d are inside, and %d were called: want %d in all at most", s, left, len(inside), called, most)
			}
			for ; entered < h.watermark(); entered++ {
				c, err := h.enter(int(entered))
				if err != nil {
					h.t.Fatalf("fan %d enters: %v", entered, err)
				}
				inside = append(inside, guest{c, s})
			}
			for len(inside) > 0 && inside[0].since < s-3 {
				if g := inside[0]; g.pass.Number%4 == 0 && left > 0 {
					left--
					tell()
				}
				if err := h.LeaveSession(h.t.Context(), inside[0].pass); err != nil {
					h.t.Fatal(err)
				}
				inside = inside[1:]
			}
			before = limit()
		}
		if left > 0 {
			h.t.Errorf("%d of %d tickets were not sold to %d people", left, tickets, entered)
		}
		if in := len(inside); in > 4 {
			h.t.Errorf("when everything was sold %d were inside for nothing", in)
		}
	})
}

// Three gateways hear of every sale late, each at another time and not in order, and one is started again in the middle; now and then seats come back. All the same nobody is
// called once nothing has been left for longer than that takes, those inside and called are never more than what was left just before feeds, and in the end everything is sold.
func TestThreeGatewaysThatHearLateCallNobodyForNothing(t *testing.T) {
	t.Parallel()
	room := selling()
	room.CallsPerMinute = 3000
	inHouse(t, room, func(h *house) {
		const late, tickets = 900 * time.Millisecond, 300
		seed := rand.Uint64()
		rng := rand.New(rand.NewPCG(seed, 1))
		gateways, stops := []*waitroom.Keeper{h.Keeper}, []func(){h.stop}
		for range 2 {
			h.begin()
			gateways, stops = append(gateways, h.Keeper), append(stops, h.stop)
		}
		h.pass(time.Second)
		left, sold, version := tickets, 0, int64(1)
		tell := func() {
			version++
			s := waitroom.Stock{Known: true, Left: left, Sold: sold, Version: version}
			for _, g := range gateways {
				time.AfterFunc(time.Duration(rng.Int64N(int64(late))), func() { g.SetStock(7, s) })
			}
		}
		tell()
		for n := range 3000 {
			h.join(n)
		}
		type guest struct {
			pass pass.Claims
			ends int
		}
		var inside []guest
		var history []int     // tickets left, a second each
		back := map[int]int{} // tickets that come back, by second
		var measure []float64 // people for a ticket, as measured then
		entered := int64(0)
		for s := 0; s < 900 && sold < tickets; s++ {
			if n := back[s]; n > 0 {
				left += n
				tell()
			}
			history = append(history, left)
			h.pass(time.Second)
			called := int(h.watermark() - entered)
			stats, err := h.Stats("final")
			if err != nil {
				h.t.Fatal(err)
			}
			measure = append(measure, float64(stats.Served+20)/float64(stats.Bought+20))
			lately := max(0, len(history)-3) // what the line hears is late, and those who have just left count for two seconds more
			most := waitroom.MayBuy(slices.Max(history[lately:]), slices.Max(measure[lately:]))
			if most > 0 {
				most += 2 + most/10 // the measure moves within a second, too
			}
			if called > 0 && len(inside)+called > most {
				h.t.Fatalf("seed %d, second %d: %v left, %d inside and %d called, want %d at most", seed, s, history[lately:], len(inside), called, most)
			}
			for ; entered < h.watermark(); entered++ {
				c, err := h.enter(int(entered))
				if err != nil {
					h.t.Fatalf("seed %d: fan %d enters: %v", seed, entered, err)
				}
				inside = append(inside, guest{c, s + 1 + rng.IntN(8)})
			}
			inside = slices.DeleteFunc(inside, func(g guest) bool {
				if g.ends > s {
					return false
				}
				if n := min(left, 2*rng.IntN(2)); n > 0 {
					left -= n
					if rng.IntN(4) > 0 {
						sold += n
					} else { // it is not paid for, and comes back
						back[s+1+rng.IntN(20)] += n
					}
					tell()
				}
				if err := h.LeaveSession(h.t.Context(), g.pass); err != nil {
					h.t.Fatal(err)
				}
				return true
			})
			if s == 20 { // the first is started again, and knows nothing
				stops[0]()
				h.begin()
				gateways[0], stops[0] = h.Keeper, h.stop
				h.pass(time.Second)
			}
		}
		h.stop = func() {
			for _, stop := range stops {
				stop()
			}
		}
		if sold < tickets {
			h.t.Errorf("seed %d: %d of %d tickets were sold, %d are left", seed, sold, tickets, left)
		}
	})
}
