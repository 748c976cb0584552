package gateway

import (
	"time"

	"usher/gateway/lang"
	"usher/waitroom"
)

// roomNote is a notice about the line. All stand on the page, hidden while they are not true: the script shows one when it becomes true.
type roomNote struct {
	Name, Class, Text string
	On                bool
}

// nearly is the longest wait at which somebody is told to stay close.
const nearly = 2 * time.Minute

// slimOdds is below which chance, in per cent, somebody is told that he may get no ticket.
const slimOdds = 50

// Notes are the notices of somebody in line, the most important first.
func (d *roomPage) Notes(l *lang.Lang) []roomNote {
	line := d.Line
	sold, paused := line.State == waitroom.StandSoldOut, d.Paused()
	slim := !sold && line.Odds.Percent > 0 && line.Odds.Percent < slimOdds
	near := !sold && !slim && !paused && !line.Degraded && line.Estimate != nil && line.Estimate.High <= nearly
	return []roomNote{
		{"frozen", "warn", l.T("room.note.frozen"), line.Degraded},
		{"sold", "bad", l.T("room.note.sold"), sold},
		{"paused", "warn", l.T("room.note.paused"), paused},
		{"slim", "warn", l.T("room.note.slim"), slim},
		{"slower", "", d.slower(l), line.Slower != "" && !line.Degraded && !paused && !sold},
		{"draining", "", l.T("room.note.draining"), d.State == waitroom.Draining},
		{"near", "good", l.T("room.note.near", "a", l.Duration(line.Room.Grace)), near},
	}
}

// slower says that the wait has grown, and why, as far as that is known. The script may show it without: it remembers what this browser was told before.
func (d *roomPage) slower(l *lang.Lang) string {
	text := l.T("room.slower")
	if d.Line.Slower != "" {
		text += " " + l.T("room.slower."+string(d.Line.Slower))
	}
	return text
}

// roomLeave is the way out, which asks again.
type roomLeave struct{ Room, Ask, What, Yes string }

// Leave is the way out of the line or of the room; nil for somebody outside.
func (d *roomPage) Leave(l *lang.Lang) *roomLeave {
	switch d.Kind {
	case roomLine, roomTurn:
		return &roomLeave{d.Room.Room, l.T("room.leave"), l.T("room.leave.what"), l.T("room.leave.yes")}
	case roomIn:
		return &roomLeave{d.Room.Room, l.T("room.in.leave"), l.T("room.in.leave.what"), l.T("room.in.leave.yes")}
	}
	return nil
}
