// Package virtualtest runs a simulation in many worlds, and holds its judge to bugs that are planted.
package virtualtest

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"usher/internal/virtual"
)

// Search runs the worlds of so many seeds from one on, on all processors, until one is broken, and returns the first that was. add hears what happened in
// each, one at a time.
func Search[C any](from, seeds uint64, run func(seed uint64) (C, *virtual.Broken), add func(C)) (found *virtual.Broken) {
	var next, stop atomic.Uint64
	var mu sync.Mutex // guards found, and add
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for stop.Load() == 0 {
				n := next.Add(1) - 1
				if n >= seeds {
					return
				}
				c, broken := run(from + n)
				mu.Lock()
				add(c)
				if broken != nil && (found == nil || broken.Seed < found.Seed) {
					found = broken
					stop.Store(1)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return found
}

// Bug is one that is planted.
type Bug struct {
	Name   string
	Breaks []virtual.Invariant // one of these is found to be broken first
	Search func(seeds uint64) *virtual.Broken
}

// EveryBugIsFound plants each, least of them at least, and complains unless it is found within so many seeds as what it is: a judge is worth what he finds.
// replay is how a seed is simulated again, alone.
func EveryBugIsFound(t *testing.T, bugs []Bug, least int, within uint64, replay func(seed uint64, test string) string) {
	t.Helper()
	names := map[string]bool{}
	for _, b := range bugs {
		if names[b.Name] {
			t.Errorf("%q stands twice", b.Name)
		}
		names[b.Name] = true
		t.Run(b.Name, func(t *testing.T) {
			t.Parallel()
			switch broken := b.Search(within); {
			case broken == nil:
				t.Fatalf("not found in %d worlds", within)
			case slices.Contains(b.Breaks, broken.Invariant):
				t.Logf("%v", broken)
			default:
				t.Errorf("found as something else: %v\nsimulate it again: %s", broken, replay(broken.Seed, t.Name()))
			}
		})
	}
	if len(names) < least {
		t.Errorf("%d bugs are planted, want %d at least", len(names), least)
	}
}

// Replay is how a seed of a package's simulation is simulated again, alone, with a crowd that is so large by that flag.
func Replay(pkg, flag string, crowd int) func(seed uint64, test string) string {
	return func(seed uint64, test string) string {
		return fmt.Sprintf("go test %s -run '^%s$' -v -seed %d -%s %d", pkg, test, seed, flag, crowd)
	}
}
