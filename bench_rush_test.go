package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/baseline"
	"usher/internal/id"
)

const (
	contenders = 1000  // fans who go for two seats of one event of 500, wherever they like: most of them in vain
	contended  = 2     // such events, one after the other, in one round of a design
	inFlight   = 256   // of them at once, in a closed loop
	arriving   = 2000  // of them a second, at a fixed rate
	rushFans   = 10000 // who arrive within a second
	rushes     = 4     // events that they rush for, one after the other
	quiet      = 36    // events that have some visitors all the while; the room lets no more people in than all tickets behind it can be for
	quietRate  = 100   // calls a second there

	spare = rushes * benchSeats / 2 // fans who come in place of those who have bought: with that their session is over
)

var stadium = flag.Int("stadium", 94_000, "seats that BenchmarkStadium sells, a multiple of 20 up to 100,000")

func (s *benchSystem) books() *baseline.Books { return &baseline.Books{Pool: s.store.Pool()} }

// try is one fan's way to two seats: with us he holds them first, in the usual designs the booking itself decides. won says whether they are his.
func (s *benchSystem) try(design string, f fan, e id.Event, seat int, said *statuses) (won bool) {
	if design == ours {
		a, err := s.hold(design, f, e, seat)
		said.add("hold", a, err)
		if err != nil || a.status != http.StatusCreated {
			return false
		}
	}
	a, err := s.book(design, f, e, seat)
	said.add("book", a, err)
	if err == nil && a.status == http.StatusAccepted {
		return s.reserved(f, a) == nil
	}
	return err == nil && a.status == http.StatusCreated
}

// anywhere are two seats side by side in one row.
func anywhere() int { return rand.IntN(benchSeats/benchRow)*benchRow + rand.IntN(benchRow-1) }

// contest is what one design did in all its rounds of one load.
type contest struct {
	won           atomic.Int64
	rates, costs  []float64 // committed bookings a second; µs of the system's processor time for one, losers included
	winners, lost times
	said          statuses
}

// BenchmarkContended lets 1,000 fans go for overlapping pairs of seats of one event of 500 at a time: 256 at once in a closed loop, and 2,000 a second whatever
// the answers. Three designs in turn, one run, a pass each, losers counted. Ours needs two calls where the usual designs need one: a hold, which decides, and the
// booking. Afterwards no seat has two owners, and there are as many bookings as fans were told.
func BenchmarkContended(b *testing.B) {
	designs := []string{ours, forUpdate, atOnce}
	s := startBench(b, benchCatalog(2*benchRounds*len(designs)*contended, benchSeats), contenders, true)
	events := slices.Clone(s.events)
	for _, load := range []struct {
		name string
		run  func(do func(i int, due time.Time))
	}{
		{fmt.Sprintf("clients=%d", inFlight), func(do func(int, time.Time)) {
			each(b, inFlight, contenders, func(i int) error { do(i, time.Now()); return nil })
		}},
		{fmt.Sprintf("arrivals=%d", arriving), func(do func(int, time.Time)) { arrive(contenders, arriving, do) }},
	} {
		b.Run(load.name, func(b *testing.B) {
			if b.N > 1 {
				b.Fatal("run it with -benchtime 1x: there are no more events")
			}
			all := map[string]*contest{}
			for range benchRounds {
				for _, design := range designs {
					if all[design] == nil {
						all[design] = &contest{}
					}
					b.Logf("%s: %s", design, s.contend(all[design], design, events[:contended], load.run))
					events = events[contended:]
				}
			}
			for design, c := range all {
				b.Logf("%s: won %s; lost %s; %s", design, &c.winners, &c.lost, &c.said)
				b.ReportMetric(median(c.rates), design+"_committed/s")
				b.ReportMetric(median(c.costs), design+"_cpu_us/booking")
				b.ReportMetric(c.lost.ms(0.99), design+"_losers_p99_ms")
				b.ReportMetric(float64(c.said.faults()), design+"_5xx")
			}
			b.ReportMetric(median(all[ours].rates)/median(all[forUpdate].rates), "times_for_update")
			b.ReportMetric(median(all[ours].rates)/median(all[atOnce].rates), "times_compare_and_set")
			b.ReportMetric(median(all[forUpdate].costs)/median(all[ours].costs), "cpu_times_for_update")
			b.ReportMetric(median(all[atOnce].costs)/median(all[ours].costs), "cpu_times_compare_and_set")
			b.ReportMetric(0, "ns/op")
			for design, c := range all {
				if c.won.Load() == 0 {
					b.Errorf("%s sold nothing: %s", design, &c.said)
				}
				s.won.Add(c.won.Load())
			}
			s.soldOnce(b, s.won.Load())
		})
	}
}

