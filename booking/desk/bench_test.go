package desk

import (
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/hold"
	"usher/internal/id"
)

// crowd is a desk on a stadium, with as many callers at once as there are fans in a surge.
func crowd(b *testing.B, seats int) (*rig, *Desk, id.Event) {
	r := newRig(b)
	r.rules.Limit = 8
	d, e := r.desk("a"), r.event(seats)
	if err := d.LoadMap(b.Context(), e); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(64)
	b.ResetTimer()
	return r, d, e
}

func somebody(n uint64) booking.Owner {
	var v id.Visitor
	binary.BigEndian.PutUint64(v[:], n)
	return booking.Owner{Visitor: v}
}

// A hold that is acknowledged when both stores have it, and its release.
func BenchmarkHoldAndRelease(b *testing.B) {
	_, d, e := crowd(b, 20_000)
	var next atomic.Uint64
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			n := next.Add(1)
			seat := int(n % 10_000 * 2)
			if _, _, err := d.Hold(b.Context(), somebody(n), e, tickets(e, seat, seat+1)); err != nil {
				b.Error(err)
				return
			}
			if err := d.Release(b.Context(), somebody(n), e, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// What nearly everybody gets in a surge: a refusal with alternatives.
func BenchmarkLose(b *testing.B) {
	_, d, e := crowd(b, 20_000)
	if _, _, err := d.Hold(b.Context(), fan(1), e, tickets(e, 7)); err != nil {
		b.Fatal(err)
	}
	var next atomic.Uint64
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, _, err := d.Hold(b.Context(), somebody(next.Add(1)), e, tickets(e, 7)); err == nil {
				b.Error("held what is held")
				return
			}
		}
	})
}

func BenchmarkHoldBest(b *testing.B) {
	_, d, e := crowd(b, 20_000)
	var next atomic.Uint64
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			n := next.Add(1)
			if _, err := d.HoldBest(b.Context(), somebody(n), e, booking.BestAvailable{Quantity: 2 + int(n%3)}, ""); err != nil {
				b.Error(err)
				return
			}
			if err := d.Release(b.Context(), somebody(n), e, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// Advice and candidates in a stadium where only the last seats are free: the longest search.
func BenchmarkSearch(b *testing.B) {
	r, d, e := crowd(b, 94_000)
	plan, err := d.plans.onSale(b.Context(), e)
	if err != nil {
		b.Fatal(err)
	}
	var sold []hold.Seat
	for seat := range 93_900 {
		sold = append(sold, hold.Seat{Index: seat, State: booking.SeatBooked, Version: 1})
		if len(sold) == 1000 || seat == 93_899 {
			if err := r.holds().Repair(b.Context(), e, sold); err != nil {
				b.Fatal(err)
			}
			sold = nil
		}
	}
	v, err := d.maps.snapshot(b.Context(), e, time.Nanosecond)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("nearest", func(b *testing.B) {
		for b.Loop() {
			nearest(plan, v, 50_000)
		}
	})
	b.Run("candidates", func(b *testing.B) {
		for b.Loop() {
			if blocks, _, _ := candidates(plan, v, booking.BestAvailable{Quantity: 4}, 16); len(blocks) == 0 {
				b.Fatal("none found")
			}
		}
	})
}
