package gateway

import (
	"fmt"
	"math"
	"time"

	"usher/gateway/lang"
	"usher/waitroom"
)

// maxOpening is how long a page without a script waits at most until it looks again whether a room has opened.
const maxOpening = time.Minute

// title is the document's, which a fan reads on the tab while he does something else.
func (d *roomPage) title(l *lang.Lang) string {
	switch {
	case d.Kind == roomTurn:
		return l.T("room.title.turn", "name", d.Name)
	case d.Kind == roomIn:
		return l.T("room.title.in", "name", d.Name)
	case d.Kind == roomLine && d.Line.Position > 0:
		return l.T("room.title.line", "n", d.Line.Position, "name", d.Name)
	}
	return d.Name
}

// Refresh is after how many seconds a page without a script asks again; 0: it stays as it is. It stays while there is a button to press: that
// must not move under the finger.
func (d *roomPage) Refresh() int {
	switch {
	case d.Kind == roomLine:
		return max(seconds(d.Line.PollAfter), d.Wait)
	case d.Kind == roomIn:
		return seconds(d.Until.Sub(d.Now)) + 1
	case d.Kind == roomOut && d.Opens() && d.Notice == "" && d.Problem == nil:
		return seconds(min(d.OpensAt.Sub(d.Now), maxOpening)) + 1
	}
	return 0
}

// Again is the address that shows where he stands now. It remembers the last position, which never rises, and the first.
func (d *roomPage) Again() string {
	to := "/rooms/" + d.Room.Room
	if d.Line == nil || d.Line.Position == 0 {
		return to
	}
	return fmt.Sprintf("%s?shown=%d&from=%d", to, d.Line.Position, d.From)
}

// Opens reports whether the room waits for its opening.
func (d *roomPage) Opens() bool {
	return !d.OpensAt.IsZero() && (d.State == waitroom.Scheduled || d.State == waitroom.PreQueue)
}

// Closed is the word for why nobody can join; "" when everybody can.
func (d *roomPage) Closed() string {
	switch {
	case d.Method == waitroom.Reject, d.State == waitroom.Ended:
		return "room.closed.ended"
	case d.State == waitroom.Draining:
		return "room.closed.draining"
	case d.State == waitroom.Open, d.State == waitroom.Paused:
		return ""
	}
	return "room.closed.scheduled"
}

// Straight reports whether the seats can be had without a line.
func (d *roomPage) Straight() bool { return !d.Active || d.Method == waitroom.Passthrough }

// Ahead is how many people stand before him.
func (d *roomPage) Ahead() int { return int(max(d.Line.Position-1, 0)) }

// Passed is how much of his way he has behind him, out of From.
func (d *roomPage) Passed() int64 { return max(d.From-d.Line.Position, 0) }

// PaceNow is how many people a minute are let in, as measured, rounded; 0 while nobody waits: it says how many come then, and not how many may.
func (d *roomPage) PaceNow() int {
	if d.Waiting == 0 {
		return 0
	}
	return int(math.Round(d.Pace))
}

// Paused reports whether the operator has stopped the line.
func (d *roomPage) Paused() bool { return d.State == waitroom.Paused }

// Lapsed reports whether the time to enter may be over. Only entering tells: late is better than never while there is room.
func (d *roomPage) Lapsed() bool {
	return !d.Line.EnterBefore.IsZero() && d.Now.After(d.Line.EnterBefore)
}

// Over reports whether the line will never move again.
func (d *roomPage) Over() bool { return d.Kind == roomOut && d.Closed() == "room.closed.ended" }

// Estimate is how long he will wait; nil while nobody is called, for then nobody can know.
func (d *roomPage) Estimate() *waitroom.Estimate {
	if d.Line.Degraded || d.Line.State == waitroom.StandSoldOut {
		return nil
	}
	return d.Line.Estimate
}

// Unknown is the word for an estimate that is not there.
func (d *roomPage) Unknown() string {
	if d.Paused() {
		return "room.wait.paused"
	}
	return "room.wait.unknown"
}

// Left is how many tickets are left to sell.
func (d *roomPage) Left() int64 { return int64(max(d.Line.TicketsLeft, 0)) }

// WaitFor is Wait as a duration.
func (d *roomPage) WaitFor() time.Duration { return time.Duration(d.Wait) * time.Second }

// Inside is where entering leads: to the seats, or to the list of them where there are several.
func (d *roomPage) Inside() string { return insideOf(d.Room) }

func insideOf(r waitroom.Room) string {
	if len(r.Events) == 1 {
		return "/events/" + r.Events[0].String() + "/seats"
	}
	return "/rooms/" + r.Room
}
