package desk

import (
	"sync/atomic"
	"time"
)

// Load is what a desk has done since it began, for those who slow the door down.
type Load struct {
	Calls   int64         // to hold, book, pay and change
	Late    int64         // of them those that were refused as too many, that a store failed, or that were not decided in time
	Decided int64         // commands to the booking core, also those whose callers have given up
	Took    time.Duration // until they were decided, or given up, in all
}

// load counts it.
type load struct{ calls, late, decided, took atomic.Int64 }

// Load returns what the desk has done.
func (d *Desk) Load() Load {
	return Load{d.load.calls.Load(), d.load.late.Load(), d.load.decided.Load(), time.Duration(d.load.took.Load())}
}

// enter takes a place at a gate, which leave gives back. booking.ErrOverloaded.
func (d *Desk) enter(g *gate, first bool) (leave func(), err error) {
	d.load.calls.Add(1)
	if leave, err = g.enter(first); err != nil {
		d.load.late.Add(1)
	}
	return leave, err
}
