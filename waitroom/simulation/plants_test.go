package simulation

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"usher/internal/id"
	"usher/internal/virtual/virtualtest"
	"usher/waitroom"
)

// plant is a bug, and what it breaks.
type plant struct {
	Plant
	breaks []Invariant // one of these is found to be broken first
}

// within is how many seeds may pass until a bug is found.
const within = 60

func TestEveryPlantedBugIsFound(t *testing.T) {
	t.Parallel()
	var bugs []virtualtest.Bug[Plant]
	for _, p := range plants() {
		bugs = append(bugs, virtualtest.Bug[Plant]{Name: p.Name, Plant: p.Plant, Breaks: p.breaks})
	}
	all.FindsEveryBug(t, bugs, 12, within)
}

// line is a line with a bug in one of its methods.
type line struct {
	waitroom.Queue
	join    func(waitroom.Queue, id.Visitor, int64) (waitroom.Joined, error)
	call    func(waitroom.Queue, waitroom.CallRules) (waitroom.Watch, error)
	enter   func(waitroom.Queue, id.Visitor, int64, waitroom.EnterRules) (waitroom.Session, error)
	leave   func(waitroom.Queue, id.Visitor, int64, string) (waitroom.Session, error)
	restore func(waitroom.Queue, waitroom.Memory) error
}

func (l line) Join(ctx context.Context, k waitroom.RunKey, v id.Visitor, shown int64) (waitroom.Joined, error) {
	if l.join == nil {
		return l.Queue.Join(ctx, k, v, shown)
	}
	return l.join(l.Queue, v, shown)
}

func (l line) Call(ctx context.Context, k waitroom.RunKey, r waitroom.CallRules) (waitroom.Watch, error) {
	if l.call == nil {
		return l.Queue.Call(ctx, k, r)
	}
	return l.call(l.Queue, r)
}

func (l line) Enter(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, r waitroom.EnterRules) (waitroom.Session, error) {
	if l.enter == nil {
		return l.Queue.Enter(ctx, k, v, n, r)
	}
	return l.enter(l.Queue, v, n, r)
}

func (l line) Leave(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, jti string) (waitroom.Session, error) {
	if l.leave == nil {
		return l.Queue.Leave(ctx, k, v, n, jti)
	}
	return l.leave(l.Queue, v, n, jti)
}

func (l line) Restore(ctx context.Context, k waitroom.RunKey, m waitroom.Memory) error {
	if l.restore == nil {
		return l.Queue.Restore(ctx, k, m)
	}
	return l.restore(l.Queue, m)
}

// books is a ledger with a bug in one of its methods.
type books struct {
	waitroom.Ledger
	recover func(waitroom.Ledger, int64, int64) (waitroom.Memory, error)
	admit   func(waitroom.Ledger, waitroom.Admission) error
	done    func(waitroom.Ledger, waitroom.Admission) (int64, error)
	note    func(waitroom.Ledger, int64, int64) error
}

func (b books) Recover(ctx context.Context, k waitroom.RunKey, issued, block int64) (waitroom.Memory, error) {
	if b.recover == nil {
		return b.Ledger.Recover(ctx, k, issued, block)
	}
	return b.recover(b.Ledger, issued, block)
}

func (b books) Admit(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) error {
	if b.admit == nil {
		return b.Ledger.Admit(ctx, k, a)
	}
	return b.admit(b.Ledger, a)
}

func (b books) Done(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) (int64, error) {
	if b.done == nil {
		return b.Ledger.Done(ctx, k, a)
	}
	return b.done(b.Ledger, a)
}

func (b books) Note(ctx context.Context, k waitroom.RunKey, incarnation, issued, ceiling int64) error {
	if b.note == nil {
		return b.Ledger.Note(ctx, k, incarnation, issued, ceiling)
	}
	return b.note(b.Ledger, issued, ceiling)
}

// inLine is a bug of the line.
func inLine(l func() line) func(waitroom.Queue) waitroom.Queue {
	return func(q waitroom.Queue) waitroom.Queue {
		bug := l()
		bug.Queue = q
		return bug
	}
}

// inBooks is a bug of the ledger.
func inBooks(b func() books) func(waitroom.Ledger) waitroom.Ledger {
	return func(l waitroom.Ledger) waitroom.Ledger {
		bug := b()
		bug.Ledger = l
		return bug
	}
}

var ctx = context.Background()

// restored is a line whose memory comes back otherwise.
func restored(change func(*waitroom.Memory)) func(waitroom.Queue) waitroom.Queue {
	return inLine(func() line {
		return line{restore: func(q waitroom.Queue, m waitroom.Memory) error {
			if m.Incarnation > 1 {
				change(&m)
			}
			return q.Restore(ctx, key, m)
		}}
	})
}

