package desk

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"

	"usher/booking"
	"usher/internal/id"
)

func TestBestAvailable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(60) // three rows of 20
	best := func(who byte, n int) ([]int, error) {
		h, err := d.HoldBest(t.Context(), fan(who), e, booking.BestAvailable{Quantity: n})
		return seatsHeld(h), err
	}
	f := func(who byte, n int, want ...int) {
		t.Helper()
		if got, err := best(who, n); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d seats: %v, %v, want %v", n, got, err, want)
		}
	}
	f(1, 3, 0, 1, 2)
	f(2, 4, 3, 4, 5, 6)
	r.take(d, 3, e, 10)             // leaves 7 8 9
	f(4, 2, 11, 12)                 // 7 8 would leave 9 alone
	f(5, 3, 7, 8, 9)                // fits
	f(6, 6, 20, 21, 22, 23, 24, 25) // in the first row they would leave 19 alone
	var none *booking.NoSeatsTogetherError
	if _, err := d.HoldBest(t.Context(), fan(7), e, booking.BestAvailable{Quantity: 2, Section: "Balcony"}); !errors.As(err, &none) || none.LargestBlock != 0 {
		t.Errorf("a section that is not there: %v", err)
	}
	if _, err := d.HoldBest(t.Context(), fan(7), e, booking.BestAvailable{Quantity: 2, MaxPrice: 1}); !errors.As(err, &none) {
		t.Errorf("for a cent: %v", err)
	}
	if _, err := d.HoldBest(t.Context(), fan(7), e, booking.BestAvailable{Quantity: 2, Accessible: true}); !errors.As(err, &none) {
		t.Errorf("accessible seats where there are none: %v", err)
	}
	var limit *booking.HoldLimitError
	if _, err := best(7, 7); !errors.As(err, &limit) {
		t.Errorf("seven: %v", err)
	}
	small := r.event(3)
	r.take(d, 1, small, 1)
	if _, err := d.HoldBest(t.Context(), fan(7), small, booking.BestAvailable{Quantity: 2}); !errors.As(err, &none) || none.LargestBlock != 1 {
		t.Errorf("no two together: %v", err)
	}
}

// Parties of one to six arrive at once: none is split, none overlaps another, and few go without until the hall is nearly full.
func TestAHerdOfPartiesSitsTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b, e := r.desk("a"), r.desk("b"), r.event(500)
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex // guards all below
	owner := map[int]id.Visitor{}
	asked, seated := 0, 0
	var all sync.WaitGroup
	for n := range 200 {
		size := 1 + rng.IntN(6)
		if asked += size; asked > 450 {
			break
		}
		all.Go(func() {
			d := []*Desk{a, b}[n%2]
			h, err := d.HoldBest(t.Context(), fan(byte(n)), e, booking.BestAvailable{Quantity: size})
			if err != nil {
				t.Errorf("a party of %d: %v", size, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seated++
			for i, seat := range seatsHeld(h) {
				if _, taken := owner[seat]; taken {
					t.Errorf("seat %d twice", seat)
				}
				if owner[seat] = fan(byte(n)).Visitor; i > 0 && (seat != seatsHeld(h)[0]+i || seat/20 != seatsHeld(h)[0]/20) {
					t.Errorf("a party sits at %v", seatsHeld(h))
				}
			}
		})
	}
	all.Wait()
	alone := 0
	for seat := range 500 {
		free := func(s int) bool { _, taken := owner[s]; return s/20 == seat/20 && s >= 0 && !taken }
		if free(seat) && !free(seat-1) && !free(seat+1) {
			alone++
		}
	}
	t.Logf("seed %d: %d parties, %d seats, %d left alone", seed, seated, len(owner), alone)
	if alone > 15 {
		t.Errorf("seed %d: %d single seats were left alone", seed, alone)
	}
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	c := newRecent[int, int](10)
	for i := range 1000 {
		c.put(i, i)
		if v, ok := c.get(0); !ok || v != 0 {
			t.Fatalf("what is used all the time went at %d", i)
		}
		if v, ok := c.get(i); !ok || v != i {
			t.Fatalf("%d is not there", i)
		}
	}
	if n := len(c.young) + len(c.old); n > 20 {
		t.Errorf("%d values kept", n)
	}
	if _, ok := c.get(1); ok {
		t.Error("what nobody used is still there")
	}
}
