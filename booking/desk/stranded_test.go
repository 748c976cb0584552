package desk

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"

	"usher/booking"
	"usher/booking/hold"
	"usher/catalog/layout"
	"usher/internal/guard"
	"usher/internal/id"
)

// under returns a desk with a rule about stranded seats.
func (r *rig) under(rule Stranded) *Desk {
	d := r.desk("a")
	d.Stranded = rule
	return d
}

func TestAHoldThatWouldLeaveASeatAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.under(StrandedStrict), r.event(43) // two rows of 20, one of 3
	refused := func(who byte, seats []int, alone, instead []int) {
		t.Helper()
		_, _, err := d.Hold(t.Context(), fan(who), e, tickets(e, seats...))
		var stranded *booking.StrandedSeatError
		if !errors.As(err, &stranded) {
			t.Errorf("%v: %v, want a refusal that names %v", seats, err, alone)
			return
		}
		if others := seatsIn(stranded.Alternatives); !reflect.DeepEqual(seatsIn(stranded.Stranded), alone) || !reflect.DeepEqual(others, instead) {
			t.Errorf("%v: %v would be alone and %v are offered, want %v and %v", seats, seatsIn(stranded.Stranded), others, alone, instead)
		}
		if h, err := d.Holds(t.Context(), fan(who), e); err != nil || len(h.Tickets) != 0 && !slices.Contains(seatsHeld(h), 0) {
			t.Errorf("%v: something is held: %v, %v", seats, seatsHeld(h), err)
		}
	}
	refused(2, []int{1}, []int{0}, []int{0})            // the end of a row
	refused(2, []int{18}, []int{19}, []int{17})         // the other
	refused(2, []int{1, 18}, []int{0, 19}, []int{0, 1}) // both
	refused(2, []int{4, 6}, []int{5}, []int{4, 5})      // between his own
	refused(2, []int{41}, []int{40, 42}, []int{40})     // on both sides
	r.take(d, 1, e, 0, 1)                               // two side by side, at the end
	refused(2, []int{3, 4}, []int{2}, []int{2, 3})      // beside another's
	r.take(d, 3, e, 2, 3)                               // what was offered
	r.take(d, 3, e, 2, 3)                               // his already: no question
	refused(1, []int{0, 1, 5}, []int{4}, []int{4})      // of what he has asked for only one seat is new
	r.take(d, 1, e, 0, 4)                               // that one
	r.take(d, 4, e, 40, 41, 42)                         // a whole row
	if _, _, err := d.Hold(t.Context(), fan(4), e, tickets(e, 22, 23, 24, 25)); err == nil {
		t.Error("the limit is gone")
	}
	d.Stranded = StrandedLenient
	small := r.event(22) // a row of 20, and one of 2
	r.take(d, 5, small, 20)
	refusedIn := func(e id.Event, seats ...int) bool {
		_, _, err := d.Hold(t.Context(), fan(6), e, tickets(e, seats...))
		var stranded *booking.StrandedSeatError
		return errors.As(err, &stranded)
	}
	if !refusedIn(small, 1) {
		t.Error("lenient: a seat of a long row was not refused")
	}
	d.Stranded = StrandedStrict
	if strict := r.event(22); !refusedIn(strict, 20) {
		t.Error("strict: of a row of two one was not refused, and there are twenty seats in the other")
	}
	d.Stranded = StrandedOff
	r.take(d, 6, small, 1)
}

func seatsIn(tickets []booking.Ticket) (seats []int) {
	for _, t := range tickets {
		seats = append(seats, t.ID.Seat())
	}
	return seats
}

// Rows for who needs them are exempt.
func TestAPlaceForAWheelchairMayBeAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.under(StrandedStrict), r.event(20)
	hallOf(t, d, e, layout.Row{Name: "1", Seats: 17}, layout.Row{Name: "2", Seats: 3, Accessible: true})
	r.take(d, 1, e, 18)
	if _, _, err := d.Hold(t.Context(), fan(2), e, tickets(e, 1)); err == nil {
		t.Error("in the other row a seat was left alone")
	}
}

// hallOf gives an event other rows than those that its tickets were made from.
func hallOf(t *testing.T, d *Desk, e id.Event, rows ...layout.Row) *layout.Plan {
	t.Helper()
	l, err := layout.New([]layout.Section{{Name: "Stalls", Level: "A", Rows: rows}})
	if err != nil {
		t.Fatal(err)
	}
	plan := &layout.Plan{Event: e, Currency: "EUR", Prices: map[string]int{"A": 1000}, Layout: l}
	d.plans.known.put(e, plan)
	return plan
}

