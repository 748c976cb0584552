package generate

import (
	"math"
	"math/rand/v2"
	"time"
)

// weekdays and seasons are how many events a day has beside others: Sunday and January first. They are estimates, not measured.
var (
	weekdays = [7]float64{1.05, 0.5, 0.7, 0.8, 1, 1.4, 1.55}
	seasons  = [12]float64{0.8, 0.9, 1.05, 1.05, 1.05, 1, 0.85, 0.8, 1.05, 1.1, 1.15, 1.1}
)

// perDay spreads the events over the days, exactly.
func (o Options) perDay() []int {
	weights := make([]float64, o.Days)
	for d := range weights {
		day := o.From.AddDate(0, 0, d)
		weights[d] = weekdays[day.Weekday()] * seasons[day.Month()-1]
	}
	counts, sum, given := make([]int, o.Days), 0.0, 0
	for d, n := range share(float64(o.Events), float64(aDay*o.Venues), weights) {
		sum += n
		counts[d] = int(math.Round(sum)) - given
		if d == o.Days-1 {
			counts[d] = o.Events - given
		}
		given += counts[d]
	}
	return counts
}

// slot is a place in the calendar of a day: venue × 2, and 1 for the matinée.
type slot int

// drawSlots takes n different slots of a day: systematic sampling with unequal probabilities (Madow 1949), which takes exactly n, each by its
// weight. Venues stand in no order, so their neighbourhood means nothing.
func (c *Catalog) drawSlots(rng *rand.Rand, n int, weekday time.Weekday) (out []slot) {
	weights := make([]float64, aDay*len(c.venues))
	weekend := weekday == time.Saturday || weekday == time.Sunday
	for i, v := range c.venues {
		matinee := 0.04
		switch {
		case v.kind.member == "club" || v.kind == &stadium:
			matinee = 0.001 // only when all else is full
		case weekend:
			matinee = 0.35
		}
		weights[2*i], weights[2*i+1] = v.busy, v.busy*matinee
	}
	next, sum := rng.Float64(), 0.0
	for i, p := range share(float64(n), 1, weights) {
		if sum += p; sum > next && len(out) < n {
			out = append(out, slot(i))
			next++
		}
	}
	for i := len(weights) - 1; len(out) < n; i-- { // the last one fell to rounding
		if len(out) == 0 || out[len(out)-1] < slot(i) {
			out = append(out, slot(i))
		}
	}
	return out
}

// time of an event in its category: when it may start, in minutes from midnight, and how long it takes, in minutes.
type hours struct {
	starts      []int
	least, most int
}

const (
	matineeFrom, matineeTo = 11 * 60, 17*60 + 30
	eveningFrom, eveningTo = 18*60 + 30, 26 * 60
)

var evenings = map[string]hours{
	"concert":   {[]int{1140, 1170, 1200, 1200, 1230, 1260}, 100, 180},
	"classical": {[]int{1140, 1170, 1170, 1200}, 90, 140},
	"theatre":   {[]int{1140, 1170, 1170, 1200}, 90, 180},
	"musical":   {[]int{1140, 1170, 1170}, 140, 170},
	"comedy":    {[]int{1170, 1200, 1200, 1230, 1260}, 70, 110},
	"dance":     {[]int{1140, 1170, 1200}, 70, 120},
	"family":    {[]int{1110}, 60, 90},
	"talk":      {[]int{1110, 1140, 1170}, 60, 100},
	"football":  {[]int{1110, 1185, 1200, 1245}, 115, 115},
}

var afternoons = hours{[]int{660, 840, 870, 900}, 60, 150}

// draw picks a start and a length, in steps of five minutes.
func (h hours) draw(rng *rand.Rand) (start, length int) {
	return h.starts[rng.IntN(len(h.starts))], h.least + rng.IntN((h.most-h.least)/5+1)*5
}

// run is an act that plays the same venue on its next evenings.
type run struct {
	act      *act
	category string
	left     int // evenings
	last     int // the day that it has played
}

// nights says how many evenings a run of a category takes at most.
var nights = map[string]int{"theatre": 14, "musical": 28, "dance": 4, "family": 4, "comedy": 3, "classical": 2, "concert": 1, "talk": 1, "football": 1}

// pause is how many days may lie between two evenings of a run; after more, something new begins.
const pause = 6