// contend is one round of a design.
func (s *benchSystem) contend(c *contest, design string, events []id.Event, run func(func(int, time.Time))) string {
	before, began, won := s.cpuTime(), time.Now(), c.won.Load()
	for _, e := range events {
		run(func(i int, due time.Time) {
			got := s.try(design, s.fans[i], e, anywhere(), &c.said)
			if took := time.Since(due); got {
				c.won.Add(1)
				c.winners.add(took)
			} else {
				c.lost.add(took)
			}
		})
	}
	took, spent := time.Since(began), s.cpuTime().since(before)
	won = c.won.Load() - won
	c.rates, c.costs = append(c.rates, float64(won)/took.Seconds()), append(c.costs, perBooking(spent, max(won, 1)))
	return fmt.Sprintf("%d bookings of %d fans in %.2f s; %s", won, contenders*len(events), took.Seconds(), spent)
}

var errTaken = errors.New("somebody else has one of the seats")

// rush is what happened at one event.
type rush struct {
	began            time.Time
	mu               sync.Mutex // guards soldOut
	soldOut          time.Time  // when the last ticket was confirmed
	confirmed        atomic.Int64
	refused          atomic.Int64 // fans whom a fault sent away
	losers, winners  times        // until they were told
	holds, pay, book times        // of those who won, by call
	said             statuses
}

// BenchmarkRush sends 10,000 fans with passes to an event of 500 seats within one second, while a few others hold, book and look at other events as before. Each fan
// goes for one pair; who gets it books and pays. It reports when the last ticket was confirmed, how long losers waited for their answer, 5xx, and how much
// longer the 99th percentile at the other events became.
func BenchmarkRush(b *testing.B) {
	s := startBench(b, benchCatalog(rushes+quiet, benchSeats), rushFans+quiet+spare, false)
	b.ResetTimer()
	if b.N > 1 {
		b.Fatal("run it with -benchtime 1x")
	}
	others := s.startQuiet(s.events[rushes:], s.fans[rushFans:rushFans+quiet])
	var soldOut, losers, winners []float64
	faults, sold := 0, int64(0)
	for _, e := range s.events[:rushes] {
		others.phase.Store(&others.before)
		time.Sleep(3 * time.Second)
		others.phase.Store(&others.during)
		before := s.cpuTime()
		r := s.rush(b, e)
		took := time.Since(r.began)
		spent := s.cpuTime().since(before)
		others.phase.Store(&others.after)
		b.Logf("sold out after %.2f s, all answered after %.2f; losers %s; winners %s, of it hold %s, book %s, pay %s; %s; %s", r.soldOut.Sub(r.began).Seconds(), took.Seconds(),
			&r.losers, &r.winners, &r.holds, &r.book, &r.pay, &r.said, spent)
		soldOut, losers, winners = append(soldOut, r.soldOut.Sub(r.began).Seconds()), append(losers, r.losers.ms(0.99)), append(winners, r.winners.ms(0.99))
		faults += r.said.faults()
		sold += r.confirmed.Load()
		s.sold(b, e, 2*int(r.confirmed.Load()))
	}
	others.stop()
	b.Logf("other events: before %s; during %s; %s", &others.before, &others.during, &others.said)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(200*sold)/(rushes*benchSeats), "sold_percent") // below 100 fans were sent away by faults, and the next figures are no times of a sold-out event
	b.ReportMetric(median(soldOut), "sold_out_s")
	b.ReportMetric(slices.Max(soldOut), "latest_sold_out_s")
	b.ReportMetric(median(losers), "losers_p99_ms")
	b.ReportMetric(median(winners), "winners_p99_ms")
	b.ReportMetric(float64(faults+others.said.faults()), "5xx")
	b.ReportMetric(others.during.ms(0.5)/others.before.ms(0.5), "others_p50_times")
	b.ReportMetric(others.during.ms(0.99)/others.before.ms(0.99), "others_p99_times")
}

