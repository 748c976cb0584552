package worker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"usher/booking/command"
	"usher/booking/pgstore/pgtest"
	"usher/internal/id"
	"usher/internal/stream"
)

// BenchmarkCommit is the worker's path alone: a tick of two-seat bookings from decoded message to committed transaction, spread
// over twelve events. The reported bookings/s is for one worker on a Postgres that does not wait for the disk.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 50, 100, 200, 500} {
		b.Run(name(size), func(b *testing.B) { benchCommit(b, size) })
	}
}

func benchCommit(b *testing.B, size int) {
	const events, seats = 12, 90_000
	r := newRig(b)
	w := r.worker("w")
	w.topicID = "bench"
	ctx := context.Background()
	var ids []id.Event
	for range events {
		e := pgtest.Event(b, r.store, seats)
		ids = append(ids, e)
		p := partitionOf(e)
		if w.parts[p] == nil {
			w.parts[p] = &part{stop: func() {}}
			if _, err := w.leases.Offset(ctx, command.Topic, w.topicID, p, 0); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := w.sales.sale(ctx, e); err != nil {
			b.Fatal(err)
		}
	}
	next, last := 0, map[int]int64{}
	b.ResetTimer()
	began := time.Now()
	for b.Loop() {
		var batch []arrival
		for range size {
			e := ids[next%events]
			seat := next / events * 2 % (seats - 1)
			if next/events*2 >= seats-1 {
				b.Fatal("sold out: shorten -benchtime")
			}
			next++
			value, err := book(e, id.Visitor{1}, seat, seat+1).Encode()
			if err != nil {
				b.Fatal(err)
			}
			p := partitionOf(e)
			batch = append(batch, arrival{of: w.parts[p], Record: stream.Record{Partition: p, Offset: last[p], Value: value}})
			last[p]++
		}
		if err := w.attempt(ctx, batch, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(next)/time.Since(began).Seconds(), "bookings/s")
	b.ReportMetric(0, "ns/op")
}

func name(size int) string { return fmt.Sprintf("tick=%d", size) }
