// Package virtualtest runs a simulation in many worlds, and holds its judge to bugs that are planted.
package virtualtest

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"usher/internal/virtual"
)

// Simulation is one whose plants are P, and that counts C. Make it with New.
type Simulation[P any, C comparable] struct {
	pkg, crowd string
	run        func(seed uint64, crowd int, plant P) (C, *virtual.Broken)
	add        func(sum *C, world C)

	seed, seeds *uint64
	size        *int
}

// New returns the simulation of a package, such as ./waitroom/simulation, and its flags: -seed, -seeds, of which there are so many, and one for the crowd of a
// world, which is called so and is so large.
func New[P any, C comparable](pkg, crowd string, size int, seeds uint64, run func(seed uint64, crowd int, plant P) (C, *virtual.Broken), add func(sum *C, world C)) *Simulation[P, C] {
	return &Simulation[P, C]{
		pkg: pkg, crowd: crowd, run: run, add: add,
		seed:  flag.Uint64("seed", 0, "the only seed that is simulated; 0: all"),
		seeds: flag.Uint64("seeds", seeds, "how many seeds are simulated, from 1 on"),
		size:  flag.Int(crowd, size, "how many "+crowd+" come in each world"),
	}
}

// Seed is the only seed that is simulated; 0: all.
func (s *Simulation[P, C]) Seed() uint64 { return *s.seed }

// Search runs the worlds of so many seeds from 1 on, on all processors, until one is broken, and returns the first that was.
func (s *Simulation[P, C]) Search(seeds uint64, plant P) (sum C, found *virtual.Broken) {
	from := uint64(1)
	if *s.seed != 0 {
		from, seeds = *s.seed, 1
	}
	var next, stop atomic.Uint64
	var mu sync.Mutex // guards sum and found
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for stop.Load() == 0 {
				n := next.Add(1) - 1
				if n >= seeds {
					return
				}
				c, broken := s.run(from+n, *s.size, plant)
				mu.Lock()
				s.add(&sum, c)
				if broken != nil && (found == nil || broken.Seed < found.Seed) {
					found = broken
					stop.Store(1)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return sum, found
}

// replay is how a seed is simulated again, alone.
func (s *Simulation[P, C]) replay(t *testing.T, b *virtual.Broken) string {
	return fmt.Sprintf("simulate it again: go test %s -run '^%s$' -v -seed %d -%s %d", s.pkg, t.Name(), b.Seed, s.crowd, *s.size)
}

// HoldsInEveryWorld complains when a world is broken that has this plant, which is none or one that must do no harm.
func (s *Simulation[P, C]) HoldsInEveryWorld(t *testing.T, seeds uint64, plant P) {
	t.Helper()
	sum, broken := s.Search(seeds, plant)
	if broken != nil {
		t.Fatalf("%v\n%s", broken, s.replay(t, broken))
	}
	t.Logf("%+v", sum)
}

// All complains when a world is broken in which nothing is planted.
func (s *Simulation[P, C]) All(t *testing.T) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a world is small, and soon over
	var none P
	s.HoldsInEveryWorld(t, *s.seeds, none)
}

// SameWorld complains unless a seed gives the same world each time, with a crowd of that size: what was found can be looked at again.
func (s *Simulation[P, C]) SameWorld(t *testing.T, crowd int) {
	t.Helper()
	var none P
	for seed := uint64(1); seed <= 10; seed++ {
		first, broken := s.run(seed, crowd, none)
		again, twice := s.run(seed, crowd, none)
		if first != again || broken != nil || twice != nil {
			t.Errorf("seed %d gave %+v, %v, then %+v, %v", seed, first, broken, again, twice)
		}
		if other, _ := s.run(seed+10, crowd, none); other == first {
			t.Errorf("seeds %d and %d gave the same world", seed, seed+10)
		}
	}
}

// Bug is one that is planted, and what it breaks.
type Bug[P any] struct {
	Name   string
	Plant  P
	Breaks []virtual.Invariant // one of these is found to be broken first
}

// FindsEveryBug plants each, least of them at least, and complains unless it is found within so many seeds as what it is: a judge is worth what he finds.
func (s *Simulation[P, C]) FindsEveryBug(t *testing.T, bugs []Bug[P], least int, within uint64) {
	t.Helper()
	names := map[string]bool{}
	for _, b := range bugs {
		if names[b.Name] {
			t.Errorf("%q stands twice", b.Name)
		}
		names[b.Name] = true
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			_, broken := s.Search(within, b.Plant)
			switch {
			case broken == nil:
				t.Fatalf("not found in %d worlds", within)
			case slices.Contains(b.Breaks, broken.Invariant):
				t.Logf("%v", broken)
			default:
				t.Errorf("found as something else: %v\n%s", broken, s.replay(t, broken))
			}
		})
	}
	if len(names) < least {
		t.Errorf("%d bugs are planted, want %d at least", len(names), least)
	}
}