// rush lets all arrive.
func (s *benchSystem) rush(b *testing.B, e id.Event) *rush {
	fresh := s.fans[len(s.fans)-benchSeats/2:]
	s.fans = s.fans[:len(s.fans)-benchSeats/2]
	r := &rush{began: time.Now()}
	arrive(rushFans, rushFans, func(i int, due time.Time) {
		f, seat := s.fans[i], 2*rand.IntN(benchSeats/2)
		if err := s.buy(r, f, e, seat); err != nil {
			r.losers.add(time.Since(due))
			if !errors.Is(err, errTaken) && r.refused.Add(1) == 1 { // all of them are in the table of answers
				b.Logf("the first fan whom a fault sent away: %v", err)
			}
			return
		}
		r.winners.add(time.Since(due))
		s.fans[i] = fresh[r.confirmed.Add(1)-1]
		r.mu.Lock()
		defer r.mu.Unlock()
		r.soldOut = time.Now()
	})
	return r
}

// buy holds, books and pays. errTaken: somebody else has a seat.
func (s *benchSystem) buy(r *rush, f fan, e id.Event, seat int) error {
	began := time.Now()
	a, err := s.hold(ours, f, e, seat)
	r.said.add("hold", a, err)
	if err == nil && a.status == http.StatusConflict {
		return errTaken
	}
	if err := a.read(err, nil, http.StatusCreated); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	held := time.Now()
	r.holds.add(held.Sub(began))
	a, err = s.book(ours, f, e, seat)
	r.said.add("book", a, err)
	var got made
	err = a.read(err, &got, http.StatusCreated, http.StatusAccepted)
	if err == nil && a.status == http.StatusAccepted {
		err = s.reserved(f, a)
	}
	if err != nil {
		return fmt.Errorf("book: %w", err)
	}
	booked := time.Now()
	r.book.add(booked.Sub(held))
	a, err = s.ask(ours, http.MethodPost, "/api/v1/booking/"+got.ID+"/confirm", f, []byte(`{"paymentDetails":{"method":"sandbox","token":"tok_ok"}}`))
	r.said.add("confirm", a, err)
	err = a.read(err, nil, http.StatusOK, http.StatusAccepted)
	if err == nil && a.status == http.StatusAccepted {
		err = s.settled(f, got.ID, "confirmed")
	}
	if err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	r.pay.add(time.Since(booked))
	return nil
}

// sold complains unless as many seats of the event are booked as fans were told, or more, and every seat that is taken has one live owner.
func (s *benchSystem) sold(b *testing.B, e id.Event, told int) {
	b.Helper()
	stock, err := s.store.Stock(b.Context(), e)
	if err != nil || stock.Booked < told || stock.Free+stock.Reserved+stock.Paying+stock.Booked != stock.Capacity {
		b.Fatalf("%+v, but fans were told of %d seats, %v", stock, told, err)
	}
	bookings, taken, owners, err := s.books().Count(b.Context())
	if err != nil || taken != owners || taken > 2*bookings {
		b.Fatalf("%d bookings with %d owners of %d seats, %v", bookings, owners, taken, err)
	}
}

