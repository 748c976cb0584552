package simulation

import (
	"time"

	"usher/internal/id"
	"usher/internal/virtual"
	"usher/waitroom"
)

// Scenario is a line whose estimates are scored: everything goes well but for what the scenario changes.
type Scenario struct {
	Name   string
	change func(*scene)  // what happens
	after  time.Duration // when
	shows  time.Duration // how long after that it can be seen
	absent int           // of the first so many numbers nobody comes
}

// Score is how often a range held what came.
type Score struct {
	Told, Held, Low, High int // estimates; those that were right; where the wait was shorter; longer
}

// Share is the share of estimates that were right.
func (s Score) Share() float64 { return float64(s.Held) / float64(max(1, s.Told)) }

// forecast is an estimate that somebody was told.
type forecast struct {
	at       time.Duration
	number   int64
	low, top time.Duration
}

// A line of the scenarios: it lasts for a third of an hour.
const (
	lineSize = 3000
	linePace = 2.5 // calls a second
)

// Forecast lets a crowd wait in a scenario, and scores the estimates that it is told after the change can be seen, with ranges as many times as wide
// as they are told.
func Forecast(seed uint64, c Scenario, width float64) (sum Score, broken *Broken) {
	s := &scene{World: virtual.New(seed), seed: seed, visitors: lineSize}
	defer s.End()
	s.weather = weather{
		rate: linePace, stay: 20 * time.Second, session: 2 * time.Minute, grace: 2 * time.Minute, floor: 2 * time.Second, limit: time.Minute,
		arrivals: 30 * time.Second, block: 100_000, capacity: 200,
	}
	s.begins()
	called := make(map[int64]time.Duration, lineSize)
	s.judge.calls = func(number int64) { called[number] = s.Now }
	var told []forecast
	s.judge.tells = func(line waitroom.Line) {
		if line.Estimate != nil && s.Now >= c.after+c.shows {
			told = append(told, forecast{s.Now, line.Place.Number, line.Estimate.Low, line.Estimate.High})
		}
	}
	s.left = lineSize
	for n := range lineSize {
		f := &fan{s: s, v: id.Visitor{0: 1, 14: byte(n >> 8), 15: byte(n)}, by: -1}
		if n < c.absent {
			f.habit = silent
			s.After(time.Second, f.arrive)
			continue
		}
		s.After(2*time.Second+s.UpTo(0, s.arrivals), f.arrive)
		s.fans = append(s.fans, f)
	}
	if c.change != nil {
		s.After(c.after, func() { c.change(s) })
	}
	s.Run(2*time.Hour, func() bool { return s.judge.broken != nil || s.left == 0 })
	for _, f := range told {
		at, was := called[f.number]
		if !was {
			continue
		}
		sum.Told++
		middle, half := float64(f.low+f.top)/2, width*float64(f.top-f.low)/2
		switch wait := float64(at - f.at); {
		case wait < middle-half:
			sum.Low++
		case wait > middle+half:
			sum.High++
		default:
			sum.Held++
		}
	}
	return sum, s.judge.broken
}

// paces changes the pace.
func paces(factor float64) func(*scene) {
	return func(s *scene) { s.pace(s.rate * factor) }
}

// Scenarios are those whose estimates are scored.
func Scenarios() []Scenario {
	const at = 4 * time.Minute
	return []Scenario{
		{Name: "steady", after: time.Minute},
		{Name: "rate halved", change: paces(0.5), after: at, shows: 15 * time.Second},
		{Name: "rate doubled", change: paces(2), after: at, shows: 15 * time.Second},
		{Name: "paused for three minutes and resumed", change: func(s *scene) {
			s.order(waitroom.Open, waitroom.Paused)
			s.After(3*time.Minute, func() { s.order(waitroom.Paused, waitroom.Open) })
		}, after: at, shows: 3*time.Minute + 15*time.Second},
		{Name: "two in five leave", change: func(s *scene) {
			for _, f := range s.fans {
				if s.IntN(5) < 2 {
					f.habit = leaver
				}
			}
		}, after: at, shows: 150 * time.Second}, // they ask once more within 75 s, a minute of speed, and 15 s as elsewhere
		{Name: "those at the front do not come", absent: 600, after: 100 * time.Second}, // it takes the longest that a poll speaks for somebody, 85 s, and some
	}
}
