package linetest

import (
	"errors"
	"slices"
	"time"

	"usher/waitroom"
)

func callingGoesInOrderAndNotPastTheEnd(s *scene) {
	s.crowd(10)
	w := s.call(rules(3))
	s.want(w.Watermark == 3 && w.Waiting == 7 && w.Called == 3, "with capacity 3: %+v", w)
	s.refused(5, 3, waitroom.ErrNotCalled)
	s.leave(4, 4, "") // one who leaves costs nobody a turn
	w = s.call(rules(5))
	s.want(w.Watermark == 6, "3 and 5 are called, 4 has left: the watermark is %d, want 6", w.Watermark)
	for range 3 {
		w = s.call(rules(100))
		s.want(w.Watermark == 10 && w.Next == 10 && w.Waiting == 0, "at the end of the line: %+v", w)
	}
	for n := 10; n < 110; n++ {
		s.join(n)
	}
	if w := s.call(rules(20)); w.Watermark > 10+20 {
		s.failf("at the end of an empty line turns were saved up: the watermark is %d", w.Watermark)
	}
}

func theBucketBoundsThePace(s *scene) {
	s.crowd(200)
	slow := waitroom.CallRules{PerSecond: 10, Burst: 5, Capacity: 1000, Expect: expect, Grace: grace, Ceiling: 1 << 50}
	s.call(slow)
	from := s.watch().Watermark
	s.want(from <= 5, "a bucket of 5 let %d through", from)
	for step := 1; step <= 40; step++ {
		s.pass(250 * time.Millisecond)
		w, err := s.Call(s.ctx, s.Key, slow)
		s.must(err)
		due := int64(step) * 10 / 4
		s.want(w.Watermark-from <= due+5 && w.Watermark-from >= due-1, "after %d quarters of a second at 10 a second %d were called", step, w.Watermark-from)
	}
	s.pass(time.Hour)
	before := s.watch().Watermark
	w, err := s.Call(s.ctx, s.Key, slow)
	s.must(err)
	s.want(w.Watermark-before == 5, "after an hour of silence %d were called at once, want the bucket's 5", w.Watermark-before)
}

// theSlowestPaceCounts that anybody asks for, until he has not for some time.
func theSlowestPaceCounts(s *scene) {
	s.crowd(300)
	asks := func(perSecond float64, age time.Duration) waitroom.Watch {
		w, err := s.Call(s.ctx, s.Key, waitroom.CallRules{
			PerSecond: perSecond, Burst: 1, PaceAge: age, Capacity: 1000, Expect: expect, Grace: grace, Ceiling: 1 << 50,
		})
		s.must(err)
		return w
	}
	pace := func(seconds int, paces ...float64) (called int64) {
		from := s.watch().Watermark
		for range seconds * 20 {
			s.pass(50 * time.Millisecond)
			for _, p := range paces {
				asks(p, 2*time.Second)
			}
		}
		return s.watch().Watermark - from
	}
	s.want(s.watch().Pace == 0, "before the first call the pace is %v", s.watch().Pace)
	got := pace(10, 10)
	s.want(got >= 99 && got <= 101, "one gateway asks for 10 a second, and in ten seconds %d were called", got)
	got = pace(10, 10, 2.5)
	s.want(got >= 24 && got <= 27 && s.watch().Pace == 2.5, "another asks for 2.5, and %d were called at a pace of %v", got, s.watch().Pace)
	got = pace(2, 10)
	s.want(got <= 7, "for two seconds the slower one is not forgotten, and %d were called", got)
	got = pace(5, 10)
	s.want(got >= 48 && got <= 51, "thereafter %d were called in five seconds, want 50", got)
	asks(1, 2*time.Second)
	s.pass(50 * time.Second)
	w := asks(10, time.Minute)
	s.want(w.Pace == 1, "a gateway that has just begun goes on at %v, want the pace of before, 1", w.Pace)
	w, err := s.Call(s.ctx, s.Key, waitroom.CallRules{PerSecond: 20, Burst: 1, PaceAge: time.Minute, Most: 20, Capacity: 1000, Grace: grace, Ceiling: 1 << 50})
	s.must(err)
	s.want(w.Pace == 20, "the operator has changed the room, and it goes on at %v, want 20", w.Pace)
}

