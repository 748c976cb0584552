package apptest

import (
	"slices"
	"testing"
	"time"
)

// settledCrowd is what a ledger knows of 20 people with the numbers 0 to 19 in a room of 3: 0 to 2 are in, 3 is called, 4 has left the line, all others
// wait and were told so.
func settledCrowd() (l *lineLedger, by []*member) {
	l = newLineLedger(3)
	for number := range int64(20) {
		m := l.join()
		l.attempt(m)
		l.joined(m, number)
		by = append(by, m)
	}
	for _, m := range by[:4] {
		l.called(m)
	}
	l.gives(by[4])
	for _, m := range by[:3] {
		l.enters(m, passOf(m))
	}
	for i, m := range by[5:] {
		l.waiting(m, l.now(), lineAnswer{Number: m.number, Watermark: 4, Position: int64(i) + 1})
	}
	return l, by
}

// passOf is a pass of somebody's number, good for a minute.
func passOf(m *member) passWords {
	return passWords{JTI: "jti-" + time.Duration(m.number).String(), Number: m.number, Expires: time.Now().Add(time.Minute).Unix()}
}

// admissionsOf is what Postgres has of those who are in.
func admissionsOf(by []*member) (out []admission) {
	for _, m := range by[:3] {
		out = append(out, admission{m.number, m.jti, time.Now(), time.Now().Add(time.Minute)})
	}
	return out
}

