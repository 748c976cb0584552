package generate

import (
	"math"
)

// dollars is what the best seats of a category cost in a hall where events are common.
var dollars = map[string]float64{
	"concert": 48, "classical": 64, "theatre": 58, "musical": 75, "comedy": 38, "dance": 55, "family": 24, "talk": 26, "football": 34,
}

const mostDollars = 140 // prices have to fit where a dollar is a million and a half minor units

// price is what the levels cost: by what is played, where, and by whom, and less in countries where people have less to spend.
func (v *venue) price(category string, a *act, market float64) map[string]int {
	best := math.Min(dollars[category]*v.kind.dear*a.fame*math.Min(0.35+float64(0.15*market), 1.05), mostDollars)
	out := map[string]int{}
	for level, part := range map[string]float64{"A": 1, "B": 0.74, "C": 0.52, "D": 0.36} {
		if level != "D" || v.Capacity > 5000 {
			out[level] = max(2, int(math.Round(best*part)))
		}
	}
	return out
}
