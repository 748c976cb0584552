package linetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"time"

	"usher/waitroom"
)

// Agree does the same to two lines, drawn from a seed, and returns the first step at which they answer differently. Nothing is drawn that a
// keeper would not do; people try everything.
func Agree(ctx context.Context, seed uint64, steps int, a, b Line) error {
	c := &couple{ctx: ctx, a: a, b: b, Rand: rand.New(rand.NewPCG(seed, 1)), now: dawn, fans: make([]person, 25), done: map[string]bool{}}
	c.memory = waitroom.Memory{Incarnation: 1, BlockEnd: 40}
	c.same("set the clock", func(l Line) (any, error) { return nil, l.Clock(c.now) })
	c.same("restore", func(l Line) (any, error) { return nil, l.Restore(ctx, l.Key, c.memory) })
	for step := 1; step <= steps && c.err == nil; step++ {
		c.step()
		c.same("watch", func(l Line) (any, error) { return l.Watch(ctx, l.Key) })
		c.same("lapses", func(l Line) (any, error) { return l.Lapses(ctx, l.Key) })
		if c.err != nil {
			return fmt.Errorf("seed %d, step %d: %w", seed, step, c.err)
		}
	}
	return c.err
}

// couple is two lines and the people before them.
type couple struct {
	*rand.Rand
	ctx    context.Context
	a, b   Line
	now    time.Time
	fans   []person
	memory waitroom.Memory // what a ledger knows
	done   map[string]bool // sessions that the ledger knows to be over, by jti
	jtis   int
	last   waitroom.Watch
	stock  waitroom.Stock // what is for sale
	err    error
}

// person is what one fan keeps.
type person struct {
	numbers []int64  // of his places, newest last
	jtis    []string // of his passes
}

// words are the errors that mean something.
var words = []error{
	nil, waitroom.ErrLost, waitroom.ErrBlockSpent, waitroom.ErrNotCalled, waitroom.ErrRoomFull, waitroom.ErrPlaceUsed, waitroom.ErrGraceOver, waitroom.ErrSessionOver,
}

// same does something to both lines, and returns what both answered.
func (c *couple) same(what string, do func(Line) (any, error)) (answer any, word error) {
	of := func(l Line) (answer any, word error) {
		answer, err := do(l)
		at := slices.IndexFunc(words, func(w error) bool { return errors.Is(err, w) })
		if at < 0 {
			c.err = errors.Join(c.err, fmt.Errorf("%s: %w", what, err))
			return answer, err
		}
		return answer, words[at]
	}
	answer, word = of(c.a)
	other, otherWord := of(c.b)
	if c.err == nil && (word != otherWord || !reflect.DeepEqual(answer, other)) {
		c.err = fmt.Errorf("%s: one line answers %+v, %v; the other %+v, %v", what, answer, word, other, otherWord)
	}
	if w, ok := answer.(waitroom.Watch); ok && word == nil {
		c.last = w
	}
	return answer, word
}

func (c *couple) step() {
	n := c.IntN(len(c.fans))
	switch roll := c.IntN(100); {
	case roll < 20:
		c.join(n)
	case roll < 45:
		c.enter(n)
	case roll < 53:
		c.leave(n)
	case roll < 59:
		c.extend(n)
	case roll < 80:
		c.call()
	case roll < 94:
		c.pass()
	case roll < 97:
		c.share()
	case roll < 99:
		c.grow()
	default:
		c.lose()
	}
}

// one of what a fan keeps: mostly the newest.
func one[T any](c *couple, kept []T, none T) T {
	switch {
	case len(kept) == 0 || c.IntN(20) == 0:
		return none
	case c.IntN(4) == 0:
		return kept[c.IntN(len(kept))]
	}
	return kept[len(kept)-1]
}

