package desk

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"usher/booking"
	"usher/booking/hold"
	"usher/catalog/layout"
	"usher/internal/id"
)

const (
	bestTries  = 8 // a herd tries for the same seats: after a refusal the next candidates are drawn anew
	bestSpread = 4 // among so many of the best blocks the choice is drawn
)

// HoldBest claims adjacent seats for a party: in one row, within section and price, nearest the stage, and if possible without
// leaving a single seat alone. *booking.NoSeatsTogetherError says how many could be had together.
func (d *Desk) HoldBest(ctx context.Context, o booking.Owner, e id.Event, want booking.BestAvailable) (h booking.Holds, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	plan, err := d.plans.onSale(ctx, e)
	if err != nil {
		return h, err
	}
	if want.Quantity > d.Limit {
		return h, &booking.HoldLimitError{Limit: d.Limit}
	}
	for range bestTries {
		var snap hold.Snapshot
		if err := d.loaded(ctx, e, func() (err error) { snap, err = d.holds.Snapshot(ctx, e, 0); return err }); err != nil {
			return h, err
		}
		blocks, largest := candidates(plan, snap, want)
		if len(blocks) == 0 {
			return h, &booking.NoSeatsTogetherError{LargestBlock: largest}
		}
		seats := blocks[rand.IntN(min(len(blocks), bestSpread))]
		var expires time.Time
		expires, _, err = d.claim(ctx, o.Visitor, plan, seats)
		var taken *booking.UnavailableError
		if !errors.As(err, &taken) {
			return d.holdsOf(plan, seats, expires), err
		}
	}
	return h, err
}

// candidates returns blocks of the wanted size, the best first, at most bestSpread, and the size of the largest block there is.
func candidates(plan *layout.Plan, snap hold.Snapshot, want booking.BestAvailable) (blocks [][]int, largest int) {
	var lonely [][]int // blocks that leave a single seat alone: taken only when there is nothing else
	for from := 0; from < len(snap.States) && len(blocks) < bestSpread; {
		_, to := plan.RowOf(from)
		if fits(plan, from, want) {
			for first := from; first < to; {
				run := free(snap, first, to)
				largest = max(largest, run)
				if run >= want.Quantity {
					block := span(first, want.Quantity)
					if run-want.Quantity == 1 {
						lonely = append(lonely, block)
					} else {
						blocks = append(blocks, block)
					}
				}
				first += run + 1
			}
		}
		from = to
	}
	if len(blocks) == 0 {
		blocks = lonely
	}
	return blocks[:min(len(blocks), bestSpread)], largest
}

// fits reports whether the row that begins at the seat is in the wanted section and price. Rows for who needs them are kept for those who ask.
func fits(plan *layout.Plan, seat int, want booking.BestAvailable) bool {
	s := plan.Seat(seat)
	return (want.Section == "" || want.Section == s.Section) && (want.MaxPrice == 0 || plan.Price(seat) <= want.MaxPrice) &&
		s.Accessible == want.Accessible
}

// free is the number of free seats in a row from the first on.
func free(snap hold.Snapshot, first, to int) (n int) {
	for i := first; i < to; i++ {
		if _, held := snap.Holds[i]; held || snap.States[i] != booking.SeatFree {
			break
		}
		n++
	}
	return n
}

func span(first, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = first + i
	}
	return out
}
