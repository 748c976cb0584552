package simulation

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"usher/internal/id"
	"usher/internal/virtual"
	"usher/waitroom"
)

// Invariant is something that must hold at every step.
type Invariant = virtual.Invariant

// Broken is one that did not hold.
type Broken = virtual.Broken

// The invariants.
const (
	InOrder      Invariant = "numbers are given out in the order of arrival, none twice"
	PlaceKept    Invariant = "who has a place keeps its number until his turn"
	NeverBack    Invariant = "the watermark never goes back, whatever is lost"
	NotPastEnd   Invariant = "nobody is called who has not joined"
	Ceiling      Invariant = "the watermark stays below what the ledger has noted"
	Pace         Invariant = "calling goes no faster than the room says"
	FreeSlots    Invariant = "no more are called in a step than there are free slots"
	TwiceFree    Invariant = "with those who are gone no more are called in a step than twice the free slots"
	NotIdle      Invariant = "a slot that is free is given to who waits"
	SilentFirst  Invariant = "nobody is gone who has not been silent for twice as long as he was told to wait"
	LossIsNoGo   Invariant = "nobody is gone by what was known before a loss"
	CalledFirst  Invariant = "only who was called enters"
	ByNumber     Invariant = "while the room is full those who ask enter by number"
	Capacity     Invariant = "no more are inside than the room holds"
	UsedOnce     Invariant = "a place enters once"
	SessionLives Invariant = "a session lasts until its end"
	OutIsOut     Invariant = "who has left is out"
	LeftOnce     Invariant = "who leaves is counted once"
	NeverRises   Invariant = "a position never rises"
	HolesEmpty   Invariant = "a position counts nobody who is not there"
	NobodyHidden Invariant = "a position counts everybody who is ahead"
	ToldCalled   Invariant = "nobody is told that he is called before he is"
	QueuesOnce   Invariant = "who asks as he is told to does not queue again"
	EverybodyIn  Invariant = "everybody who wants to gets in"
	Bounded      Invariant = "the line keeps no more than there are people, and a hole for each loss"
)

// judge sees everything that happens in the stores, and everything that people are told.
type judge struct {
	s      *scene
	broken *Broken
	calls  func(number int64)  // hears who is called; may be nil
	tells  func(waitroom.Line) // hears what people are told; may be nil

	numbers    []*number // given out, in order
	by         map[int64]*number
	of         map[id.Visitor]*number   // what he has joined with last
	last       map[id.Visitor]*admitted // his last session
	present    counts                   // of those who have not left and do as they are told, by their index in numbers
	dues       virtual.Heap[due]
	bucket     float64                 // of the line
	poured     time.Duration           // when that was filled last
	expected   map[int64]time.Duration // numbers on their way, and since when
	watermark  int64
	tokens     float64
	filled     time.Duration
	asking     map[int64]time.Duration // numbers that found the room full, and when last
	leaves     int64                   // since the line was restored
	line       int64                   // its incarnation
	losses     int
	restoredAt time.Duration
	inHoles    int // people whose numbers lie in holes

	passes map[string]*admitted
	inside int
	ends   virtual.Heap[*admitted]
}

// number is what has become of a number.
type number struct {
	of      id.Visitor
	at      int // in numbers
	number  int64
	jti     string // of the session that it has become
	hasLeft bool
	leftIn  int64         // the incarnation in which that was counted last
	waits   bool          // neither inside, nor left
	asks    time.Duration // how long he was told to wait, last
	due     time.Duration // and when twice that is over
	planned bool          // it is among the dues
	doubt   bool          // he has let it pass, and has not been back for long
}

// settles is how long it takes at most until all gateways know that somebody is back, or know that they do not know.
const settles = 10 * time.Second

// due is when somebody should have asked.
type due struct {
	at time.Duration
	*number
}

func (d due) Before(o due) bool { return d.at < o.at }

// waits notes that somebody was told to wait so long until he asks again.
func (j *judge) waits(number int64, after time.Duration) {
	n := j.by[number]
	if n == nil {
		return
	}
	j.overdue()
	n.asks, n.due = after, j.s.Now+2*after
	if !n.planned {
		n.planned = true
		j.dues.Push(due{n.due, n})
	}
	if n.doubt {
		j.s.After(settles, func() {
			if n.doubt && j.s.Now < n.due {
				j.doubts(n, false)
			}
		})
	}
}

// overdue finds those who should have asked.
func (j *judge) overdue() {
	for len(j.dues) > 0 && j.dues[0].at <= j.s.Now {
		n := j.dues.Pop().number
		if n.planned = n.due > j.s.Now; n.planned {
			j.dues.Push(due{n.due, n})
		} else if !n.doubt {
			j.doubts(n, true)
		}
	}
}

