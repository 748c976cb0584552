package desk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

	"usher/booking"
	"usher/catalog/layout"
	"usher/internal/id"
)

func TestBestAvailable(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(60) // three rows of 20
	best := func(who byte, n int) ([]int, error) {
		h, err := d.HoldBest(t.Context(), fan(who), e, booking.BestAvailable{Quantity: n}, "")
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
	if _, err := d.HoldBest(t.Context(), fan(7), e, booking.BestAvailable{Quantity: 2, Section: "Balcony"}, ""); !errors.As(err, &none) || none.LargestBlock != 0 {
		t.Errorf("a section that is not there: %v", err)
	}
	if _, err := d.HoldBest(t.Context(), fan(7), e, booking.BestAvailable{Quantity: 2, MaxPrice: 1}, ""); !errors.As(err, &none) {
		t.Errorf("for a cent: %v", err)
	}
	if _, err := d.HoldBest(t.Context(), fan(7), e, booking.BestAvailable{Quantity: 2, Accessible: true}, ""); !errors.As(err, &none) {
		t.Errorf("accessible seats where there are none: %v", err)
	}
	var limit *booking.HoldLimitError
	if _, err := best(7, 7); !errors.As(err, &limit) {
		t.Errorf("seven: %v", err)
	}
	small := r.event(3)
	r.take(d, 1, small, 1)
	if _, err := d.HoldBest(t.Context(), fan(7), small, booking.BestAvailable{Quantity: 2}, ""); !errors.As(err, &none) || none.LargestBlock != 1 {
		t.Errorf("no two together: %v", err)
	}
}

// The gateway died after the seats were held and before the answer was kept: asked again under the same key, the fan has the same seats, and not twice as many.
func TestARepeatedChoiceIsTheSameSeats(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b, e := r.desk("a"), r.desk("b"), r.event(60)
	best := func(d *Desk, who byte, key string) []int {
		t.Helper()
		h, err := d.HoldBest(t.Context(), fan(who), e, booking.BestAvailable{Quantity: 2}, key)
		if err != nil {
			t.Fatal(err)
		}
		return seatsHeld(h)
	}
	first := best(a, 1, "k")
	r.take(a, 2, e, first[1]+1) // what was best is no more
	for _, d := range []*Desk{a, b} {
		if again := best(d, 1, "k"); !reflect.DeepEqual(again, first) {
			t.Errorf("first %v, again %v", first, again)
		}
	}
	if other := best(a, 3, "k"); other[0] == first[0] {
		t.Errorf("another visitor's key: %v", other)
	}
	// The control: without a key it is another wish.
	if more := best(a, 1, ""); reflect.DeepEqual(more, first) {
		t.Errorf("without a key again %v", more)
	}
	// When he has given them back there is nothing to repeat.
	if err := a.Release(t.Context(), fan(1), e, nil); err != nil {
		t.Fatal(err)
	}
	best(a, 4, "")
	if h, err := a.HoldBest(t.Context(), fan(1), e, booking.BestAvailable{Quantity: 2}, "k"); err != nil || len(h.Tickets) != 2 || r.holder(e, h.Tickets[0].ID.Seat()) != fan(1).Visitor {
		t.Errorf("after a release: %v, %v", seatsHeld(h), err)
	}
}

// Rows for who needs them are kept for those who ask.
func TestPlacesForWheelchairsAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	d, e := r.desk("a"), r.event(20)
	hallOf(t, d, e, layout.Row{Name: "1", Seats: 4, Accessible: true}, layout.Row{Name: "2", Seats: 16})
	get := func(who byte, want booking.BestAvailable) []int {
		t.Helper()
		h, err := d.HoldBest(t.Context(), fan(who), e, want, "")
		var none *booking.NoSeatsTogetherError
		if err != nil && !errors.As(err, &none) {
			t.Fatal(err)
		}
		return seatsHeld(h)
	}
	for who := range byte(4) {
		for _, seat := range get(1+who, booking.BestAvailable{Quantity: 4}) {
			if seat < 4 {
				t.Errorf("visitor %d, who did not ask for it, has seat %d", who, seat)
			}
		}
	}
	if got := get(10, booking.BestAvailable{Quantity: 1}); got != nil {
		t.Errorf("the hall is full but for wheelchairs, and somebody else has %v", got)
	}
	if got := get(11, booking.BestAvailable{Quantity: 2, Accessible: true}); !reflect.DeepEqual(got, []int{0, 1}) {
		t.Errorf("who asks for them has %v", got)
	}
}

// seating is what became of a herd of parties in a hall of rows of 20.
type seating struct {
	parties, together int          // that came; that got their seats, in one block
	taken             map[int]bool // by seat
}

// alone counts the free seats that have no free neighbour in their row.
func (s seating) alone(seats int) (n int) {
	for seat := range seats {
		free := func(other int) bool { return other >= 0 && other/20 == seat/20 && !s.taken[other] }
		if free(seat) && !free(seat-1) && !free(seat+1) {
			n++
		}
	}
	return n
}

