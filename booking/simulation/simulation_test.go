package simulation

import (
	"testing"

	"usher/internal/virtual/virtualtest"
)

var all = virtualtest.New("./booking/simulation", "fans", 40, worlds, Run, (*Count).Add)

// TestSeatsAreSoldOnceInEveryWorld: three workers, two cashiers, and people who want the same seats, and whatever the seed lets go wrong.
func TestSeatsAreSoldOnceInEveryWorld(t *testing.T) { all.All(t) }

func TestASeedGivesTheSameWorld(t *testing.T) {
	t.Parallel()
	all.SameWorld(t, 40)
}
