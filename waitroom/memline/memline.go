// Package memline is the line in memory: the reference that says in plain Go what the scripts of redisline do, and the line of tests whose
// clock is not that of the wall. See package waitroom for the promises.
package memline

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"usher/internal/id"
	"usher/waitroom"
)

// asksFor is how long somebody who was told that the room is full counts as present.
const asksFor = 10 * time.Second

// maxEnds is how many ends are returned at once.
const maxEnds = 1000

// never is longer than any turn lasts: the grace before the first call.
const never = time.Duration(math.MaxInt64)

// Line is the lines of any number of rooms. It is safe for concurrent use. Make it with New.
type Line struct {
	now  func() time.Time
	mu   sync.Mutex // guards runs and all that is in them
	runs map[waitroom.RunKey]*run
}

// run is one opening of one room.
type run struct {
	incarnation, watermark, next, blockEnd int64
	limit                                  int64 // numbers below it are of before the last loss
	holes                                  []hole
	resumed                                int64     // the watermark when the line was restored
	since                                  time.Time // and when that was
	grace                                  time.Duration

	tokens float64
	filled time.Time // when tokens were counted last

	line         line                // who has not entered, also when he was called
	called       map[int64]time.Time // when a number was called, or asked last
	passed       map[int64]bool      // those of them who were called as gone, and have not come
	asked        []asker             // who was called and found the room full, by number
	quiet        time.Time           // before it nobody of them is forgotten
	sessions     map[id.Visitor]*stay
	ends         ends // of the sessions, the next in front; one that has got another end is in it twice
	used, lapsed map[int64]bool
	entered      int64
	left         int64
	unnoted      map[int64]waitroom.Admission // ends, by number
	given        int64                        // how many were called, one by one
	stock        waitroom.Stock               // the latest that was told
	told         time.Time                    // and when; zero: never
	sold         [2]sales                     // where the measure of what people buy begins, and where it moves on to
	measured     bool                         // sold is set
	pace         float64                      // the slowest that was asked for lately
	paced        time.Time                    // and when; zero: never
	most         float64                      // what it is a share of
	lapses       int64                        // how often a number came to lapsed, or was taken from there
	news         []shared
	shared       int64                // how many there were
	gateways     map[string]time.Time // when each told something last
}

// shared is what a gateway has told the others.
type shared struct {
	at   time.Time
	news []byte
}

// asker is a number that was called, and when it asked last.
type asker struct {
	number int64
	at     time.Time
}

// sales is how many people were through, and how many tickets were sold.
type sales struct{ served, sold int64 }

// How long a stock that nobody confirms is believed against an older one, and at all.
const (
	staleStock = 5 * time.Second
	knownStock = time.Minute
)

type hole struct {
	waitroom.Hole
	jumped time.Time // when last; zero: not yet
}

// stay is a session with its slot.
type stay struct {
	waitroom.Session
	over bool      // its visitor has left
	free time.Time // when the slot is free
}

// New returns lines whose clock is now; it is read in whole milliseconds.
func New(now func() time.Time) *Line {
	return &Line{now: func() time.Time { return now().UTC().Truncate(time.Millisecond) }, runs: map[waitroom.RunKey]*run{}}
}

// Lose lets a line lose its memory.
func (l *Line) Lose(k waitroom.RunKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.runs, k)
}

// Copy keeps what a line knows, and returns what puts it in the place of all that it has learned since: a store that comes back with an older state
// and is believed.
func (l *Line) Copy(k waitroom.RunKey) (back func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.runs[k]
	if old == nil {
		return func() { l.Lose(k) }
	}
	r := *old
	r.holes, r.asked, r.ends, r.line.numbers = slices.Clone(r.holes), slices.Clone(r.asked), slices.Clone(r.ends), slices.Clone(r.line.numbers)
	r.line.of, r.line.by, r.called, r.used, r.lapsed = maps.Clone(r.line.of), maps.Clone(r.line.by), maps.Clone(r.called), maps.Clone(r.used), maps.Clone(r.lapsed)
	r.passed, r.news, r.gateways = maps.Clone(r.passed), slices.Clone(r.news), maps.Clone(r.gateways)
	r.sessions = map[id.Visitor]*stay{}
	for v, s := range old.sessions {
		r.sessions[v] = &stay{s.Session, s.over, s.free}
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.runs[k] = &r
	}
}

