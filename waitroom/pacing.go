package waitroom

import (
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/waitroom/pace"
)

const (
	paceAge   = 2 * time.Second // eight steps of a gateway that asks for less: then it has no trouble any more, or is no more
	beginAge  = time.Minute     // whoever begins knows of no trouble yet, and goes on as the others did
	leastPace = 0.05            // of the most, where the operator has set no least
)

var pressure = metrics.NewGauge("usher_door_pressure_ratio", nil) // of this gateway; above 1 its doors slow down

// pacer is a gateway's opinion of a room's pace.
type pacer struct {
	pace pace.Pace
	at   time.Time // of the last step; zero: before the first
}

// Follow lets the pace of every room follow the health of what is behind the doors, as health tells it whenever it is asked. It must come before Run.
func (k *Keeper) Follow(health func() pace.Health) { k.health = health }

// ask says how fast this gateway would have a room called. The line goes by the slowest of all.
func (k *Keeper) ask(l *live, room *Room, rules *CallRules) {
	now, v, least := k.now(), l.view.Load(), room.leastPace()
	rules.PerSecond, rules.PaceAge, rules.Most = room.perSecond(), paceAge, room.perSecond()
	if v == nil {
		rules.PaceAge = beginAge
		return
	}
	switch p := &l.pacer; {
	case p.at.IsZero():
		p.pace, p.at = pace.At(v.Pace/room.perSecond()), now
	case now.Sub(p.at) >= pace.Every:
		pressed := k.health().Pressure()
		pressure.Set(pressed)
		p.pace, p.at = p.pace.Next(pressed, min(now.Sub(p.at), 2*pace.Every), least), now // a process that stood still has seen nothing
	}
	rules.PerSecond *= l.pacer.pace.Share(least)
}

// leastPace is the share of its most that a room's pace is never below.
func (r *Room) leastPace() float64 {
	if r.MinCallsPerMinute <= 0 {
		return leastPace
	}
	return min(1, r.MinCallsPerMinute/r.CallsPerMinute)
}
