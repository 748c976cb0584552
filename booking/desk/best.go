package desk

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/booking/hold"
	"usher/catalog/layout"
	"usher/internal/id"
)

// In a herd every party's map is a little old. So a party names many blocks, the best first, and one script gives it the first
// that is still free; when all were taken meanwhile, it looks again and names more. A block of four that is taken costs Redis 2.5 µs. The last
// tries leave the front to others: most of their blocks are drawn from the whole hall.
var bestTries = [...]bestTry{{most: 16, ahead: 16}, {most: 32, ahead: 32}, {most: 64, ahead: 16}, {most: 64, ahead: 16}}

type bestTry struct {
	most  int // blocks that are named
	ahead int // of them the best; the others are drawn from maxDrawn
}

const maxDrawn = 5000

// The first look may be as old as reading the map takes, by its size: a herd in a stadium shares it.
const ageASeat = 200 * time.Nanosecond

var (
	bestSeconds = metrics.NewHistogram(`usher_desk_call_seconds{call="hold_best"}`)
	bestTried   = metrics.NewHistogram("usher_desk_hold_best_tries")
)

// HoldBest claims adjacent seats for a party: in one row, within section and price, nearest the stage, and if possible without
// leaving a single seat alone. key is the request's Idempotency-Key, or empty: repeated, the request gets the same seats. *booking.NoSeatsTogetherError says how many could be had together; the other errors are those of Hold.
func (d *Desk) HoldBest(ctx context.Context, o booking.Owner, e id.Event, want booking.BestAvailable, key string) (h booking.Holds, err error) {
	defer timed(bestSeconds)()
	leave, err := d.enter(d.holding, false)
	if err != nil {
		return h, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	plan, err := d.plans.onSale(ctx, e)
	if err != nil {
		return h, err
	}
	if want.Quantity > d.Limit {
		return h, &booking.HoldLimitError{Limit: d.Limit}
	}
	var request id.Key
	if key != "" {
		request = commandID(o.Visitor, "best", key)
	}
	chance := rand.New(rand.NewPCG(binary.BigEndian.Uint64(o.Visitor[:8]), binary.BigEndian.Uint64(o.Visitor[8:])))
	var taken *hold.TakenError
	var alone *hold.AloneError
	for n, try := range bestTries {
		age := time.Duration(plan.Capacity()) * ageASeat
		if n > 0 {
			age = 0
		}
		v, err := d.maps.snapshot(ctx, e, age)
		if err != nil {
			return h, err
		}
		blocks, lonely, largest := try.blocks(plan, v, want, chance)
		switch {
		case len(blocks) == 0 && n == 0:
			continue // that is worth a fresh look
		case len(blocks) == 0:
			return h, &booking.NoSeatsTogetherError{LargestBlock: largest}
		}
		c := hold.Claim{Blocks: blocks, Request: request}
		if !lonely && n < len(bestTries)-1 { // the map may have changed since; in the last try a party matters more than a seat
			c.Beside = besides(plan)
		}
		g, err := d.claim(ctx, o.Visitor, plan, c)
		if errors.As(err, &taken) || errors.As(err, &alone) {
			continue
		}
		bestTried.Update(float64(n + 1))
		return holdsOf(plan, g.Seats, g.Ends), err
	}
	return h, d.unavailable(ctx, plan, taken.Seats) // the last try asks nothing but whether they are taken
}

// blocks returns what the try names, whether all of it would leave a seat alone, and if it is nothing, the size of the largest block. What is
// drawn is drawn by chance, which is each visitor's own: a herd does not draw the same.
func (b bestTry) blocks(plan *layout.Plan, v *view, want booking.BestAvailable, chance *rand.Rand) (blocks [][]int, lonely bool, largest int) {
	if b.ahead == b.most {
		return candidates(plan, v, want, b.most)
	}
	blocks, lonely, largest = candidates(plan, v, want, maxDrawn)
	if len(blocks) > b.most {
		rest := blocks[b.ahead:]
		chance.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		blocks = blocks[:b.most]
	}
	return blocks, lonely, largest
}

// run is free seats side by side in one row.
type run struct{ first, end int }

// free returns all runs in seat order. They are found once a view: in a herd many parties ask.
func (v *view) free(plan *layout.Plan) []run {
	v.once.Do(func() {
		for from, to := 0, 0; from < v.Seats(); from = to {
			_, to = plan.RowOf(from)
			for first := from; first < to; first++ {
				end := first
				for end < to && v.Free(end) {
					end++
				}
				if end > first {
					v.runs = append(v.runs, run{first, end})
					first = end
				}
			}
		}
	})
	return v.runs
}

// candidates returns at most n blocks of the wanted size, the best first, and if there is none, the size of the largest block. Only when there are
// no others they are lonely: each leaves a single seat alone.
func candidates(plan *layout.Plan, v *view, want booking.BestAvailable, n int) (blocks [][]int, lonely bool, largest int) {
	var leaving [][]int // a single seat
	for _, r := range v.free(plan) {
		if len(blocks) >= n {
			break
		}
		if r.end-r.first <= largest && largest < want.Quantity || !fits(plan, r.first, want) {
			continue
		}
		largest = max(largest, r.end-r.first)
		for at := r.first; r.end-at >= want.Quantity && len(blocks) < n; at += want.Quantity {
			if block := span(at, want.Quantity); r.end-at-want.Quantity != 1 && r.end-r.first != want.Quantity+1 {
				blocks = append(blocks, block)
			} else if len(leaving) < n {
				leaving = append(leaving, block)
			}
		}
	}
	if len(blocks) == 0 {
		return leaving, true, largest
	}
	return blocks, false, largest
}

// fits reports whether the row of the seat is in the wanted section and price. Rows for who needs them are kept for those who ask.
func fits(plan *layout.Plan, seat int, want booking.BestAvailable) bool {
	s := plan.Seat(seat)
	return (want.Section == "" || want.Section == s.Section) && (want.MaxPrice == 0 || plan.Price(seat) <= want.MaxPrice) &&
		s.Accessible == want.Accessible
}

func span(first, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = first + i
	}
	return out
}