// plants are the bugs: data, each with what it breaks.
func plants() []plant {
	return []plant{
		{Plant{Name: "the watermark begins anew when the line is restored", Queue: restored(func(m *waitroom.Memory) { m.Watermark = 0 })}, []Invariant{NeverBack}},
		{Plant{Name: "the watermark resumes where it may have been, not where it may not have been", Queue: restored(func(m *waitroom.Memory) { m.Watermark -= 3000 })}, []Invariant{NeverBack}},
		{Plant{Name: "an older state of the line is believed", Old: true}, []Invariant{InOrder, NeverBack, PlaceKept, SessionLives, UsedOnce, OutIsOut}},
		{Plant{Name: "a block is used again", Queue: restored(func(m *waitroom.Memory) { m.Next -= 1500 })}, []Invariant{InOrder, NotPastEnd, NobodyHidden}},
		{Plant{Name: "a line that is not there is read as one at zero", Queue: inLine(func() line {
			lost := int64(1)
			return line{join: func(q waitroom.Queue, v id.Visitor, shown int64) (waitroom.Joined, error) {
				j, err := q.Join(ctx, key, v, shown)
				if errors.Is(err, waitroom.ErrLost) {
					lost++
					if err := q.Restore(ctx, key, waitroom.Memory{Incarnation: lost, BlockEnd: 10_000}); err != nil {
						return j, err
					}
					return q.Join(ctx, key, v, shown)
				}
				return j, err
			}}
		})}, []Invariant{InOrder, PlaceKept}},
		{Plant{Name: "who has not asked for a while is taken for gone", Queue: inLine(func() line {
			heard, by := map[id.Visitor]int{}, map[id.Visitor]int64{}
			turn := 0
			return line{
				join: func(q waitroom.Queue, v id.Visitor, shown int64) (waitroom.Joined, error) {
					j, err := q.Join(ctx, key, v, shown)
					heard[v], by[v] = turn, j.Number
					return j, err
				},
				call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
					turn++
					for v, at := range heard {
						if turn-at > 100 {
							delete(heard, v)
							_, _ = q.Leave(ctx, key, v, by[v], "")
						}
					}
					return q.Call(ctx, key, r)
				},
			}
		})}, []Invariant{QueuesOnce, LeftOnce, PlaceKept, NobodyHidden}},
		{Plant{Name: "silence is taken for absence at once", Waits: func(p *waitroom.Patience) { p.Intervals, p.Slack = 0.5, time.Second }}, []Invariant{SilentFirst, NobodyHidden}},
		{Plant{Name: "what a gateway that has just begun does not know is taken for absence", Waits: func(p *waitroom.Patience) { p.Horizons = 0 }}, []Invariant{SilentFirst, NobodyHidden, LossIsNoGo}},
		{Plant{Name: "a gateway that is not heard is not missed", Long: true, Waits: func(p *waitroom.Patience) { p.Hearing, p.Slack = time.Hour, time.Second }}, []Invariant{SilentFirst, NobodyHidden}},
		{Plant{Name: "who was gone before a loss is gone after it", Long: true, Gate: inLine(func() line {
			var gone waitroom.Gone
			now := int64(0)
			return line{call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
				if len(r.Gone.Bits) > 0 {
					gone = r.Gone
				}
				r.Gone = gone
				r.Gone.Incarnation = now
				w, err := q.Call(ctx, key, r)
				if err == nil {
					now = w.Incarnation
				}
				return w, err
			}}
		})}, []Invariant{LossIsNoGo, SilentFirst}},
		{Plant{Name: "a step is as long as the row of those who are gone", Long: true, Queue: inLine(func() line {
			return line{call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
				w, err := q.Call(ctx, key, r)
				for before := w.Watermark - 1; err == nil && before < w.Watermark && r.Gone.Has(w.Watermark); {
					before = w.Watermark
					w, err = q.Call(ctx, key, r)
				}
				return w, err
			}}
		})}, []Invariant{TwiceFree}},
		{Plant{Name: "who is gone is expected", Long: true, Queue: inLine(func() line {
			type call struct {
				at time.Time
				of int
			}
			var calls []call
			return line{call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
				before, err := q.Watch(ctx, key)
				expected := 0
				for _, c := range calls {
					if err == nil && before.Now.Sub(c.at) <= r.Expect {
						expected += c.of
					}
				}
				r.Capacity -= expected
				w, e := q.Call(ctx, key, r)
				gone := 0
				for n := before.Watermark; err == nil && e == nil && n < w.Watermark; n++ {
					if r.Gone.Incarnation == w.Incarnation && r.Gone.Has(n) {
						gone++
					}
				}
				if gone > 0 {
					calls = append(calls, call{w.Now, gone})
				}
				return w, e
			}}
		})}, []Invariant{NotIdle}},
		{Plant{Name: "a late done ends whichever session there is", Queue: inLine(func() line {
			inside := map[id.Visitor]string{}
			return line{
				enter: func(q waitroom.Queue, v id.Visitor, n int64, r waitroom.EnterRules) (waitroom.Session, error) {
					s, err := q.Enter(ctx, key, v, n, r)
					if err == nil {
						inside[v] = s.JTI
					}
					return s, err
				},
				leave: func(q waitroom.Queue, v id.Visitor, n int64, jti string) (waitroom.Session, error) {
					if jti != "" && n < 0 && inside[v] != "" {
						jti = inside[v]
					}
					return q.Leave(ctx, key, v, n, jti)
				},
			}
		})}, []Invariant{SessionLives, QueuesOnce}},
		{Plant{Name: "a leave that comes twice frees two slots", Queue: inLine(func() line {
			over := map[string]bool{}
			more := 0
			return line{
				leave: func(q waitroom.Queue, v id.Visitor, n int64, jti string) (waitroom.Session, error) {
					s, err := q.Leave(ctx, key, v, n, jti)
					if over[s.JTI] {
						more++
					}
					over[s.JTI] = s.JTI != ""
					return s, err
				},
				enter: func(q waitroom.Queue, v id.Visitor, n int64, r waitroom.EnterRules) (waitroom.Session, error) {
					r.Capacity += more
					return q.Enter(ctx, key, v, n, r)
				},
				call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
					r.Capacity += more
					return q.Call(ctx, key, r)
				},
			}
		})}, []Invariant{Capacity, FreeSlots, ByNumber}},
		{Plant{Name: "a leave that comes twice is counted twice", Queue: inLine(func() line {
			over := map[string]bool{}
			more := int64(0)
			return line{
				leave: func(q waitroom.Queue, v id.Visitor, n int64, jti string) (waitroom.Session, error) {
					s, err := q.Leave(ctx, key, v, n, jti)
					if over[s.JTI] {
						more++
					}
					over[s.JTI] = s.JTI != ""
					return s, err
				},
				call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
					w, err := q.Call(ctx, key, r)
					w.Left += more
					return w, err
				},
			}
		})}, []Invariant{LeftOnce}},
		{Plant{Name: "a hole is shown as people", Queue: inLine(func() line {
			return line{call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
				w, err := q.Call(ctx, key, r)
				if w.Limit > w.Watermark {
					w.Waiting += int(w.Hollow(w.Watermark, w.Limit))
				}
				w.Holes = nil
				return w, err
			}}
		})}, []Invariant{HolesEmpty, Bounded}},
		{Plant{Name: "an admission of an older incarnation is recorded", Ledger: inBooks(func() books {
			now := int64(0)
			return books{
				recover: func(l waitroom.Ledger, issued, block int64) (waitroom.Memory, error) {
					m, err := l.Recover(ctx, key, issued, block)
					if err == nil {
						now = m.Incarnation
					}
					return m, err
				},
				admit: func(l waitroom.Ledger, a waitroom.Admission) error {
					a.Incarnation = now
					return l.Admit(ctx, key, a)
				},
			}
		})}, []Invariant{Capacity, UsedOnce, SessionLives, LeftOnce, QueuesOnce}},
		{Plant{Name: "the ceiling is ignored", Gate: inLine(func() line {
			return line{call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
				r.Ceiling = math.MaxInt64
				return q.Call(ctx, key, r)
			}}
		})}, []Invariant{Ceiling, NeverBack}},
		{Plant{Name: "a slot ends by the clock of a gateway", Queue: inLine(func() line {
			return line{enter: func(q waitroom.Queue, v id.Visitor, n int64, r waitroom.EnterRules) (waitroom.Session, error) {
				r.Session -= waitroom.SlotSlack + 5*time.Second
				s, err := q.Enter(ctx, key, v, n, r)
				s.Expires = s.Expires.Add(waitroom.SlotSlack + 5*time.Second)
				return s, err
			}}
		})}, []Invariant{Capacity, SessionLives}},
		{Plant{Name: "a turn is given twice", Queue: inLine(func() line {
			return line{enter: func(q waitroom.Queue, v id.Visitor, n int64, r waitroom.EnterRules) (waitroom.Session, error) {
				s, err := q.Enter(ctx, key, v, n, r)
				if errors.Is(err, waitroom.ErrPlaceUsed) {
					if w, err := q.Watch(ctx, key); err == nil && w.Active < r.Capacity {
						return waitroom.Session{JTI: r.JTI, Number: n, Entered: w.Now, Expires: w.Now.Add(r.Session), Incarnation: w.Incarnation}, nil
					}
				}
				return s, err
			}}
		}), Ledger: inBooks(func() books {
			return books{admit: func(l waitroom.Ledger, a waitroom.Admission) error {
				if err := l.Admit(ctx, key, a); !errors.Is(err, waitroom.ErrPlaceUsed) {
					return err
				}
				return nil
			}}
		})}, []Invariant{UsedOnce, SessionLives, OutIsOut}},
		{Plant{Name: "a restored line does not know who is inside", Queue: restored(func(m *waitroom.Memory) { m.Sessions = nil })}, []Invariant{Capacity, SessionLives}},
		{Plant{Name: "a restored line does not know who has been inside", Queue: restored(func(m *waitroom.Memory) { m.Used = nil })}, []Invariant{UsedOnce, QueuesOnce, Pace, OutIsOut, LeftOnce}},
		{Plant{Name: "the capacity is not looked at when somebody enters", Queue: inLine(func() line {
			return line{enter: func(q waitroom.Queue, v id.Visitor, n int64, r waitroom.EnterRules) (waitroom.Session, error) {
				r.Capacity = math.MaxInt32
				return q.Enter(ctx, key, v, n, r)
			}}
		})}, []Invariant{Capacity, ByNumber}},
		{Plant{Name: "a join is not the same when it comes twice", Queue: inLine(func() line {
			return line{join: func(q waitroom.Queue, v id.Visitor, shown int64) (waitroom.Joined, error) {
				j, err := q.Join(ctx, key, v, shown)
				if err == nil && !j.First && j.JTI == "" {
					_, _ = q.Leave(ctx, key, v, j.Number, "")
					return q.Join(ctx, key, v, -1)
				}
				return j, err
			}}
		})}, []Invariant{PlaceKept, LeftOnce, Pace, NobodyHidden}},
		{Plant{Name: "joins that arrive together are numbered from the last", Queue: inLine(func() line {
			return line{join: func(q waitroom.Queue, v id.Visitor, shown int64) (waitroom.Joined, error) {
				j, err := q.Join(ctx, key, v, shown)
				if err == nil && j.First {
					j.Number ^= 1
				}
				return j, err
			}}
		})}, []Invariant{InOrder, HolesEmpty}},
		{Plant{Name: "a whole minute is called at once", Gate: inLine(func() line {
			return line{call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
				r.Burst = 60 * r.PerSecond
				return q.Call(ctx, key, r)
			}}
		})}, []Invariant{Pace}},
		{Plant{Name: "the watermark runs on to bank what nobody has taken", Queue: inLine(func() line {
			more := int64(0)
			return line{call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
				w, err := q.Call(ctx, key, r)
				if err == nil && w.Watermark == w.Next {
					more++
				}
				w.Watermark += more
				return w, err
			}}
		})}, []Invariant{NotPastEnd, ToldCalled}},
		{Plant{Name: "the ledger forgets who has left", Ledger: inBooks(func() books {
			return books{done: func(waitroom.Ledger, waitroom.Admission) (int64, error) { return 0, nil }}
		})}, []Invariant{OutIsOut}},
		{Plant{Name: "nothing is noted", Ledger: inBooks(func() books {
			return books{note: func(waitroom.Ledger, int64, int64) error { return nil }}
		})}, []Invariant{Ceiling, NeverBack}},
		{Plant{Name: "a turn lapses before anybody can come", Gate: inLine(func() line {
			return line{call: func(q waitroom.Queue, r waitroom.CallRules) (waitroom.Watch, error) {
				r.Grace = time.Second
				return q.Call(ctx, key, r)
			}}
		})}, []Invariant{QueuesOnce}},
		{Plant{Name: "whoever asks first enters first", Queue: inLine(func() line {
			return line{enter: func(q waitroom.Queue, v id.Visitor, n int64, r waitroom.EnterRules) (waitroom.Session, error) {
				s, err := q.Enter(ctx, key, v, n, r)
				if !errors.Is(err, waitroom.ErrRoomFull) {
					return s, err
				}
				w, e := q.Watch(ctx, key)
				if e != nil || w.Active >= r.Capacity {
					return s, err
				}
				r.Capacity = math.MaxInt32
				return q.Enter(ctx, key, v, n, r)
			}}
		})}, []Invariant{ByNumber}},
	}
}
