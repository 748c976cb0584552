package pgtext

import (
	"testing"

	"usher/search/searchtest"
)

func TestEngine(t *testing.T) {
	t.Parallel()
	searchtest.Run(t, func(t testing.TB) searchtest.Town { return newTown(t) })
}

// Few candidates at a time make many tranches. Words are found here by weeks, one at a time, and then by the index of words in all that is left;
// in TestEngine, whose towns are small, along the dates.
func TestEngineInSmallTranches(t *testing.T) {
	t.Parallel()
	searchtest.Run(t, func(t testing.TB) searchtest.Town {
		w := newTown(t)
		w.candidates = 7
		w.plan = func(density, int) (way, int) { return byWeeks, 1 }
		return w
	})
}

// Each word is first sought in names and places of venues and in events' own words, and all that is found is read at once.
func TestEngineWhereWordsCanBe(t *testing.T) {
	t.Parallel()
	searchtest.Run(t, func(t testing.TB) searchtest.Town {
		w := newTown(t)
		w.narrowing = narrowing{own: sampleSize}
		w.plan = func(density, int) (way, int) { return byWords, 0 }
		return w
	})
}
