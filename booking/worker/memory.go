package worker

import (
	"container/list"
	"context"

	"usher/booking/sale"
	"usher/internal/id"
)

// memory keeps the sales that commands have named lately, bounded by their number and by their seats.
type memory struct {
	truth Truth
	sales map[id.Event]*list.Element // of *sale.Sale
	order *list.List                 // most recently used first
	seats int                        // of all sales

	maxEvents, maxSeats int
}

func newMemory(truth Truth) *memory {
	return &memory{truth: truth, sales: map[id.Event]*list.Element{}, order: list.New(), maxEvents: maxEvents, maxSeats: maxSeatsKept}
}

// sale returns the event's sale, from memory or from Postgres.
func (m *memory) sale(ctx context.Context, e id.Event) (*sale.Sale, error) {
	if at, ok := m.sales[e]; ok {
		m.order.MoveToFront(at)
		return at.Value.(*sale.Sale), nil
	}
	s, err := m.truth.Sale(ctx, e)
	if err != nil {
		return nil, err
	}
	if len(s.Seats) == 0 {
		return s, nil // not on sale yet: ask again next time
	}
	m.sales[e] = m.order.PushFront(s)
	m.seats += len(s.Seats)
	for m.order.Len() > 1 && (m.order.Len() > m.maxEvents || m.seats > m.maxSeats) {
		m.forget(m.order.Back().Value.(*sale.Sale).Event)
	}
	return s, nil
}

func (m *memory) forget(e id.Event) {
	if at, ok := m.sales[e]; ok {
		m.seats -= len(at.Value.(*sale.Sale).Seats)
		m.order.Remove(at)
		delete(m.sales, e)
	}
}

func (m *memory) forgetPartition(p int) {
	for e := range m.sales {
		if partitionOf(e) == p {
			m.forget(e)
		}
	}
}

func (m *memory) forgetAll() {
	m.sales, m.order, m.seats = map[id.Event]*list.Element{}, list.New(), 0
}