// on does a step of a line. waitroom.ErrLost.
func (l *Line) on(ctx context.Context, k waitroom.RunKey, step func(r *run, now time.Time) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.runs[k]
	if r == nil {
		return waitroom.ErrLost
	}
	return step(r, l.now())
}

// Join gives the visitor a number, or the one that he has.
func (l *Line) Join(ctx context.Context, k waitroom.RunKey, v id.Visitor, shown int64) (j waitroom.Joined, err error) {
	err = l.on(ctx, k, func(r *run, now time.Time) error {
		number, in := r.line.of[v]
		kept := shown >= 0 && shown < r.limit && !r.used[shown] && r.good(shown, now) // a place of before a loss
		if in && r.good(number, now) && !(kept && shown < number) {
			j.Number = number
			return nil
		} else if in {
			r.lapse(number)
		}
		if s := r.sessions[v]; s != nil && !s.over && now.Before(s.free) {
			j.Number, j.JTI = s.Number, s.JTI
			return nil
		}
		if kept {
			j.Number = shown
			r.line.put(v, shown)
			if r.lapsed[shown] { // given up for another of before a loss, and taken up again
				delete(r.lapsed, shown)
				r.lapses++
			}
			return nil
		}
		if r.next >= r.blockEnd {
			j.Number = -1
			return waitroom.ErrBlockSpent
		}
		j.Number, j.First = r.next, true
		r.line.put(v, r.next)
		r.next++
		return nil
	})
	return j, err
}

// Grow allows numbers below blockEnd to be given out by that incarnation.
func (l *Line) Grow(ctx context.Context, k waitroom.RunKey, incarnation, blockEnd int64) error {
	return l.on(ctx, k, func(r *run, _ time.Time) error {
		if r.incarnation == incarnation {
			r.blockEnd = max(r.blockEnd, blockEnd)
		}
		return nil
	})
}

// Call moves the watermark.
func (l *Line) Call(ctx context.Context, k waitroom.RunKey, rules waitroom.CallRules) (w waitroom.Watch, err error) {
	err = l.on(ctx, k, func(r *run, now time.Time) error {
		r.grace = rules.Grace
		r.sweep(now)
		expected := 0
		for number, at := range r.called {
			if now.Sub(at) > r.grace {
				r.lapse(number)
			} else if !r.passed[number] && now.Sub(at) <= rules.Expect {
				expected++
			}
		}
		if r.paced.IsZero() || rules.Most != r.most || rules.PerSecond <= r.pace || now.Sub(r.paced) > rules.PaceAge {
			r.pace, r.paced, r.most = rules.PerSecond, now, rules.Most
		}
		r.tokens = min(r.tokens+float64(max(0, now.Sub(r.filled).Milliseconds()))/1000*r.pace, rules.Burst)
		r.filled = now
		r.hear(rules.Stock, now)
		if !rules.Closed {
			free := rules.Capacity - len(r.sessions)
			if r.stock.Known {
				free = min(free, waitroom.MayBuy(r.stock.Left, rules.PerTicket)-len(r.sessions))
			}
			r.give(free-expected, rules, now)
		}
		w = r.watch(now)
		return nil
	})
	return w, err
}

// hear takes a stock that a caller tells, unless it knows a later one, and measures what people buy.
func (r *run) hear(s waitroom.Stock, now time.Time) {
	if now.Sub(r.told) > knownStock {
		r.stock = waitroom.Stock{}
	}
	if s.Known && (!r.stock.Known || s.Version >= r.stock.Version || now.Sub(r.told) > staleStock) {
		r.stock, r.told = s, now
	}
	if !r.stock.Known {
		return
	}
	at := sales{r.given - int64(len(r.sessions)+len(r.called)-len(r.passed)), int64(r.stock.Sold)}
	if !r.measured || at.sold < r.sold[1].sold {
		r.sold, r.measured = [2]sales{at, at}, true
	} else if at.served-r.sold[1].served >= waitroom.ServedWindow {
		r.sold = [2]sales{r.sold[1], at}
	}
}

