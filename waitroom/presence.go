package waitroom

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Presence is what tells those who have gone away from those who wait. A poll speaks for its visitor for twice the interval that he is told and some
// seconds; gateways tell each other for whom they speak; for whom nobody speaks is gone. Whatever a gateway does not know speaks for everybody for a whole
// horizon, the longest that a poll speaks for somebody: silence is not absence.

const (
	herePage    = 1 << 12
	herePages   = 1 << 10 // numbers four million apart share a bit: who is there speaks for both
	hereClasses = 8       // how long a poll speaks for somebody is told in eighths of a horizon, never less than it does
	hereLeft    = hereClasses

	shareEvery  = time.Second
	shareMost   = 200_000 // numbers that are told at once: five seconds of all the polls that a gateway can answer
	trackMost   = 1 << 26 // numbers from the watermark on: who lies further back is present
	nearNumbers = 4096    // of those who are gone, for a step: no step calls more than a thousand

	quietGaps = 10 // no poll for so many times as long as it took on average: nobody can reach the gateways (by chance once in 22,000 times: Poisson)
)

// Patience is what it takes to be gone.
type Patience struct {
	Intervals float64       // so many of the intervals that somebody was told, in silence
	Slack     time.Duration // and so long: a gateway that does not share is found out before that
	Hearing   time.Duration // a gateway that was not heard for so long is silent: nobody is gone
	Horizons  float64       // what is not known speaks for everybody for so many horizons
}

// Patient is the patience of gateways.
func Patient() Patience {
	return Patience{Intervals: 2, Slack: 10 * time.Second, Hearing: 5 * time.Second, Horizons: 1}
}

var unheardTotal = metrics.NewCounter("usher_line_unheard_total")

// here remembers, by number, who has asked since the last news, and how long that speaks for him. It costs no store and no lock.
type here [herePages]atomic.Pointer[[hereClasses + 1][herePage / 64]atomic.Uint64]

// note notes that somebody is there, or has left.
func (h *here) note(number int64, class int) {
	if number < 0 {
		return
	}
	at := &h[number/herePage%herePages]
	page := at.Load()
	for page == nil {
		at.CompareAndSwap(nil, new([hereClasses + 1][herePage / 64]atomic.Uint64))
		page = at.Load()
	}
	word, bit := &page[class][number%herePage/64], uint64(1)<<(number%64)
	if word.Load()&bit == 0 {
		word.Or(bit)
	}
}

// take returns which of the numbers from from to below past were noted, by class, each class in order, and forgets them; when there are many, it leaves some
// for the next time.
func (h *here) take(from, past int64) (all [hereClasses + 1][]int64) {
	count := 0
	first := from / herePage
	for i := first; i < first+herePages && count < shareMost; i++ {
		page := h[i%herePages].Load()
		if page == nil {
			continue
		}
		for class := range page {
			for w := range page[class] {
				word := &page[class][w]
				if word.Load() == 0 {
					continue
				}
				for set := word.Swap(0); set != 0; set &= set - 1 {
					n := i*herePage + int64(w*64+bits.TrailingZeros64(set))
					if n < from {
						n += herePage * herePages
					}
					for ; n < past; n += herePage * herePages {
						all[class] = append(all[class], n)
						count++
					}
				}
			}
		}
	}
	for _, numbers := range all {
		slices.Sort(numbers)
	}
	return all
}

// class is the shortest that speaks for somebody for a time.
func class(d, horizon time.Duration) int {
	return int(min(max((d*hereClasses+horizon-1)/horizon-1, 0), hereClasses-1))
}

// lasts is how long a class speaks for somebody, in whole seconds.
func lasts(class int, horizon time.Duration) time.Duration {
	if class == hereLeft {
		return 0
	}
	return (horizon*time.Duration(class+1)/hereClasses + time.Second - 1).Truncate(time.Second)
}

