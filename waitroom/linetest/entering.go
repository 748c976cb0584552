package linetest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"usher/waitroom"
)

func enteringAgainIsTheSameSession(s *scene) {
	s.crowd(3)
	s.call(rules(3))
	first := s.enter(0, 3)
	s.want(first.Fresh && first.Number == 0 && first.Entered.Equal(s.now) && first.Expires.Equal(s.now.Add(session)), "entering: %+v at %s", first, s.now)
	s.pass(time.Minute)
	again := s.enter(0, 3)
	s.want(!again.Fresh && again.JTI == first.JTI && again.Entered.Equal(first.Entered) && again.Expires.Equal(first.Expires),
		"entering again: %+v, want the session %+v", again, first)
	j := s.show(0, 0)
	s.want(j.Number == 0 && !j.First && j.JTI == first.JTI, "joining from inside: %+v", j)
	w := s.watch()
	s.want(w.Active == 1 && w.Entered == 1 && w.Called == 2, "after one entered: %+v", w)
}

func aNumberEntersOnce(s *scene) {
	s.crowd(3)
	s.call(rules(3))
	first := s.enter(0, 3)
	_, err := s.try(9, 0, 3)
	s.answers(err, waitroom.ErrPlaceUsed, "a used number in another's hands")
	s.leave(0, 0, first.JTI)
	for range 3 {
		s.refused(0, 3, waitroom.ErrPlaceUsed)
		s.pass(waitroom.Linger)
	}
	j := s.show(0, 0)
	s.want(j.Number == 3 && j.First && j.JTI == "", "who joins again with a used place got %+v, want the new number 3", j)
	s.call(rules(3))
	_, err = s.try(0, 0, 3)
	s.answers(err, waitroom.ErrPlaceUsed, "the used place beside a new number")
	_, err = s.try(0, 3, 3)
	s.answers(err, nil, "the new number")
}

func aSessionThatHasRunOutIsOver(s *scene) {
	s.crowd(2)
	s.call(rules(1))
	first := s.enter(0, 1)
	s.pass(session)
	s.refused(1, 1, waitroom.ErrNotCalled)
	s.pass(waitroom.SlotSlack - time.Millisecond)
	w, err := s.Call(s.ctx, s.Key, rules(1))
	s.must(err)
	s.want(w.Active == 1 && w.Watermark == 1, "a slot must outlive its pass: %+v", w)
	s.pass(time.Millisecond)
	s.answers(s.Active(s.ctx, s.Key, fan(0), first.JTI), waitroom.ErrSessionOver, "a session that has run out")
	s.refused(0, 1, waitroom.ErrPlaceUsed)
	w = s.call(rules(1))
	s.want(w.Active == 0 && w.Watermark == 2, "the slot is free again: %+v", w)
	s.enter(1, 1)
}

// theCapacityHoldsAtEveryInstant, while sixty who are all called stampede and an operator has lowered it.
func theCapacityHoldsAtEveryInstant(s *scene) {
	const visitors, capacity = 60, 7
	s.crowd(visitors)
	s.call(rules(visitors))
	var mu sync.Mutex // guards in and other
	in, other := 0, error(nil)
	var wg sync.WaitGroup
	for n := range visitors {
		wg.Go(func() {
			_, err := s.Enter(s.ctx, s.Key, fan(n), int64(n), waitroom.EnterRules{JTI: "j", Capacity: capacity, Session: session})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				in++
			} else if !errors.Is(err, waitroom.ErrRoomFull) {
				other = err
			}
		})
	}
	wg.Wait()
	s.must(other)
	s.want(in == capacity, "%d are inside, capacity %d", in, capacity)
}