// others are visitors of events that nobody rushes for.
type others struct {
	before, during, after times
	phase                 atomic.Pointer[times]
	said                  statuses
	stop                  func()
}

// startQuiet lets fans look, hold, and book at a steady rate until stop.
func (s *benchSystem) startQuiet(events []id.Event, fans []fan) *others {
	o := &others{}
	o.phase.Store(&o.after)
	done := make(chan struct{})
	var calls sync.WaitGroup
	o.stop = func() { close(done); calls.Wait() }
	calls.Go(func() {
		tick := time.NewTicker(time.Second / quietRate)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case due := <-tick.C:
				calls.Go(func() { s.quietCall(o, n, due, events[n%len(events)], fans[n%len(fans)]) })
			}
		}
	})
	return o
}

// quietCall looks at an event, or holds two seats and gives them back at the next turn.
func (s *benchSystem) quietCall(o *others, n int, due time.Time, e id.Event, f fan) {
	into, what := o.phase.Load(), "view"
	var a answer
	var err error
	switch turn := n / quiet; turn % 4 {
	case 0:
		what = "hold"
		a, err = s.hold(ours, f, e, turn/4%(benchSeats/2)*2)
	case 2:
		what = "release"
		a, err = s.ask(ours, http.MethodDelete, "/api/v1/events/"+e.String()+"/holds", f, nil)
	default:
		a, err = s.ask(ours, http.MethodGet, "/api/v1/events/"+e.String(), f, nil)
	}
	into.add(time.Since(due))
	o.said.add(what, a, err)
}

// BenchmarkStadium sells 94,000 seats in one go: 47,000 purchases of two, each a hold, a booking and a payment, 256 at once. It reports how long that takes, the calls'
// 99th percentile, and what it leaves on disk.
func BenchmarkStadium(b *testing.B) {
	if *stadium < benchRow || *stadium > 100_000 || *stadium%benchRow != 0 {
		b.Fatalf("-stadium %d: want a multiple of %d up to 100,000", *stadium, benchRow)
	}
	s := startBench(b, benchCatalog(1, *stadium), *stadium/2, false)
	b.ResetTimer()
	if b.N > 1 {
		b.Fatal("run it with -benchtime 1x")
	}
	r, e := &rush{began: time.Now()}, s.events[0]
	before, disk := s.cpuTime(), s.disk(b)
	each(b, inFlight, *stadium/2, func(i int) error {
		return s.buy(r, s.fans[i], e, 2*i)
	})
	took := time.Since(r.began)
	b.Logf("hold %s; book %s; pay %s; %s; %s", &r.holds, &r.book, &r.pay, &r.said, s.cpuTime().since(before))
	after := s.disk(b)
	s.sold(b, e, *stadium)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took.Seconds(), "s")
	b.ReportMetric(float64(*stadium)/took.Seconds(), "seats/s")
	for call, t := range map[string]*times{"hold": &r.holds, "book": &r.book, "pay": &r.pay} {
		b.ReportMetric(t.ms(0.99), call+"_p99_ms")
	}
	for what, bytes := range after {
		b.ReportMetric(float64(bytes-disk[what])/(1<<20), what+"_MiB")
	}
}

// disk is how much the stores have on disk: the tables and indices, what the log before the tables was written, and the stand-in's log.
func (s *benchSystem) disk(b *testing.B) map[string]int64 {
	b.Helper()
	out := map[string]int64{}
	var tables, wal int64
	if err := s.store.Pool().QueryRow(b.Context(), `SELECT pg_database_size(current_database()), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint`).Scan(&tables, &wal); err != nil {
		b.Fatal(err)
	}
	out["tables"], out["wal"] = tables, wal
	if s.kafka == "" {
		return out
	}
	err := filepath.WalkDir(s.kafka, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			out["kafka"] += info.Size()
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		b.Fatal(err)
	}
	return out
}
