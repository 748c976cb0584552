package apptest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// promise is what the line owes to those who wait, whatever is away.
type promise string

// The promises that the crowd's ledger judges.
const (
	numberOnce  promise = "no number is given to two"
	firstCome   promise = "who came first has the lower number"
	placeKept   promise = "who does as he is told keeps his place until he is in"
	inOrder     promise = "nobody waits when somebody behind him is in"
	staysCalled promise = "who was called stays called"
	entersOnce  promise = "a place enters once, and that is in Postgres"
	roomHolds   promise = "no more are inside than the room holds"
	undisturbed promise = "who is inside is not disturbed"
	outIsOut    promise = "who has left is out"
	rightPlace  promise = "a position counts those who are ahead and nobody else, and never rises"
)

const (
	numbers = 1 << 23 // that a ledger can tell apart: sixteen losses of a line

	// A gateway that does not say line-frozen has heard of the line within 3 s, and a call of its own lasts 2 s at most: what it tells is never older.
	viewAge = 5 * time.Second

	// A gateway notes once a second how far numbers have been given out. Who got his number since is in a hole after a loss, and is not counted by those
	// behind him until he asks.
	noteAge = 3 * time.Second

	// A pass may run out so much too early: its end is a whole second, and a gateway's clock may be 5 s fast, of which it allows 2.
	expiresEarly = 4 * time.Second
)

// member is one visitor as the ledger knows him. Times are since the crowd began.
type member struct {
	number      int64         // -1: none yet
	asking      bool          // for it, once at least
	asked, got  time.Duration // his number: when he asked for it first, when he was told
	waits       bool          // he has a number, and was not told that it is called
	toldCalled  time.Duration // when he was told so first; 0: not yet
	shown       int64
	jti         string
	in, expires time.Duration // of his session; 0: none
	asksOut     time.Duration // when he asked first to leave; 0: he has not
	out         bool          // he was told that he is out
	waited      bool          // when a store came back last
	right       time.Duration // when he was told a right position first thereafter; 0: not yet
}

// lineLedger is what a crowd was told, and what of it must not be. It believes nobody: all that it knows it has seen in answers.
type lineLedger struct {
	capacity int
	began    time.Time

	mu      sync.Mutex // guards all below
	members []*member
	of      map[int64]*member
	stand   counts // numbers that were told
	leavers counts // of those who have asked to leave the line
	unsure  counts // of those who got theirs just before a loss
	asking  int    // who has asked for a number and was told none yet
	orphans int    // who did so when a store was lost, and may have had another number then
	highest int64  // watermark that was told
	entries []entry
	fullest int                  // most who were inside at once, as was judged last
	wrong   map[promise][]string // the first few of each
	times   map[promise]int
	fault   time.Duration
	back    time.Duration
	first   time.Duration // somebody enters, after a store is back; 0: not yet
	moved   time.Duration // the watermark moves
	heard   int64         // the watermark as it was told first after a store was back; -1: not yet
}

// entry is that somebody was told that he is in, and the highest number of all who were told so until then.
type entry struct {
	at      time.Duration
	highest int64
}

func newLineLedger(capacity int) *lineLedger {
	return &lineLedger{
		capacity: capacity, began: time.Now(), of: map[int64]*member{}, stand: make(counts, numbers), leavers: make(counts, numbers), unsure: make(counts, numbers),
		wrong: map[promise][]string{}, times: map[promise]int{}, heard: -1,
	}
}

func (l *lineLedger) now() time.Duration { return time.Since(l.began) }

// say notes that a promise was broken. The caller holds mu.
func (l *lineLedger) say(p promise, format string, args ...any) {
	if l.times[p]++; l.times[p] <= 5 {
		l.wrong[p] = append(l.wrong[p], fmt.Sprintf("%.1f s: ", l.now().Seconds())+fmt.Sprintf(format, args...))
	}
}

// broken returns the promises that did not hold, in order.
func (l *lineLedger) broken() []promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.times))
}

// report fails the test with every promise that did not hold, and forgets it.
func (l *lineLedger) report(t *testing.T) {
	t.Helper()
	l.tell(t.Errorf)
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.wrong)
	clear(l.times)
}

// tell tells of every promise that did not hold.
func (l *lineLedger) tell(how func(format string, args ...any)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range slices.Sorted(maps.Keys(l.times)) {
		how("%d times it was not so that %s:\n\t%s", l.times[p], p, strings.Join(l.wrong[p], "\n\t"))
	}
}

// join is a new member who is about to ask for a number.
func (l *lineLedger) join() *member {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := &member{number: -1, asked: l.now()}
	l.members = append(l.members, m)
	return m
}

// have is how many have got a number.
func (l *lineLedger) have() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.of)
}

// entered is how many have entered.
func (l *lineLedger) entered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// attempt is that somebody is about to ask for a number.
func (l *lineLedger) attempt(m *member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !m.asking {
		m.asking = true
		l.asking++
	}
}