// Every promise is found broken when an answer breaks it, that one and no other; a crowd to which nothing is done is found well.
func TestTheLedgerOfACrowdSeesWhatIsPlanted(t *testing.T) {
	t.Parallel()
	f := func(name string, plant func(l *lineLedger, by []*member, a *[]admission), want ...promise) {
		t.Helper()
		l, by := settledCrowd()
		admissions := admissionsOf(by)
		if plant != nil {
			plant(l, by, &admissions)
		}
		l.judge(l.now(), admissions)
		if got := l.broken(); !slices.Equal(got, want) {
			t.Errorf("%s: found broken %q, want %q", name, got, want)
			l.tell(t.Logf)
		}
	}
	type plant = func(l *lineLedger, by []*member, a *[]admission)
	waits := func(m *member, number, position int64) plant {
		return func(l *lineLedger, by []*member, _ *[]admission) {
			l.waiting(by[m.number], l.now(), lineAnswer{Number: number, Watermark: 4, Position: position})
		}
	}
	tenth := &member{number: 10}
	f("nothing", nil)
	f("asked again", waits(tenth, 10, 6))
	f("a number of somebody else", func(l *lineLedger, _ []*member, _ *[]admission) { m := l.join(); l.attempt(m); l.joined(m, 7) }, numberOnce)
	f("a number that is none", func(l *lineLedger, _ []*member, _ *[]admission) { m := l.join(); l.attempt(m); l.joined(m, -1) }, numberOnce)
	f("a lower number for who came later", func(l *lineLedger, by []*member, _ *[]admission) { by[7].asked = l.now() }, firstCome)
	f("another number when joining again", func(l *lineLedger, by []*member, _ *[]admission) { l.rejoined(by[7], 500_000) }, placeKept)
	f("another number when asking", waits(tenth, 11, 6), placeKept)
	f("a place that is refused", func(l *lineLedger, by []*member, _ *[]admission) { l.lost(by[7], "410") }, placeKept)
	f("somebody else's pass", func(l *lineLedger, by []*member, a *[]admission) {
		p := passOf(by[3])
		p.Number = 9
		l.capacity = 4
		l.enters(by[3], p)
		*a = append(*a, admission{3, p.JTI, time.Now(), time.Now().Add(time.Minute)})
	}, placeKept)
	f("waiting while somebody behind is in", func(l *lineLedger, by []*member, _ *[]admission) {
		l.entries[2].highest = 15
		l.waiting(by[7], l.now()+viewAge+time.Second, lineAnswer{Number: 7, Watermark: 4, Position: 3})
	}, inOrder)
	f("the same, when the gateway may not have heard of it", func(l *lineLedger, by []*member, _ *[]admission) {
		l.entries[2].highest = 15
		l.waiting(by[7], l.now(), lineAnswer{Number: 7, Watermark: 4, Position: 3})
	})
	f("waiting again", func(l *lineLedger, by []*member, _ *[]admission) {
		l.waiting(by[3], l.now(), lineAnswer{Number: 3, Watermark: 3, Position: 1})
	}, staysCalled)
	f("called and not let in", func(l *lineLedger, by []*member, _ *[]admission) { l.uncalled(by[3]) }, staysCalled)
	f("let in twice", func(l *lineLedger, by []*member, a *[]admission) {
		l.enters(by[2], passWords{JTI: "another", Number: 2, Expires: time.Now().Add(time.Minute).Unix()})
		(*a)[2].jti = "another"
	}, entersOnce)
	f("a pass that Postgres does not know", func(_ *lineLedger, _ []*member, a *[]admission) { *a = (*a)[:2] }, entersOnce)
	f("a fourth inside", func(l *lineLedger, by []*member, a *[]admission) {
		l.enters(by[3], passOf(by[3]))
		*a = append(*a, admission{3, by[3].jti, time.Now(), time.Now().Add(time.Minute)})
	}, roomHolds)
	f("a fourth inside when one has left", func(l *lineLedger, by []*member, a *[]admission) {
		l.gives(by[0])
		l.enters(by[3], passOf(by[3]))
		*a = append(*a, admission{3, by[3].jti, time.Now(), time.Now().Add(time.Minute)})
	})
	f("a pass that is refused", func(l *lineLedger, by []*member, _ *[]admission) { l.checked(by[1], lineAnswer{status: 401}) }, undisturbed)
	f("a pass that is good", func(l *lineLedger, by []*member, _ *[]admission) { l.checked(by[1], lineAnswer{status: 200}) })
	out := func(l *lineLedger, by []*member) { l.gives(by[1]); l.gone(by[1]) }
	f("an old pass that is good", func(l *lineLedger, by []*member, _ *[]admission) {
		out(l, by)
		l.checked(by[1], lineAnswer{status: 200})
	}, outIsOut)
	f("an old pass while the line cannot be asked", func(l *lineLedger, by []*member, _ *[]admission) {
		out(l, by)
		l.checked(by[1], lineAnswer{status: 200, frozen: true})
	})
	f("an old pass that is refused", func(l *lineLedger, by []*member, _ *[]admission) {
		out(l, by)
		l.checked(by[1], lineAnswer{status: 401})
	})
	f("who has left the line is let in", func(l *lineLedger, by []*member, a *[]admission) {
		l.capacity = 4
		l.enters(by[4], passOf(by[4]))
		*a = append(*a, admission{4, by[4].jti, time.Now(), time.Now().Add(time.Minute)})
	}, outIsOut)
	f("a position that rises", waits(tenth, 10, 7), rightPlace)
	f("a position that forgets somebody", waits(tenth, 10, 5), rightPlace)
	f("a position of 0", waits(tenth, 10, 0), rightPlace)
	f("a position that counts somebody who is not there", func(l *lineLedger, by []*member, _ *[]admission) {
		by[19].shown = 0
		l.waiting(by[19], l.now(), lineAnswer{Number: 19, Watermark: 4, Position: 17})
	}, rightPlace)
}

// After a fault nothing is well until somebody has entered, the watermark has moved, and everybody was told where he stands.
func TestAFaultIsOverWhenAllIsWell(t *testing.T) {
	t.Parallel()
	well := func(want bool, what string, l *lineLedger) {
		t.Helper()
		if _, _, got := l.settled(); got != want {
			t.Errorf("%s: well %t, want %t; %s", what, got, want, l.pending())
		}
	}
	l, by := settledCrowd()
	tell := func(watermark int64, frozen bool) {
		for _, m := range by[8:] {
			l.waiting(m, l.now(), lineAnswer{Number: m.number, Watermark: watermark, Position: m.number - watermark + 1, frozen: frozen})
		}
	}
	l.faults()
	well(false, "a store is away", l)
	l.returns()
	for _, m := range by[5:8] {
		l.called(m)
	}
	tell(5, true)
	l.enters(by[3], passOf(by[3]))
	well(false, "all are told of a frozen line", l)
	tell(5, false)
	well(false, "the watermark stands still", l)
	tell(6, false)
	well(true, "all is well", l)
	l.faults()
	l.returns()
	tell(7, false)
	tell(8, false)
	well(false, "nobody enters", l)
	l.report(t)
}