// presence is what a gateway knows of who is there, from its own polls and from what others tell. Only one goroutine may use it.
type presence struct {
	Patience
	name    string
	turn    int64 // of its news
	here    *here
	horizon time.Duration

	incarnation int64 // of the line; 0: not known
	told        int64 // how much of what was told is known
	taken       [hereClasses + 1][]int64

	start  time.Time
	since  time.Time           // when the room had that horizon last
	base   int64               // numbers below it are not kept
	end    int64               // nor those from here on
	until  []*[herePage]uint16 // when nobody speaks for a number any more, in seconds since the start, modulo 2^16; 0: nobody does
	others map[string]*other
	blind  bool
	tried  time.Time // when news were shared last
	heard  time.Time // and when that succeeded

	polls int           // in this turn
	asked time.Time     // when there was a turn with polls
	gap   time.Duration // between polls, on average
}

// other is another gateway.
type other struct {
	turn  int64
	heard time.Time
	bye   bool
}

// second is a time as until has it, never 0.
func (p *presence) second(at time.Time) uint16 {
	return uint16(max(1, int64(at.Sub(p.start)/time.Second)&0xffff))
}

// follow takes the horizon of a room. A longer one that it had counts until it is over.
func (p *presence) follow(horizon time.Duration, now time.Time) {
	if horizon >= p.horizon || now.Sub(p.since) > p.horizon {
		p.horizon, p.since = horizon, now
	}
}

// tell takes what there is to tell of those who wait in a line that stands so, and returns it.
func (p *presence) tell(w Watch, now time.Time, bye bool) Telling {
	p.taken = p.here.take(w.Watermark, w.Next)
	n := news{gateway: p.name, turn: p.turn, bye: bye}
	for class, numbers := range p.taken {
		if len(numbers) > 0 {
			n.here = append(n.here, spoken{lasts(class, p.horizon), numbers})
		}
	}
	p.grow(w, now)
	p.believe(n.here, now)
	t := Telling{Gateway: p.name, Incarnation: p.incarnation, After: p.told, Bye: bye}
	if p.incarnation != 0 { // nobody may hear of a gateway before it has heard of them
		t.News = n.bytes()
	}
	return t
}

// keep keeps what was to be told, which nobody may have heard.
func (p *presence) keep() {
	for class, numbers := range p.taken {
		for _, n := range numbers {
			p.here.note(n, class)
		}
	}
}

// hear takes in what gateways have told. false: what this one has told was not for that line, and is to be told again.
func (p *presence) hear(s Shared, now time.Time) bool {
	if p.others == nil {
		p.others = map[string]*other{}
	}
	for _, o := range s.Silent {
		if p.others[o.Gateway] == nil && o.Gateway != p.name && o.For <= 2*p.horizon {
			p.others[o.Gateway] = &other{turn: -1, heard: now.Add(-o.For)} // it may still be asked
		}
	}
	if s.Incarnation != p.incarnation {
		p.incarnation, p.told = s.Incarnation, s.Told
		p.keep()
		p.unknown(now)
		p.heard = now
		return false
	}
	p.turn++
	if s.Told-p.told != int64(len(s.News)) || now.Sub(p.heard) > p.Hearing {
		p.unknown(now) // something was told that nobody keeps any more
	}
	p.told, p.heard = s.Told, now
	for _, text := range s.News {
		n, err := parseNews(text)
		if err != nil {
			p.unknown(now)
			continue
		}
		if n.gateway != p.name {
			p.meet(n, now)
			p.believe(n.here, now)
		}
	}
	return true
}

// meet notes that a gateway was heard, and whether something that it told was not.
func (p *presence) meet(n news, now time.Time) {
	o := p.others[n.gateway]
	switch {
	case o == nil && len(p.others) >= GatewaysMost:
		p.unknown(now)
		return
	case o == nil:
		if n.turn > 0 {
			p.unknown(now)
		}
		p.others[n.gateway] = &other{n.turn, now, n.bye}
	case n.turn > o.turn:
		if n.turn > o.turn+1 {
			p.unknown(now)
		}
		*o = other{n.turn, now, n.bye}
	}
}

