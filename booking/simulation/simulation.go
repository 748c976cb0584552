// Package simulation sells seats in virtual time: the ticks of three workers and the cashiers of two relays, which are those of the product, over a
// log and books in memory; the books are held to Postgres. One seed decides everything: who wants which seats and what he does about them, which
// messages are lost, come late or twice, which workers die, or stand still until others have taken their partitions and then go on, which commits are
// cut off before or after their effect, what the bank says and when it is not heard. A judge sees every commit, every movement of money and everything
// that people are told, and names the first invariant that does not hold.
package simulation

import (
	"slices"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/worker"
	"usher/internal/guard"
	"usher/internal/id"
	"usher/internal/stream"
	"usher/internal/virtual"
)

const (
	longest = time.Hour       // a world may last until all is done
	calm    = 2 * time.Minute // after it nothing more goes wrong, so that what can end does
	lease   = 3 * time.Second // of a partition
	wait    = 5 * time.Second // of a call for its result, at most
)

// Plant is a bug that is put into a world, to see that it is found. The zero Plant is none.
type Plant struct {
	Name    string
	Without Checks                          // checks that the books do not make
	Off     []guard.Guard                   // guards of the worker
	Rules   worker.Rules                    // rules with the bug; nil: those of package sale
	Truth   func(worker.Truth) worker.Truth // what a worker reads and writes, with the bug
	Command func(c *command.Command) bool   // what a desk does to a command before it appends it; false: it does not append it
	Bank    func(payment.Provider) payment.Provider
	Fresh   bool        // a retry has an id of its own
	Believe bool        // a hold is acknowledged when Redis has it
	Only    []Invariant // that are judged; nil: all. Others would be broken first
	Wild    bool        // nobody holds what he books, and workers stand still more often: it shows there
}

// Count is what happened in a world.
type Count struct {
	Worlds, Commands, Commits, Fenced, Stale, Refused, Cut, Deaths, Pauses, Flushes int
	Reserved, Confirmed, Expired, Cancelled, Declined, Refunds                      int
	Lasted                                                                          time.Duration
}

// Add counts another world.
func (c *Count) Add(o Count) {
	c.Worlds, c.Commands, c.Commits = c.Worlds+o.Worlds, c.Commands+o.Commands, c.Commits+o.Commits
	c.Fenced, c.Stale, c.Refused, c.Cut = c.Fenced+o.Fenced, c.Stale+o.Stale, c.Refused+o.Refused, c.Cut+o.Cut
	c.Deaths, c.Pauses, c.Flushes = c.Deaths+o.Deaths, c.Pauses+o.Pauses, c.Flushes+o.Flushes
	c.Reserved, c.Confirmed, c.Expired = c.Reserved+o.Reserved, c.Confirmed+o.Confirmed, c.Expired+o.Expired
	c.Cancelled, c.Declined, c.Refunds = c.Cancelled+o.Cancelled, c.Declined+o.Declined, c.Refunds+o.Refunds
	c.Lasted += o.Lasted
}

// weather is what a seed has drawn.
type weather struct {
	trouble  float64       // the share of messages that are lost, late or come twice
	stalls   float64       // of a worker's calls of the books after which it stands still for longer than its lease
	checkout time.Duration // how long a reservation lasts
	hold     time.Duration
	storms   int
	skew     time.Duration // of the books' clock
	patience time.Duration // of the cashiers
}

// scene is a world in which seats are sold.
type scene struct {
	*virtual.World
	weather
	plant   Plant
	books   *books
	away    bool // the books
	events  []id.Event
	parts   []int            // partitions of the events
	log     map[int][][]byte // by partition
	noLog   bool             // it is away
	leases  map[int]leased
	redis   map[id.Ticket]held
	bank    *bank
	clerks  []*clerk
	relays  []*relay
	waiters map[id.Key]command.Result // what hints have brought
	judge   *judge
	count   Count
	left    int // fans who are still about it
}

type leased struct {
	owner *clerk
	until time.Time
}

// held is a hold as Redis has it.
type held struct {
	by    id.Visitor
	until time.Time
}

// Run sells seats in the world of a seed, and returns the first invariant that does not hold; nil: all do.
func Run(seed uint64, fans int, plant Plant) (Count, *Broken) {
	s := &scene{
		World: virtual.New(seed), plant: plant, log: map[int][][]byte{}, leases: map[int]leased{}, redis: map[id.Ticket]held{},
		waiters: map[id.Key]command.Result{}, left: fans,
	}
	defer s.End()
	s.draw()
	s.judge = newJudge(s, seed)
	s.books = newBooks(s.postgres)
	s.books.without, s.books.committed = plant.Without, s.judge.commits
	s.bank = &bank{s: s, charges: map[id.Key]*charge{}}
	s.open()
	for range 3 {
		c := &clerk{s: s}
		s.clerks = append(s.clerks, c)
		s.After(s.UpTo(0, time.Second), c.start)
	}
	for range 2 {
		r := &relay{s: s}
		s.relays = append(s.relays, r)
		s.After(s.UpTo(0, time.Second), r.start)
	}
	for n := range fans {
		f := &fan{s: s, v: id.Visitor{0: 1, 14: byte(n >> 8), 15: byte(n)}, organiser: n%16 == 15}
		s.After(s.UpTo(0, 40*time.Second), f.arrive)
	}
	s.storm()
	s.Run(longest, func() bool { return s.judge.broken != nil || s.over() })
	s.count.Worlds, s.count.Lasted = 1, s.Now
	s.judge.ends()
	return s.count, s.judge.broken
}