// joined is the answer that gives a member his number.
func (l *lineLedger) joined(m *member, number int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.number, m.got = number, l.now()
	l.asking--
	if number < 0 || number >= numbers {
		l.say(numberOnce, "a number is %d", number)
		return
	}
	if other := l.of[number]; other != nil {
		l.say(numberOnce, "number %d was told to one after %.1f s and to another now", number, other.got.Seconds())
		return
	}
	m.waits = true
	l.of[number] = m
	l.stand.add(number, 1)
	if l.fault > 0 && m.asked <= l.fault { // it was on its way when the store was lost
		l.unsure.add(number, 1)
	}
}

// rejoined is an answer to a member who has a number and joins once more.
func (l *lineLedger) rejoined(m *member, number int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number != m.number {
		l.say(placeKept, "who shows number %d is given %d", m.number, number)
	}
}

// waiting is an answer that somebody is not called yet, to what he asked at that time.
func (l *lineLedger) waiting(m *member, sent time.Duration, a lineAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if a.Number != m.number {
		l.say(placeKept, "who has number %d is told %d", m.number, a.Number)
		return
	}
	if m.toldCalled > 0 {
		l.say(staysCalled, "number %d was called %.1f s ago and waits again", m.number, (now - m.toldCalled).Seconds())
	}
	if a.Position < 1 || m.shown > 0 && a.Position > m.shown {
		l.say(rightPlace, "number %d was at %d and is told %d", m.number, m.shown, a.Position)
	}
	m.shown = a.Position
	if a.frozen {
		return
	}
	if before := l.highestBefore(sent - viewAge); before > m.number {
		l.say(inOrder, "number %d waits, and %d was in more than %v before", m.number, before, viewAge)
	}
	l.highest = max(l.highest, a.Watermark)
	_, most := l.ahead(a.Watermark, m.number)
	least, _ := l.ahead(l.highest, m.number) // another gateway may have heard later of the line, and he keeps what he was told there
	if a.Position-1 < least || a.Position-1 > most {
		l.say(rightPlace, "number %d is told %d at watermark %d; %d to %d are ahead", m.number, a.Position, a.Watermark, least, most)
		return
	}
	if m.right == 0 {
		m.right = now
	}
	l.watch(a.Watermark, now)
}

// watch notes where the watermark stands. The caller holds mu.
func (l *lineLedger) watch(watermark int64, now time.Duration) {
	switch {
	case l.back == 0 || l.moved > 0:
	case l.heard < 0:
		l.heard = watermark
	case watermark > l.heard:
		l.moved = now
	}
}

// ahead returns how many people are ahead of a number at least and at most, when the watermark stands there. The caller holds mu.
func (l *lineLedger) ahead(watermark, number int64) (least, most int64) {
	stand := l.stand.between(watermark, number)
	return stand - l.leavers.between(watermark, number) - l.unsure.between(watermark, number), stand + int64(l.asking+l.orphans)
}

// called is an answer that somebody is called.
func (l *lineLedger) called(m *member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.toldCalled == 0 {
		m.toldCalled = l.now()
	}
	m.waits = false
}

// uncalled is an answer to somebody who was called and enters, that he is not.
func (l *lineLedger) uncalled(m *member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.say(staysCalled, "number %d was called %.1f s ago and may not enter: not called", m.number, (l.now() - m.toldCalled).Seconds())
}

// lost is a refusal that takes a place away.
func (l *lineLedger) lost(m *member, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.waits = false
	l.say(placeKept, "number %d, which he was given %.1f s ago: %s", m.number, (l.now() - m.got).Seconds(), what)
}

// gives is that somebody is about to leave the line or the room.
func (l *lineLedger) gives(m *member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.asksOut > 0 {
		return
	}
	m.asksOut = l.now()
	if m.in == 0 {
		m.waits = false
		l.leavers.add(m.number, 1)
	}
}

// gone is an answer that somebody has left.
func (l *lineLedger) gone(m *member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.out = true
}

// enters is an answer with a pass.
func (l *lineLedger) enters(m *member, p passWords) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	switch {
	case m.jti != "":
		l.say(entersOnce, "number %d was in as %s and is let in as %s", m.number, m.jti, p.JTI)
	case m.asksOut > 0:
		l.say(outIsOut, "number %d has left and is let in", m.number)
	}
	if p.Number != m.number {
		l.say(placeKept, "number %d is let in as number %d", m.number, p.Number)
	}
	m.jti, m.in, m.waits = p.JTI, now, false
	m.expires = time.Unix(p.Expires, 0).Sub(l.began)
	highest := m.number
	if n := len(l.entries); n > 0 {
		highest = max(highest, l.entries[n-1].highest)
	}
	l.entries = append(l.entries, entry{now, highest})
	if l.back > 0 && l.first == 0 {
		l.first = now
	}
}

// highestBefore is the highest number of those who were told by then that they are in; -1 for nobody. The caller holds mu.
func (l *lineLedger) highestBefore(then time.Duration) int64 {
	i, _ := slices.BinarySearchFunc(l.entries, then, func(e entry, then time.Duration) int { return int(e.at - then) })
	if i == 0 {
		return -1
	}
	return l.entries[i-1].highest
}