// believe lets what was told speak for people.
func (p *presence) believe(all []spoken, now time.Time) {
	for _, s := range all {
		until := p.second(now.Add(s.lasts))
		for _, n := range s.numbers {
			page := (n - p.base) / herePage
			if n < p.base || n >= p.end || p.until[page] == nil {
				continue
			}
			u := &p.until[page][(n-p.base)%herePage]
			switch {
			case s.lasts == 0:
				*u = 0
			case *u == 0 || int16(until-*u) > 0:
				*u = until
			}
		}
		if s.lasts > 0 && len(s.numbers) > 0 {
			p.polls += len(s.numbers)
		}
	}
}

// span is how long what is not known speaks for people.
func (p *presence) span() time.Duration { return time.Duration(p.Horizons * float64(p.horizon)) }

// unknown lets ignorance speak for everybody: something is not known.
func (p *presence) unknown(now time.Time) {
	unheardTotal.Inc()
	until := p.second(now.Add(p.span()))
	for i, page := range p.until {
		if page == nil || p.Horizons == 0 {
			continue
		}
		for at := range page {
			if u := &page[at]; p.base+int64(i*herePage+at) < p.end && (*u == 0 || int16(until-*u) > 0) {
				*u = until
			}
		}
	}
}

// grow keeps the numbers that were given out since, for whom ignorance speaks, and lets go of those that were called. Nobody is known to be in a hole.
func (p *presence) grow(w Watch, now time.Time) {
	if base := w.Watermark / herePage * herePage; base > p.base {
		old := min((base-p.base)/herePage, int64(len(p.until)))
		p.until, p.base = slices.Clone(p.until[old:]), base
		p.end = max(p.end, base)
	}
	until := p.second(now.Add(p.span()))
	if p.Horizons == 0 {
		until = 0
	}
	past := min(w.Next, p.base+trackMost)
	for at := p.end; at < past; {
		to := past
		for _, h := range w.Holes {
			if h.From <= at && at < h.Past {
				at = min(h.Past, past)
			} else if h.From > at {
				to = min(to, h.From)
			}
		}
		for to = max(to, at); at < to; at++ {
			page := int((at - p.base) / herePage)
			for page >= len(p.until) {
				p.until = append(p.until, nil)
			}
			if p.until[page] == nil {
				p.until[page] = new([herePage]uint16)
			}
			p.until[page][(at-p.base)%herePage] = until
		}
	}
	p.end = max(p.end, past)
	for len(p.until) < int((p.end-p.base+herePage-1)/herePage) {
		p.until = append(p.until, nil)
	}
}

// judge says who is gone of those who wait in a line that stands so.
func (p *presence) judge(w Watch, now time.Time) *crowd {
	p.grow(w, now)
	blind := now.Sub(p.heard) > p.Hearing
	for name, o := range p.others {
		silent := now.Sub(o.heard)
		if silent > 2*p.horizon {
			if delete(p.others, name); !o.bye {
				p.unknown(now)
			}
		} else if silent > p.Hearing && !o.bye {
			blind = true
		}
	}
	if quiet := p.quiet(now); quiet && w.Watermark < w.Next || p.blind && !blind {
		p.unknown(now)
	}
	p.blind = blind
	c := &crowd{}
	if all := p.sweep(w, p.second(now)); !blind {
		c = all
	}
	c.at, c.incarnation = now, p.incarnation
	return c
}

// quiet reports whether nobody has asked any gateway for longer than chance may have it, or ever.
func (p *presence) quiet(now time.Time) bool {
	since := now.Sub(p.asked)
	if p.polls == 0 {
		return p.asked.IsZero() || since > max(p.Hearing, quietGaps*p.gap)
	}
	if gap := since / time.Duration(p.polls); p.asked.IsZero() {
		p.gap = min(gap, time.Second)
	} else {
		p.gap += (gap - p.gap) / 10
	}
	p.polls, p.asked = 0, now
	return false
}

