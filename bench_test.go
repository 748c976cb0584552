package main

import (
	"flag"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

const (
	benchClients = 1024
	benchEvents  = 88
	benchSeats   = 500
	benchRound   = 1500 // bookings of two seats that one design makes in one round
	benchRounds  = 3
	benchHolding = 128 // clients that hold the seats before a round
)

// profiles is where each process of a benchmark leaves its processor profile.
var profiles = flag.String("profiles", "", "folder for a processor profile of each process of the bookings' benchmarks")

// BenchmarkBookings measures committed bookings of two held seats through HTTP: ours (log, worker, one transaction a tick) against SELECT … FOR UPDATE and against
// one statement that compares and sets, behind the same edge, with a pass of the waiting room each, in turn, in one run, with 256 and with 1,024 clients. It reports all rates and how
// many times faster ours is. Afterwards every seat that was booked has one live owner.
func BenchmarkBookings(b *testing.B) {
	for _, clients := range []int{256, benchClients} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := startBench(b, benchCatalog(benchEvents, benchSeats), benchRound, true)
			var pairs, busy atomic.Int64 // pairs of seats handed out; calls refused because too many were under way
			for b.Loop() {
				rates, costs := map[string][]float64{}, map[string][]float64{}
				for range benchRounds {
					for _, design := range []string{ours, forUpdate, atOnce} {
						perSecond, spent := s.round(b, design, clients, &pairs, &busy)
						rates[design] = append(rates[design], perSecond)
						costs[design] = append(costs[design], perBooking(spent, benchRound))
						b.Logf("%s: %.0f bookings/s; %s", design, perSecond, spent)
					}
				}
				for design, all := range rates {
					b.ReportMetric(median(all), design+"_bookings/s")
					b.ReportMetric(median(costs[design]), design+"_cpu_us/booking")
				}
				b.ReportMetric(median(rates[ours])/median(rates[forUpdate]), "times_for_update")
				b.ReportMetric(median(rates[ours])/median(rates[atOnce]), "times_compare_and_set")
				b.ReportMetric(median(costs[forUpdate])/median(costs[ours]), "cpu_times_for_update")
				b.ReportMetric(median(costs[atOnce])/median(costs[ours]), "cpu_times_compare_and_set")
			}
			b.ReportMetric(float64(busy.Load()), "refused")
			s.soldOnce(b, pairs.Load())
		})
	}
}

// BenchmarkViews measures event views of 500 seats through HTTP.
func BenchmarkViews(b *testing.B) {
	s := startBench(b, benchCatalog(benchEvents, benchSeats), 0, false)
	path := "/api/v1/events/" + s.events[0].String()
	var bytesRead atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a, err := s.ask(ours, http.MethodGet, path, fan{}, nil)
			if err := a.read(err, nil, http.StatusOK); err != nil {
				b.Error(err)
				return
			}
			bytesRead.Add(int64(len(a.body)))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "views/s")
	b.SetBytes(bytesRead.Load() / int64(b.N))
}

// round lets fans hold seats that nobody else wants, then measures how fast all of them are booked.
func (s *benchSystem) round(b *testing.B, design string, clients int, pairs, busy *atomic.Int64) (perSecond float64, spent cpuTime) {
	b.Helper()
	seats := make([]int, benchRound) // pairs, by fan
	each(b, benchHolding, benchRound, func(i int) error {
		pair := int(pairs.Add(1)) - 1
		if pair >= len(s.events)*benchSeats/2 {
			return fmt.Errorf("the benchmark has run out of seats")
		}
		seats[i] = pair
		_, err := patiently(busy, func() (answer, error) {
			return s.hold(design, s.fans[i], s.events[pair%len(s.events)], pair/len(s.events)*2)
		}, http.StatusCreated)
		return err
	})
	before, began := s.cpuTime(), time.Now()
	each(b, clients, benchRound, func(i int) error {
		a, err := patiently(busy, func() (answer, error) {
			return s.book(design, s.fans[i], s.events[seats[i]%len(s.events)], seats[i]/len(s.events)*2)
		}, http.StatusCreated, http.StatusAccepted)
		if err == nil && a.status == http.StatusAccepted { // two seconds were not enough
			err = s.reserved(s.fans[i], a)
		}
		return err
	})
	return benchRound / time.Since(began).Seconds(), s.cpuTime().since(before)
}

// perBooking is the processor time of the whole system for one of n bookings, in microseconds: it says what the cores could do, also while neighbours take their part of them.
func perBooking(spent cpuTime, n int64) float64 {
	return float64(spent.system().Microseconds()) / float64(n)
}

// soldOnce complains unless so many bookings of two seats are there, and each seat has one live owner.
func (s *benchSystem) soldOnce(b *testing.B, want int64) {
	b.Helper()
	bookings, seats, owners, err := s.books().Count(b.Context())
	if err != nil || bookings != want || seats != 2*want || owners != 2*want {
		b.Fatalf("%d bookings were made; %d are there with %d owners of %d seats, %v", want, bookings, owners, seats, err)
	}
}