// hall is a judge of its own: what is free, in rows.
type hall struct {
	plan  *layout.Plan
	taken map[int]bool
}

func (h hall) free(seat int) bool {
	return seat >= 0 && seat < h.plan.Capacity() && !h.taken[seat]
}

func (h hall) alone(seat int) bool {
	from, to := h.plan.RowOf(seat)
	return h.free(seat) && (seat == from || !h.free(seat-1)) && (seat == to-1 || !h.free(seat+1))
}

// strands lists the seats that would be alone, and are not, if these were taken.
func (h hall) strands(seats []int) (out []int) {
	after := hall{h.plan, map[int]bool{}}
	for s := range h.taken {
		after.taken[s] = true
	}
	for _, s := range seats {
		after.taken[s] = true
	}
	for s := range h.plan.Capacity() {
		if after.alone(s) && !h.alone(s) {
			out = append(out, s)
		}
	}
	return out
}

// legal lists all blocks of n free seats in one row that strand nothing, in rows that the rule counts for the wanted seat.
func (h hall) legal(rule Stranded, wanted, n int) (blocks [][]int) {
	from, to := h.plan.RowOf(wanted)
	for first := range h.plan.Capacity() {
		_, end := h.plan.RowOf(first)
		block := span(first, n)
		if first+n > end || rule == StrandedLenient && (first < from || first >= to) {
			continue
		}
		if !slices.ContainsFunc(block, func(s int) bool { return !h.free(s) }) && len(h.strands(block)) == 0 {
			blocks = append(blocks, block)
		}
	}
	return blocks
}

// wish draws seats that a party may click on: side by side, or anywhere.
func (h hall) wish(rng *rand.Rand, n int) (seats []int) {
	var free []int
	for s := range h.plan.Capacity() {
		if h.free(s) {
			free = append(free, s)
		}
	}
	if rng.IntN(4) > 0 {
		first := free[rng.IntN(len(free))]
		for s := first; s < first+n && h.free(s); s++ {
			seats = append(seats, s)
		}
		return seats
	}
	rng.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	return free[:min(n, len(free))]
}

// In halls of any shape, with parties that click anywhere: a refusal names what would be alone and offers as many seats that can be had at once; a hold
// that leaves a seat alone is granted only where there is no other choice; and so every hall sells out.
func TestTheRuleNeverLeavesAPartyWithoutAChoice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d := r.desk("a")
	d.off = map[guard.Guard]bool{guard.DurableHold: true} // what is proved here is what the map decides
	for _, rule := range []Stranded{StrandedStrict, StrandedLenient} {
		d.Stranded = rule
		for range 6 {
			seed := rand.Uint64()
			refused, lonely := r.sellOut(t, d, rule, rand.New(rand.NewPCG(seed, 0)))
			t.Logf("%s, seed %d: %d refused, %d granted although a seat is left alone", rule, seed, refused, lonely)
			if t.Failed() {
				t.Fatalf("%s, seed %d", rule, seed)
			}
		}
	}
}

// sellOut lets parties take a random hall until it is full.
func (r *rig) sellOut(t *testing.T, d *Desk, rule Stranded, rng *rand.Rand) (refused, lonely int) {
	t.Helper()
	rows, seats := randomRows(rng)
	e := r.event(seats)
	h := hall{hallOf(t, d, e, rows...), map[int]bool{}}
	for who := 0; len(h.taken) < seats; who++ {
		if who > 10*seats {
			t.Fatalf("%d of %d seats are taken after %d parties", len(h.taken), seats, who)
		}
		owner := booking.Owner{Visitor: id.NewVisitor()}
		want := h.wish(rng, 1+rng.IntN(6))
		stranded, legal := h.strands(want), h.legal(rule, slices.Min(want), len(want))
		_, _, err := d.Hold(t.Context(), owner, e, tickets(e, want...))
		var no *booking.StrandedSeatError
		switch {
		case err == nil && len(stranded) > 0 && len(legal) > 0:
			t.Fatalf("%v leaves %v alone and was granted, although there are %v", want, stranded, legal[0])
		case err == nil && len(stranded) > 0:
			lonely++
		case err == nil:
		case !errors.As(err, &no):
			t.Fatalf("%v: %v", want, err)
		default:
			refused++
			others, named := seatsIn(no.Alternatives), seatsIn(no.Stranded)
			slices.Sort(stranded)
			slices.Sort(named)
			if !reflect.DeepEqual(named, stranded) || !slices.ContainsFunc(legal, func(b []int) bool { return slices.Equal(b, others) }) {
				t.Fatalf("%v: refused for %v with %v instead; it would strand %v, and legal are %v", want, named, others, stranded, legal)
			}
			if _, _, err := d.Hold(t.Context(), owner, e, tickets(e, others...)); err != nil {
				t.Fatalf("%v was offered, and then: %v", others, err)
			}
			want = others
		}
		for _, s := range want {
			h.taken[s] = true
		}
	}
	return refused, lonely
}

