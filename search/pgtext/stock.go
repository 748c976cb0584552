package pgtext

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"usher/internal/id"
	"usher/search"
)

// stock fills in how many seats are left, and some of them if asked. Counting stops where "many" begins, so only an event that is nearly
// sold out is read to its end.
func (g *Engine) stock(ctx context.Context, rows []row, tickets bool) error {
	var events []int64
	var enough []int
	at := map[int64]int{}
	for i := range rows {
		rows[i].hit.Availability = "none"
		if rows[i].hit.OnSale {
			e := int64(rows[i].hit.ID)
			at[e] = i
			events, enough = append(events, e), append(enough, few(rows[i].capacity))
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
			rows[at[e]].hit.Availability = word(free, few(rows[at[e]].capacity))
			return nil
		})
		return err
	})
	if tickets {
		batch.Queue(query("samples"), events, sampleWindow, samples).Query(func(r pgx.Rows) error { return collect(r, rows, at) })
	}
	if err := g.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("seats left: %w", err)
	}
	return nil
}

func collect(r pgx.Rows, rows []row, at map[int64]int) error {
	var ticket int64
	var t search.SampleTicket
	_, err := pgx.ForEachRow(r, []any{&ticket, &t.SeatNumber, &t.Price}, func() error {
		t.ID = id.Ticket(ticket)
		h := &rows[at[int64(t.ID.Event())]].hit
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
