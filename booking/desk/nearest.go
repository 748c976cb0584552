package desk

import (
	"context"
	"time"

	"usher/booking"
	"usher/catalog/layout"
)

const (
	maxAlternatives = 4
	maxLook         = 2000                   // seats to each side: 60 µs at most, where nearly all is sold
	adviceAge       = 250 * time.Millisecond // in a surge nearly everybody loses: they share one look at the map
)

// unavailable is the answer for seats that cannot be had, with the nearest that can. Without a map it stands without advice.
func (d *Desk) unavailable(ctx context.Context, plan *layout.Plan, seats []int) error {
	e := &booking.UnavailableError{Tickets: ticketsOf(plan.Event, seats)}
	v, err := d.maps.snapshot(ctx, plan.Event, adviceAge)
	if err != nil || len(seats) == 0 {
		return e
	}
	for _, seat := range nearest(plan, v, seats[0]) {
		e.Alternatives = append(e.Alternatives, ticket(plan, seat))
	}
	return e
}

// nearest returns free seats that are like the wanted one, the best first: of the same row, then of the same section, then of the same
// price, then any; within each by distance. Seats kept for who needs them are no alternative to others.
func nearest(plan *layout.Plan, v *view, wanted int) []int {
	const classes = 4
	var found [classes][]int
	from, to := plan.RowOf(wanted)
	want := plan.Seat(wanted)
	price := plan.Price(wanted)
	class := func(seat int) int {
		switch s := plan.Seat(seat); {
		case s.Accessible != want.Accessible:
			return classes
		case seat >= from && seat < to:
			return 0
		case s.Section == want.Section:
			return 1
		case plan.Price(seat) == price:
			return 2
		default:
			return 3
		}
	}
	for far := 1; far <= maxLook && len(found[0]) < maxAlternatives; far++ {
		for _, seat := range [...]int{wanted - far, wanted + far} {
			if seat < 0 || seat >= v.Seats() || !v.Free(seat) {
				continue
			}
			if c := class(seat); c < classes && len(found[c]) < maxAlternatives {
				found[c] = append(found[c], seat)
			}
		}
	}
	var out []int
	for _, seats := range found {
		out = append(out, seats...)
	}
	return out[:min(len(out), maxAlternatives)]
}
