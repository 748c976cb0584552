package virtualtest

import (
	"testing"

	"usher/internal/virtual"
)

// The worlds of plant n are broken from seed n on; 0: none is.
var simulation = New("./internal/virtual/virtualtest", "people", 1, 50, func(seed uint64, _ int, plant uint64) (uint64, *virtual.Broken) {
	if plant > 0 && seed >= plant {
		return 1, &virtual.Broken{Invariant: "it holds", Seed: seed}
	}
	return 1, nil
}, func(sum *uint64, worlds uint64) { *sum += worlds })

func TestASearchEndsAtABrokenWorld(t *testing.T) {
	t.Parallel()
	if sum, found := simulation.Search(50, 0); sum != 50 || found != nil {
		t.Errorf("%d worlds of 50, broken: %v", sum, found)
	}
	if sum, found := simulation.Search(50, 7); found == nil || found.Seed < 7 || sum >= 50 {
		t.Errorf("worlds from seed 7 on are broken; after %d of them: %v", sum, found)
	}
	if _, found := simulation.Search(50, 51); found != nil {
		t.Errorf("the world of seed 51 was not to be searched: %v", found)
	}
}