// give calls the next numbers, as far as there are any below the ceiling: as many who are there as there are tokens and free slots, and with those who are
// gone no more than twice the free slots.
func (r *run) give(free int, rules waitroom.CallRules, now time.Time) {
	n, most, ceiling := min(int(r.tokens), free), 2*free, rules.Ceiling
	call := func(number int64) {
		r.called[number] = now
		r.watermark = number + 1
		if rules.Gone.Incarnation == r.incarnation && rules.Gone.Has(number) {
			r.passed[number] = true
		} else {
			r.tokens--
			r.given++
			n--
		}
		if most--; most <= 0 {
			n = 0
		}
	}
	// of before a loss: unknown means present, but of a hole only those who have come back are
	for n > 0 && r.watermark < min(r.limit, ceiling) {
		at := slices.IndexFunc(r.holes, func(h hole) bool { return h.From <= r.watermark && r.watermark < h.Past })
		switch {
		case at >= 0:
			past := min(r.holes[at].Past, ceiling)
			r.holes[at].jumped = now
			if back := r.line.from(r.watermark, past); len(back) > 0 {
				call(back[0])
			} else {
				r.watermark = past
			}
		case r.used[r.watermark], r.lapsed[r.watermark]: // or has got a newer one
			r.watermark++
		default:
			call(r.watermark)
		}
	}
	if r.watermark >= r.limit {
		for _, number := range r.line.from(r.watermark, ceiling) {
			if n > 0 {
				call(number)
			}
		}
	}
}

// Lapses reads whose turns have lapsed.
func (l *Line) Lapses(ctx context.Context, k waitroom.RunKey) (out waitroom.Lapses, err error) {
	err = l.on(ctx, k, func(r *run, now time.Time) error {
		last := r.watermark
		for n := range r.lapsed {
			last = max(last, n)
		}
		bits := make([]byte, last/8+1)
		for _, h := range r.over(now) {
			for n := h.From; n < min(h.Past, r.watermark); n++ {
				bits[n/8] |= 0x80 >> (n % 8)
			}
		}
		for n := range r.lapsed {
			bits[n/8] |= 0x80 >> (n % 8)
		}
		for n, at := range r.called {
			if bits[n/8] &^= 0x80 >> (n % 8); now.Sub(at) > r.grace {
				bits[n/8] |= 0x80 >> (n % 8)
			}
		}
		for n := range r.used {
			if n < r.watermark {
				bits[n/8] &^= 0x80 >> (n % 8)
			}
		}
		out = waitroom.Lapses{Incarnation: r.incarnation, Bits: bytes.TrimRight(bits, "\x00")}
		return nil
	})
	return out, err
}

// over is the ranges of which all turns have lapsed that nobody has taken.
func (r *run) over(now time.Time) (out []waitroom.Hole) {
	if r.resumed > 0 && now.Sub(r.since) > r.grace {
		out = append(out, waitroom.Hole{Past: r.resumed})
	}
	for _, h := range r.holes {
		if !h.jumped.IsZero() && now.Sub(h.jumped) > r.grace {
			out = append(out, h.Hole)
		}
	}
	return out
}

// Share tells the other gateways something, and hears what they have told.
func (l *Line) Share(ctx context.Context, k waitroom.RunKey, t waitroom.Telling) (s waitroom.Shared, err error) {
	err = l.on(ctx, k, func(r *run, now time.Time) error {
		if len(t.News) > 0 && t.Incarnation == r.incarnation {
			r.shared++
			r.news = append(r.news, shared{now, t.News})
			r.meet(t, now)
		}
		old := 0
		for old < len(r.news) && now.Sub(r.news[old].at) > waitroom.NewsKept {
			old++
		}
		r.news = r.news[old:]
		missed := min(r.shared-min(t.After, r.shared), int64(len(r.news)))
		s = waitroom.Shared{Incarnation: r.incarnation, Told: r.shared, Silent: r.silent(now)}
		for _, t := range r.news[int64(len(r.news))-missed:] {
			s.News = append(s.News, t.news)
		}
		return nil
	})
	return s, err
}

// meet notes which gateways there are.
func (r *run) meet(t waitroom.Telling, now time.Time) {
	if t.Bye {
		delete(r.gateways, t.Gateway)
	} else {
		r.gateways[t.Gateway] = now
	}
	maps.DeleteFunc(r.gateways, func(_ string, at time.Time) bool { return now.Sub(at) > waitroom.GatewayKept })
	if over := len(r.gateways) - waitroom.GatewaysMost; over > 0 {
		for _, g := range r.byTime()[:over] {
			delete(r.gateways, g)
		}
	}
}

// byTime is the gateways, those that told something longest ago first.
func (r *run) byTime() []string {
	return slices.SortedFunc(maps.Keys(r.gateways), func(a, b string) int {
		return cmp.Or(r.gateways[a].Compare(r.gateways[b]), cmp.Compare(a, b))
	})
}

