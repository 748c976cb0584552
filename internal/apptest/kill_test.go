package apptest

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"usher/internal/guard"
)

// saleUnderKills sells seats while worker 0 is killed and started again, and returns what fans were told. Every kill
// meets a worker at work: it waits until somebody was told of a booking since the last one, and comes at that very moment
// or up to 50 ms later.
func saleUnderKills(t *testing.T, s *System, sold *sales, kills int) {
	t.Helper()
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(s.EventID())
	var selling atomic.Bool
	selling.Store(true)
	var fans, killer sync.WaitGroup
	killer.Go(func() {
		defer selling.Store(false)
		rng := rand.New(rand.NewPCG(1, 2))
		for kill := range kills {
			told := sold.acknowledged()
			for deadline := time.Now().Add(30 * time.Second); sold.acknowledged() == told; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Errorf("no booking was acknowledged for 30 s, after %d were", told)
					return
				}
			}
			if kill%2 == 1 {
				time.Sleep(time.Duration(rng.IntN(50)) * time.Millisecond) // the fault's rhythm, not a wait for an effect
			}
			s.Kill("worker", 0)
			s.StartRole("worker", 0)
		}
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
}

func TestAcknowledgedBookingsSurviveTwentyKillsOfTheWorker(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Workers: 1, Catalog: eventOf(2000), Env: map[string]string{"USHER_LEASE": "1s"}})
	sold := newSales()
	saleUnderKills(t, s, sold, 20)
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
	if code, out := s.Audit(); code != 0 || !strings.Contains(out, "holds  every command of the log") {
		t.Errorf("usher audit ends with %d:\n%s", code, out)
	}
	t.Logf("%d bookings acknowledged, %d confirmed, 20 kills", len(sold.reserved), len(sold.confirmed))
}

// With results told before the commit, a kill loses acknowledged bookings. Few kills are enough.
func TestControlAcknowledgingBeforeTheCommitLosesBookings(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Workers: 1, Catalog: eventOf(2000), Env: map[string]string{"USHER_LEASE": "1s"}, Off: []guard.Guard{guard.CommitFirst}})
	sold := newSales()
	sold.patience = 2 * time.Second // what is lost never settles
	saleUnderKills(t, s, sold, 8)
	lost := s.Lost(sold)
	if len(lost) == 0 {
		t.Error("results were told before the commit, the worker was killed 8 times, and nothing was lost: the proof proves nothing")
	}
	if code, out := s.Audit(); code != 3 || !strings.Contains(out, "BROKEN  every command of the log that a worker has passed has an end") {
		t.Errorf("%d bookings are lost, and usher audit ends with %d:\n%s", len(lost), code, out)
	}
	t.Logf("%d of %d acknowledged bookings lost in 8 kills", len(lost), len(sold.reserved))
}
