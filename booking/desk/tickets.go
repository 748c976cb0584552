package desk

import (
	"context"
	"slices"
	"time"

	"usher/booking"
	"usher/booking/event"
	"usher/booking/pgstore"
	"usher/catalog/layout"
	"usher/internal/id"
)

// seatsOf returns the seat indexes of tickets of the plan's event, ascending. booking.ErrTicketNotFound.
func seatsOf(plan *layout.Plan, tickets []id.Ticket) ([]int, error) {
	seats := make([]int, 0, len(tickets))
	for _, t := range tickets {
		if t.Event() != plan.Event || t.Seat() >= plan.Capacity() {
			return nil, booking.ErrTicketNotFound
		}
		seats = append(seats, t.Seat())
	}
	slices.Sort(seats)
	return slices.Compact(seats), nil
}

func ticketsOf(e id.Event, seats []int) []id.Ticket {
	out := make([]id.Ticket, len(seats))
	for i, s := range seats {
		out[i] = e.Ticket(s)
	}
	return out
}

// both returns the members of a that are in b, which is sorted.
func both(a, b []int) (out []int) {
	for _, n := range a {
		if _, found := slices.BinarySearch(b, n); found {
			out = append(out, n)
		}
	}
	return out
}

// ticket is a seat of the plan as fans see it.
func ticket(plan *layout.Plan, seat int) booking.Ticket {
	s := plan.Seat(seat)
	return booking.Ticket{
		ID: plan.Event.Ticket(seat), SeatNumber: s.Number, Section: s.Section, Row: s.Row,
		Price: plan.Price(seat), Currency: plan.Currency, Status: booking.Available,
	}
}

func (d *Desk) holdsOf(plan *layout.Plan, seats []int, expires time.Time) booking.Holds {
	h := booking.Holds{Event: plan.Event, Currency: plan.Currency, ExpirationTime: expires, Tickets: []booking.Ticket{}}
	for _, seat := range seats {
		t := ticket(plan, seat)
		t.Held, t.HoldExpiry = true, expires
		h.Tickets, h.Total = append(h.Tickets, t), h.Total+int64(t.Price)
	}
	return h
}

// changesOf words what Postgres says about seats as changes that the seat map understands.
func changesOf(e id.Event, truth []pgstore.SeatTruth) []event.Event {
	out := event.Event{Event: e}
	for _, t := range truth {
		out.Seats = append(out.Seats, event.SeatChange{Seat: t.Ticket.Seat(), Version: t.Version, State: t.State})
	}
	return []event.Event{out}
}

// unavailable is the answer for seats that cannot be had, with the nearest that can: the same row first, then the same
// price, then whatever is near in seat order.
func (d *Desk) unavailable(ctx context.Context, plan *layout.Plan, seats []int) error {
	err := &booking.UnavailableError{Tickets: ticketsOf(plan.Event, seats)}
	snap, snapErr := d.holds.Snapshot(ctx, plan.Event, 0)
	if snapErr != nil || len(seats) == 0 {
		return err // the refusal stands without advice
	}
	wanted := seats[0]
	from, to := plan.RowOf(wanted)
	price := plan.Price(wanted)
	type choice struct{ seat, far int }
	var choices []choice
	for seat, state := range snap.States {
		if _, held := snap.Holds[seat]; held || state != booking.SeatFree {
			continue
		}
		far := max(seat-wanted, wanted-seat)
		if seat < from || seat >= to {
			far += 1 << 20
			if plan.Price(seat) != price {
				far += 1 << 21
			}
		}
		choices = append(choices, choice{seat, far})
	}
	slices.SortFunc(choices, func(a, b choice) int { return a.far - b.far })
	for _, c := range choices[:min(len(choices), maxAlternative)] {
		err.Alternatives = append(err.Alternatives, ticket(plan, c.seat))
	}
	return err
}
