package apptest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"usher/internal/guard"
)

// holdThroughFlush gives every seat of the event to a holder, flushes Redis, and lets strangers try for the same
// seats until the seat map is back. It returns how many acknowledged holds strangers were given as well.
func holdThroughFlush(t *testing.T, s *System, tickets []string) (holders []*Fan, stolen int) {
	t.Helper()
	for i, ticket := range tickets {
		f := NewFan(t, client, s.Public[i%len(s.Public)])
		var a Answer
		within(t, 30*time.Second, "a hold", func() bool { // a busy machine says that a store is away
			a = f.Hold(s.EventID(), ticket)
			return a.Status != http.StatusServiceUnavailable
		})
		if a.Status != http.StatusCreated && a.Status != http.StatusOK {
			t.Fatalf("hold %s: %s", ticket, a)
		}
		holders = append(holders, f)
	}
	s.FlushRedis()
	var mu sync.Mutex // guards stolen
	var wg sync.WaitGroup
	for i, ticket := range tickets {
		wg.Go(func() {
			f := NewFan(t, client, s.Public[i%len(s.Public)])
			for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				switch a := f.Hold(s.EventID(), ticket); a.Status {
				case http.StatusCreated, http.StatusOK:
					mu.Lock()
					stolen++
					mu.Unlock()
					return
				case http.StatusConflict:
					return
				case http.StatusServiceUnavailable: // the map is being loaded
				default:
					t.Errorf("hold after the flush: %s", a)
					return
				}
			}
			t.Error("no hold was answered within a minute of the flush")
		})
	}
	wg.Wait()
	return holders, stolen
}

func TestAFlushOfRedisGivesNoHeldSeatToAStranger(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: eventOf(60)})
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(s.EventID())
	holders, stolen := holdThroughFlush(t, s, tickets[:40])
	if stolen > 0 {
		t.Errorf("%d acknowledged holds went to strangers as well", stolen)
	}
	for i, f := range holders { // the holders notice nothing: they book and pay what they hold
		a := f.Book("flush", tickets[i])
		if a.Status != http.StatusCreated {
			t.Errorf("book after the flush: %s", a)
			continue
		}
		f.Confirm(a.Str("booking_id"), "tok_ok")
		if got := f.Settled(a.Str("booking_id"), time.Minute); got.Str("status") != "confirmed" {
			t.Errorf("confirm after the flush: %s", got)
		}
	}
	s.CheckTruth()
}

func TestControlWithoutDurableHoldsAFlushGivesSeatsAway(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Catalog: eventOf(60), Off: []guard.Guard{guard.DurableHold}})
	tickets, _ := NewFan(t, client, s.Public[0]).Tickets(s.EventID())
	if _, stolen := holdThroughFlush(t, s, tickets[:40]); stolen == 0 {
		t.Error("holds lived in Redis only, Redis was flushed, and no seat went to a stranger: the proof proves nothing")
	}
}

func TestAFlushInMidSaleSellsNothingTwice(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Gateways: 2, Workers: 2, Catalog: eventOf(100)})
	done := make(chan struct{})
	var flusher sync.WaitGroup
	flusher.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(400 * time.Millisecond):
				s.FlushRedis()
			}
		}
	})
	sold := race(t, s, s.EventID(), 100)
	close(done)
	flusher.Wait()
	if twice := sold.twice(); len(twice) > 0 {
		t.Errorf("sold twice: %v", twice)
	}
	if len(sold.confirmed) == 0 {
		t.Error("nothing was sold")
	}
	s.CheckTruth()
}

// FlushRedis throws away everything that Redis holds.
func (s *System) FlushRedis() {
	s.t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: s.Redis})
	defer func() { _ = rdb.Close() }()
	if err := rdb.FlushAll(context.Background()).Err(); err != nil {
		s.t.Error(err)
	}
}