func (c *couple) join(n int) {
	shown := one(c, c.fans[n].numbers, -1)
	answer, word := c.same(fmt.Sprintf("fan %d joins and shows %d", n, shown), func(l Line) (any, error) { return l.Join(c.ctx, l.Key, fan(n), shown) })
	if j, ok := answer.(waitroom.Joined); ok && word == nil && !slices.Contains(c.fans[n].numbers, j.Number) {
		c.fans[n].numbers = append(c.fans[n].numbers, j.Number)
	}
}

func (c *couple) enter(n int) {
	number := one(c, c.fans[n].numbers, -1)
	if number < 0 {
		return // nobody has such a place
	}
	c.jtis++
	r := waitroom.EnterRules{JTI: "jti-" + strconv.Itoa(c.jtis), Capacity: c.IntN(6), Session: time.Duration(20+c.IntN(100)) * time.Second, Free: c.IntN(30) == 0}
	answer, word := c.same(fmt.Sprintf("fan %d enters with %d", n, number), func(l Line) (any, error) { return l.Enter(c.ctx, l.Key, fan(n), number, r) })
	if s, ok := answer.(waitroom.Session); ok && word == nil && s.Fresh {
		c.fans[n].jtis = append(c.fans[n].jtis, s.JTI)
		c.memory.Used = append(c.memory.Used, number)
		c.memory.Sessions = append(c.memory.Sessions, waitroom.Admission{Visitor: fan(n), Session: s})
	}
}

func (c *couple) leave(n int) {
	number, jti := one(c, c.fans[n].numbers, -1), ""
	if c.IntN(2) == 0 {
		jti = one(c, c.fans[n].jtis, "no such session")
	}
	answer, _ := c.same(fmt.Sprintf("fan %d leaves with %d %q", n, number, jti), func(l Line) (any, error) { return l.Leave(c.ctx, l.Key, fan(n), number, jti) })
	if over, ok := answer.(waitroom.Session); ok && over.JTI != "" {
		c.done[over.JTI] = true
	}
	if c.IntN(3) == 0 {
		c.note(n)
	}
}

// note lets the ledger know of an end, in time or not, and be asked which it does not know.
func (c *couple) note(n int) {
	if jti := one(c, c.fans[n].jtis, "no such session"); c.done[jti] {
		a := waitroom.Admission{Visitor: fan(n), Session: waitroom.Session{JTI: jti, Number: one(c, c.fans[n].numbers, -1), Incarnation: c.memory.Incarnation + int64(c.IntN(8)/7)}}
		c.same(fmt.Sprintf("the end of %q is noted", jti), func(l Line) (any, error) { return nil, l.Noted(c.ctx, l.Key, a) })
	}
	c.same("ends", func(l Line) (any, error) { return l.Ends(c.ctx, l.Key) })
}

func (c *couple) extend(n int) {
	jti := one(c, c.fans[n].jtis, "no such session")
	c.same(fmt.Sprintf("fan %d is asked for %q", n, jti), func(l Line) (any, error) { return nil, l.Active(c.ctx, l.Key, fan(n), jti) })
	until := c.now.Add(time.Duration(c.IntN(200)-50) * time.Second)
	_, word := c.same(fmt.Sprintf("fan %d extends %q", n, jti), func(l Line) (any, error) { return l.Extend(c.ctx, l.Key, fan(n), jti, until) })
	for i, s := range c.memory.Sessions {
		if word == nil && s.JTI == jti && until.After(s.Expires) {
			c.memory.Sessions[i].Expires = until
		}
	}
}

