package simulation

import (
	"testing"

	"usher/internal/virtual/virtualtest"
)

var all = virtualtest.New("./waitroom/simulation", "visitors", 5000, worlds, Run, (*Count).Add)

// TestTheLineKeepsItsPromisesInEveryWorld: thousands of visitors, three gateways and two stores in each, and whatever the seed lets go wrong.
func TestTheLineKeepsItsPromisesInEveryWorld(t *testing.T) { all.All(t) }

func TestASeedGivesTheSameWorld(t *testing.T) {
	t.Parallel()
	all.SameWorld(t, 1000)
}
