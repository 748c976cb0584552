package main

import (
	"fmt"
	"time"

	"usher/waitroom/pace"
)

// Outcome is what came of a run, in the terms of its criterion.
type Outcome struct {
	Late      float64       // share of the calls from Criterion.Settled on until the end of the trouble
	Settled   time.Duration // after the end of the trouble: when calls were late for the last time, at the mean of a minute
	Inside    int           // people, at most
	Paying    int           // payments under way, at most
	Back      time.Duration // after the end of the trouble: when the pace was below nine tenths for the last time
	Overshoot float64       // by which share the pace rose above what could be served, after it had come below it first; 0 for never, or where nothing bounds it
}

// Judge says what came of a run.
func (s Scenario) Judge(seen []Sample) (o Outcome) {
	calls, below := 0, false
	bound := s.Serves / (3 * buys) // people a second whose purchases can be served
	if s.Pays > pays {
		bound = min(bound, payers/s.Pays.Seconds()/buys)
	}
	for i, x := range seen {
		o.Inside, o.Paying = max(o.Inside, x.Inside), max(o.Paying, x.Paying)
		trouble := x.At > s.From && x.At <= s.To
		if trouble && x.At > s.From+s.Criterion.Settled {
			o.Late, calls = o.Late+min(1, x.Late), calls+1
		}
		if trouble && bound > 0 {
			below = below || x.Pace < bound
			if below {
				o.Overshoot = max(o.Overshoot, x.Pace/bound-1)
			}
		}
		if x.At > s.To && mean(seen[max(0, i-11):i+1]) > s.Criterion.Late {
			o.Settled = x.At - s.To
		}
		if x.At > s.To && x.Pace < 0.9*mostPace {
			o.Back = x.At - s.To
		}
	}
	o.Late /= float64(max(1, calls))
	return o
}

// mean is the share of late calls in a minute.
func mean(seen []Sample) (late float64) {
	for _, x := range seen {
		late += min(1, x.Late)
	}
	return late / float64(time.Minute/pace.Every)
}

// Misses says how an outcome misses its criterion.
func (c Criterion) Misses(o Outcome) (misses []string) {
	miss := func(bad bool, format string, a ...any) {
		if bad {
			misses = append(misses, fmt.Sprintf(format, a...))
		}
	}
	miss(o.Late > c.Late, "%.0f %% of the calls late from %s on, want %.0f %%", 100*o.Late, c.Settled, 100*c.Late)
	miss(o.Settled > c.After, "calls late until %s after the end, want %s", o.Settled, c.After)
	miss(o.Inside > c.Inside, "%d people inside, want %d", o.Inside, c.Inside)
	miss(o.Paying > c.Paying, "%d payments under way, want %d", o.Paying, c.Paying)
	miss(o.Back > c.Back, "the pace is back after %s, want %s", o.Back, c.Back)
	return misses
}