func theCeilingStopsTheWatermark(s *scene) {
	s.crowd(20)
	low := rules(100)
	low.Ceiling = 5
	for range 2 {
		if w := s.call(low); w.Watermark != 5 {
			s.failf("the watermark is %d, want the ceiling 5", w.Watermark)
		}
	}
	low.Ceiling = 8
	w := s.call(low)
	s.want(w.Watermark == 8, "the watermark is %d, want the new ceiling 8", w.Watermark)
	low.Ceiling = 2
	w = s.call(low)
	s.want(w.Watermark == 8, "a ceiling below took the watermark back to %d", w.Watermark)
}

// aStepCallsAtMostTwiceTheFreeSlots, whatever the bucket holds and however many have gone away.
func aStepCallsAtMostTwiceTheFreeSlots(s *scene) {
	s.crowd(500)
	const capacity = 20
	for step := range 60 {
		before := s.watch()
		w := s.call(rules(capacity))
		free := int64(capacity - before.Active)
		s.want(w.Watermark-before.Watermark <= 2*free, "step %d called %d with %d slots free", step, w.Watermark-before.Watermark, free)
		for n := before.Watermark; n < w.Watermark; n++ {
			if n%3 == 0 { // two of three do not come
				s.enter(int(n), capacity)
			}
		}
	}
	s.want(s.watch().Watermark > 40, "no-shows kept the line waiting: the watermark is %d", s.watch().Watermark)
}

// gone says that numbers have gone away.
func gone(r waitroom.CallRules, from int64, numbers ...int64) waitroom.CallRules {
	r.Gone = waitroom.Gone{Incarnation: 1, From: from, Bits: make([]byte, (slices.Max(numbers)-from)/8+1)}
	for _, n := range numbers {
		r.Gone.Bits[(n-from)/8] |= 0x80 >> ((n - from) % 8)
	}
	return r
}

// whoIsGoneCostsNoSlot: he is passed, but a step goes no further than twice the free slots.
func whoIsGoneCostsNoSlot(s *scene) {
	s.crowd(40)
	away := []int64{1, 2, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18}
	w := s.call(gone(rules(4), 0, away...))
	s.want(w.Watermark == 7, "of 0 to 6 three are gone, and four slots are free: the watermark is %d, want 7", w.Watermark)
	w = s.call(gone(rules(4), 0, away...))
	s.want(w.Watermark == 7, "four are expected in four slots, and the watermark went on to %d", w.Watermark)
	for _, n := range []int{0, 3, 4, 6} {
		s.enter(n, 4)
	}
	w = s.call(gone(rules(4), 0, away...))
	s.want(w.Watermark == 7, "no slot is free, and the watermark went on to %d", w.Watermark)
	w = s.call(gone(rules(7), 0, away...))
	s.want(w.Watermark == 10, "three slots are free and 7, 8 and 9 are here: the watermark is %d, want 10", w.Watermark)
	w = s.call(gone(rules(9), 0, away...))
	s.want(w.Watermark == 14, "two slots are free, and 10 to 18 are gone: the watermark is %d, want 14", w.Watermark)
	w = s.call(gone(rules(9), 9, away[3:]...))
	s.want(w.Watermark == 18, "two slots are free still, and 14 to 18 are gone: the watermark is %d, want 18", w.Watermark)
	w = s.call(gone(rules(9), 9, away[3:]...))
	s.want(w.Watermark == 21, "18 is gone, 19 and 20 are here: the watermark is %d, want 21", w.Watermark)
}