func randomRows(rng *rand.Rand) (rows []layout.Row, seats int) {
	for range 1 + rng.IntN(6) {
		n := 1 + rng.IntN(12)
		rows, seats = append(rows, layout.Row{Name: strconv.Itoa(len(rows)), Seats: n}), seats+n
	}
	return rows, seats
}

// A rule without the exception ends in halls with free seats that nobody can have.
func TestControlARuleWithoutTheExceptionIsADeadEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(20)
	d.off = map[guard.Guard]bool{guard.DurableHold: true}
	plan := hallOf(t, d, e, layout.Row{Name: "1", Seats: 2}, layout.Row{Name: "2", Seats: 18})
	h := hall{plan, map[int]bool{}}
	take := func(seats ...int) error {
		_, err := d.claim(t.Context(), id.NewVisitor(), plan, hold.Claim{Blocks: [][]int{seats}, Beside: besides(plan)})
		return err
	}
	for first := 2; first < 20; first += 6 {
		if err := take(span(first, 6)...); err != nil {
			t.Fatal(err)
		}
		for _, s := range span(first, 6) {
			h.taken[s] = true
		}
	}
	var alone *hold.AloneError
	for _, seat := range []int{0, 1} {
		if err := take(seat); !errors.As(err, &alone) || len(h.legal(StrandedStrict, seat, 1)) > 0 {
			t.Errorf("seat %d: %v: this rule ends in no dead end, and the proof above proves nothing", seat, err)
		}
	}
}

// A herd clicks anywhere at once, in a hall that stays half empty: there is always a choice, so no seat is alone in the end.
func TestAHerdLeavesNoSeatAlone(t *testing.T) {
	t.Parallel()
	if n := aloneAfterHerd(t, StrandedStrict); n > 0 {
		t.Errorf("%d seats are alone", n)
	}
}

func TestControlWithoutTheRuleAHerdLeavesSeatsAlone(t *testing.T) {
	t.Parallel()
	if aloneAfterHerd(t, StrandedOff) == 0 {
		t.Error("a herd without a rule leaves no seat alone: the proof above proves nothing")
	}
}

func aloneAfterHerd(t *testing.T, rule Stranded) (n int) {
	t.Helper()
	r := newRig(t)
	desks, e := []*Desk{r.under(rule), r.desk("b")}, r.event(400)
	desks[1].Stranded = rule
	for _, d := range desks {
		d.off = map[guard.Guard]bool{guard.DurableHold: true}
	}
	seed := rand.Uint64()
	var mu sync.Mutex // guards taken
	taken := map[int]bool{}
	var all sync.WaitGroup
	for party := range 80 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(party)))
			size := 1 + rng.IntN(3)
			first := 20*rng.IntN(20) + rng.IntN(21-size)
			_, _, err := desks[party%2].Hold(t.Context(), booking.Owner{Visitor: id.NewVisitor()}, e, tickets(e, span(first, size)...))
			var stranded *booking.StrandedSeatError
			var gone *booking.UnavailableError
			if err != nil && !errors.As(err, &stranded) && !errors.As(err, &gone) {
				t.Error(err)
			}
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, s := range span(first, size) {
				taken[s] = true
			}
		})
	}
	all.Wait()
	plan, err := desks[0].plans.onSale(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	h := hall{plan, taken}
	for s := range plan.Capacity() {
		if h.alone(s) {
			n++
		}
	}
	t.Logf("seed %d: %d seats taken, %d alone", seed, len(taken), n)
	return n
}
