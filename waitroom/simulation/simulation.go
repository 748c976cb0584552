// Package simulation lets a crowd stand in the line in virtual time: the keepers of three gateways, which are those of the product, over the line and
// the ledger in memory, which are held to those in Redis and Postgres. One seed decides everything: who comes and when, what he does, which
// messages are lost, come late or twice, how the clocks are wrong, which gateways crash, and which store loses its memory. A judge sees every step
// in the stores and everything that people are told, and names the first invariant that does not hold.
package simulation

import (
	"context"
	"strconv"
	"time"

	"usher/internal/id"
	"usher/internal/virtual"
	"usher/waitroom"
	"usher/waitroom/memledger"
	"usher/waitroom/memline"
)

// longest is how long a world may last until everybody is in.
const longest = 15 * time.Minute

// Plant is a bug that is put into a world, to see that it is found. The zero Plant is none.
type Plant struct {
	Name   string
	Queue  func(waitroom.Queue) waitroom.Queue   // the line with the bug
	Ledger func(waitroom.Ledger) waitroom.Ledger // the ledger with the bug
	Gate   func(waitroom.Queue) waitroom.Queue   // what gateways send to the line, with the bug
	Old    bool                                  // an older state of the line is believed
	Waits  func(*waitroom.Patience)              // what gateways take for absence, with the bug
	Long   bool                                  // it shows where people are gone before their turn, and the line is lost then
}

func (p Plant) waits() waitroom.Patience {
	out := waitroom.Patient()
	if p.Waits != nil {
		p.Waits(&out)
	}
	return out
}

func (p Plant) gate(q waitroom.Queue) waitroom.Queue {
	if p.Gate == nil {
		return q
	}
	return p.Gate(q)
}

// Count is what happened in a world.
type Count struct {
	Worlds                                                  int
	Joined, Entered, Polls, Steps, Full, Requeued, Restores int
	Crashes, Losses, Outages                                int
	Passed                                                  int // people who were called as gone
	Lasted                                                  time.Duration
}

// Add counts another world.
func (c *Count) Add(o Count) {
	c.Worlds += o.Worlds
	c.Joined, c.Entered, c.Polls, c.Steps = c.Joined+o.Joined, c.Entered+o.Entered, c.Polls+o.Polls, c.Steps+o.Steps
	c.Full, c.Requeued, c.Restores = c.Full+o.Full, c.Requeued+o.Requeued, c.Restores+o.Restores
	c.Crashes, c.Losses, c.Outages = c.Crashes+o.Crashes, c.Losses+o.Losses, c.Outages+o.Outages
	c.Passed += o.Passed
	c.Lasted += o.Lasted
}

// weather is what a seed has drawn.
type weather struct {
	capacity               int
	rate                   float64       // calls a second
	session, grace, stay   time.Duration // stay: on average
	floor, limit           time.Duration // of the polls
	arrivals               time.Duration // how long the crowd comes
	block                  int64
	trouble                float64       // the share of messages that are lost, late, slow, or come twice
	late                   time.Duration // how much later at most
	long, row              bool          // the line; the silent come one after the other
	storms                 int           // how much else goes wrong
	silent, leave, back    float64       // shares of the crowd
	wander, tardy, twoTabs float64
	skewOfLedger           time.Duration
}

// scene is a world with a line in it.
type scene struct {
	*virtual.World
	weather
	seed     uint64
	visitors int
	plant    Plant
	inner    *memline.Line
	line     waitroom.Queue
	books    *memledger.Ledger
	ledger   ledger
	stores   [2]*store
	gateways []*gateway
	judge    *judge
	count    Count
	left     int // who has not what he came for
	jtis     int
	fans     []*fan
	rates    []paced // what the pace was, and since when
	deaf     bool    // a gateway is cut off from the line for so long that who asks it may not hear in time that he is called
	old      func()  // puts an older state of the line in its place; nil: there is none
}

// ledger is the ledger of a scene, which may have a bug, and its ceiling, which is known without.
type ledger struct {
	waitroom.Ledger
	books *memledger.Ledger
}

func (l ledger) Ceiling(k waitroom.RunKey) int64 { return l.books.Ceiling(k) }

type paced struct {
	rate  float64
	since time.Duration
}

