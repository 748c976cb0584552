package waitroom_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"usher/waitroom"
)

// ledger is a ledger in memory that can hang or fail.
type ledger struct {
	mu    sync.Mutex // guards all below
	away  error      // the answer to everything
	hangs bool       // nothing is answered
	rooms map[string]waitroom.Room
	runs  map[waitroom.RunKey]*ledgerRun

	beforeDone  func() // runs before a session is noted as over
	beforeAdmit func() // and this before an admission is recorded
	unfenced    bool   // blocks and notes of incarnations that are over are taken
}

type ledgerRun struct {
	incarnation, end, issued, ceiling int64
	recovered                         time.Time
	holes                             []waitroom.Hole
	admissions                        map[int64]waitroom.Admission
	done                              map[string]bool
}

func newLedger(rooms ...waitroom.Room) *ledger {
	l := &ledger{rooms: map[string]waitroom.Room{}, runs: map[waitroom.RunKey]*ledgerRun{}}
	for _, r := range rooms {
		l.rooms[r.Room] = r
		l.runs[waitroom.RunKey{Room: r.Room, Run: r.Run}] = &ledgerRun{admissions: map[int64]waitroom.Admission{}, done: map[string]bool{}}
	}
	return l
}

// set changes how the ledger answers.
func (l *ledger) set(away error, hangs bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away, l.hangs = away, hangs
}

// unfence lets the ledger take blocks and notes of incarnations that are over, as a negative control does.
func (l *ledger) unfence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unfenced = true
}

// on does something unless the ledger is away.
func (l *ledger) on(ctx context.Context, do func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hangs {
		l.mu.Unlock()
		<-ctx.Done()
		l.mu.Lock()
		return ctx.Err()
	}
	if err := errors.Join(l.away, ctx.Err()); err != nil {
		return err
	}
	return do()
}

func (l *ledger) Rooms(ctx context.Context) (rooms []waitroom.Room, err error) {
	err = l.on(ctx, func() error {
		rooms = slices.Collect(maps.Values(l.rooms))
		return nil
	})
	return rooms, err
}

func (l *ledger) SetState(ctx context.Context, name string, from, to waitroom.State) error {
	return l.on(ctx, func() error {
		r := l.rooms[name]
		if r.State != from {
			return waitroom.ErrInvalidTransition
		}
		r.State = to
		l.rooms[name] = r
		return nil
	})
}

// Change changes a room that is there.
func (l *ledger) Change(ctx context.Context, c waitroom.Change) (room waitroom.Room, err error) {
	err = l.on(ctx, func() error {
		now := l.rooms[c.Room]
		room, err = c.To(&now)
		if err == nil {
			room.Version++
			l.rooms[c.Room] = room
		}
		return err
	})
	return room, err
}

func (l *ledger) Load(context.Context, []waitroom.Rules, waitroom.By) error {
	return errors.ErrUnsupported
}

func (l *ledger) AuditLog(context.Context, int64, int) ([]waitroom.Entry, error) {
	return nil, errors.ErrUnsupported
}

func (l *ledger) Reserve(ctx context.Context, k waitroom.RunKey, incarnation, want int64) (end int64, err error) {
	err = l.on(ctx, func() error {
		r := l.runs[k]
		if r.incarnation != incarnation && !l.unfenced {
			return waitroom.ErrLost
		}
		r.end = max(r.end, want)
		end = r.end
		return nil
	})
	return end, err
}

func (l *ledger) Note(ctx context.Context, k waitroom.RunKey, incarnation, issued, ceiling int64) error {
	return l.on(ctx, func() error {
		r := l.runs[k]
		if r.incarnation != incarnation && !l.unfenced {
			return waitroom.ErrLost
		}
		r.issued, r.ceiling = max(r.issued, issued), max(r.ceiling, ceiling)
		return nil
	})
}

func (l *ledger) Recover(ctx context.Context, k waitroom.RunKey, issued, block int64) (m waitroom.Memory, err error) {
	err = l.on(ctx, func() error {
		r := l.runs[k]
		if r == nil {
			return fmt.Errorf("there is no run %v", k)
		}
		if time.Since(r.recovered) < time.Second {
			return waitroom.ErrRecovering
		}
		if from := max(r.issued, issued); from < r.end {
			r.holes = append(r.holes, waitroom.Hole{From: from, Past: r.end})
		}
		r.recovered = time.Now()
		r.incarnation++
		m = waitroom.Memory{
			Incarnation: r.incarnation, Watermark: min(r.ceiling, r.end), Next: r.end, BlockEnd: r.end + block, Limit: r.end, Holes: slices.Clone(r.holes),
		}
		r.issued, r.end = m.Next, m.BlockEnd
		for n, a := range r.admissions {
			m.Used = append(m.Used, n)
			if !r.done[a.JTI] && time.Now().Before(a.Expires.Add(waitroom.SlotSlack)) {
				m.Sessions = append(m.Sessions, a)
			}
		}
		return nil
	})
	return m, err
}

func (l *ledger) Admit(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) error {
	return l.on(ctx, func() error {
		r := l.runs[k]
		if r.incarnation != a.Incarnation {
			return waitroom.ErrLost
		}
		if l.beforeAdmit != nil {
			l.beforeAdmit()
		}
		if old, known := r.admissions[a.Number]; known && (old.JTI != a.JTI || old.Visitor != a.Visitor || r.done[a.JTI]) {
			return waitroom.ErrPlaceUsed
		}
		r.admissions[a.Number] = a
		return nil
	})
}

func (l *ledger) Done(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) (incarnation int64, err error) {
	err = l.on(ctx, func() error {
		if l.beforeDone != nil {
			l.beforeDone()
		}
		r := l.runs[k]
		incarnation = r.incarnation
		r.done[a.JTI] = true
		if _, known := r.admissions[a.Number]; !known && a.Number >= 0 {
			r.admissions[a.Number] = a
		}
		return nil
	})
	return incarnation, err
}

// recoveries are how often the final's line was begun or restored.
func (l *ledger) recoveries() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[finalRun].incarnation
}