// postgres is the clock that decides.
func (s *scene) postgres() time.Time { return s.Time().Add(s.skew).Truncate(time.Microsecond) }

func (s *scene) draw() {
	w := s.World
	s.weather = weather{
		checkout: w.UpTo(20*time.Second, time.Minute), hold: w.UpTo(10*time.Second, 30*time.Second), skew: w.UpTo(-2*time.Second, 2*time.Second),
		patience: w.UpTo(10*time.Second, 2*time.Minute),
	}
	if w.IntN(8) > 0 {
		s.trouble, s.stalls, s.storms = w.Share(0.1), w.Share(0.01), w.IntN(10)
	}
	if s.plant.Wild {
		s.stalls = 0.03
	}
}

// open puts two or three events on sale.
func (s *scene) open() {
	for n := range 1 + s.IntN(3) {
		e, err := id.NewEvent(318, 1+n+10*s.IntN(4))
		if err != nil {
			panic(err) // the scenario is wrong
		}
		s.events = append(s.events, e)
		s.books.open(e, 4+s.IntN(8), 1000)
		p := partitionOf(e)
		s.books.offsets[p] = 0
		if !slices.Contains(s.parts, p) {
			s.parts = append(s.parts, p)
		}
	}
}

func partitionOf(e id.Event) int { return stream.Partition(e.String(), command.Partitions) }

// over reports whether nothing is left to do.
func (s *scene) over() bool {
	if s.left > 0 || s.Now < calm {
		return false
	}
	for p, next := range s.books.offsets {
		if next < int64(len(s.log[p])) {
			return false
		}
	}
	for _, r := range s.books.bookings {
		if r.Status == booking.Reserved || r.Status == booking.Paying {
			return false
		}
	}
	for _, a := range s.books.attempts {
		if !a.settled {
			return false
		}
	}
	return true
}

// storm plans what goes wrong beside messages.
func (s *scene) storm() {
	for range s.storms {
		at, lasts := s.UpTo(time.Second, calm-20*time.Second), s.UpTo(500*time.Millisecond, 15*time.Second)
		c := s.clerks[s.IntN(len(s.clerks))]
		switch s.IntN(8) {
		case 0:
			s.After(at, func() { c.die(s.UpTo(100*time.Millisecond, 10*time.Second)) })
		case 1, 2:
			s.After(at, func() { c.stands(lasts) })
		case 3:
			s.After(at, func() { s.away = true })
			s.After(at+lasts/4, func() { s.away = false })
		case 4:
			s.After(at, func() { s.noLog = true })
			s.After(at+lasts/2, func() { s.noLog = false })
		case 5:
			s.After(at, s.poison)
		case 6:
			r := s.relays[s.IntN(len(s.relays))]
			s.After(at, func() { r.die(s.UpTo(100*time.Millisecond, 10*time.Second)) })
		default:
			s.After(at, s.flush)
		}
	}
}

// poison brings what nobody can read into the log.
func (s *scene) poison() {
	p := partitionOf(s.events[s.IntN(len(s.events))])
	s.log[p] = append(s.log[p], [][]byte{nil, []byte("\x00"), []byte(`{"kind":"steal"}`), []byte(`{"id":"04000000000000000000000000","event":"18800007"}`)}[s.IntN(4)])
}

// flush loses all that Redis knows; whoever asks next loads it from the books.
func (s *scene) flush() {
	s.count.Flushes++
	s.redis = map[id.Ticket]held{}
	if s.plant.Believe {
		return
	}
	for e, hall := range s.books.halls {
		for i, row := range hall {
			if row.holder != (id.Visitor{}) {
				s.redis[e.Ticket(i)] = held{row.holder, row.until}
			}
		}
	}
}

// troubled reports whether a message meets trouble.
func (s *scene) troubled() bool { return s.Now < calm && s.Float64() < s.trouble }

// key draws an id.
func (s *scene) key() (k id.Key) {
	for i := range k {
		k[i] = byte(s.Uint32())
	}
	return k
}

// append brings a command to the log as a producer does: after an error it is in the log or not, or comes later.
func (s *scene) append(c command.Command) error {
	if s.plant.Command != nil && !s.plant.Command(&c) {
		return nil
	}
	value, err := c.Encode()
	if err != nil {
		return err
	}
	p := partitionOf(c.Event)
	write := func() { s.log[p] = append(s.log[p], value) }
	s.Sleep(s.UpTo(time.Millisecond, 5*time.Millisecond))
	if s.noLog {
		return errAway
	}
	if !s.troubled() {
		write()
		return nil
	}
	switch s.IntN(4) {
	case 0: // it is lost
		return errAway
	case 1: // its acknowledgement is
		write()
		return errAway
	case 2: // it comes later
		s.After(s.UpTo(10*time.Millisecond, 20*time.Second), write)
		return errAway
	default: // it comes twice
		write()
		s.After(s.UpTo(0, 20*time.Second), write)
		return nil
	}
}

// notify takes what a worker tells.
func (s *scene) notify(results map[string][]command.Result) {
	for _, list := range results {
		for _, r := range list {
			s.judge.told(r)
			if !s.troubled() {
				s.waiters[r.Command] = r
			}
		}
	}
}
