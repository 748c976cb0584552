// Package memledger is the ledger in memory: the reference that says in plain Go what the statements of pgledger do, and the ledger of tests
// whose clock is not that of the wall. It holds no more than one process does: nothing outlives it.
package memledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"usher/waitroom"
)

// busyFor is how long nobody else may recover a line that somebody recovers.
const busyFor = time.Second

// doneUntil is how long after its end a session can still be noted as over.
const doneUntil = time.Minute

// Ledger is a ledger of some rooms. It is safe for concurrent use. Make it with New.
type Ledger struct {
	now   func() time.Time
	mu    sync.Mutex // guards all below
	rooms []waitroom.Room
	runs  map[waitroom.RunKey]*run
}

type run struct {
	incarnation, end, issued, ceiling int64
	recovered                         time.Time
	holes                             []waitroom.Hole
	admissions                        map[int64]*admission
	jtis                              map[string]*admission
}

type admission struct {
	waitroom.Admission
	over bool // noted as such
}

// New returns a ledger of the rooms, whose clock is now.
func New(now func() time.Time, rooms ...waitroom.Room) *Ledger {
	return &Ledger{now: now, rooms: slices.Clone(rooms), runs: map[waitroom.RunKey]*run{}}
}

// Rooms reads all rooms with their state.
func (l *Ledger) Rooms(context.Context) ([]waitroom.Room, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.rooms), nil
}

// PutRooms stores rules; all of them must be of rooms that exist.
func (l *Ledger) PutRooms(_ context.Context, rules []waitroom.Rules) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rules {
		at := l.room(r.Room)
		if at < 0 {
			return fmt.Errorf("room %q: %w", r.Room, waitroom.ErrRoomNotFound)
		}
		l.rooms[at].Rules = r
		l.rooms[at].Version++
	}
	return nil
}

func (l *Ledger) room(name string) int {
	return slices.IndexFunc(l.rooms, func(r waitroom.Room) bool { return r.Room == name })
}

// SetState moves a room from one state to another. waitroom.ErrInvalidTransition.
func (l *Ledger) SetState(_ context.Context, room string, from, to waitroom.State) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.room(room)
	if at < 0 || l.rooms[at].State != from {
		return waitroom.ErrInvalidTransition
	}
	r := &l.rooms[at]
	r.State = to
	r.Version++
	return nil
}

// of returns a run, which begins when it is asked for.
func (l *Ledger) of(k waitroom.RunKey) *run {
	r := l.runs[k]
	if r == nil {
		r = &run{admissions: map[int64]*admission{}, jtis: map[string]*admission{}}
		l.runs[k] = r
	}
	return r
}

// Reserve makes sure that numbers below want may be given out by that incarnation. waitroom.ErrLost.
func (l *Ledger) Reserve(_ context.Context, k waitroom.RunKey, incarnation, want int64) (end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.of(k)
	if r.incarnation == 0 || r.incarnation != incarnation {
		return 0, waitroom.ErrLost
	}
	r.end = max(r.end, want)
	return r.end, nil
}

// Note remembers how far that incarnation has given out numbers, and raises the ceiling. waitroom.ErrLost.
func (l *Ledger) Note(_ context.Context, k waitroom.RunKey, incarnation, issued, ceiling int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.of(k)
	if r.incarnation == 0 || r.incarnation != incarnation {
		return waitroom.ErrLost
	}
	r.issued, r.ceiling = max(r.issued, issued), max(r.ceiling, ceiling)
	return nil
}

// Recover begins a new incarnation with a fresh block. waitroom.ErrRecovering.
func (l *Ledger) Recover(_ context.Context, k waitroom.RunKey, issued, block int64) (m waitroom.Memory, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, now := l.of(k), l.now()
	if now.Sub(r.recovered) < busyFor {
		return m, waitroom.ErrRecovering
	}
	if from := max(r.issued, issued); from < r.end {
		if n := len(r.holes); n > 0 && r.holes[n-1].Past == from {
			r.holes[n-1].Past = r.end
		} else {
			r.holes = append(r.holes, waitroom.Hole{From: from, Past: r.end})
		}
	}
	r.incarnation++
	r.recovered = now
	m = waitroom.Memory{
		Incarnation: r.incarnation, Watermark: min(r.ceiling, r.end), Next: r.end, BlockEnd: r.end + block, Limit: r.end, Holes: slices.Clone(r.holes),
	}
	r.issued, r.end = r.end, m.BlockEnd
	for n, a := range r.admissions {
		m.Used = append(m.Used, n)
		if !a.over && now.Before(a.Expires.Add(waitroom.SlotSlack)) {
			m.Sessions = append(m.Sessions, a.Admission)
		}
	}
	slices.Sort(m.Used)
	slices.SortFunc(m.Sessions, func(a, b waitroom.Admission) int { return cmp.Compare(a.Number, b.Number) })
	return m, nil
}

// Admit records an admission. waitroom.ErrPlaceUsed, waitroom.ErrLost.
func (l *Ledger) Admit(_ context.Context, k waitroom.RunKey, a waitroom.Admission) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.of(k)
	if r.incarnation == 0 || r.incarnation != a.Incarnation {
		return waitroom.ErrLost
	}
	old := r.admissions[a.Number]
	if old == nil {
		r.put(a, false)
		return nil
	}
	if old.JTI != a.JTI || old.Visitor != a.Visitor || old.over {
		return waitroom.ErrPlaceUsed
	}
	if a.Expires.After(old.Expires) {
		old.Expires = a.Expires
	}
	return nil
}

// Done records the end of a session, also of one whose admission comes later.
func (l *Ledger) Done(_ context.Context, k waitroom.RunKey, a waitroom.Admission) (incarnation int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, now := l.of(k), l.now()
	if a.Number < 0 {
		if old := r.jtis[a.JTI]; old != nil && now.Before(old.Expires.Add(doneUntil)) {
			old.over = true
		}
		return r.incarnation, nil
	}
	if old := r.admissions[a.Number]; old == nil {
		a.Expires = now
		r.put(a, true)
	} else if old.Visitor == a.Visitor && old.JTI == a.JTI {
		old.over = true
	}
	return r.incarnation, nil
}

func (r *run) put(a waitroom.Admission, over bool) {
	put := &admission{a, over}
	r.admissions[a.Number], r.jtis[a.JTI] = put, put
}

// Ceiling is how far the watermark of a run may go.
func (l *Ledger) Ceiling(k waitroom.RunKey) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(k).ceiling
}
