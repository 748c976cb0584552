package pgstock

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"usher/internal/id"
	"usher/search"
)

const (
	fewAtMost    = 50 // free seats that are "few" at a large event; at a small one a tenth of its seats
	samples      = 4
	sampleWindow = 20 // free seats, from the cheap end of the hall, that the samples are chosen from: a page of 100 events sorts 2,000
)

// Fill fills in how many seats of some hits are left, and some of them if asked. Counting stops where "many" begins, so only an event that is
// nearly sold out is read to its end.
func (s *Stock) Fill(ctx context.Context, hits []search.Hit, tickets bool) error {
	var events []int64
	var enough []int
	at := map[int64]int{}
	for i := range hits {
		hits[i].Availability, hits[i].Tickets = "none", nil
		if hits[i].OnSale {
			e := int64(hits[i].ID)
			at[e] = i
			events, enough = append(events, e), append(enough, few(hits[i].Capacity))
		}
	}
	if len(events) == 0 {
		return nil
	}
	var batch pgx.Batch
	batch.Queue(query("stock"), events, enough).Query(func(r pgx.Rows) error {
		var e int64
		var free int
		_, err := pgx.ForEachRow(r, []any{&e, &free}, func() error {
			hits[at[e]].Availability = word(free, few(hits[at[e]].Capacity))
			return nil
		})
		return err
	})
	if tickets {
		batch.Queue(query("samples"), events, sampleWindow, samples).Query(func(r pgx.Rows) error { return collect(r, hits, at) })
	}
	if err := s.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("seats left: %w", err)
	}
	return nil
}

func collect(r pgx.Rows, hits []search.Hit, at map[int64]int) error {
	var ticket int64
	var t search.SampleTicket
	_, err := pgx.ForEachRow(r, []any{&ticket, &t.SeatNumber, &t.Price}, func() error {
		t.ID = id.Ticket(ticket)
		h := &hits[at[int64(t.ID.Event())]]
		t.Currency = h.Currency
		h.Tickets = append(h.Tickets, t)
		return nil
	})
	return err
}

// few is the number of free seats at which they are many.
func few(capacity int) int { return min(max(capacity/10, 1), fewAtMost) }

func word(free, enough int) string {
	switch {
	case free == 0:
		return "none"
	case free < enough:
		return "few"
	default:
		return "many"
	}
}