// theCapacityHoldsWhileSessionsEnd in every way that they end: by expiry, by leaving and by cheating.
func theCapacityHoldsWhileSessionsEnd(s *scene) {
	const visitors, capacity = 120, 5
	random := rand.New(rand.NewPCG(7, 11))
	s.crowd(visitors)
	passes := map[int]waitroom.Session{} // whom their holders may still use, whatever the line thinks
	left := map[int]time.Time{}
	entered := 0
	for step := 0; entered < 60; step++ {
		s.want(step < 5000, "only %d entered", entered)
		s.pass(time.Duration(random.IntN(4000)) * time.Millisecond)
		w, err := s.Call(s.ctx, s.Key, rules(capacity))
		s.must(err)
		n := random.IntN(int(w.Watermark) + 1)
		if p, in := passes[n]; in {
			if left[n].IsZero() && random.IntN(2) == 0 {
				s.leave(n, int64(n), p.JTI)
				left[n] = s.now
			}
		} else if n < int(w.Watermark) {
			got, err := s.Enter(s.ctx, s.Key, fan(n), int64(n), waitroom.EnterRules{JTI: "j", Capacity: capacity, Session: 30 * time.Second})
			if err == nil {
				passes[n] = got
				entered++
			} else if !errors.Is(err, waitroom.ErrRoomFull) && !errors.Is(err, waitroom.ErrGraceOver) {
				s.failf("fan %d enters: %v", n, err)
			}
		}
		valid := 0
		for n, p := range passes {
			if at := left[n]; s.now.Before(p.Expires) && (at.IsZero() || s.now.Before(at.Add(waitroom.Linger))) {
				valid++
			}
		}
		s.want(valid <= capacity, "step %d: %d passes are good, capacity %d", step, valid, capacity)
	}
}

func whileFullTheTurnGoesByNumber(s *scene) {
	s.crowd(4)
	s.call(rules(4))
	inside := s.enter(0, 1)
	for _, n := range []int{3, 2, 1} {
		s.refused(n, 1, waitroom.ErrRoomFull)
	}
	s.leave(0, 0, inside.JTI)
	for range 20 { // asking often does not help
		s.refused(3, 1, waitroom.ErrRoomFull)
	}
	s.pass(waitroom.Linger + time.Millisecond)
	s.refused(3, 1, waitroom.ErrRoomFull)
	s.refused(2, 1, waitroom.ErrRoomFull)
	s.refused(3, 2, waitroom.ErrRoomFull) // two slots are for 1 and 2
	second := s.enter(1, 1)
	s.leave(1, 1, second.JTI)
	s.pass(11 * time.Second) // 2 has stopped asking
	s.enter(3, 1)
}

func passthroughCountsNobody(s *scene) {
	s.crowd(3)
	for n := range 3 {
		got, err := s.Enter(s.ctx, s.Key, fan(n), int64(n), waitroom.EnterRules{JTI: "j", Capacity: 1, Session: session, Free: true})
		s.answers(err, nil, "fan %d enters a room that only measures", n)
		s.want(got.Fresh && got.Number == int64(n), "fan %d: %+v", n, got)
	}
	w := s.watch()
	s.want(w.Active == 3 && w.Waiting == 0, "after all entered: %+v", w)
}

func aLateDoneFreesNoNewerSession(s *scene) {
	s.crowd(1)
	s.call(rules(1))
	first := s.enter(0, 1)
	s.leave(0, 0, first.JTI)
	s.pass(waitroom.Linger + time.Millisecond)
	s.show(0, 0)
	s.call(rules(1))
	second, err := s.try(0, 1, 1)
	s.answers(err, nil, "the second session")
	s.leave(0, -1, first.JTI)
	s.leave(0, 0, first.JTI)
	s.leave(0, 0, "") // with the place of the first
	s.answers(s.Active(s.ctx, s.Key, fan(0), second.JTI), nil, "the newer session after a late done")
	s.leave(0, -1, second.JTI)
	s.answers(s.Active(s.ctx, s.Key, fan(0), second.JTI), waitroom.ErrSessionOver, "the newer session after its own")
}

