package desk

import (
	"slices"
	"time"

	"usher/booking"
	"usher/catalog/layout"
	"usher/internal/id"
)

// seatsOf returns the seat indexes of tickets of the plan's event, ascending and distinct. booking.ErrTicketNotFound.
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

// split divides a into the members that are in b, which is sorted, and the rest.
func split(a, b []int) (in, out []int) {
	for _, n := range a {
		if _, found := slices.BinarySearch(b, n); found {
			in = append(in, n)
		} else {
			out = append(out, n)
		}
	}
	return in, out
}

// ticket is a seat of the plan as fans see it.
func ticket(plan *layout.Plan, seat int) booking.Ticket {
	s := plan.Seat(seat)
	return booking.Ticket{
		ID: plan.Event.Ticket(seat), SeatNumber: s.Number, Section: s.Section, Row: s.Row,
		Price: plan.Price(seat), Currency: plan.Currency, Status: booking.Available,
	}
}

// held is a seat of the plan on which a hold or a reservation lies.
func held(plan *layout.Plan, seat int, ends time.Time) booking.Ticket {
	t := ticket(plan, seat)
	t.Held, t.HoldExpiry = true, ends
	return t
}

func holdsOf(plan *layout.Plan, seats []int, ends time.Time) booking.Holds {
	h := booking.Holds{Event: plan.Event, Currency: plan.Currency, ExpirationTime: ends, Tickets: []booking.Ticket{}}
	for _, seat := range seats {
		t := held(plan, seat, ends)
		h.Tickets, h.Total = append(h.Tickets, t), h.Total+int64(t.Price)
	}
	return h
}