func (r *run) silent(now time.Time) (out []waitroom.Silent) {
	for _, g := range r.byTime() {
		if silent := now.Sub(r.gateways[g]); silent > waitroom.GatewaySilent && silent <= waitroom.GatewayKept {
			out = append(out, waitroom.Silent{Gateway: g, For: silent})
		}
	}
	return out
}

// Writable is always so: memory takes writes.
func (*Line) Writable(context.Context, waitroom.RunKey) error { return nil }

// Watch reads where the line stands.
func (l *Line) Watch(ctx context.Context, k waitroom.RunKey) (w waitroom.Watch, err error) {
	err = l.on(ctx, k, func(r *run, now time.Time) error {
		w = r.watch(now)
		return nil
	})
	return w, err
}

func (r *run) watch(now time.Time) waitroom.Watch {
	w := waitroom.Watch{
		Watermark: r.watermark, Next: r.next, BlockEnd: r.blockEnd, Called: len(r.called), Entered: r.entered, Left: r.left, Now: now,
		Limit: r.limit, Incarnation: r.incarnation, Lapsed: r.lapses, Ends: len(r.unnoted), Pace: r.pace,
	}
	w.Active = len(r.sessions)
	if len(r.ends) > 0 && !now.Before(r.ends[0].free) { // some have run out, and stay until the next step
		for _, s := range r.sessions {
			if !now.Before(s.free) {
				w.Active--
			}
		}
	}
	w.Over, w.Stock = len(r.over(now)), r.stock
	if r.measured {
		w.Served = r.given - int64(w.Active+w.Called-len(r.passed)) - r.sold[0].served
		if w.Stock.Known {
			w.Bought = int64(w.Stock.Sold) - r.sold[0].sold
		}
	}
	for _, h := range r.holes {
		w.Holes = append(w.Holes, h.Hole)
		w.Waiting += len(r.line.from(max(r.watermark, h.From), h.Past))
	}
	w.Waiting += len(r.line.from(max(r.watermark, r.limit), math.MaxInt64))
	if r.watermark < r.limit {
		w.Waiting += int(r.limit - r.watermark - w.Hollow(r.watermark, r.limit))
	}
	return w
}

// Enter turns a called visitor into a session.
func (l *Line) Enter(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, rules waitroom.EnterRules) (session waitroom.Session, err error) {
	err = l.on(ctx, k, func(r *run, now time.Time) error {
		r.sweep(now)
		if s := r.sessions[v]; s != nil && s.Number != n {
			return waitroom.ErrRoomFull // his other session lives, or is still being cleared away
		} else if s != nil && !s.over {
			session = s.Session
			session.Expires, session.Fresh, session.Incarnation = s.free.Add(-waitroom.SlotSlack), false, r.incarnation
			return nil
		}
		if r.used[n] {
			return waitroom.ErrPlaceUsed
		}
		if !rules.Free {
			if err := r.admits(v, n, rules.Capacity, now); err != nil {
				return err
			}
		} else if r.lapsed[n] { // his turn had lapsed when there were turns
			delete(r.lapsed, n)
			r.lapses++
		}
		session = waitroom.Session{JTI: rules.JTI, Number: n, Entered: now, Expires: now.Add(rules.Session), Fresh: true, Incarnation: r.incarnation}
		if other, in := r.line.of[v]; in && other != n {
			r.lapse(other)
		}
		r.line.drop(v)
		delete(r.called, n)
		r.comes(n)
		r.asksNoMore(n)
		r.used[n] = true
		r.sessions[v] = &stay{Session: session}
		r.until(v, session.Expires.Add(waitroom.SlotSlack))
		r.entered++
		return nil
	})
	return session, err
}

// admits reports why a number is not let in, if it is not.
func (r *run) admits(v id.Visitor, n int64, capacity int, now time.Time) error {
	if n >= r.watermark {
		return waitroom.ErrNotCalled
	}
	if other, in := r.line.of[v]; in && other != n && (n > other || n >= r.limit) {
		return waitroom.ErrPlaceUsed
	}
	if !r.good(n, now) {
		r.lapse(n)
		return waitroom.ErrGraceOver
	}
	if !now.Before(r.quiet) {
		r.quiet = now.Add(asksFor)
		r.asked = slices.DeleteFunc(r.asked, func(a asker) bool {
			end := a.at.Add(asksFor)
			if end.After(now) && end.Before(r.quiet) {
				r.quiet = end
			}
			return !end.After(now)
		})
	}
	before, again := slices.BinarySearchFunc(r.asked, n, asker.compare)
	if before < capacity-len(r.sessions) {
		return nil
	}
	if !again {
		r.asked = slices.Insert(r.asked, before, asker{number: n})
	}
	r.asked[before].at, r.called[n] = now, now // he is here: his grace begins anew
	r.comes(n)
	return waitroom.ErrRoomFull
}