// whoLeavesIsOut at once, though his slot is free only when every gateway has heard of it; an old pass does not help.
func whoLeavesIsOut(s *scene) {
	for _, jti := range []bool{true, false} {
		n := 0
		if !jti {
			n = 1
		}
		s.join(n)
		s.call(rules(1))
		got := s.enter(n, 1)
		s.answers(s.Active(s.ctx, s.Key, fan(n), got.JTI), nil, "a session")
		if jti {
			s.leave(n, -1, got.JTI)
		} else {
			s.leave(n, int64(n), "")
		}
		out := func(when string) {
			s.answers(s.Active(s.ctx, s.Key, fan(n), got.JTI), waitroom.ErrSessionOver, "the old pass %s", when)
			s.extends(n, got.JTI, s.now.Add(time.Hour), waitroom.ErrSessionOver, "extending the old pass %s", when)
			s.refused(n, 1, waitroom.ErrPlaceUsed)
		}
		out("at once")
		w := s.watch()
		s.want(w.Active == 1, "the slot was free at once: %+v", w)
		s.pass(waitroom.Linger)
		w = s.watch()
		s.want(w.Active == 0, "the slot is not free after %s: %+v", waitroom.Linger, w)
		out("later")
		s.leave(n, int64(n), got.JTI) // again
	}
	w := s.watch()
	s.want(w.Left == 2, "two have left: %+v", w)
}

// whoLeavesTheLineIsOut: his number is nobody's any more.
func whoLeavesTheLineIsOut(s *scene) {
	s.crowd(3)
	s.leave(0, 0, "")
	s.leave(0, 0, "")
	s.call(rules(3))
	s.leave(1, 1, "")
	s.refused(0, 3, waitroom.ErrPlaceUsed)
	s.refused(1, 3, waitroom.ErrPlaceUsed)
	w := s.watch()
	s.want(w.Left == 2 && w.Called == 1 && w.Active == 0, "two have left: %+v", w)
	s.want(s.show(0, 0).Number == 3, "who left and joins again did not get a new number")
	s.leave(0, 0, "") // with the place that he gave up
	s.want(s.show(0, 3).Number == 3, "leaving with a place that was given up cost the new one")
}

func extendingNeverShortens(s *scene) {
	s.crowd(1)
	s.call(rules(1))
	got := s.enter(0, 1)
	s.extends(0, got.JTI, got.Expires.Add(-time.Minute), nil, "extending to before its end")
	again := s.enter(0, 1)
	s.want(again.Expires.Equal(got.Expires), "the session was shortened to %s", again.Expires)
	until := got.Expires.Add(time.Minute)
	s.extends(0, got.JTI, until, nil, "extending")
	again = s.enter(0, 1)
	s.want(again.Expires.Equal(until) && again.JTI == got.JTI, "after extending: %+v", again)
	s.extends(0, "other", until, waitroom.ErrSessionOver, "extending another session")
	s.extends(1, got.JTI, until, waitroom.ErrSessionOver, "extending somebody else's session")
	s.pass(session + time.Minute + waitroom.SlotSlack)
	s.extends(0, got.JTI, s.now.Add(time.Hour), waitroom.ErrSessionOver, "extending what has run out")
}

// anEndIsKeptUntilItIsNoted, also when the slot is free and the number forgotten: the ledger may have been away.
func anEndIsKeptUntilItIsNoted(s *scene) {
	s.crowd(3)
	s.call(rules(3))
	first, second := s.enter(0, 3), s.enter(1, 3)
	s.leave(2, 2, "") // who has only waited has no session to end
	s.leave(1, 1, "")
	s.leave(0, 0, first.JTI)
	s.leave(0, 0, first.JTI)
	s.pass(session)
	s.call(rules(3))
	over, err := s.Leave(s.ctx, s.Key, fan(0), 0, "")
	s.want(err == nil && over.JTI == first.JTI && over.Number == 0 && over.Entered.Equal(first.Entered), "leaving once more: %+v, %v; want the session %+v", over, err, first)
	over, err = s.Leave(s.ctx, s.Key, fan(2), 0, "")
	s.want(err == nil && over.JTI == "", "somebody else leaves with the number: %+v, %v", over, err)
	of := func(n int, of waitroom.Session) waitroom.Admission {
		return waitroom.Admission{Visitor: fan(n), Session: waitroom.Session{JTI: of.JTI, Number: of.Number, Entered: of.Entered}}
	}
	kept := func(want ...waitroom.Admission) {
		ends, err := s.Ends(s.ctx, s.Key)
		w := s.watch()
		s.want(err == nil && slices.Equal(ends, want) && w.Ends == len(want), "%d ends are kept: %+v, %v; want %+v", w.Ends, ends, err, want)
	}
	kept(of(0, first), of(1, second))
	other := of(0, first)
	other.JTI = "other"
	s.must(s.Noted(s.ctx, s.Key, other))
	kept(of(0, first), of(1, second))
	s.must(s.Noted(s.ctx, s.Key, of(0, first)))
	s.must(s.Noted(s.ctx, s.Key, of(0, first)))
	kept(of(1, second))
	s.must(s.Noted(s.ctx, s.Key, of(1, second)))
	kept()
	w := s.watch()
	s.want(w.Left == 3, "%d have left, want 3", w.Left)
}

