package apptest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// step is what a seat is from some moment on, by one digit as the seats body has it.
type step struct {
	code  byte
	asked time.Time // when its buyer asked for it: nobody is shown it before
	told  time.Time // when he was told that it is so; zero: not yet
}

// history is what becomes of the seats of an event, as their buyers know it. Each seat has one buyer at a time.
type history struct {
	mu    sync.Mutex // guards seats
	seats [][]step
}

// newHistory begins with free seats.
func newHistory(seats int) *history {
	h := &history{seats: make([][]step, seats)}
	for i := range h.seats {
		h.seats[i] = []step{{code: '0', told: time.Now()}}
	}
	return h
}

// ask notes what a buyer is about to ask for: a seat that will have these codes, one after the other.
func (h *history) ask(seat int, codes string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, code := range []byte(codes) {
		h.seats[seat] = append(h.seats[seat], step{code: code, asked: time.Now()})
	}
}

// tell notes that a buyer was told that his seat has a code now, and all that he had asked for before.
func (h *history) tell(seat int, code byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	for i := range h.seats[seat] {
		s := &h.seats[seat][i]
		if s.told.IsZero() {
			if s.told = now; s.code == code {
				return
			}
		}
	}
}

// sighting is one answer of a gateway.
type sighting struct {
	gateway, call string
	asked, got    time.Time
	codes         string
	version       int64
	age           time.Duration // that the answer owns up to; 0: it says that it is fresh

	at []uint8 // the step of each seat that it shows at least
}

// findings are what a check has found wrong.
type findings struct{ late, order []string }

// check holds answers to the history. An answer shows, of every seat, a step that was asked for before the answer came, and no step before one that the
// same gateway had shown in an answer that had come when this one was asked for; its version does not go back either, and means the same seats wherever
// it is seen. That is order. And it shows what a buyer was told more than bound before it was asked for, or says how much older it is: else it is late.
// Of several steps that an answer may show it is taken to show the first, so that nothing right is found wrong. A bound of 0 is none.
func (h *history) check(seen []*sighting, bound time.Duration) (f findings) {
	h.mu.Lock()
	defer h.mu.Unlock()
	slices.SortFunc(seen, func(a, b *sighting) int { return a.asked.Compare(b.asked) })
	came := slices.SortedFunc(slices.Values(seen), func(a, b *sighting) int { return a.got.Compare(b.got) })
	meant := map[int64]string{}
	for _, gateway := range gatewaysOf(seen) {
		floor, newest, next := make([]uint8, len(h.seats)), int64(0), 0
		for _, s := range seen {
			if s.gateway != gateway {
				continue
			}
			for ; next < len(came) && came[next].got.Before(s.asked); next++ {
				if before := came[next]; before.gateway == gateway {
					newest = max(newest, before.version)
					for seat, at := range before.at {
						floor[seat] = max(floor[seat], at)
					}
				}
			}
			if s.version < newest {
				f.order = append(f.order, fmt.Sprintf("%s at %s shows version %d after %d", s.call, gateway, s.version, newest))
			}
			if other, known := meant[s.version]; known && other != s.codes {
				f.order = append(f.order, fmt.Sprintf("%s at %s shows other seats as version %d than was shown elsewhere", s.call, gateway, s.version))
			}
			meant[s.version] = s.codes
			h.place(s, floor, bound, &f)
		}
	}
	return f
}

// place finds the step of every seat that an answer shows, floor being the first that it may show. The caller holds mu.
func (h *history) place(s *sighting, floor []uint8, bound time.Duration, f *findings) {
	s.at = slices.Clone(floor)
	for seat, steps := range h.seats {
		k := int(floor[seat])
		for k < len(steps) && (steps[k].code != s.codes[seat] || steps[k].asked.After(s.got)) {
			k++
		}
		if k == len(steps) {
			f.order = append(f.order, fmt.Sprintf("%s at %s shows seat %d as %c, which it is no more or not yet: it was %s", s.call, s.gateway, seat, s.codes[seat], word(steps, s.asked)))
			continue
		}
		must := k
		for i := k + 1; bound > 0 && i < len(steps) && !steps[i].told.IsZero() && s.asked.Sub(steps[i].told) > bound+s.age; i++ {
			must = i
		}
		old := k
		for k < must || steps[k].code != s.codes[seat] {
			if k++; k == len(steps) || steps[k].asked.After(s.got) {
				f.late = append(f.late, fmt.Sprintf("%s at %s shows seat %d as %c %s after its buyer was told that it is %c", s.call, s.gateway, seat, s.codes[seat],
					s.asked.Sub(steps[old+1].told).Round(time.Millisecond), steps[old+1].code))
				k = old
				break
			}
		}
		s.at[seat] = uint8(k)
	}
}

// word tells what became of a seat, and how long before a moment.
func word(steps []step, at time.Time) (out string) {
	for _, s := range steps[1:] {
		out += fmt.Sprintf("%c (asked for %s before, told %s before) ", s.code, at.Sub(s.asked).Round(time.Millisecond), at.Sub(s.told).Round(time.Millisecond))
	}
	return out
}

func gatewaysOf(seen []*sighting) (out []string) {
	for _, s := range seen {
		if !slices.Contains(out, s.gateway) {
			out = append(out, s.gateway)
		}
	}
	return out
}

