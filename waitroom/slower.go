package waitroom

import "time"

// Slower is why somebody waits longer than he was told.
type Slower string

// The reasons. The zero value: he does not.
const (
	SlowerPace   Slower = "pace"    // the operator has lowered the pace
	SlowerBusy   Slower = "busy"    // what is behind the doors is slow, so the pace is lower
	SlowerPaused Slower = "paused"  // he had paused the line
	SlowerFault  Slower = "fault"   // the line stood still because a store was away, or was restored
	SlowerStock  Slower = "stock"   // nothing was left to sell for a while
	SlowerFull   Slower = "full"    // those inside take longer, and the room is full
	SlowerOthers Slower = "present" // of those ahead fewer have gone away than before
)

const (
	slowerEvery  = 10 * time.Second // promises are remembered so often
	slowerSpan   = 10 * time.Minute // and so long: then the slower line is what people know
	slowerSize   = int(slowerSpan / slowerEvery)
	slowerLeast  = 10               // calls that a promise was measured by
	slowerShare  = 0.25             // a wait is longer by more than that part of it,
	slowerAsked  = 0.9              // gateways that ask for less than that part of the pace explain it
	slowerLate   = 60 * time.Second // and by more than that: less is noise
	slowerFullOf = time.Minute      // of this time the room was full for half
	standsLeast  = 10               // calls that might have come, and none did: the line stands
)

// promise is what the line was thought to do: its watermark at that time, and the pace in calls a second that went into estimates.
type promise struct {
	at        time.Time
	watermark int64
	pace      float64
	limit     float64 // of the room, calls a minute
}

// slowing finds out whether people wait longer than they were told, and why. It remembers what the line promised in the last ten minutes and what has
// happened to it since. Only one goroutine may use it.
type slowing struct {
	promises               [slowerSize]promise
	count                  int
	paused, fault, soldOut time.Time // when it was so last
	full                   float64   // share of the last minute, as a decaying mean
	incarnation            int64
}

// slower is what a view knows of it: the promises that are kept no longer, the newest first.
type slower []broken

type broken struct {
	promise
	why Slower
}

// see takes a newer view of a room. before is when the line was heard last.
func (s *slowing) see(v *view, room *Room, before, now time.Time) slower {
	if now.Sub(before) > frozenAfter || s.incarnation != 0 && v.Incarnation > s.incarnation {
		s.fault = now
	}
	s.incarnation = v.Incarnation
	if room.State == Paused {
		s.paused = now
	}
	if v.Stock.SoldOut() {
		s.soldOut = now
	}
	share := min(1, now.Sub(before).Seconds()/slowerFullOf.Seconds())
	full := 0.0
	if v.Waiting > 0 && v.Active+v.Called >= room.Capacity {
		full = 1
	}
	s.full += share * (full - s.full)
	if last := s.promises[max(0, s.count-1)%slowerSize]; v.pace > 0 && v.moved >= slowerLeast && now.Sub(last.at) >= slowerEvery {
		s.promises[s.count%slowerSize] = promise{now, v.Watermark - v.Hollow(0, v.Watermark), v.pace, room.CallsPerMinute}
		s.count++
	}
	var out slower
	for n := s.count - 1; n >= max(0, s.count-slowerSize); n-- {
		// how late a number is goes up or down along the line: if neither its first nor its last is late, nobody is
		if p := s.promises[n%slowerSize]; now.Sub(p.at) <= slowerSpan && (p.late(v, 1, now) || p.late(v, int64(v.Waiting), now)) {
			out = append(out, broken{p, s.reason(p, v, room)})
		}
	}
	return out
}

// reason is what has happened since a promise that explains best why it is not kept.
func (s *slowing) reason(p promise, v *view, room *Room) Slower {
	switch {
	case room.CallsPerMinute < p.limit:
		return SlowerPace
	case v.Pace < slowerAsked*p.pace:
		return SlowerBusy
	case s.paused.After(p.at):
		return SlowerPaused
	case s.fault.After(p.at):
		return SlowerFault
	case s.soldOut.After(p.at):
		return SlowerStock
	case s.full > 0.5:
		return SlowerFull
	}
	return SlowerOthers
}

// late reports whether a number with so many turns until its own is over is called later than was promised: by more than a quarter, and by more than a minute.
func (p promise) late(v *view, turns int64, now time.Time) bool {
	if v.pace <= 0 {
		return v.stands
	}
	moved := v.Watermark - v.Hollow(0, v.Watermark) - p.watermark
	due := float64(turns+moved) / p.pace // in all, from then
	late := now.Sub(p.at).Seconds() + float64(turns)/v.pace - now.Sub(v.heard).Seconds() - due
	return late > max(slowerLate.Seconds(), due*slowerShare)
}

// than is why somebody with so many turns until his own is over, who has his place since joined, waits longer than he was told; "" if he does not.
func (s slower) than(v *view, turns int64, joined, now time.Time) Slower {
	for _, b := range s {
		if !joined.After(b.at) && b.late(v, turns, now) {
			return b.why
		}
	}
	return ""
}
