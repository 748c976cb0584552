package catalog

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"usher/booking"
	"usher/internal/id"
)

// A feed remembers the last changes of an event within these bounds, 40 KB at most; who missed more gets a snapshot.
const (
	maxSteps   = 256
	maxChanges = 4096
)

// holdsLast is the shortest hold that can be configured: none begins and ends between two looks that are closer than that.
const holdsLast = time.Second

// lookPause is between looks at least, also while somebody else takes long over his.
const lookPause = 10 * time.Millisecond

// Message is one thing to tell those who follow an event. It is made once for all who are at the same mark.
type Message struct {
	Version int64
	All     bool   // Body is the seats body, as of Views.Seats; else {"version":…,"changes":[[index,code],…]}
	Body    []byte // JSON in one line; nobody may change it. Empty: there is nothing to tell
}

// Feed follows the seats of one event for many readers. It has no goroutine of its own: one reader calls Look, when it says, and the others
// read what it has found. A reader's place is a mark: it gets everything from there to the newest in one message, however late it comes, so
// that nothing queues up for it.
//
// Versions name a state of the seats, on whichever gateway, but for one thing: holds end by themselves, and a state with and without them
// has the same version. So codes are told as they are now and never as a difference, and who resumes at a version is told what became free
// with it even if he has seen that.
type Feed struct {
	views *Views
	event id.Event

	mu       sync.Mutex // guards all below
	drawn    *drawn
	verified time.Time
	seatsAt  time.Time
	steps    []step // the last changes, oldest first; the last is the current state
	size     int    // changes in steps
	mark     uint64 // of the last step
}

// step is a change from one picture to the next.
type step struct {
	version int64
	changes []change
	resumed bool // whether one may resume here: this is the first that we saw of its version, soon after what was before
}

// change is a seat that has another code now, or had one in between.
type change struct {
	seat  int32
	freed bool // it is free now: the last of that may have been the end of a hold, which does not change the version
}

// Feed starts to follow an event. Errors as of Event.
func (v *Views) Feed(ctx context.Context, e id.Event) (*Feed, error) {
	f := &Feed{views: v, event: e}
	if _, err := f.Look(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// Look looks at the event and says when it wants to be called again. booking.ErrEventNotFound when there is no such event (any more); any
// other error means that nothing new could be learnt.
func (f *Feed) Look(ctx context.Context) (again time.Duration, err error) {
	s, err := f.views.look(ctx, f.event)
	if err != nil {
		return seatsEvery, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.drawn != s.drawn {
		f.move(s.drawn, s.seatsAt.Sub(f.seatsAt) < holdsLast)
	}
	f.verified, f.seatsAt = s.verified, s.seatsAt
	return max(s.checkAt.Sub(f.views.Now()), lookPause), nil
}

// move makes next the current picture. close says that it comes soon after the one before.
func (f *Feed) move(next *drawn, close bool) {
	last := f.drawn
	f.drawn = next
	f.mark++
	if last == nil || len(next.codes) != len(last.codes) || next.seats.Version < last.seats.Version {
		f.steps, f.size = []step{{version: next.seats.Version}}, 0 // nobody can go on from what was before
		return
	}
	changes := difference(last.picture, next.picture)
	f.steps = append(f.steps, step{next.seats.Version, changes, close && next.seats.Version != last.seats.Version})
	f.size += len(changes)
	drop := 0
	for drop < len(f.steps)-1 && (len(f.steps)-drop > maxSteps || f.size > maxChanges) {
		f.size -= len(f.steps[drop].changes)
		drop++
	}
	f.steps = slices.Delete(f.steps, 0, drop)
}

// difference is what has changed from one picture to the next. A seat that is held in both is in it when the first hold has ended: it was
// free in between, which somebody may have seen elsewhere.
func difference(last, next *picture) (changes []change) {
	for i, code := range next.codes {
		if was := last.codes[i]; was != code {
			changes = append(changes, change{int32(i), code == codeFree})
		}
	}
	for i, end := range last.seats.Holds {
		if i < len(next.codes) && last.seats.States[i] == booking.SeatFree && last.codes[i] == codeHeld && next.codes[i] == codeHeld && !end.After(next.seats.Now) {
			changes = append(changes, change{seat: int32(i)})
		}
	}
	return changes
}

// Mark is the place of a reader who has everything.
func (f *Feed) Mark() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mark
}

// Stale is the age of what the feed knows, when that could not be checked lately; else 0. Version is that of what it knows.
func (f *Feed) Stale() (version int64, age time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if age = f.views.Now().Sub(f.verified); age <= staleAfter {
		age = 0
	}
	return f.drawn.seats.Version, age
}

// Since returns what a reader at a mark has missed, and his new mark.
func (f *Feed) Since(mark uint64) (Message, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	missed := f.mark - mark // steps
	if mark > f.mark || missed >= uint64(len(f.steps)) {
		return f.all(), f.mark
	}
	if missed == 0 {
		return Message{}, f.mark
	}
	return f.changes(f.steps[len(f.steps)-int(missed):], nil), f.mark
}

// Begin returns what somebody is told first who has seen a version before, and his mark: the changes since, when they are remembered, and
// all seats otherwise. Whatever is not one of our versions, as it may come from outside, is none.
func (f *Feed) Begin(seen string) (Message, uint64) {
	version, err := strconv.ParseInt(seen, 10, 64)
	f.mu.Lock()
	defer f.mu.Unlock()
	at := slices.IndexFunc(f.steps, func(s step) bool { return s.version == version })
	if err != nil || at < 0 || !f.steps[at].resumed {
		return f.all(), f.mark
	}
	return f.changes(f.steps[at+1:], f.steps[at].changes), f.mark
}

// all is the whole state. The body is the one that Seats answers with.
func (f *Feed) all() Message {
	return Message{f.drawn.seats.Version, true, f.drawn.view(seatMapPage, (*picture).seatMap).Body}
}

// changes puts steps together: every seat in them once, with its code of now, and what became free in the step before them.
func (f *Feed) changes(steps []step, before []change) Message {
	var seats []int32
	for _, c := range before {
		if c.freed {
			seats = append(seats, c.seat)
		}
	}
	for _, s := range steps {
		for _, c := range s.changes {
			seats = append(seats, c.seat)
		}
	}
	if len(seats) == 0 {
		return Message{}
	}
	slices.Sort(seats)
	seats = slices.Compact(seats)
	const each = 9 // bytes of a change, about
	if each*len(seats) > 100+len(f.drawn.codes) {
		return f.all() // that is shorter
	}
	b := make([]byte, 0, 64+each*len(seats))
	b = strconv.AppendInt(append(b, `{"version":`...), f.drawn.seats.Version, 10)
	b = append(b, `,"changes":[`...)
	for i, seat := range seats {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, '['), int64(seat), 10)
		b = append(b, ',', f.drawn.codes[seat], ']')
	}
	return Message{Version: f.drawn.seats.Version, Body: append(b, "]}"...)}
}
