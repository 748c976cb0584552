package simulation

import "testing"

// TestEstimatesHoldWhatComes: of the ranges that people are told after a change can be seen, nine in ten or a little less hold the wait that comes.
func TestEstimatesHoldWhatComes(t *testing.T) {
	t.Parallel()
	for _, c := range Scenarios() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var all Score
			for seed := uint64(1); seed <= 3; seed++ {
				sum, broken := Forecast(seed, c)
				if broken != nil {
					t.Fatal(broken)
				}
				all.Told, all.Held, all.Low, all.High = all.Told+sum.Told, all.Held+sum.Held, all.Low+sum.Low, all.High+sum.High
			}
			t.Logf("%+v: %.1f %% hold", all, 100*all.Share())
			if all.Told < 10_000 || all.Share() < leastShare || all.Share() > mostShare {
				t.Errorf("%.1f %% of %d estimates hold what comes, want %v to %v %%", 100*all.Share(), all.Told, 100*leastShare, 100*mostShare)
			}
		})
	}
}

const (
	leastShare = 0.85
	mostShare  = 1 // ranges are wider than they need be: 93 to 99 % hold
)
