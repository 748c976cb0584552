package linetest

import (
	"time"

	"usher/waitroom"
)

func aLostLineSaysSo(s *scene) {
	s.crowd(3)
	s.call(rules(3))
	got := s.enter(0, 3)
	s.lose()
	lost := func(what string, err error) { s.answers(err, waitroom.ErrLost, "%s", what) }
	_, err := s.Join(s.ctx, s.Key, fan(5), -1)
	lost("join", err)
	_, err = s.Join(s.ctx, s.Key, fan(1), 1)
	lost("join with a place", err)
	lost("grow", s.Grow(s.ctx, s.Key, 1, 5000))
	_, err = s.Call(s.ctx, s.Key, rules(3))
	lost("call", err)
	_, err = s.try(1, 1, 3)
	lost("enter", err)
	_, err = s.Leave(s.ctx, s.Key, fan(1), 1, "")
	lost("leave", err)
	_, err = s.Extend(s.ctx, s.Key, fan(0), got.JTI, s.now.Add(time.Hour))
	lost("extend", err)
	lost("active", s.Active(s.ctx, s.Key, fan(0), got.JTI))
}

func aRestoreGivesBackWhatMatters(s *scene) {
	s.crowd(10)
	s.call(rules(3))
	inside := s.enter(0, 3)
	s.enter(1, 3)
	s.lose()
	s.pass(time.Second)
	m := remembered(3, 10)
	m.Used, m.Sessions = []int64{0, 1}, []waitroom.Admission{{Visitor: fan(0), Session: inside}}
	s.restore(m)
	s.answers(s.Active(s.ctx, s.Key, fan(0), inside.JTI), nil, "a session after the loss")
	got := s.enter(0, 3)
	s.want(got.JTI == inside.JTI && got.Expires.Equal(inside.Expires) && got.Entered.Equal(inside.Entered) && !got.Fresh, "it came back as %+v", got)
	s.refused(1, 3, waitroom.ErrPlaceUsed)
	w := s.watch()
	s.want(w.Watermark == 3 && w.Active == 1 && w.Next == firstBlock, "after the loss: %+v", w)
	s.want(s.show(50, -1).Number == firstBlock, "the newcomer has no number of the fresh block")
	s.enter(2, 3) // was called before the loss, and shows his place
	s.refused(3, 3, waitroom.ErrNotCalled)
	w = s.call(rules(100))
	s.want(w.Watermark == firstBlock+1 && w.Waiting == 0, "everybody up to the newcomer is called: %+v", w)
	for n := 3; n < 10; n++ {
		s.enter(n, 100)
	}
}

// unknownMeansPresent: those of before the loss are called one after the other though the line knows none of them.
func unknownMeansPresent(s *scene) {
	s.lose()
	s.restore(remembered(2, 10))
	w := s.call(rules(3))
	s.want(w.Watermark == 5 && w.Called == 3, "three slots call three: %+v", w)
	s.enter(4, 3)
	s.pass(expect + time.Second) // 2 and 3 did not come
	w = s.call(rules(3))
	s.want(w.Watermark == 7, "two slots call two: %+v", w)
	s.enter(2, 3) // but they may, within the grace
}

// whoWasCalledBeforeALossHasHisGraceAgain, and not for ever.
func whoWasCalledBeforeALossHasHisGraceAgain(s *scene) {
	s.crowd(4)
	s.call(rules(4))
	s.pass(grace)
	s.lose()
	s.restore(remembered(4, 4))
	_, err := s.Call(s.ctx, s.Key, rules(4))
	s.must(err)
	s.pass(grace)
	s.enter(0, 4)
	s.want(s.show(1, 1).Number == 1, "his place of before the loss is not kept")
	s.pass(time.Millisecond)
	s.refused(1, 4, waitroom.ErrGraceOver)
	s.refused(2, 4, waitroom.ErrGraceOver)
	j := s.show(3, 3)
	s.want(j.Number == firstBlock && j.First, "who shows a place of before the loss that has lapsed got %+v, want a new number", j)
}