// sweep finds those for whom nobody speaks any more.
func (p *presence) sweep(w Watch, now uint16) *crowd {
	c := &crowd{base: p.base, pages: make([]*crowdPage, len(p.until)), before: make([]int64, len(p.until)+1)}
	for i, page := range p.until {
		if page == nil {
			continue
		}
		var gone [herePage / 64]uint64
		for at, u := range page {
			if u != 0 && int16(u-now) > 0 {
				continue
			}
			page[at] = 0
			gone[at/64] |= 1 << (at % 64)
		}
		if gone != [herePage / 64]uint64{} {
			c.pages[i] = &crowdPage{gone: gone}
		}
	}
	for _, h := range w.Holes {
		c.clear(h.From, h.Past)
	}
	c.clear(p.base, w.Watermark)
	c.clear(p.end, p.base+int64(len(p.until))*herePage)
	for i, page := range c.pages {
		n := 0
		if page != nil {
			for w, word := range page.gone {
				page.before[w] = uint16(n)
				n += bits.OnesCount64(word)
			}
		}
		c.before[i+1] = c.before[i] + int64(n)
	}
	return c
}

// crowd is who of those who wait has gone away: never changed, only replaced. A nil crowd is one of whom nobody is known to be gone.
type crowd struct {
	at          time.Time
	incarnation int64        // of the line
	base        int64        // numbers below it are not counted
	pages       []*crowdPage // nil: nobody there is gone
	before      []int64      // how many are gone in the pages before
}

// crowdPage is the numbers of a page.
type crowdPage struct {
	gone   [herePage / 64]uint64
	before [herePage / 64]uint16 // how many are gone in the words before
}

// clear says that nobody from from to below past is gone.
func (c *crowd) clear(from, past int64) {
	from, past = max(from-c.base, 0), min(past-c.base, int64(len(c.pages))*herePage)
	for from < past {
		page := c.pages[from/herePage]
		if page == nil {
			from = (from/herePage + 1) * herePage
			continue
		}
		if from%64 == 0 && past-from >= 64 {
			page.gone[from%herePage/64] = 0
			from += 64
			continue
		}
		page.gone[from%herePage/64] &^= 1 << (from % 64)
		from++
	}
}

// gone is how many from from to below past are gone. It costs the same however many there are: rank by blocks (G. Jacobson, Space-efficient
// Static Trees and Graphs, 1989).
func (c *crowd) gone(from, past int64) int64 {
	if c == nil || past <= from {
		return 0
	}
	return c.below(past) - c.below(from)
}

func (c *crowd) below(number int64) int64 {
	at := number - c.base
	if at <= 0 || len(c.pages) == 0 {
		return 0
	}
	page := at / herePage
	if page >= int64(len(c.pages)) {
		return c.before[len(c.pages)]
	}
	n := c.before[page]
	if p := c.pages[page]; p != nil {
		at %= herePage
		n += int64(p.before[at/64]) + int64(bits.OnesCount64(p.gone[at/64]&(1<<(at%64)-1)))
	}
	return n
}

// near is who is gone of the next numbers from a watermark on.
func (c *crowd) near(watermark int64) (g Gone) {
	from := watermark / 64 * 64
	if c.gone(from, from+nearNumbers) == 0 {
		return g
	}
	g.Incarnation, g.From = c.incarnation, from
	for n := from; n < from+nearNumbers; n += 64 {
		var word uint64
		if at := n - c.base; at >= 0 && at/herePage < int64(len(c.pages)) && c.pages[at/herePage] != nil {
			word = c.pages[at/herePage].gone[at%herePage/64]
		}
		g.Bits = binary.BigEndian.AppendUint64(g.Bits, bits.Reverse64(word))
	}
	return g
}