func (a asker) compare(number int64) int { return cmp.Compare(a.number, number) }

func (r *run) asksNoMore(number int64) {
	if at, asks := slices.BinarySearchFunc(r.asked, number, asker.compare); asks {
		r.asked = slices.Delete(r.asked, at, at+1)
	}
}

// Leave ends the session with the jti, or what the number has become.
func (l *Line) Leave(ctx context.Context, k waitroom.RunKey, v id.Visitor, n int64, jti string) (over waitroom.Session, err error) {
	err = l.on(ctx, k, func(r *run, now time.Time) error {
		if s := r.sessions[v]; s != nil && (s.JTI == jti || jti == "" && s.Number == n) {
			over = waitroom.Session{JTI: s.JTI, Number: s.Number, Entered: s.Entered}
			if r.close(v, now) {
				r.unnoted[s.Number] = waitroom.Admission{Visitor: v, Session: over}
			}
			return nil
		}
		if end := r.unnoted[n]; jti == "" && end.Visitor == v {
			over = end.Session
			return nil
		}
		if jti == "" && n >= 0 && n < r.next && !r.used[n] && !r.lapsed[n] {
			r.used[n] = true
			r.forget(n)
			r.left++
		}
		return nil
	})
	return over, err
}

// close ends the session of somebody who has left, unless it is over already.
func (r *run) close(v id.Visitor, now time.Time) bool {
	s := r.sessions[v]
	if s.over {
		return false
	}
	s.over = true
	if free := now.Add(waitroom.Linger); free.Before(s.free) {
		r.until(v, free)
	}
	r.left++
	return true
}

// Ends returns sessions that are over and not noted yet.
func (l *Line) Ends(ctx context.Context, k waitroom.RunKey) (ends []waitroom.Admission, err error) {
	err = l.on(ctx, k, func(r *run, _ time.Time) error {
		ends = slices.Collect(maps.Values(r.unnoted))
		slices.SortFunc(ends, func(a, b waitroom.Admission) int { return cmp.Compare(a.Number, b.Number) })
		ends = ends[:min(len(ends), maxEnds)]
		return nil
	})
	return ends, err
}

// Noted says that the ledger knows of a session's end.
func (l *Line) Noted(ctx context.Context, k waitroom.RunKey, a waitroom.Admission) error {
	return l.on(ctx, k, func(r *run, now time.Time) error {
		if r.incarnation < a.Incarnation {
			return waitroom.ErrLost
		}
		if r.unnoted[a.Number].JTI == a.JTI {
			delete(r.unnoted, a.Number)
		}
		if s := r.sessions[a.Visitor]; s != nil && s.JTI == a.JTI {
			r.close(a.Visitor, now)
		}
		return nil
	})
}

// Extend lets a session last until the given time.
func (l *Line) Extend(ctx context.Context, k waitroom.RunKey, v id.Visitor, jti string, until time.Time) (incarnation int64, err error) {
	err = l.on(ctx, k, func(r *run, now time.Time) error {
		s, err := r.active(v, jti, now)
		if err != nil {
			return err
		}
		if free := until.UTC().Truncate(time.Millisecond).Add(waitroom.SlotSlack); free.After(s.free) {
			r.until(v, free)
		}
		incarnation = r.incarnation
		return nil
	})
	return incarnation, err
}

// Active reports whether the session lives.
func (l *Line) Active(ctx context.Context, k waitroom.RunKey, v id.Visitor, jti string) error {
	return l.on(ctx, k, func(r *run, now time.Time) error {
		_, err := r.active(v, jti, now)
		return err
	})
}

func (r *run) active(v id.Visitor, jti string, now time.Time) (*stay, error) {
	s := r.sessions[v]
	if s == nil || s.over || s.JTI != jti || !now.Before(s.free) {
		return nil, waitroom.ErrSessionOver
	}
	return s, nil
}