// whoIsGoneCostsNoToken, and is passed only on the way to somebody who has one.
func whoIsGoneCostsNoToken(s *scene) {
	s.crowd(40)
	slow := gone(rules(1000), 3, 3, 4, 5, 8)
	slow.PerSecond, slow.Burst = 5, 5
	w := s.call(slow)
	s.want(w.Watermark == 8, "five tokens, and 3 to 5 are gone: the watermark is %d, want 8", w.Watermark)
	w, err := s.Call(s.ctx, s.Key, slow)
	s.must(err)
	s.want(w.Watermark == 8, "there is no token, and the watermark went on to %d", w.Watermark)
	w = s.call(slow)
	s.want(w.Watermark == 14, "five tokens, and 8 is gone: the watermark is %d, want 14", w.Watermark)
}

// whoIsGoneHasHisGrace: he is called like everybody.
func whoIsGoneHasHisGrace(s *scene) {
	s.crowd(4)
	w := s.call(gone(rules(2), 0, 0, 1))
	s.want(w.Watermark == 4, "two of four are gone, and two slots are free: the watermark is %d, want 4", w.Watermark)
	s.pass(grace)
	s.enter(0, 2)
	s.pass(time.Millisecond)
	s.refused(1, 2, waitroom.ErrGraceOver)
}

// whoIsGoneAndComesBackIsExpected once he has found the room full, and before nobody with a higher number.
func whoIsGoneAndComesBackIsExpected(s *scene) {
	s.crowd(12)
	w := s.call(gone(rules(2), 0, 0, 1))
	s.want(w.Watermark == 4, "the watermark is %d, want 4", w.Watermark)
	third := s.enter(2, 2)
	s.enter(3, 2)
	s.refused(0, 2, waitroom.ErrRoomFull)
	w = s.call(rules(3))
	s.want(w.Watermark == 4, "0 has come back for the third slot, and the watermark went on to %d", w.Watermark)
	s.leave(2, 2, third.JTI)
	s.pass(waitroom.Linger + time.Millisecond)
	s.refused(1, 2, waitroom.ErrRoomFull) // 0 goes before
	s.enter(0, 2)
	s.pass(expect)
	s.leave(0, 0, "")
	s.pass(waitroom.Linger + time.Millisecond)
	s.enter(1, 2)
	w = s.call(rules(3))
	s.want(w.Watermark == 5, "two are inside and one slot is free: the watermark is %d, want 5", w.Watermark)
}

// whoIsGoneIsPassedAfterALossToo, once gateways have found out that he is.
func whoIsGoneIsPassedAfterALossToo(s *scene) {
	s.crowd(10)
	s.lose()
	s.restore(remembered(0, 10))
	before := gone(rules(2), 0, 0, 2, 4, 5, 6, 7, 8, 9)
	after := before
	after.Gone.Incarnation = 2
	w := s.call(after)
	s.want(w.Watermark == 4, "0 and 2 are gone, and two slots are free: the watermark is %d, want 4", w.Watermark)
	s.pass(expect)
	w = s.call(after)
	s.want(w.Watermark == 8, "two slots are free, and 4 to 9 are gone: the watermark is %d, want 8", w.Watermark)
	s.pass(expect)
	w = s.call(before)
	s.want(w.Watermark == 10, "two slots are free, and who was gone before the loss is not known to be: the watermark is %d, want 10", w.Watermark)
	w = s.call(before)
	s.want(w.Watermark == 10, "8 and 9 are expected, and the watermark went on to %d", w.Watermark)
}