// checked is an answer to who shows his pass. While the line cannot be asked, the pass alone is told by, and the answer says so.
func (l *lineLedger) checked(m *member, a lineAnswer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	switch {
	case m.out && a.status == 200 && !a.frozen:
		l.say(outIsOut, "number %d was told that he is out, and his pass is good", m.number)
	case m.asksOut == 0 && a.status != 200 && now < m.expires-expiresEarly:
		l.say(undisturbed, "number %d is inside for %.1f s more and is answered %d to what he asked %.1f s ago", m.number, (m.expires - now).Seconds(), a.status, (now - a.sent).Seconds())
	}
}

// faults notes that a store is about to go away, and who got his number so late that nobody may have noted it.
func (l *lineLedger) faults() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault, l.back = l.now(), 0
	l.orphans += l.asking
	for _, m := range l.members {
		if m.number >= 0 && m.got > l.fault-noteAge {
			l.unsure.add(m.number, 1)
		}
	}
}

// returns notes that a store is back.
func (l *lineLedger) returns() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back, l.first, l.moved, l.heard = l.now(), 0, 0, -1
	for _, m := range l.members {
		m.waited, m.right = m.waits, 0
	}
}

// settled reports whether all is well since a store came back: somebody has entered and the watermark has moved, and whoever waited then and waits
// still was told a right position. It returns after how long these were so.
func (l *lineLedger) settled() (calling, positions time.Duration, well bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	right := l.back
	for _, m := range l.members {
		if m.waited && m.waits && m.right == 0 {
			return 0, 0, false
		}
		if m.waited {
			right = max(right, m.right)
		}
	}
	if l.first == 0 || l.moved == 0 {
		return 0, 0, false
	}
	return max(l.first, l.moved) - l.back, right - l.back, true
}

// pending says what settled waits for.
func (l *lineLedger) pending() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	wrong, all := 0, 0
	for _, m := range l.members {
		if m.waited && m.waits {
			all++
			if m.right == 0 {
				wrong++
			}
		}
	}
	return fmt.Sprintf("%d of %d who waited were told no right position; entered %t, moved %t", wrong, all, l.first > 0, l.moved > 0)
}

// judge judges what only the end shows: the order of numbers, and the admissions as Postgres had them then or later.
func (l *lineLedger) judge(then time.Duration, admissions []admission) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.judgeOrder()
	l.judgeAdmissions(then, admissions)
}

// judgeOrder holds numbers to the order of arrival: who has asked when somebody had his number already has a higher one. The caller holds mu.
func (l *lineLedger) judgeOrder() {
	byNumber := slices.SortedFunc(maps.Values(l.of), func(a, b *member) int { return cmp.Compare(a.number, b.number) })
	var earliest *member // to be told a number above
	for _, m := range slices.Backward(byNumber) {
		if earliest != nil && m.asked > earliest.got {
			l.say(firstCome, "number %d was asked for at %.3f s, and number %d was told at %.3f s", m.number, m.asked.Seconds(), earliest.number, earliest.got.Seconds())
		}
		if earliest == nil || m.got < earliest.got {
			earliest = m
		}
	}
}

// admission is a row of Postgres: a session, and when it ended or will.
type admission struct {
	number   int64
	jti      string
	from, to time.Time
}

// judgeAdmissions counts who was inside at once, and looks for the passes that people have. A session lasts from when the line says that he entered
// until he asked to leave, or its pass ran out, or Postgres says that it was over, whichever comes first: no more than these can be wrong. The caller
// holds mu.
func (l *lineLedger) judgeAdmissions(then time.Duration, admissions []admission) {
	var stays []stay
	known := map[string]int64{}
	for _, a := range admissions {
		known[a.jti] = a.number
		if m := l.of[a.number]; m != nil && m.asksOut > 0 {
			if out := l.began.Add(m.asksOut); out.Before(a.to) {
				a.to = out
			}
		}
		if a.from.Before(a.to) {
			stays = append(stays, stay{a.from, a.to})
		}
	}
	l.fullest = most(stays)
	if l.fullest > l.capacity {
		l.say(roomHolds, "%d were inside at once, of %d", l.fullest, l.capacity)
	}
	for _, m := range l.of {
		if number, there := known[m.jti]; m.jti != "" && m.in < then && (!there || number != m.number) {
			l.say(entersOnce, "number %d is in as %s, of which Postgres knows nothing", m.number, m.jti)
		}
	}
}

// counts counts numbers: a Fenwick tree (P. M. Fenwick, A new data structure for cumulative frequency tables, 1994).
type counts []int32

func (c counts) add(number int64, n int32) {
	for i := number + 1; i < int64(len(c)); i += i & -i {
		c[i] += n
	}
}

// between is how many there are from from to below past.
func (c counts) between(from, past int64) int64 { return c.below(past) - c.below(min(from, past)) }

func (c counts) below(past int64) (n int64) {
	for i := min(past, int64(len(c))-1); i > 0; i &= i - 1 {
		n += int64(c[i])
	}
	return n
}
