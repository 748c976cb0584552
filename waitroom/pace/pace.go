// Package pace decides how many people a room calls a minute, between the operator's least and most, by the health of what is behind the door. It is pure: no I/O,
// no clock; time is handed in. It works in minutes, for whoever is called buys minutes later; within seconds the desk protects itself (package booking/limit).
//
// What is behind a door is quick until it is full, and then slow at once: how bad it is says little about how much too fast the door is. So the controller looks for the
// edge as TCP looks for that of a network it does not know. It is CUBIC (RFC 9438): trouble lowers the pace to a share of itself, once in the time that it takes to
// be felt; thereafter the pace comes back soon to near where the trouble began, stays about there, and tries more only later. The room's most is never left while
// there is no trouble, and the curve does not run on while the pace is at its most or its least, so that nothing winds up.
package pace

import (
	"math"
	"time"
)

// Health is how what is behind the door has been doing lately. The zero Health is perfect.
type Health struct {
	Latency   time.Duration // of a command to the booking core until it was decided, at the mean
	Late      float64       // 0 to 1: of the calls to hold, book and pay those that were refused as too many, failed, or were not decided in time
	Lag       time.Duration // how old what the booking core tells is when it arrives
	PoolWait  time.Duration // for a connection of the database, at the mean
	Unsettled float64       // of the payments that began lately, by how many more they are than those that ended: 0.5 for three that began and two that ended
}

// Tolerable is what may be; more of any of them slows the door down.
var Tolerable = Health{
	Latency: time.Second, // half of what a caller waits for
	Late:    0.05,
	Lag:     5 * time.Second,
	// A statement takes a millisecond or two: somebody who waits a tenth of a second for his has fifty before him.
	PoolWait:  100 * time.Millisecond,
	Unsettled: 0.1,
}

// Pressure is the worst part of a health, in units of what is tolerable: above 1 the door is too fast. At most MostPressure.
func (h Health) Pressure() float64 {
	worst := max(
		h.Latency.Seconds()/Tolerable.Latency.Seconds(), h.Late/Tolerable.Late, h.Lag.Seconds()/Tolerable.Lag.Seconds(),
		h.PoolWait.Seconds()/Tolerable.PoolWait.Seconds(), h.Unsettled/Tolerable.Unsettled,
	)
	return min(max(worst, 0), MostPressure)
}

// How a pace moves. The figures are those whose step responses docs/pacing.md shows.
const (
	Every        = 5 * time.Second  // between two steps
	MostPressure = 3.0              // what is worse is no worse
	filter       = 15 * time.Second // a pressure of this age counts by 1/e: single slow seconds are no trouble
	felt         = 90 * time.Second // whoever is called buys a minute or two later: so long after it was lowered the pace is not lowered again
	beta         = 0.7              // what trouble leaves of the pace (RFC 9438, section 4.6)
	flat         = 4 * time.Minute  // from trouble at the most until the pace is back there (K of section 4.2)
)

// climb is how much of the most the pace rises a second at most, whatever the curve says: what it is too much is felt late.
const climb = 0.08 / 60

// steep is C of RFC 9438, section 4.2, in shares of the most a cubic second.
var steep = (1 - beta) / math.Pow(flat.Seconds(), 3)

// Pace is the state of one room's controller. The zero Pace is that of a room at its most.
type Pace struct {
	lack     float64       // of the share of the most: 0 is all of it
	edge     float64       // the share at which the trouble began, 0 for none
	since    time.Duration // then
	pressure float64       // filtered
}

// At is the state of a controller that goes on at a share of the most, 0 to 1: of a gateway that takes over from others.
func At(share float64) Pace {
	share = min(1, max(share, 0))
	if share == 1 {
		return Pace{}
	}
	return Pace{lack: 1 - share, edge: share, since: time.Duration(back(share) * float64(time.Second))}
}

// back is how many seconds after trouble at a share the pace is there again.
func back(edge float64) float64 { return math.Cbrt(edge * (1 - beta) / steep) }

// Next is the state after a time in which such a pressure was seen, of a room whose least pace is a share of its most, 0 to 1.
func (p Pace) Next(pressure float64, after time.Duration, least float64) Pace {
	p.pressure += (pressure - p.pressure) * (1 - math.Exp(-after.Seconds()/filter.Seconds()))
	p.since += after
	share := p.Share(least)
	switch {
	case p.pressure > 1 && (p.edge == 0 || p.since >= felt):
		if share < p.edge { // there is less room than before: leave some to others (fast convergence, section 4.7)
			p.edge = share * (1 + beta) / 2
		} else {
			p.edge = share
		}
		p.since, share = 0, share*beta
	case p.pressure > 1: // what was done is not felt yet
	case p.edge > 0:
		t := p.since.Seconds() - back(p.edge)
		share = max(share, min(p.edge+steep*t*t*t, share+climb*after.Seconds()))
	}
	share = min(1, max(share, least))
	if share == 1 {
		p.edge, p.since = 0, 0
	}
	p.lack = 1 - share
	return p
}

// Share is the pace as a share of the most: least to 1.
func (p Pace) Share(least float64) float64 { return min(1, max(least, 1-p.lack)) }

// Late is the share of late calls, as Health has it, as if there had been 20 more that were not: a single one of few says nothing.
func Late(calls, late int64) float64 {
	return float64(max(0, late)) / float64(max(0, calls)+20)
}

// Unsettled is by how many more payments began than ended in Window, as Health has it, less what may be chance: the standard deviation of the difference of two
// Poisson counts. Fewer than 50 say nothing.
func Unsettled(began, ended int) float64 {
	if began < fewPayments {
		return 0
	}
	return max(0, float64(began-ended)-math.Sqrt(float64(began+ended))) / float64(max(1, ended))
}

const fewPayments = 50

// Window is the time that payments are counted in.
const Window = time.Minute