// delays returns how long after its buyer was told each change was first seen in a call at a gateway, shortest first, and how many were not; after a
// check without a bound.
func (h *history) delays(seen []*sighting, gateway, call string) (delays []time.Duration, unseen int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	reached := make([]uint8, len(h.seats))
	for _, s := range slices.SortedFunc(slices.Values(seen), func(a, b *sighting) int { return a.got.Compare(b.got) }) {
		if s.gateway != gateway || s.call != call {
			continue
		}
		for seat, at := range s.at {
			for ; reached[seat] < at; reached[seat]++ {
				steps, k := h.seats[seat], reached[seat]+1
				if int(k+1) < len(steps) && steps[k+1].told.Equal(steps[k].told) {
					continue // one answer told of both: the second counts
				}
				delays = append(delays, max(0, s.got.Sub(steps[k].told)))
			}
		}
	}
	for seat, steps := range h.seats {
		unseen += len(steps) - 1 - int(reached[seat])
	}
	slices.Sort(delays)
	return delays, unseen
}

// oldest returns how long before it was asked for an answer that calls itself fresh did not show what a buyer had been told already, at most; after a
// check without a bound.
func (h *history) oldest(seen []*sighting, gateway string) (oldest time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range seen {
		for seat, at := range s.at {
			if steps, k := h.seats[seat], int(at)+1; s.gateway == gateway && s.age == 0 && k < len(steps) && !steps[k].told.IsZero() {
				oldest = max(oldest, s.asked.Sub(steps[k].told))
			}
		}
	}
	return oldest
}

// What a gateway may show and what it may not, on one seat that was held, given back, held and bought, and another that was held.
func TestControlWhatIsShownOfASaleIsHeldToIt(t *testing.T) {
	t.Parallel()
	began := time.Now()
	at := func(seconds float64) time.Time { return began.Add(time.Duration(seconds * float64(time.Second))) }
	h := &history{seats: [][]step{
		{{'0', at(0), at(0)}, {'1', at(1), at(1.1)}, {'0', at(2), at(2.1)}, {'1', at(3), at(3.1)}, {'2', at(4), at(4.2)}, {'3', at(4), at(4.2)}},
		{{'0', at(0), at(0)}, {'1', at(6), time.Time{}}},
	}}
	// show is an answer of gateway a, or b, that was asked for at a time and came 0.1 s later.
	show := func(gateway string, asked float64, codes string, version int64) *sighting {
		return &sighting{gateway: gateway, call: "seats", asked: at(asked), got: at(asked + 0.1), codes: codes, version: version}
	}
	aged := func(s *sighting, age time.Duration) *sighting { s.age = age; return s }
	f := func(why string, late, order int, seen ...*sighting) {
		t.Helper()
		if got := h.check(seen, time.Second); len(got.late) != late || len(got.order) != order {
			t.Errorf("%s: late %q, order %q, want %d and %d", why, got.late, got.order, late, order)
		}
		for _, s := range seen {
			s.at = nil
		}
		if got := h.check(seen, 0); len(got.late) != 0 || len(got.order) != order {
			t.Errorf("%s, without a bound: late %q, order %q, want none and %d", why, got.late, got.order, order)
		}
	}
	f("all of it", 0, 0, show("a", 0, "00", 1), show("a", 1.1, "10", 2), show("a", 2.1, "00", 3), show("a", 3.1, "10", 4), show("a", 4.1, "20", 5), show("a", 4.2, "30", 6), show("a", 6, "31", 7))
	f("what was asked for and not told", 0, 0, show("a", 0.95, "10", 2), show("a", 5.95, "31", 7))
	f("before it was asked for", 0, 1, show("a", 0.8, "10", 2))
	f("a second late", 0, 0, show("a", 2.05, "00", 1), show("a", 4.05, "10", 4), show("a", 5.15, "10", 4), show("a", 9, "30", 6))
	f("later than that", 1, 0, show("a", 5.25, "10", 4))
	f("what nobody was told is never late", 0, 0, show("a", 60, "30", 6))
	f("free for ever", 2, 0, show("a", 3.05, "00", 1), show("b", 4.15, "00", 1), show("b", 5.3, "00", 1))
	f("late, and says so", 0, 0, aged(show("a", 7, "10", 4), 2*time.Second))
	f("later than it says", 1, 0, aged(show("a", 7, "10", 4), time.Second))
	f("back to what was before", 0, 1, show("a", 4.3, "30", 6), show("a", 4.5, "10", 6+1))
	f("sold, then free", 0, 1, show("a", 4.3, "30", 6), show("a", 4.5, "00", 6+1))
	f("another gateway is behind", 0, 0, show("a", 4.3, "30", 6), show("b", 4.5, "10", 4))
	f("answers that overtake each other", 0, 0, show("a", 4.3, "30", 6), show("a", 4.35, "10", 4))
	f("the version goes back", 0, 1, show("a", 4.3, "30", 6), show("a", 4.5, "30", 5))
	f("one version, two meanings", 0, 1, show("a", 4.3, "30", 6), show("b", 4.3, "20", 6))
	f("what a seat never was", 0, 1, show("a", 4.3, "40", 6))

	seen := []*sighting{show("a", 1.2, "10", 2), show("a", 2.3, "00", 3), show("a", 5, "30", 6), show("b", 2, "10", 2)}
	h.check(seen, 0)
	delays, unseen := h.delays(seen, "a", "seats")
	for i, d := range delays {
		delays[i] = d.Round(time.Millisecond)
	}
	if fmt.Sprint(delays) != "[200ms 300ms 900ms 2s]" || unseen != 1 {
		t.Errorf("delays %v, %d unseen", delays, unseen)
	}
	if a, b := h.oldest(seen, "a"), h.oldest(seen, "b"); a != 0 || b != 0 {
		t.Errorf("the oldest answers are %s and %s old", a, b)
	}
	seen = append(seen, show("b", 3.5, "00", 3), show("b", 3.6, "00", 3), aged(show("b", 6, "10", 4), time.Second))
	h.check(seen, 0)
	if b := h.oldest(seen, "b"); b.Round(time.Millisecond) != 500*time.Millisecond {
		t.Errorf("the oldest answer is %s old", b)
	}
}