func (j *judge) doubts(n *number, doubt bool) {
	n.doubt = doubt
	if n.waits && doubt {
		j.present.add(n.at, -1)
	} else if n.waits {
		j.present.add(n.at, 1)
	}
}

type admitted struct {
	waitroom.Admission
	out    bool  // he has asked to leave, or his time is up
	acked  bool  // and was told that he is out
	leftIn int64 // the incarnation in which that was counted last
}

func newJudge(s *scene) *judge {
	return &judge{
		s: s, by: make(map[int64]*number, s.visitors), of: make(map[id.Visitor]*number, s.visitors), last: make(map[id.Visitor]*admitted, s.visitors), asking: map[int64]time.Duration{}, passes: make(map[string]*admitted, s.visitors),
		present: make(counts, 1<<15), expected: map[int64]time.Duration{},
	}
}

// say notes the first thing that is not as it must be.
func (j *judge) say(i Invariant, format string, args ...any) {
	if j.broken == nil {
		j.broken = &Broken{Invariant: i, Seed: j.s.seed, At: j.s.Now, What: fmt.Sprintf(format, args...)}
	}
}

func (j *judge) joined(v id.Visitor, shown int64, got waitroom.Joined) {
	if old := j.by[shown]; shown >= 0 && got.Number != shown && shown >= j.watermark && !old.hasLeft {
		j.say(PlaceKept, "%v shows number %d, which was not called, and gets %d", v, shown, got.Number)
	}
	known := j.by[got.Number]
	if known != nil {
		if known.of != v || got.First {
			j.say(InOrder, "number %d, of %v, is given to %v", got.Number, known.of, v)
		}
		j.has(v, known)
		return
	}
	if n := len(j.numbers); n > 0 && j.numbers[n-1].number > got.Number {
		j.say(InOrder, "number %d comes after %d", got.Number, j.numbers[n-1].number)
	}
	if !got.First {
		j.say(InOrder, "number %d is said to be old, and was never given out", got.Number)
	}
	n := &number{of: v, at: len(j.numbers), number: got.Number}
	j.numbers, j.by[got.Number] = append(j.numbers, n), n
	j.has(v, n)
	j.waits(got.Number, settles) // if he does not hear of it he asks until he does
	j.s.count.Joined++
}

// has notes the number that somebody has now; if he had another, nobody has that any more.
func (j *judge) has(v id.Visitor, n *number) {
	if old := j.of[v]; old != nil && old != n {
		j.gone(old)
	}
	j.of[v] = n
	if !n.waits && n.jti == "" && !n.hasLeft {
		n.waits = true
		if !n.doubt {
			j.present.add(n.at, 1)
		}
	}
}

// below returns how many of the numbers that were given out are below one.
func (j *judge) below(n int64) int {
	return sort.Search(len(j.numbers), func(i int) bool { return j.numbers[i].number >= n })
}

// called judges a call. fresh says that the gateway knew the ledger's ceiling when it asked.
func (j *judge) called(fresh bool, r waitroom.CallRules, w waitroom.Watch) {
	j.overdue()
	j.busy(r, w)
	if w.Watermark < j.watermark {
		j.say(NeverBack, "it was %d, and is %d", j.watermark, w.Watermark)
	}
	if w.Watermark > max(j.watermark, w.Next) {
		j.say(NotPastEnd, "the next number is %d, and the watermark %d", w.Next, w.Watermark)
	}
	if noted := j.s.ledger.Ceiling(key); w.Watermark > max(j.watermark, noted) && fresh {
		j.say(Ceiling, "the watermark went from %d to %d, and the ledger has noted %d", j.watermark, w.Watermark, noted)
	}
	rate := j.s.fastest()
	now := j.s.Now.Truncate(time.Millisecond) // as the line reads its clock
	j.tokens = min(j.tokens+(now-j.filled).Seconds()*rate, max(1, rate*2*waitroom.CallEvery.Seconds()))
	j.filled = now
	people, passed := 0, 0
	for i := j.below(j.watermark); i < len(j.numbers) && j.numbers[i].number < w.Watermark; i++ {
		n := j.numbers[i]
		if !n.waits || w.Hollow(n.number, n.number+1) > 0 {
			continue
		}
		if j.calls != nil {
			j.calls(n.number)
		}
		if r.Gone.Incarnation == w.Incarnation && r.Gone.Has(n.number) {
			passed++
			j.goes(n)
		}
		if n.doubt {
			continue
		}
		people++
	}
	if passed > 0 && people+passed > 2*(j.s.capacity-w.Active) {
		j.say(TwiceFree, "%d are called and %d are passed while %d are inside, of %d", people, passed, w.Active, j.s.capacity)
	}
	j.s.count.Passed += passed
	if j.tokens -= float64(people); j.tokens < -1e-6 {
		j.say(Pace, "%d are called, %v too many", people, -j.tokens)
	}
	if people > 0 && people > j.s.capacity-w.Active {
		j.say(FreeSlots, "%d are called while %d are inside, of %d", people, w.Active, j.s.capacity)
	}
	j.watermark = max(j.watermark, w.Watermark)
	if w.Left > j.leaves {
		j.say(LeftOnce, "%d have left, and the line has counted %d", j.leaves, w.Left)
	}
	if n := len(j.numbers); w.Waiting > n || w.Called > n || w.Active > n || len(w.Holes) > j.losses+1 {
		j.say(Bounded, "%d joined, %d losses, and the line has %+v", n, j.losses, w)
	}
	j.s.count.Steps++
}