func (c *couple) call() {
	r := waitroom.CallRules{
		PerSecond: float64(c.IntN(100)) / 7, Burst: 1 + float64(c.IntN(50))/9, Capacity: c.IntN(7), Expect: time.Duration(c.IntN(20)) * time.Second,
		Grace: time.Duration(20+c.IntN(40)) * time.Second, Ceiling: 1 << 52, Closed: c.IntN(10) == 0,
		PaceAge: time.Duration(c.IntN(4)) * time.Second, Most: float64(c.IntN(10) / 8),
	}
	if c.IntN(3) == 0 {
		r.Ceiling = c.last.Watermark + int64(c.IntN(40)) - 5
	}
	c.sell(&r)
	if c.IntN(2) == 0 {
		r.Gone = waitroom.Gone{Incarnation: c.memory.Incarnation - int64(c.IntN(4)/3), From: c.last.Watermark + int64(c.IntN(6)) - 4, Bits: make([]byte, c.IntN(4))}
		for i := range r.Gone.Bits {
			r.Gone.Bits[i] = byte(c.IntN(256))
		}
	}
	c.same(fmt.Sprintf("call %+v", r), func(l Line) (any, error) { return l.Call(c.ctx, l.Key, r) })
}

// sell lets some tickets be sold and come back, and tells of them, or of what was before, or nothing.
func (c *couple) sell(r *waitroom.CallRules) {
	before := c.stock
	if c.IntN(2) == 0 {
		c.stock = waitroom.Stock{Known: true, Left: c.IntN(8) * c.IntN(3), Sold: before.Sold + c.IntN(40), Version: before.Version + 1}
	}
	if c.IntN(40) == 0 {
		c.stock.Sold = 0
	}
	switch r.PerTicket = float64(c.IntN(40)) / 13; c.IntN(8) {
	case 0:
	case 1:
		r.Stock = before
	default:
		r.Stock = c.stock
	}
}

func (c *couple) pass() {
	d := time.Duration(c.IntN(3000)) * time.Millisecond
	if c.IntN(8) == 0 {
		d = time.Duration(c.IntN(90)) * time.Second
	}
	c.now = c.now.Add(d)
	c.same("set the clock", func(l Line) (any, error) { return nil, l.Clock(c.now) })
}

func (c *couple) share() {
	news := make([]byte, c.IntN(5))
	for i := range news {
		news[i] = byte(c.IntN(256))
	}
	incarnation, after := c.memory.Incarnation-int64(c.IntN(4)/3), int64(c.IntN(8))
	t := waitroom.Telling{Gateway: string(rune('a' + c.IntN(3))), Incarnation: incarnation, After: after, News: news, Bye: c.IntN(8) == 0}
	c.same("share", func(l Line) (any, error) { return l.Share(c.ctx, l.Key, t) })
}

func (c *couple) grow() {
	c.memory.BlockEnd = max(c.memory.BlockEnd, c.last.Next+int64(c.IntN(30)))
	incarnation := c.memory.Incarnation - int64(c.IntN(4)/3)
	c.same("grow", func(l Line) (any, error) { return nil, l.Grow(c.ctx, l.Key, incarnation, c.memory.BlockEnd) })
}

// lose lets both lines lose their memory. A ledger knows neither the last numbers that were given out nor how far exactly was called.
func (c *couple) lose() {
	c.same("lose", func(l Line) (any, error) { return nil, l.Lose() })
	c.same("watch after the loss", func(l Line) (any, error) { return l.Watch(c.ctx, l.Key) })
	m := &c.memory
	issued := max(m.Limit, c.last.Next-int64(c.IntN(3)))
	m.Incarnation++
	m.Limit, m.Next = m.BlockEnd, m.BlockEnd
	m.BlockEnd += 20 + int64(c.IntN(20))
	if issued < m.Limit {
		m.Holes = append(m.Holes, waitroom.Hole{From: issued, Past: m.Limit})
	}
	m.Watermark = min(m.Limit, c.last.Watermark+int64(c.IntN(10)))
	m.Sessions = slices.DeleteFunc(m.Sessions, func(s waitroom.Admission) bool {
		return c.done[s.JTI] || !c.now.Before(s.Expires.Add(waitroom.SlotSlack))
	})
	c.same("restore", func(l Line) (any, error) { return nil, l.Restore(c.ctx, l.Key, *m) })
	older := waitroom.Memory{Incarnation: m.Incarnation - 1}
	c.same("restore what is older", func(l Line) (any, error) { return nil, l.Restore(c.ctx, l.Key, older) })
}