// whatIsNotedIsOver: a line that was restored from what the ledger knew a moment ago hears of it.
func whatIsNotedIsOver(s *scene) {
	s.crowd(2)
	s.call(rules(2))
	gone, stays := s.enter(0, 2), s.enter(1, 2)
	s.leave(0, 0, "")
	s.lose()
	m := remembered(2, 2)
	m.Used, m.Sessions = []int64{0, 1}, []waitroom.Admission{{Visitor: fan(0), Session: gone}, {Visitor: fan(1), Session: stays}}
	s.restore(m)
	s.must(s.Noted(s.ctx, s.Key, waitroom.Admission{Visitor: fan(0), Session: waitroom.Session{JTI: gone.JTI, Number: -1}}))
	s.must(s.Noted(s.ctx, s.Key, waitroom.Admission{Visitor: fan(1), Session: gone}))
	s.answers(s.Active(s.ctx, s.Key, fan(0), gone.JTI), waitroom.ErrSessionOver, "a session whose end is noted")
	s.answers(s.Active(s.ctx, s.Key, fan(1), stays.JTI), nil, "another session")
	s.pass(waitroom.Linger)
	w := s.watch()
	s.want(w.Active == 1 && w.Left == 1, "one of two has left: %+v", w)
}

// anOldLineIsToldNoEnd: what restores it next was read before, perhaps, and it keeps the end for that.
func anOldLineIsToldNoEnd(s *scene) {
	s.crowd(1)
	s.call(rules(1))
	gone := s.enter(0, 1)
	s.leave(0, 0, "")
	end := waitroom.Admission{Visitor: fan(0), Session: gone}
	end.Incarnation = 2 // the ledger's, when the end was recorded
	s.answers(s.Noted(s.ctx, s.Key, end), waitroom.ErrLost, "a line of before is told of an end")
	m := remembered(1, 1)
	m.Used, m.Sessions = []int64{0}, []waitroom.Admission{{Visitor: fan(0), Session: gone}}
	s.restore(m)
	s.answers(s.Active(s.ctx, s.Key, fan(0), gone.JTI), waitroom.ErrSessionOver, "a session that is over")
	s.must(s.Noted(s.ctx, s.Key, end))
	w := s.watch()
	s.want(w.Ends == 0, "%d ends are kept that are noted", w.Ends)
}

// aRestoreKeepsEnds that the ledger does not know yet, when it replaces a line that has them.
func aRestoreKeepsEnds(s *scene) {
	s.crowd(2)
	s.call(rules(2))
	gone, stays := s.enter(0, 2), s.enter(1, 2)
	s.leave(0, 0, "")
	m := remembered(2, 2)
	m.Used, m.Sessions = []int64{0, 1}, []waitroom.Admission{{Visitor: fan(0), Session: gone}, {Visitor: fan(1), Session: stays}}
	s.restore(m)
	s.answers(s.Active(s.ctx, s.Key, fan(0), gone.JTI), waitroom.ErrSessionOver, "a session whose end was kept")
	s.answers(s.Active(s.ctx, s.Key, fan(1), stays.JTI), nil, "another session")
	w := s.watch()
	s.want(w.Ends == 1 && w.Active == 1 && w.Incarnation == 2, "after a restore: %+v", w)
}