// goes judges that somebody is taken for gone.
func (j *judge) goes(n *number) {
	if !n.doubt {
		j.say(SilentFirst, "number %d was told to wait for %v, and has until %v", n.number, n.asks, n.due)
	}
	if j.losses > 1 && j.s.Now-j.restoredAt < 2*n.asks {
		j.say(LossIsNoGo, "number %d was told to wait for %v, and the line was restored at %v", n.number, n.asks, j.restoredAt)
	}
}

// busy judges whether a call was worth it. It does the sums of the line itself, with everybody expected who may be.
func (j *judge) busy(r waitroom.CallRules, w waitroom.Watch) {
	now := j.s.Now.Truncate(time.Millisecond)
	j.bucket = min(j.bucket+(now-j.poured).Seconds()*w.Pace, r.Burst)
	j.poured = now
	for n, at := range j.expected {
		if now-at > r.Expect {
			delete(j.expected, n)
		}
	}
	free := r.Capacity - w.Active - len(j.expected)
	if w.Watermark <= j.watermark && !r.Closed && free > 0 && j.bucket > 1.01 {
		if waiting := j.present.until(j.below(min(w.Next, r.Ceiling))) - j.present.until(j.below(w.Watermark)); waiting > 0 {
			j.say(NotIdle, "%d slots are free, there are %v tokens, %d wait, and nobody is called", free, j.bucket, waiting)
		}
	}
	for n := j.watermark; n < w.Watermark; n++ {
		if (w.Hollow(n, n+1) == 0 || j.by[n] != nil) && !(r.Gone.Incarnation == w.Incarnation && r.Gone.Has(n)) {
			j.expected[n] = now
			j.bucket--
		}
	}
}

// entered judges what the line answers to somebody who enters.
func (j *judge) entered(v id.Visitor, n int64, r waitroom.EnterRules, s waitroom.Session, err error) {
	switch {
	case errors.Is(err, waitroom.ErrRoomFull):
		if other := j.last[v]; other == nil || !j.s.Time().Before(other.Expires.Add(waitroom.SlotSlack)) { // else that is why
			j.asking[n] = j.s.Now
		}
		j.expected[n] = j.s.Now
	case err != nil:
		delete(j.asking, n)
	case s.Fresh:
		if n >= j.watermark {
			j.say(CalledFirst, "%v enters with number %d, and the watermark is %d", v, n, j.watermark)
		}
		delete(j.asking, n)
		delete(j.expected, n)
		if known := j.by[n]; known != nil {
			j.has(v, known)
		}
		before := 0
		for other, at := range j.asking {
			if other < n && j.s.Now-at < 10*time.Second {
				before++
			}
		}
		if before > 0 {
			if w, err := j.s.inner.Watch(context.Background(), key); err == nil && before > r.Capacity-w.Active {
				j.say(ByNumber, "%d enters before %d who asked, and %d slots are free", n, before, r.Capacity-w.Active)
			}
		}
	}
}

// left judges what the line answers to somebody who leaves.
func (j *judge) left(v id.Visitor, n int64, jti, over string) {
	if over != "" {
		if a := j.passes[over]; a == nil || a.leftIn != j.line {
			j.leaves++
			if a != nil {
				a.leftIn = j.line
			}
		}
		return
	}
	if known := j.by[n]; jti == "" && known != nil && known.of == v && known.jti == "" && known.leftIn != j.line {
		j.leaves++
		known.leftIn = j.line
		known.hasLeft = true
		delete(j.expected, n)
		j.gone(known)
	}
}

// gone notes that nobody waits with a number any more.
func (j *judge) gone(n *number) {
	delete(j.asking, n.number)
	if n.waits {
		n.waits = false
		if !n.doubt {
			j.present.add(n.at, -1)
		}
	}
}

// recovered judges what the ledger remembers.
func (j *judge) recovered(m waitroom.Memory) {
	j.losses++
	j.inHoles = 0
	for _, h := range m.Holes {
		j.inHoles += j.below(h.Past) - j.below(h.From)
	}
}