// aTurnOfBeforeALossLapsesToo: who has come back into the line with his place, was called and let it lapse gains nothing by showing it again.
func aTurnOfBeforeALossLapsesToo(s *scene) {
	s.lose()
	s.restore(remembered(0, 10))
	s.want(s.show(3, 3).Number == 3, "the place of before the loss is not kept")
	w := s.call(rules(5))
	s.want(w.Watermark == 5, "five slots call five: %+v", w)
	s.pass(grace)
	s.call(rules(5))
	s.refused(3, 100, waitroom.ErrGraceOver)
	s.refused(4, 100, waitroom.ErrGraceOver)
	for _, n := range []int{3, 4} {
		j := s.show(n, int64(n))
		s.want(j.Number >= firstBlock && j.First, "fan %d shows a lapsed place and got %+v, want a new number", n, j)
		_, err := s.try(n, int64(n), 100)
		s.want(err != nil, "the lapsed place of fan %d let in", n)
	}
}

// theHolesOfEveryLossAreJumped, not only those of the last.
func theHolesOfEveryLossAreJumped(s *scene) {
	s.crowd(10)
	s.lose()
	s.restore(remembered(0, 10))
	for n := 10; n < 15; n++ {
		s.join(n)
	}
	s.lose()
	s.restore(waitroom.Memory{
		Incarnation: 3, Next: 2 * firstBlock, BlockEnd: 3 * firstBlock, Limit: 2 * firstBlock,
		Holes: []waitroom.Hole{{From: 10, Past: firstBlock}, {From: firstBlock + 5, Past: 2 * firstBlock}},
	})
	s.want(s.join(20) == 2*firstBlock, "the newcomer has no number of the fresh block")
	w := s.watch()
	s.want(w.Waiting == 16 && len(w.Holes) == 2 && w.Hollow(0, w.Next) == 2*firstBlock-15, "ten, five and one wait: %+v", w)
	r := rules(100)
	r.Burst = 16 // a turn for each, and none for holes
	w = s.call(r)
	s.want(w.Watermark == 2*firstBlock+1 && w.Called == 16 && w.Waiting == 0, "sixteen turns call sixteen: %+v", w)
	for _, number := range []int64{0, 9, firstBlock, firstBlock + 4} {
		_, err := s.try(int(number), number, 100)
		s.answers(err, nil, "number %d of before a loss", number)
	}
}

// whoGotANumberOfAHoleMayCome: the loss took the line's memory of him, not his place.
func whoGotANumberOfAHoleMayCome(s *scene) {
	s.lose()
	s.restore(remembered(0, 2))
	s.want(s.show(500, 500).Number == 500, "a place of the hole is not kept")
	s.want(s.join(9) == firstBlock, "the newcomer has no number of the fresh block")
	w := s.watch()
	s.want(w.Waiting == 4, "0, 1, 500 and the newcomer wait: %+v", w)
	w = s.call(rules(3))
	s.want(w.Watermark == 501 && w.Called == 3 && w.Waiting == 1, "three slots call 0, 1 and 500: %+v", w)
	_, err := s.try(700, 700, 10)
	s.answers(err, waitroom.ErrNotCalled, "a number of the hole before its turn")
	s.enter(500, 3)
	w = s.call(rules(10))
	s.want(w.Watermark == firstBlock+1 && w.Waiting == 0, "the newcomer is called: %+v", w)
	s.pass(grace)
	s.enter(700, 10)
	s.want(s.show(701, 701).Number == 701, "a place of the hole within its grace is not kept")
	lapsed := func(want bool) {
		l, err := s.Lapses(s.ctx, s.Key)
		s.want(err == nil && l.Has(701) == want && !l.Has(700), "number 701 of the hole is told to have lapsed: %t, 700 that has entered: %t, %v", l.Has(701), l.Has(700), err)
	}
	lapsed(false)
	s.pass(time.Millisecond)
	lapsed(true)
	s.refused(701, 10, waitroom.ErrGraceOver)
	s.refused(702, 10, waitroom.ErrGraceOver)
	s.want(s.show(703, 703).Number == firstBlock+1, "a place of the hole that has lapsed is kept")
}

