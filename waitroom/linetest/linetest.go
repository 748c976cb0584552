// Package linetest holds every line to what waitroom.Queue promises, at moments that the suite chooses.
package linetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"usher/internal/id"
	"usher/waitroom"
)

// Line is a line whose clock and memory are in the suite's hands.
type Line struct {
	waitroom.Queue
	Key   waitroom.RunKey       // of a run that was never restored, and that nobody else uses
	Clock func(time.Time) error // sets what time it is for the line, in whole milliseconds
	Lose  func() error          // the line loses its memory
}

// Run holds lines to their promises. open opens another line at each call.
func Run(t *testing.T, open func(t *testing.T) Line) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if err := attempt(t.Context(), open(t), p.keep); err != nil {
				t.Error(err)
			}
		})
	}
}

// Broken plays what Run plays under a name on a line that is meant to break that promise, and returns how it does, nil if it keeps it.
func Broken(t *testing.T, name string, l Line) error {
	t.Helper()
	for _, p := range promises {
		if p.name == name {
			return attempt(t.Context(), l, p.keep)
		}
	}
	t.Fatalf("there is no promise %q", name)
	return nil
}

// promise is one thing that must hold; keep fails the scene where it does not.
type promise struct {
	name string
	keep func(*scene)
}

const (
	firstBlock = 1000 // numbers of a line that has just begun
	session    = 10 * time.Minute
	grace      = 2 * time.Minute
	expect     = 13 * time.Second
)

// dawn is when every scene begins.
var dawn = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)

// scene is a line with people before it.
type scene struct {
	Line
	ctx  context.Context
	now  time.Time
	jtis int
}

// fault ends a scene.
type fault struct{ error }

// attempt plays a scene on a line that has just begun, and returns how it went wrong.
func attempt(ctx context.Context, l Line, play func(*scene)) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case fault:
			err = p.error
		default:
			panic(p)
		}
	}()
	s := &scene{Line: l, ctx: ctx, now: dawn}
	s.must(s.Clock(s.now))
	_, err = s.Watch(ctx, s.Key)
	s.answers(err, waitroom.ErrLost, "a line that was never made")
	s.restore(waitroom.Memory{Incarnation: 1, BlockEnd: firstBlock})
	play(s)
	return nil
}

func (s *scene) failf(format string, a ...any) { panic(fault{fmt.Errorf(format, a...)}) }

func (s *scene) must(err error) {
	if err != nil {
		panic(fault{err})
	}
}

// want fails the scene unless ok.
func (s *scene) want(ok bool, format string, a ...any) {
	if !ok {
		s.failf(format, a...)
	}
}

// answers fails the scene unless err is want, which may be nil.
func (s *scene) answers(err, want error, format string, a ...any) {
	if !errors.Is(err, want) {
		s.failf("%s: %v, want %v", fmt.Sprintf(format, a...), err, want)
	}
}

// fan is a visitor by number: the same in every scene.
func fan(n int) (v id.Visitor) {
	copy(v[:], "fan ")
	binary.BigEndian.PutUint64(v[8:], uint64(n))
	return v
}

// pass lets time go by.
func (s *scene) pass(d time.Duration) {
	s.now = s.now.Add(d)
	s.must(s.Clock(s.now))
}

func (s *scene) restore(m waitroom.Memory) { s.must(s.Restore(s.ctx, s.Key, m)) }

// join lets a fan join without a place, and returns his number.
func (s *scene) join(n int) int64 { return s.show(n, -1).Number }

// show lets a fan join with a place.
func (s *scene) show(n int, shown int64) waitroom.Joined {
	j, err := s.Join(s.ctx, s.Key, fan(n), shown)
	s.answers(err, nil, "fan %d joins", n)
	return j
}

// crowd lets fans from 0 on join a line that is empty; their numbers are theirs.
func (s *scene) crowd(size int) {
	for n := range size {
		if got := s.join(n); got != int64(n) {
			s.failf("fan %d got number %d", n, got)
		}
	}
}

// rules call everybody whom the capacity lets in.
func rules(capacity int) waitroom.CallRules {
	return waitroom.CallRules{PerSecond: 1e6, Burst: 1e6, Capacity: capacity, Expect: expect, Grace: grace, Ceiling: 1 << 50}
}

// call takes a step a second later, when the bucket is full.
func (s *scene) call(r waitroom.CallRules) waitroom.Watch {
	s.pass(time.Second)
	w, err := s.Call(s.ctx, s.Key, r)
	s.answers(err, nil, "call")
	return w
}

func (s *scene) watch() waitroom.Watch {
	w, err := s.Watch(s.ctx, s.Key)
	s.answers(err, nil, "watch")
	return w
}

// try lets a fan try to enter with a number.
func (s *scene) try(n int, number int64, capacity int) (waitroom.Session, error) {
	s.jtis++
	return s.Enter(s.ctx, s.Key, fan(n), number, waitroom.EnterRules{
		JTI: "jti-" + strconv.Itoa(s.jtis), Capacity: capacity, Session: session,
	})
}

// enter lets a fan whose number is his enter, which must succeed.
func (s *scene) enter(n, capacity int) waitroom.Session {
	got, err := s.try(n, int64(n), capacity)
	s.answers(err, nil, "fan %d enters", n)
	return got
}

// refused fails the scene unless a fan whose number is his is refused for the reason.
func (s *scene) refused(n, capacity int, reason error) {
	_, err := s.try(n, int64(n), capacity)
	s.answers(err, reason, "fan %d enters", n)
}

func (s *scene) leave(n int, number int64, jti string) {
	_, err := s.Leave(s.ctx, s.Key, fan(n), number, jti)
	s.answers(err, nil, "fan %d leaves", n)
}

// extends lets a fan extend a session, and fails the scene unless that is answered with want.
func (s *scene) extends(n int, jti string, until time.Time, want error, format string, a ...any) {
	_, err := s.Extend(s.ctx, s.Key, fan(n), jti, until)
	s.answers(err, want, format, a...)
}

// remembered is what a ledger knows after the first loss: how far the line was called, and how many numbers were seen to be given out.
func remembered(watermark, issued int64) waitroom.Memory {
	return waitroom.Memory{
		Incarnation: 2, Watermark: watermark, Next: firstBlock, BlockEnd: 2 * firstBlock, Limit: firstBlock,
		Holes: []waitroom.Hole{{From: issued, Past: firstBlock}},
	}
}

// lose lets the line forget, and checks that it says so.
func (s *scene) lose() {
	s.must(s.Lose())
	_, err := s.Watch(s.ctx, s.Key)
	s.answers(err, waitroom.ErrLost, "a line that has lost its memory")
}
