package simulation

import (
	"flag"
	"runtime/debug"
	"testing"

	"usher/internal/virtual/virtualtest"
)

var (
	one   = flag.Uint64("seed", 0, "the only seed that is simulated; 0: all")
	crowd = flag.Int("fans", 40, "how many fans come in each world")
	many  = flag.Uint64("seeds", worlds, "how many seeds are simulated, from 1 on")
)

// replay is how a seed is simulated again, alone.
func replay(seed uint64, test string) string {
	return virtualtest.Replay("./booking/simulation", "fans", *crowd)(seed, test)
}

// search runs the worlds of seeds from 1 on until one is broken.
func search(seeds uint64, plant Plant) (sum Count, found *Broken) {
	from := uint64(1)
	if *one != 0 {
		from, seeds = *one, 1
	}
	found = virtualtest.Search(from, seeds, func(seed uint64) (Count, *Broken) { return Run(seed, *crowd, plant) }, func(c Count) { sum.Add(c) })
	return sum, found
}

// TestSeatsAreSoldOnceInEveryWorld: three workers, two cashiers, and people who want the same seats, and whatever the seed lets go wrong.
func TestSeatsAreSoldOnceInEveryWorld(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a world is small, and soon over
	sum, broken := search(*many, Plant{})
	if broken != nil {
		t.Fatalf("%v\nsimulate it again: %s", broken, replay(broken.Seed, t.Name()))
	}
	t.Logf("%+v", sum)
}

// TestASeedGivesTheSameWorld: what was found can be looked at again.
func TestASeedGivesTheSameWorld(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 10; seed++ {
		first, broken := Run(seed, 40, Plant{})
		again, twice := Run(seed, 40, Plant{})
		if first != again || broken != nil || twice != nil {
			t.Errorf("seed %d gave %+v, %v, then %+v, %v", seed, first, broken, again, twice)
		}
		if other, _ := Run(seed+10, 40, Plant{}); other == first {
			t.Errorf("seeds %d and %d gave the same world", seed, seed+10)
		}
	}
}
