package apptest

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/guard"
)

// saleUnderKills sells seats while worker 0 is killed and started again, and returns what fans were told.
func saleUnderKills(t *testing.T, s *System, seats, kills int) *sales {
	t.Helper()
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(s.EventID())
	sold := newSales()
	var selling atomic.Bool
	selling.Store(true)
	var fans, killer sync.WaitGroup
	killer.Go(func() {
		rng := rand.New(rand.NewPCG(1, 2))
		for range kills {
			time.Sleep(time.Duration(100+rng.IntN(300)) * time.Millisecond) // the fault's rhythm, not a wait for an effect
			s.Kill("worker", 0)
			s.StartRole("worker", 0)
		}
		selling.Store(false)
	})
	for i := range 40 {
		fans.Go(func() {
			for round := uint64(0); selling.Load(); round++ {
				sold.buy(NewFan(t, client, s.Public[0]), s.EventID(), tickets, uint64(i)<<32|round)
			}
		})
	}
	killer.Wait()
	fans.Wait()
	return sold
}

func TestAcknowledgedBookingsSurviveTwentyKillsOfTheWorker(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Workers: 1, Catalog: eventOf(2000), Env: map[string]string{"USHER_LEASE": "1s"}})
	sold := saleUnderKills(t, s, 2000, 20)
	if len(sold.reserved) == 0 || len(sold.confirmed) == 0 {
		t.Fatalf("nothing was sold: %d reserved, %d confirmed", len(sold.reserved), len(sold.confirmed))
	}
	if twice := sold.twice(); len(twice) > 0 {
		t.Errorf("sold twice: %v", twice)
	}
	if lost := s.Lost(sold); len(lost) > 0 {
		t.Errorf("%d acknowledged bookings are not in the truth exactly once: %v", len(lost), lost)
	}
	s.CheckTruth()
	t.Logf("%d bookings acknowledged, %d confirmed, 20 kills", len(sold.reserved), len(sold.confirmed))
}

// With results told before the commit, a kill loses acknowledged bookings.
func TestControlAcknowledgingBeforeTheCommitLosesBookings(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Workers: 1, Catalog: eventOf(2000), Env: map[string]string{"USHER_LEASE": "1s"}, Off: []guard.Guard{guard.CommitFirst}})
	if lost := s.Lost(saleUnderKills(t, s, 2000, 20)); len(lost) == 0 {
		t.Error("results were told before the commit, the worker was killed 20 times, and nothing was lost: the proof proves nothing")
	}
}