// whoIsGoneIsNotThrough: what people buy is measured by those who were there.
func whoIsGoneIsNotThrough(s *scene) {
	s.crowd(6)
	w := s.call(gone(selling(1000, 0, 1), 0, 0, 1))
	s.want(w.Watermark == 6 && w.Served == 0, "the watermark is %d and %d are through, want 6 and 0", w.Watermark, w.Served)
	for n := 1; n < 6; n++ { // 1 has come back
		inside := s.enter(n, 1000)
		s.leave(n, int64(n), inside.JTI)
	}
	s.pass(waitroom.Linger)
	w = s.call(selling(1000, 0, 1))
	s.want(w.Served == 5, "five were inside, and %d are through", w.Served)
	s.pass(grace)
	w = s.call(selling(1000, 0, 1))
	s.want(w.Served == 5, "five were inside and one was gone, and %d are through", w.Served)
}

// aNumberThatWasTakenUpAgainHasItsTurn: of two places of before a loss the lower one counts, until its turn has lapsed.
func aNumberThatWasTakenUpAgainHasItsTurn(s *scene) {
	s.crowd(10)
	s.lose()
	s.restore(remembered(0, 10))
	s.show(0, 5)
	s.want(s.show(0, 3).Number == 3, "the lower number does not count")
	s.call(rules(4))
	s.pass(grace + time.Millisecond)
	s.want(s.show(0, 5).Number == 5, "the other number is not taken up again")
	s.call(rules(4))
	l, err := s.Lapses(s.ctx, s.Key)
	s.must(err)
	s.want(l.Has(3) && !l.Has(5), "3 has lapsed: %t; 5 was called just now, and has lapsed: %t", l.Has(3), l.Has(5))
	_, err = s.try(0, 5, 4)
	s.answers(err, nil, "who was called with the other number enters")
}

// gatewaysHearEachOther: everything since they asked last, as long as it is kept.
func gatewaysHearEachOther(s *scene) {
	share := func(after int64, news string, told int64, want ...string) {
		got, err := s.Share(s.ctx, s.Key, waitroom.Telling{Gateway: "a", Incarnation: 1, After: after, News: []byte(news)})
		s.answers(err, nil, "share")
		heard := []string{}
		for _, n := range got.News {
			heard = append(heard, string(n))
		}
		s.want(got.Incarnation == 1 && got.Told == told && slices.Equal(heard, want), "after %d: %+v, %q; want %d told, %q", after, got, heard, told, want)
	}
	share(0, "", 0)
	share(0, "one 1", 1, "one 1")
	share(0, "two\x00\xff ", 2, "one 1", "two\x00\xff ")
	share(1, "", 2, "two\x00\xff ")
	share(7, "", 2) // of an incarnation before
	s.pass(10 * time.Second)
	share(2, "three", 3, "three")
	s.pass(waitroom.NewsKept - 10*time.Second + time.Millisecond)
	share(0, "", 3, "three")
	share(1, "", 3, "three")
	share(3, "", 3)
}

// tell lets a gateway tell something.
func (s *scene) tell(gateway string, incarnation int64, news string) (waitroom.Shared, error) {
	return s.Share(s.ctx, s.Key, waitroom.Telling{Gateway: gateway, Incarnation: incarnation, News: []byte(news)})
}

// silentGatewaysAreMissed by everybody, also by who begins later and after the line was restored, until they have long been away or say goodbye.
func silentGatewaysAreMissed(s *scene) {
	missed := func(incarnation int64, want ...waitroom.Silent) {
		got, err := s.tell("new", incarnation, "")
		s.must(err)
		s.want(slices.Equal(got.Silent, want), "silent are %v, want %v", got.Silent, want)
	}
	for _, gateway := range []string{"a", "b"} {
		_, err := s.tell(gateway, 1, "news")
		s.must(err)
	}
	_, err := s.tell("of another line", 2, "news")
	s.must(err)
	s.pass(waitroom.GatewaySilent)
	missed(1)
	_, err = s.tell("b", 1, "news")
	s.must(err)
	s.pass(time.Millisecond)
	missed(1, waitroom.Silent{Gateway: "a", For: waitroom.GatewaySilent + time.Millisecond})
	s.pass(waitroom.GatewayKept/2 - time.Millisecond)
	a, b := waitroom.Silent{Gateway: "a", For: waitroom.GatewaySilent + waitroom.GatewayKept/2}, waitroom.Silent{Gateway: "b", For: waitroom.GatewayKept / 2}
	missed(1, a, b)
	s.restore(waitroom.Memory{Incarnation: 2, BlockEnd: firstBlock})
	missed(2, a, b)
	_, err = s.Share(s.ctx, s.Key, waitroom.Telling{Gateway: "a", Incarnation: 2, News: []byte("bye"), Bye: true})
	s.must(err)
	missed(2, b)
	s.pass(waitroom.GatewayKept / 2)
	missed(2, waitroom.Silent{Gateway: "b", For: waitroom.GatewayKept})
	s.pass(time.Millisecond)
	missed(2)
}