// faults says what is wrong with the seating of a hall of which at most 90 % were asked for: 95 parties of 100 sit together, and few
// seats are left alone. In the last rows a large party may hear that there is no block of its size.
func (s seating) faults(seats int) (faults []string) {
	if s.together*100 < s.parties*95 {
		faults = append(faults, fmt.Sprintf("only %d of %d parties sit together", s.together, s.parties))
	}
	if n := s.alone(seats); n > seats*3/100 {
		faults = append(faults, fmt.Sprintf("%d single seats were left alone", n))
	}
	return faults
}

// partySizes draws parties of one to six that together ask for at most so many seats.
func partySizes(rng *rand.Rand, seats int) (sizes []int) {
	for asked := 0; ; {
		size := 1 + rng.IntN(6)
		if asked += size; asked > seats {
			return sizes
		}
		sizes = append(sizes, size)
	}
}

// Parties of one to six arrive at once: none is split, none overlaps another, and few go without until the hall is nearly full. As many as ask for nine
// seats of ten; and 200, who ask for more than there is, judged until nine seats of ten are held.
func TestAHerdOfPartiesSitsTogether(t *testing.T) {
	t.Parallel()
	for _, rule := range []Stranded{StrandedOff, StrandedStrict} {
		seed := rand.Uint64()
		rng := rand.New(rand.NewPCG(seed, 0))
		few, many := partySizes(rng, 450), partySizes(rng, 6*200)[:200]
		for name, sizes := range map[string][]int{"few": few, "many": many} {
			t.Run(string(rule)+"/"+name, func(t *testing.T) {
				t.Parallel()
				t.Logf("seed %d", seed)
				const tries = 5
				for try := 1; !seatHerd(t, rule, sizes, try == tries); try++ {
					t.Logf("try %d is void: the machine is so busy that parties heard of stores that are away", try)
				}
			})
		}
	}
}

// seatHerd seats a herd and judges it. It reports false, and has judged nothing, when a party heard that a store is away, unless this is the last try.
func seatHerd(t *testing.T, rule Stranded, sizes []int, last bool) (judged bool) {
	t.Helper()
	var away atomic.Bool
	r := newRig(t)
	a, b, e := r.desk("a"), r.desk("b"), r.event(500)
	a.Stranded, b.Stranded = rule, rule
	var mu sync.Mutex // guards s
	s := seating{taken: map[int]bool{}}
	var all sync.WaitGroup
	for n, size := range sizes {
		all.Go(func() {
			d := []*Desk{a, b}[n%2]
			h, err := d.HoldBest(t.Context(), booking.Owner{Visitor: id.NewVisitor()}, e, booking.BestAvailable{Quantity: size}, "")
			if errors.Is(err, booking.ErrStoreUnavailable) && !last {
				away.Store(true)
				return
			}
			var none *booking.NoSeatsTogetherError
			var gone *booking.UnavailableError // all that it was named in all its tries
			refused := errors.As(err, &none) && none.LargestBlock < size || errors.As(err, &gone)
			held := 0
			if refused { // the map decides, before those who hold hear of it
				v, err := d.maps.snapshot(t.Context(), e, 0)
				if err != nil {
					t.Error(err)
					return
				}
				held = len(v.Holds())
			}
			mu.Lock()
			defer mu.Unlock()
			if refused {
				if held < 450 {
					s.parties++
					t.Logf("with %d seats held, a party of %d: %v", held, size, err)
				}
				return
			}
			if err != nil || len(h.Tickets) != size {
				t.Errorf("a party of %d: %d seats, %v", size, len(h.Tickets), err)
				return
			}
			if len(s.taken) < 450 {
				s.parties++
				s.together++
			}
			seats := seatsHeld(h)
			for i, seat := range seats {
				if s.taken[seat] {
					t.Errorf("seat %d twice", seat)
				}
				if s.taken[seat] = true; seat != seats[0]+i || seat/20 != seats[0]/20 {
					t.Errorf("a party sits at %v", seats)
				}
			}
		})
	}
	all.Wait()
	if away.Load() {
		return false
	}
	t.Logf("%d of %d parties, %d seats, %d left alone", s.together, s.parties, len(s.taken), s.alone(500))
	if s.parties < 50 {
		t.Errorf("only %d parties were judged", s.parties)
	}
	for _, f := range s.faults(500) {
		t.Error(f)
	}
	return true
}

// Parties that take any block of their size tear the hall apart, and the judge above says so.
func TestControlPartiesThatSitAnywhereAreFound(t *testing.T) {
	t.Parallel()
	found := 0
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 0))
		sizes := partySizes(rng, 450)
		s := seating{parties: len(sizes), taken: map[int]bool{}}
		for _, size := range sizes {
			var blocks []int
			for first := range 500 {
				free := first/20 == (first+size-1)/20
				for seat := first; free && seat < first+size; seat++ {
					free = !s.taken[seat]
				}
				if free {
					blocks = append(blocks, first)
				}
			}
			if len(blocks) == 0 {
				continue
			}
			s.together++
			for seat, first := 0, blocks[rng.IntN(len(blocks))]; seat < size; seat++ {
				s.taken[first+seat] = true
			}
		}
		if len(s.faults(500)) > 0 {
			found++
		}
	}
	if found < 95 {
		t.Errorf("of 100 halls that were seated at random the judge finds fault with %d", found)
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