// Run lets a crowd of visitors go through the line in the world of a seed, and returns the first invariant that does not hold; nil: all do.
func Run(seed uint64, visitors int, plant Plant) (Count, *Broken) {
	s := &scene{World: virtual.New(seed), seed: seed, visitors: visitors, plant: plant}
	defer s.End()
	s.draw()
	s.begins()
	s.crowd()
	s.storm()
	if plant.Old {
		s.remember()
	}
	s.Run(longest, func() bool { return s.judge.broken != nil || s.left == 0 })
	s.count.Worlds, s.count.Lasted = 1, s.Now
	if s.judge.broken == nil && s.left > 0 {
		s.judge.say(EverybodyIn, "%d have neither been inside nor gone away", s.left)
	}
	return s.count, s.judge.broken
}

// begins makes the stores, and lets the gateways start.
func (s *scene) begins() {
	s.judge = newJudge(s)
	s.inner = memline.New(s.Time)
	s.line = s.inner
	if s.plant.Queue != nil {
		s.line = s.plant.Queue(s.inner)
	}
	s.books = memledger.New(func() time.Time { return s.Time().Add(s.skewOfLedger) }, s.room())
	s.ledger = ledger{s.books, s.books}
	if s.plant.Ledger != nil {
		s.ledger.Ledger = s.plant.Ledger(s.books)
	}
	for i := range s.stores {
		s.stores[i] = &store{}
	}
	for name := range 3 {
		g := &gateway{w: s.World, s: s, name: name, skew: s.UpTo(-5*time.Second, 5*time.Second)}
		s.gateways = append(s.gateways, g)
		s.After(0, g.start)
	}
}

func (s *scene) draw() {
	w := s.World
	s.weather = weather{
		rate: 150 + 250*w.Float64(), stay: w.UpTo(500*time.Millisecond, 4*time.Second),
		session: w.UpTo(25*time.Second, 35*time.Second), grace: w.UpTo(30*time.Second, 40*time.Second),
		floor: w.UpTo(2*time.Second, 4*time.Second), limit: w.UpTo(6*time.Second, 20*time.Second), arrivals: w.UpTo(5*time.Second, 40*time.Second),
		block: 4000 + w.Int64N(20_000), late: w.UpTo(2*time.Second, 20*time.Second),
		silent: w.Share(0.3), leave: w.Share(0.1), back: w.Share(0.1), wander: w.Share(0.1), tardy: w.Share(0.03), twoTabs: w.Share(0.1),
		skewOfLedger: w.UpTo(-5*time.Second, 5*time.Second),
	}
	if s.long = w.IntN(8) == 0 || s.plant.Long; s.long { // so long a line that people are gone before their turn, one here, one there, or in a row
		s.rate /= 3
		s.silent, s.row = 0.2+0.4*w.Float64(), w.IntN(2) == 0
	}
	if w.IntN(4) > 0 {
		s.trouble = 0.02 * w.Float64()
		s.storms = w.IntN(8)
	}
	held := (s.stay + waitroom.Linger).Seconds() + s.silent*(4*s.floor+5*time.Second).Seconds()
	s.capacity = int(s.rate * held * (0.5 + w.Float64()))
}

func (s *scene) room() waitroom.Room {
	s.rates = append(s.rates, paced{s.rate, s.Now})
	return waitroom.Room{State: waitroom.Open, Run: key.Run, Rules: s.rules()}
}

func (s *scene) rules() waitroom.Rules {
	return waitroom.Rules{
		Room: key.Room, Method: waitroom.FIFO, Capacity: s.capacity, CallsPerMinute: s.rate * 60, Session: s.session, SessionCap: 2 * s.session,
		Grace: s.grace, PollFloor: s.floor, PollCap: s.limit,
	}
}

// fastest is the pace at most of what gateways may believe: one that was cut off knows an old one.
func (s *scene) fastest() (rate float64) {
	for i, p := range s.rates {
		if i == len(s.rates)-1 || s.Now-s.rates[i+1].since < 20*time.Second {
			rate = max(rate, p.rate)
		}
	}
	return rate
}

func (s *scene) newJTI() string {
	s.jtis++
	return "jti-" + strconv.Itoa(s.jtis)
}