// newsAreOfTheirIncarnation: after a loss nothing of before is told.
func newsAreOfTheirIncarnation(s *scene) {
	_, err := s.tell("a", 1, "one")
	s.must(err)
	s.must(s.Lose())
	_, err = s.tell("a", 1, "two")
	s.answers(err, waitroom.ErrLost, "a lost line is told news")
	s.restore(remembered(0, 0))
	got, err := s.tell("a", 1, "three")
	s.must(err)
	s.want(got.Incarnation == 2 && got.Told == 0 && len(got.News) == 0, "news of another incarnation: %+v", got)
	s.restore(waitroom.Memory{Incarnation: 3, BlockEnd: firstBlock}) // somebody has restored it too late
	_, err = s.tell("a", 3, "four")
	s.must(err)
	s.restore(waitroom.Memory{Incarnation: 4, BlockEnd: firstBlock})
	got, err = s.tell("a", 4, "")
	s.must(err)
	s.want(got.Told == 0 && len(got.News) == 0, "news of before the line was restored: %+v", got)
}

func nobodyIsCalledWhileClosed(s *scene) {
	s.crowd(10)
	closed := rules(5)
	closed.Closed = true
	w := s.call(closed)
	s.want(w.Watermark == 0 && w.Waiting == 10, "while closed: %+v", w)
	w = s.call(rules(5))
	s.want(w.Watermark == 5, "after it opened the watermark is %d, want 5", w.Watermark)
}

// lapsed lets the turn of fan 0 go by. swept says whether a step has seen it.
func (s *scene) lapsed(swept bool) {
	s.crowd(2)
	s.call(rules(2))
	s.enter(1, 2)
	s.pass(grace + time.Millisecond)
	if swept {
		s.call(rules(2))
	}
}

func aLapsedTurnIsOver(s *scene) {
	s.lapsed(false)
	s.refused(0, 2, waitroom.ErrGraceOver)
	s.refused(0, 2, waitroom.ErrGraceOver)
	j := s.show(0, -1)
	s.want(j.Number == 2 && j.First, "who joins again after his turn lapsed got %+v, want the new number 2", j)
}

func aLapsedTurnIsOverAfterTheSweep(s *scene) {
	s.lapsed(true)
	s.refused(0, 2, waitroom.ErrGraceOver)
	j := s.show(0, -1)
	s.want(j.Number == 2 && j.First, "who joins again after his turn lapsed got %+v, want the new number 2", j)
}

// aLapsedPlaceThatIsShownIsNone: showing it is no way back into the line, for browsers and programs alike.
func aLapsedPlaceThatIsShownIsNone(s *scene) {
	s.lapsed(false)
	j := s.show(0, 0)
	s.want(j.Number == 2 && j.First, "who shows a lapsed place got %+v, want the new number 2", j)
	_, err := s.try(0, 0, 2)
	s.want(err != nil, "the lapsed place let in")
	_, err = s.try(0, 2, 2)
	s.answers(err, waitroom.ErrNotCalled, "the new number before its turn")
}

