package hold

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/event"
	"usher/internal/id"
)

// sizes are a hall and the largest stadium: a script must cost the same in both.
var sizes = []int{500, 94_000}

func bench(b *testing.B, name string, run func(b *testing.B, s *Store, e id.Event, seats int)) {
	for _, seats := range sizes {
		b.Run(fmt.Sprintf("%s/seats=%d", name, seats), func(b *testing.B) {
			c := rules
			c.Limit = 8
			s := open(b, c)
			e := onSale(b, s, seats)
			fill(b, s, e, seats/2) // half of it is sold, to as many visitors
			b.ResetTimer()
			run(b, s, e, seats)
			b.ReportMetric(redisMicros(b, s), "redis-µs/op")
		})
	}
}

func fill(b *testing.B, s *Store, e id.Event, seats int) {
	b.Helper()
	var sold []event.Event
	for seat := range seats {
		sold = append(sold, event.Event{Event: e, Owner: number(seat), Seats: []event.SeatChange{{Seat: seat, Version: 1, State: booking.SeatBooked}}})
	}
	if err := s.Apply(b.Context(), sold); err != nil {
		b.Fatal(err)
	}
	s.rdb.ConfigResetStat(b.Context())
}

// number is a visitor by number.
func number(n int) (v id.Visitor) {
	binary.BigEndian.PutUint64(v[:], uint64(n)+1)
	return v
}

// redisMicros is how long a script call kept Redis busy, by its own statistics.
func redisMicros(b *testing.B, s *Store) float64 {
	b.Helper()
	info, err := s.rdb.InfoMap(b.Context(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	var micros float64
	stat := info["Commandstats"]["cmdstat_evalsha"]
	var calls, usec int
	if _, err := fmt.Sscanf(stat, "calls=%d,usec=%d,usec_per_call=%f", &calls, &usec, &micros); err != nil {
		b.Fatalf("%q: %v", stat, err)
	}
	return micros
}

func BenchmarkScripts(b *testing.B) {
	bench(b, "hold two and release", func(b *testing.B, s *Store, e id.Event, seats int) {
		for n := 0; b.Loop(); n++ {
			two := []int{seats/2 + 2*n%(seats/2-2), seats/2 + 2*n%(seats/2-2) + 1}
			if _, err := s.Hold(b.Context(), e, number(seats+n), two); err != nil {
				b.Fatal(err)
			}
			if _, err := s.Release(b.Context(), e, number(seats+n), two); err != nil {
				b.Fatal(err)
			}
		}
	})
	bench(b, "lose", func(b *testing.B, s *Store, e id.Event, seats int) {
		for n := 0; b.Loop(); n++ {
			if _, err := s.Hold(b.Context(), e, number(seats+n), []int{n % (seats / 2)}); err == nil {
				b.Fatal("held what is sold")
			}
		}
	})
	bench(b, "sixteen blocks of four", func(b *testing.B, s *Store, e id.Event, seats int) {
		var blocks [][]int
		for i := range 16 {
			blocks = append(blocks, []int{4 * i, 4*i + 1, 4*i + 2, 4*i + 3})
		}
		for n := 0; b.Loop(); n++ {
			if _, err := s.Hold(b.Context(), e, number(seats+n), blocks...); err == nil {
				b.Fatal("held what is sold")
			}
		}
	})
	bench(b, "checkout four", func(b *testing.B, s *Store, e id.Event, seats int) {
		four := []int{seats - 1, seats - 2, seats - 3, seats - 4}
		if _, err := s.Hold(b.Context(), e, number(seats), four); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, _, err := s.Checkout(b.Context(), e, number(seats), four, time.Hour); err != nil {
				b.Fatal(err)
			}
		}
	})
	bench(b, "apply a hundred bookings of two", func(b *testing.B, s *Store, e id.Event, seats int) {
		for n := 0; b.Loop(); n++ {
			var events []event.Event
			for i := range 100 {
				seat := seats/2 + 2*i
				events = append(events, event.Event{Event: e, Owner: number(seats + i), Seats: []event.SeatChange{
					{Seat: seat, Version: n + 2, State: booking.SeatState(1 + n%3)}, {Seat: seat + 1, Version: n + 2, State: booking.SeatState(1 + n%3)},
				}})
			}
			if err := s.Apply(b.Context(), events); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// What carries the whole map is one string: a stadium is 750 KB.
func BenchmarkSnapshot(b *testing.B) {
	bench(b, "changed", func(b *testing.B, s *Store, e id.Event, _ int) {
		for b.Loop() {
			if _, err := s.Snapshot(b.Context(), e, 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	bench(b, "same", func(b *testing.B, s *Store, e id.Event, _ int) {
		have := snapshot(b, s, e).Version
		for b.Loop() {
			if snap, err := s.Snapshot(b.Context(), e, have); err != nil || !snap.Same {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	bench(b, "load", func(b *testing.B, s *Store, e id.Event, seats int) {
		all := make([]Seat, seats)
		for i := range seats / 2 {
			all[i] = Seat{State: booking.SeatBooked, Version: 3, Owner: number(i)}
		}
		for b.Loop() {
			s.rdb.Del(b.Context(), metaKey(e))
			if err := s.Load(b.Context(), e, func(context.Context) ([]Seat, error) { return all, nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