// crowd plans who comes, and when.
func (s *scene) crowd() {
	s.left = s.visitors
	for n := range s.visitors {
		f := &fan{s: s, v: id.Visitor{0: 1, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}}
		of := s.Float64()

		for _, h := range []struct {
			habit
			share float64
		}{{silent, s.silent}, {leaver, s.leave}, {wanderer, s.wander}, {tardy, s.tardy}, {doubler, s.twoTabs}, {loyal, 0.2}} {
			if of -= h.share; of < 0 {
				f.habit = h.habit
				break
			}
		}
		arrives := s.UpTo(0, s.arrivals)
		if from := s.arrivals * 6 / 10; s.row && arrives > from && arrives < from+s.arrivals/4 {
			f.habit = silent
		}
		f.again = s.Float64() < s.back
		if f.by = -1; f.habit == loyal {
			f.by = s.IntN(len(s.gateways))
		}
		s.After(arrives+time.Second, f.arrive)
	}
}

// storm plans what else goes wrong.
func (s *scene) storm() {
	calm := time.Duration(0)
	if s.long {
		calm = s.UpTo(0, time.Minute)
	}
	if s.plant.Long {
		s.After(s.UpTo(40*time.Second, 70*time.Second), s.lose)
	}
	for range s.storms {
		calm += s.UpTo(2*time.Second, 10*time.Second)
		at := calm
		g := s.gateways[s.IntN(len(s.gateways))]
		switch s.IntN(8) {
		case 0, 1:
			s.After(at, s.lose)
			calm += 10 * time.Second
		case 2, 3:
			calm += s.away(at, s.stores[s.IntN(2)])
		case 4:
			s.After(at, func() { s.crash(g, s.UpTo(0, 5*time.Second)) })
		case 5:
			s.After(at, func() {
				for _, g := range s.gateways {
					s.crash(g, s.UpTo(0, 5*time.Second))
				}
			})
		case 6:
			from, lasts := s.IntN(2), s.UpTo(time.Second, 10*time.Second)
			if s.IntN(3) == 0 {
				from, lasts = theLine, 4*lasts
				s.deaf = true
			}
			s.After(at, func() { g.cut[from] = true })
			s.After(at+lasts, func() { g.cut[from] = false })
		default:
			s.After(at, s.otherPace)
		}
	}
}

// order is an operator's.
func (s *scene) order(from, to waitroom.State) {
	if err := s.books.SetState(context.Background(), key.Room, from, to); err != nil {
		panic(err) // the scenario is wrong
	}
}

// lose lets the line lose its memory: it is flushed, or another process has begun in its place, which nothing reaches that was sent to the old one.
func (s *scene) lose() {
	s.count.Losses++
	if s.IntN(2) == 0 {
		s.stores[theLine].life++
		if s.old != nil { // the state of some seconds ago
			s.old()
			return
		}
	}
	s.inner.Lose(key)
}

// remember keeps copies of the line for a store that comes back with an older state: a line in Redis tells by the run id that it is not what it was,
// and is lost like any other.
func (s *scene) remember() {
	next := s.inner.Copy(key)
	s.After(3*time.Second, func() {
		s.old = next
		s.remember()
	})
}

// away lets a store be away for a time, and returns when all is well again.
func (s *scene) away(at time.Duration, st *store) time.Duration {
	lasts, hangs, loses := s.UpTo(time.Second, 10*time.Second), s.IntN(2) == 0, st == s.stores[theLine] && s.IntN(2) == 0
	s.After(at, func() {
		s.count.Outages++
		st.away, st.hangs = true, hangs
	})
	s.After(at+lasts, func() {
		st.away = false
		if loses {
			s.lose()
		}
		for _, later := range st.waiting {
			s.After(s.UpTo(0, 10*time.Millisecond), later)
		}
		st.waiting = nil
	})
	return lasts + 10*time.Second
}

func (s *scene) crash(g *gateway, away time.Duration) {
	if !g.up {
		return
	}
	s.count.Crashes++
	g.crash()
	s.After(away, g.start)
}

// otherPace changes the rules.
func (s *scene) otherPace() {
	s.pace(s.rate * (0.5 + 1.5*s.Float64()))
}

// pace changes the pace.
func (s *scene) pace(rate float64) {
	s.rate = rate
	s.rates = append(s.rates, paced{s.rate, s.Now})
	_ = s.books.PutRooms(context.Background(), []waitroom.Rules{s.rules()}) // the room is there
}
