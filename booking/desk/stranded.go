package desk

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"usher/booking"
	"usher/booking/hold"
	"usher/catalog/layout"
	"usher/internal/id"
)

// Stranded is the rule about a hold that would leave a seat alone: free, without a free neighbour, which it had. Any other value is StrandedOff.
//
// A refusal is never a dead end: it is made only while as many seats side by side as were asked for are free, at that very moment, and can be had
// without leaving a seat alone. Where there are none, as in the last seats of a hall, the hold is granted.
// Rows for who needs them are exempt: a place there is wanted alone as often as not. Seats that are given back leave alone what they leave.
type Stranded string

// The rules.
const (
	StrandedOff     Stranded = "off"
	StrandedLenient Stranded = "lenient" // refused when the seats to be had instead are in the same row
	StrandedStrict  Stranded = "strict"  // refused when they are anywhere at the same price
)

// maxInstead bounds the blocks that are named to be had instead: one of them is still free, unless a herd took them all meanwhile.
const maxInstead = 16

// claimKindly is claim under the desk's rule about stranded seats. *booking.StrandedSeatError; else the errors of claim.
func (d *Desk) claimKindly(ctx context.Context, visitor id.Visitor, plan *layout.Plan, seats []int) (hold.Grant, error) {
	c := hold.Claim{Blocks: [][]int{seats}}
	if d.Stranded != StrandedLenient && d.Stranded != StrandedStrict {
		return d.claim(ctx, visitor, plan, c)
	}
	c.Beside = besides(plan)
	g, err := d.claim(ctx, visitor, plan, c)
	var alone *hold.AloneError
	if !errors.As(err, &alone) {
		return g, err
	}
	v, err := d.maps.snapshot(ctx, plan.Event, 0)
	if err != nil {
		return g, err
	}
	if c.Instead = instead(plan, v, d.Stranded, seats, alone.New); len(c.Instead) == 0 {
		c.Beside = nil
	}
	if g, err = d.claim(ctx, visitor, plan, c); !errors.As(err, &alone) {
		return g, err
	}
	refused := &booking.StrandedSeatError{
		Wanted: ticketsAt(plan, seats), Stranded: ticketsAt(plan, alone.Seats), Alternatives: ticketsAt(plan, c.Instead[alone.Instead]),
	}
	return g, refused
}

func ticketsAt(plan *layout.Plan, seats []int) (out []booking.Ticket) {
	for _, seat := range seats {
		out = append(out, ticket(plan, seat))
	}
	return out
}

// besides returns what a claim must look at in this hall: the seats beside a block in its rows, each with the one beyond.
func besides(plan *layout.Plan) func(block []int) []hold.Beside {
	return func(block []int) (out []hold.Beside) {
		for _, seat := range block {
			if plan.Seat(seat).Accessible {
				continue
			}
			from, to := plan.RowOf(seat)
			outside := func(s int) bool { return s < from || s >= to || slices.Contains(block, s) }
			for _, step := range [...]int{-1, 1} {
				if outside(seat + step) {
					continue
				}
				at := hold.Beside{Seat: seat, Next: seat + step, Beyond: seat + 2*step}
				if outside(at.Beyond) {
					at.Beyond = -1
				}
				out = append(out, at)
			}
		}
		return out
	}
}

// instead returns blocks of n free seats that leave no seat alone, at most maxInstead, those nearest to the wanted seats first: of the same row
// before others. Under StrandedLenient there are no others.
func instead(plan *layout.Plan, v *view, rule Stranded, wanted []int, n int) [][]int {
	from, to := plan.RowOf(wanted[0])
	like := booking.BestAvailable{Accessible: plan.Seat(wanted[0]).Accessible}
	price := plan.Price(wanted[0])
	var firsts []int
	for _, r := range v.free(plan) {
		inRow := r.first >= from && r.first < to
		if !inRow && (rule == StrandedLenient || plan.Price(r.first) != price || !fits(plan, r.first, like)) {
			continue
		}
		if first, ok := within(r, n, wanted[0]); ok {
			firsts = append(firsts, first)
		}
	}
	far := func(first int) int {
		switch {
		case first >= from && first < to:
			return max(first-wanted[0], wanted[0]-first)
		default: // every other row is farther than any seat of the same
			return to - from + max(first-wanted[0], wanted[0]-first)
		}
	}
	slices.SortStableFunc(firsts, func(a, b int) int { return cmp.Compare(far(a), far(b)) })
	var blocks [][]int
	for _, first := range firsts[:min(len(firsts), maxInstead)] {
		blocks = append(blocks, span(first, n))
	}
	return blocks
}

// within returns where a block of n seats begins in a run so that neither side of it is a single seat, as near to the wanted seat as can be.
func within(r run, n, wanted int) (int, bool) {
	last := r.end - n
	if last < r.first || last == r.first+1 {
		return 0, false
	}
	best := r.first
	for first := r.first; first <= last; first++ {
		if left, right := first-r.first, last-first; left != 1 && right != 1 && max(first-wanted, wanted-first) < max(best-wanted, wanted-best) {
			best = first
		}
	}
	return best, true
}