// Restore gives a line what the ledger knows.
func (l *Line) Restore(ctx context.Context, k waitroom.RunKey, m waitroom.Memory) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.runs[k]; old != nil && old.incarnation >= m.Incarnation {
		return nil
	}
	now := l.now()
	r := &run{
		incarnation: m.Incarnation, watermark: m.Watermark, next: m.Next, blockEnd: m.BlockEnd, limit: m.Limit, resumed: m.Watermark, since: now,
		grace: never, filled: now, line: line{of: map[id.Visitor]int64{}, by: map[int64]id.Visitor{}}, called: map[int64]time.Time{},
		passed:   map[int64]bool{},
		sessions: map[id.Visitor]*stay{}, used: map[int64]bool{}, lapsed: map[int64]bool{}, entered: int64(len(m.Used)),
		unnoted: map[int64]waitroom.Admission{}, gateways: map[string]time.Time{},
	}
	if old := l.runs[k]; old != nil {
		r.unnoted, r.gateways = old.unnoted, old.gateways
	}
	for _, h := range m.Holes {
		r.holes = append(r.holes, hole{Hole: h})
	}
	for _, n := range m.Used {
		r.used[n] = true
	}
	for _, a := range m.Sessions {
		if r.unnoted[a.Number].JTI == a.JTI {
			continue
		}
		r.sessions[a.Visitor] = &stay{Session: a.Session}
		r.until(a.Visitor, a.Expires.Add(waitroom.SlotSlack))
	}
	l.runs[k] = r
	return nil
}

// until lets the slot of a visitor's session be taken until a time.
func (r *run) until(v id.Visitor, free time.Time) {
	r.sessions[v].free = free
	heap.Push(&r.ends, end{free, v})
}

// sweep ends sessions whose time has run out.
func (r *run) sweep(now time.Time) {
	for len(r.ends) > 0 && !now.Before(r.ends[0].free) {
		v := r.ends[0].of
		heap.Pop(&r.ends)
		if s := r.sessions[v]; s != nil && !now.Before(s.free) {
			delete(r.sessions, v)
		}
	}
}

// good reports whether a number may wait on or come: it has not been called, or its turn has not lapsed.
func (r *run) good(number int64, now time.Time) bool {
	if number >= r.watermark {
		return true
	}
	at, known := r.called[number]
	if !known && r.lapsed[number] {
		return false
	}
	if !known && number < r.resumed { // its call was lost with the line's memory
		at, known = r.since, true
	}
	for _, h := range r.holes {
		if !known && h.From <= number && number < h.Past && !h.jumped.IsZero() {
			at, known = h.jumped, true
		}
	}
	return known && now.Sub(at) <= r.grace
}

// lapse ends the turn of a number.
func (r *run) lapse(number int64) {
	if !r.lapsed[number] {
		r.lapses++
	}
	r.lapsed[number] = true
	r.forget(number)
}

// comes notes that who was called as gone is here after all.
func (r *run) comes(number int64) {
	if r.passed[number] {
		delete(r.passed, number)
		r.given++
	}
}

// forget takes a number out of the line.
func (r *run) forget(number int64) {
	delete(r.called, number)
	delete(r.passed, number)
	r.asksNoMore(number)
	r.line.drop(r.line.by[number])
}

// line is who waits, in order. Nobody has two numbers, and no number is two people's.
type line struct {
	of      map[id.Visitor]int64
	by      map[int64]id.Visitor
	numbers []int64 // in order
}

func (l *line) put(v id.Visitor, number int64) {
	at, _ := slices.BinarySearch(l.numbers, number)
	l.of[v], l.by[number], l.numbers = number, v, slices.Insert(l.numbers, at, number)
}

func (l *line) drop(v id.Visitor) {
	number, in := l.of[v]
	if !in {
		return
	}
	delete(l.of, v)
	delete(l.by, number)
	at, _ := slices.BinarySearch(l.numbers, number)
	if at < len(l.numbers)/2 { // mostly it is one of the first
		copy(l.numbers[1:], l.numbers[:at])
		l.numbers = l.numbers[1:]
	} else {
		l.numbers = slices.Delete(l.numbers, at, at+1)
	}
}

// from returns the numbers from from to below past, in order, until the line changes.
func (l *line) from(from, past int64) []int64 {
	a, _ := slices.BinarySearch(l.numbers, from)
	b, _ := slices.BinarySearch(l.numbers, past)
	return l.numbers[a:max(a, b)]
}

// ends is a heap of when slots are free.
type ends []end

type end struct {
	free time.Time
	of   id.Visitor
}

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].free.Before(e[j].free) }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

// Push is for container/heap.
func (e *ends) Push(x any) { *e = append(*e, x.(end)) } //nolint:forcetypeassert // nothing else is pushed

// Pop is for container/heap.
func (e *ends) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