func aLapsedPlaceThatIsShownAfterTheSweepIsNone(s *scene) {
	s.lapsed(true)
	j := s.show(0, 0)
	s.want(j.Number == 2 && j.First, "who shows a lapsed place got %+v, want the new number 2", j)
	_, err := s.try(0, 0, 2)
	s.want(err != nil, "the lapsed place let in")
}

// whoComesWithinTheGraceEnters, to its last moment.
func whoComesWithinTheGraceEnters(s *scene) {
	s.crowd(2)
	s.call(rules(2))
	s.pass(grace)
	s.enter(0, 2)
	w, err := s.Call(s.ctx, s.Key, rules(2))
	s.must(err)
	s.want(w.Called == 1, "a turn was taken away at the last moment of its grace: %+v", w)
	s.enter(1, 2)
}

// whoAsksWhileFullKeepsHisTurn: no slot is free for longer than the grace, and he asks all the time.
func whoAsksWhileFullKeepsHisTurn(s *scene) {
	s.crowd(4)
	s.call(rules(3))
	inside := s.enter(0, 1)
	for range 30 { // five minutes, as often as Retry-After allows
		s.refused(1, 1, waitroom.ErrRoomFull)
		s.pass(10 * time.Second)
		_, err := s.Call(s.ctx, s.Key, rules(1))
		s.must(err)
	}
	w := s.watch()
	s.want(w.Called == 1, "one of three called asks, one is inside, one has gone: %d count as called", w.Called)
	s.leave(0, 0, inside.JTI)
	s.pass(waitroom.Linger + time.Millisecond)
	s.enter(1, 1)
	s.refused(2, 3, waitroom.ErrGraceOver) // who did not ask has lost his
}

// lapsesTellWhatEnteringAnswers, of every number, whatever has become of it. Whoever is asked for keeps his turn by that.
func lapsesTellWhatEnteringAnswers(s *scene) {
	s.crowd(12)
	agree := func(when string, lapsed ...int64) {
		l, err := s.Lapses(s.ctx, s.Key)
		s.must(err)
		w := s.watch()
		s.want(l.Incarnation == w.Incarnation, "%s: lapses of incarnation %d, want %d", when, l.Incarnation, w.Incarnation)
		var told []int64
		for n := range w.Next {
			if l.Has(n) {
				told = append(told, n)
			}
		}
		s.want(slices.Equal(told, lapsed), "%s: the turns of %d are told to have lapsed, want %d", when, told, lapsed)
		for n := range 12 {
			_, err := s.try(n, int64(n), -1) // nobody is let in
			s.want(errors.Is(err, waitroom.ErrGraceOver) == l.Has(int64(n)), "%s: number %d is told to have lapsed: %t; entering: %v", when, n, l.Has(int64(n)), err)
		}
	}
	call := func() {
		s.pass(time.Second)
		_, err := s.Call(s.ctx, s.Key, rules(5))
		s.must(err)
	}
	agree("before anybody is called")
	call() // 0 to 4
	s.enter(0, 5)
	s.leave(1, 1, "")
	inside := s.enter(2, 5)
	s.leave(2, 2, inside.JTI)
	s.pass(grace)
	s.refused(3, 0, waitroom.ErrRoomFull)
	call() // 4 has not come, 3 is here
	agree("after the grace", 4)
	before := s.watch()
	s.pass(grace + time.Millisecond)
	agree("a moment before the line sees it", 3, 4, 5, 6, 7)
	call()
	after := s.watch()
	s.want(after.Lapsed > before.Lapsed, "turns have lapsed, and the line counts %d after %d", after.Lapsed, before.Lapsed)

	s.lose()
	m := remembered(8, 10)
	m.Used = []int64{0, 2}
	s.restore(m)
	s.pass(grace)
	s.refused(7, 0, waitroom.ErrRoomFull)
	call()
	w := s.watch()
	s.want(w.Over > 0, "all turns of before the loss have lapsed, and the line counts %d such ranges", w.Over)
	agree("when the grace of before the loss is over", 1, 3, 4, 5, 6)
}
