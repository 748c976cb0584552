package simulation

import "testing"

const leastShare, mostShare = 0.85, 0.95

// scored is the score of some worlds of a scenario, with ranges as many times as wide as they were told.
func scored(t *testing.T, c Scenario, width float64) (all Score) {
	t.Helper()
	for seed := uint64(1); seed <= 4; seed++ {
		sum, broken := Forecast(seed, c, width)
		if broken != nil {
			t.Fatal(broken)
		}
		all.Told, all.Held, all.Low, all.High = all.Told+sum.Told, all.Held+sum.Held, all.Low+sum.Low, all.High+sum.High
	}
	if all.Told < 10_000 {
		t.Errorf("%d estimates say little", all.Told)
	}
	return all
}

// TestEstimatesHoldWhatComes: of the ranges that people are told after a change can be seen, about nine in ten hold the wait that comes.
func TestEstimatesHoldWhatComes(t *testing.T) {
	t.Parallel()
	for _, c := range Scenarios() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			all := scored(t, c, 1)
			t.Logf("%+v: %.1f %% hold", all, 100*all.Share())
			if all.Share() < leastShare || all.Share() > mostShare {
				t.Errorf("%.1f %% of the estimates hold what comes, want %v to %v %%: %+v", 100*all.Share(), 100*leastShare, 100*mostShare, all)
			}
		})
	}
}

// Control: ranges of another width are found to be dishonest, or useless.
func TestControlRangesOfAnotherWidthHoldTooLittleOrTooMuch(t *testing.T) {
	t.Parallel()
	steady := Scenarios()[0]
	if s := scored(t, steady, 0.5); s.Share() >= leastShare {
		t.Errorf("ranges of half the width hold in %.1f %%", 100*s.Share())
	}
	if s := scored(t, steady, 4); s.Share() <= mostShare {
		t.Errorf("ranges of four times the width hold in %.1f %%", 100*s.Share())
	}
}