// whoLeftIsNotPresent, though the line did not know him.
func whoLeftIsNotPresent(s *scene) {
	s.lose()
	s.restore(remembered(0, 10))
	for n := range 8 {
		s.leave(n, int64(n), "")
	}
	w := s.call(rules(1))
	s.want(w.Watermark == 9 && w.Called == 1 && w.Left == 8, "eight have left, the ninth is called: %+v", w)
	s.refused(3, 10, waitroom.ErrPlaceUsed)
	s.want(s.show(3, 3).Number == firstBlock, "who left and shows his place did not get a new number")
}

// onlyANewerIncarnationIsRestored: of gateways that restore at once the newest wins, in whatever order they come.
func onlyANewerIncarnationIsRestored(s *scene) {
	s.crowd(1)
	s.lose()
	m := remembered(1, 1)
	s.restore(m)
	s.want(s.join(5) == firstBlock, "the newcomer has no number of the fresh block")
	s.call(rules(9))
	inside := s.enter(0, 9)
	s.want(inside.Incarnation == 2, "he entered incarnation %d, want 2", inside.Incarnation)
	s.restore(m)
	older := m
	older.Incarnation = 1
	s.restore(older)
	s.answers(s.Active(s.ctx, s.Key, fan(0), inside.JTI), nil, "a session after somebody restored the same once more")
	w := s.watch()
	s.want(w.Incarnation == 2 && w.Next == firstBlock+1, "after somebody restored the same once more: %+v", w)

	newer := remembered(1, 1)
	newer.Incarnation, newer.Next, newer.BlockEnd, newer.Limit = 3, 2*firstBlock, 3*firstBlock, 2*firstBlock
	newer.Holes = append(newer.Holes, waitroom.Hole{From: firstBlock + 1, Past: 2 * firstBlock})
	newer.Used, newer.Sessions = []int64{7}, []waitroom.Admission{{Visitor: fan(7), Session: waitroom.Session{JTI: "seven", Number: 7, Entered: s.now, Expires: s.now.Add(session)}}}
	s.restore(newer)
	s.restore(m)
	s.answers(s.Active(s.ctx, s.Key, fan(0), inside.JTI), waitroom.ErrSessionOver, "a session that no ledger knows")
	s.answers(s.Active(s.ctx, s.Key, fan(7), "seven"), nil, "a session that the ledger knows")
	w = s.watch()
	s.want(w.Incarnation == 3 && w.Next == 2*firstBlock && w.Active == 1, "after the newest was restored: %+v", w)
	incarnation, err := s.Extend(s.ctx, s.Key, fan(7), "seven", s.now.Add(2*session))
	s.want(err == nil && incarnation == 3, "extending tells incarnation %d, %v; want 3", incarnation, err)
}

// whoGotANumberOfAHoleAndLetItLapse has no second turn when the hole is jumped.
func whoGotANumberOfAHoleAndLetItLapse(s *scene) {
	s.lose()
	s.restore(remembered(0, 0))
	s.show(500, 500)
	s.show(600, 600)
	w := s.call(rules(1))
	s.want(w.Watermark == 501, "one slot calls 500: %+v", w)
	s.pass(grace)
	w = s.call(rules(1))
	s.want(w.Watermark == 601, "the next slot calls 600: %+v", w)
	s.pass(grace)
	s.call(rules(1)) // the hole is jumped to its end
	s.join(9)
	s.call(rules(1))
	s.refused(500, 9, waitroom.ErrGraceOver)
	j := s.show(500, 500)
	s.want(j.Number > firstBlock && j.First, "who shows the lapsed place again got %+v, want a new number", j)
}