// restored judges the line after somebody has restored it.
func (j *judge) restored(waitroom.Memory) {
	w, err := j.s.inner.Watch(context.Background(), key)
	if err != nil || w.Incarnation == j.line {
		return
	}
	j.line, j.leaves = w.Incarnation, 0
	clear(j.asking)
	clear(j.expected)
	j.bucket, j.poured = 0, j.s.Now.Truncate(time.Millisecond)
	if w.Watermark < j.watermark {
		j.say(NeverBack, "it was %d, and %d when the line was restored", j.watermark, w.Watermark)
	}
	j.watermark = max(j.watermark, w.Watermark)
	j.s.count.Restores++
	j.restoredAt = j.s.Now
}

// admitted judges an admission that the ledger has recorded.
func (j *judge) admitted(a waitroom.Admission) {
	n := j.by[a.Number]
	if n == nil || n.of != a.Visitor {
		j.say(UsedOnce, "%v enters with number %d, which is not his", a.Visitor, a.Number)
		return
	}
	if n.jti != "" && n.jti != a.JTI {
		j.say(UsedOnce, "number %d enters as %s, and has entered as %s", a.Number, a.JTI, n.jti)
	}
	old := j.passes[a.JTI]
	if old != nil {
		old.Expires = later(old.Expires, a.Expires)
		return
	}
	n.jti = a.JTI
	j.gone(n)
	now := j.s.Time()
	for len(j.ends) > 0 && !now.Before(j.ends[0].Expires) {
		j.end(j.ends.Pop())
	}
	in := &admitted{Admission: a}
	j.passes[a.JTI], j.last[a.Visitor] = in, in
	j.s.count.Entered++
	if n.hasLeft || !now.Before(a.Expires) {
		in.out = true
		return
	}
	j.ends.Push(in)
	j.inside++
	if j.inside > j.s.capacity {
		j.say(Capacity, "%d are inside, of %d", j.inside, j.s.capacity)
	}
}

func (a *admitted) Before(b *admitted) bool { return a.Expires.Before(b.Expires) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// end notes that somebody is out.
func (j *judge) end(a *admitted) {
	if !a.out {
		a.out = true
		j.inside--
	}
}

// asksOut notes that somebody asks to leave, or is done.
func (j *judge) asksOut(jti string) {
	if a := j.passes[jti]; a != nil {
		j.end(a)
	}
}

// isOut notes that he was told that he is out.
func (j *judge) isOut(jti string) {
	if a := j.passes[jti]; a != nil {
		a.acked = true
	}
}

// active judges what the line says of a session.
func (j *judge) active(jti string, err error) {
	a := j.passes[jti]
	if a == nil {
		return
	}
	if errors.Is(err, waitroom.ErrSessionOver) && !a.out && j.s.Time().Before(a.Expires) {
		j.say(SessionLives, "%s is over, and should last until %v", jti, a.Expires)
	}
	if err == nil && a.acked {
		j.say(OutIsOut, "%s goes on", jti)
	}
}

// told judges what a gateway says to somebody who waits. shown is the position that he was told before, 0 if none.
func (j *judge) told(g *gateway, line waitroom.Line, shown int64) {
	n, at := line.Place.Number, line.Position
	if j.tells != nil {
		j.tells(line)
	}
	if line.State == waitroom.StandCalled {
		if n >= j.watermark {
			j.say(ToldCalled, "number %d, and the watermark is %d", n, j.watermark)
		}
		return
	}
	if at < 1 || shown > 0 && at > shown {
		j.say(NeverRises, "number %d was told %d, and now %d", n, shown, at)
	}
	below := j.below(n)
	if line.UpdatedAt.Add(-g.skew).Before(virtual.Dawn.Add(j.restoredAt)) {
		return // it has not heard yet that the line was restored
	}
	if people := below - j.below(line.Room.Watermark); at-1 > int64(max(people, 0)) {
		j.say(HolesEmpty, "number %d is told %d, and %d have numbers between the watermark %d and his", n, at, people, line.Room.Watermark)
	}
	if ahead := j.present.until(below) - j.present.until(j.below(j.watermark)) - j.inHoles; at-1 < int64(ahead) && at != shown && !line.Degraded { // it is never more than was shown, though some have come back
		j.say(NobodyHidden, "number %d is told %d, and %d are ahead", n, at, ahead)
	}
}

// counts is a Fenwick tree (Peter M. Fenwick, A New Data Structure for Cumulative Frequency Tables, 1994).
type counts []int32

func (c counts) add(at int, n int32) {
	for i := at + 1; i < len(c); i += i & -i {
		c[i] += n
	}
}

// until is the sum of those before a place.
func (c counts) until(at int) (sum int) {
	for i := at; i > 0; i -= i & -i {
		sum += int(c[i])
	}
	return sum
}
