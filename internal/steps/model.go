// Command steps plays a sale in which something goes wrong, in virtual time, before a door that follows the health of what is behind it and before one
// whose pace is fixed, and draws what comes of it. The controllers are those of the product; the people, the log, the worker and the provider of payments are a model.
package main

import (
	"math"
	"math/rand/v2"
	"time"

	"usher/booking/limit"
	"usher/waitroom/pace"
)

// The model's sale. People are called at most so fast, browse, and half of them buy: book, and pay. Each purchase is three commands to the worker.
const (
	tick      = 10 * time.Millisecond
	mostPace  = 10.0 // people a second
	leastPace = 0.05 // of it
	capacity  = 2000 // sessions
	buys      = 0.6  // share of those who enter
	browse    = 30 * time.Second
	checkout  = 40 * time.Second
	again     = time.Second     // Retry-After, and up to as much again
	wait      = 2 * time.Second // a call for its result
	deadline  = 10 * time.Second
	serves    = 24.0 // commands a second
	payers    = 64   // payments that the provider works on at once
	pays      = 500 * time.Millisecond
)

// Scenario is what goes wrong, until when, and what must come of it.
type Scenario struct {
	Name     string
	From, To time.Duration
	Serves   float64       // commands a second meanwhile
	Pays     time.Duration // a payment takes meanwhile, at the mean
	Criterion
}

// Criterion is what a door must keep. All but Settled and Back is of the whole run.
type Criterion struct {
	Settled time.Duration // after the trouble began: from then on calls are late no more than Late, at the mean of the trouble
	After   time.Duration // and from so long after its end on never, at the mean of a minute
	Late    float64
	Inside  int           // people at most
	Paying  int           // payments under way at most
	Back    time.Duration // after the end of the trouble the pace is at nine tenths of its most, and stays there
}

// Scenarios are those of `make steps`: half an hour of trouble each, but for the log, which stands still for a minute.
var Scenarios = []Scenario{
	{"workers halved", 10 * time.Minute, 40 * time.Minute, serves / 2, pays, Criterion{8 * time.Minute, 3 * time.Minute, 0.05, 1000, 100, 12 * time.Minute}},
	{"the log stands still", 10 * time.Minute, 11 * time.Minute, 0, pays, Criterion{time.Minute, 3 * time.Minute, 0.05, 1000, 100, 12 * time.Minute}},
	{"slow provider", 10 * time.Minute, 40 * time.Minute, serves, 16 * time.Second, Criterion{8 * time.Minute, 3 * time.Minute, 0.05, 1200, 1000, 12 * time.Minute}},
}

const window = int(pace.Window / pace.Every)

// length of a run.
const length = 70 * time.Minute

// Sample is what was seen in one step of the controller.
type Sample struct {
	At       time.Duration
	Pace     float64 // called a second
	Inside   int
	Latency  time.Duration // of decisions, mean
	Late     float64       // share of the calls
	Paying   int           // payments under way
	Pressure float64
}

// person is somebody inside.
type person struct {
	next  time.Duration // when he does something
	stage int           // 0 comes, 1 books, 2 pays, 3 waits for his payment
	asked bool          // his command is under way
}

// command is one on the log.
type command struct {
	of    *person
	kind  int // stage that it leads to
	began time.Duration
	told  bool // its caller has given up
}

// world is one run.
type world struct {
	Scenario
	rng    *rand.Rand
	now    time.Duration
	desk   *limit.Limit
	people []*person
	log    []*command
	calls  []*command      // whose callers wait
	paying []time.Duration // ends of the payments that are worked on
	of     []*person       // whose they are
	due    []*person       // payments that nobody works on
	credit float64
	tokens float64

	// of the controller's step
	decided                     int
	took                        time.Duration
	asked, late, begun, settled int
}

// Play runs a scenario, with the door's controller or at a fixed pace, and returns what was seen.
func Play(s Scenario, follows bool, seed uint64) (seen []Sample) {
	w := &world{Scenario: s, rng: rand.New(rand.NewPCG(seed, 1)), desk: limit.New(limit.Rules{Target: wait / 4, Least: 8, Most: 4096})}
	var door pace.Pace
	share := 1.0
	began, ended := [window]int{}, [window]int{}
	for step := 0; w.now < length; step++ {
		for end := w.now + pace.Every; w.now < end; w.now += tick {
			w.tick(mostPace * share)
		}
		began[step%window], ended[step%window] = w.begun, w.settled
		h := w.health(sum(began), sum(ended))
		seen = append(seen, Sample{w.now, mostPace * share, len(w.people), h.Latency, h.Late, len(w.paying) + len(w.due), h.Pressure()})
		w.decided, w.took, w.asked, w.late, w.begun, w.settled = 0, 0, 0, 0, 0, 0
		if follows {
			door = door.Next(h.Pressure(), pace.Every, leastPace)
			share = door.Share(leastPace)
		}
	}
	return seen
}

func sum(all [window]int) (n int) {
	for _, one := range all {
		n += one
	}
	return n
}

func (w *world) health(began, ended int) (h pace.Health) {
	if w.decided > 0 {
		h.Latency = w.took / time.Duration(w.decided)
	}
	if w.asked > 0 {
		h.Late = float64(w.late) / float64(w.asked)
	}
	h.Unsettled = pace.Unsettled(began, ended)
	return h
}

func (w *world) at() time.Time { return time.Unix(0, 0).Add(w.now) }

func (w *world) trouble() bool { return w.now >= w.From && w.now < w.To }

// about is a time that is drawn, exponential with the mean.
func (w *world) about(mean time.Duration) time.Duration {
	return time.Duration(-math.Log(1-w.rng.Float64()) * float64(mean))
}

func (w *world) tick(perSecond float64) {
	for w.tokens += perSecond * tick.Seconds(); w.tokens >= 1; w.tokens-- {
		if len(w.people) < capacity {
			w.people = append(w.people, &person{next: w.now + w.about(browse), stage: 0})
		}
	}
	w.tokens = min(w.tokens, 1)
	w.work()
	w.provider()
	w.giveUp()
	if w.now%(10*tick) != 0 { // people look a tenth of a second apart
		return
	}
	stay := w.people[:0]
	for _, p := range w.people {
		if p.asked || w.now < p.next || w.act(p) {
			stay = append(stay, p)
		}
	}
	w.people = stay
}

// act lets somebody do what he does next, and reports whether he stays.
func (w *world) act(p *person) bool {
	switch p.stage {
	case 0:
		if w.rng.Float64() >= buys {
			return false
		}
		p.stage = 1
	case 1, 2:
		w.asked++
		if !w.desk.Enter(p.stage == 2) {
			w.late++
			p.next = w.now + again + time.Duration(w.rng.Float64()*float64(again))
			return true
		}
		c := &command{of: p, kind: p.stage, began: w.now}
		w.log, w.calls, p.asked = append(w.log, c), append(w.calls, c), true
	case 4:
		return false
	}
	return true
}

// work decides commands in the order of the log. One that comes too late is refused, and its caller asks again.
func (w *world) work() {
	rate := serves
	if w.trouble() {
		rate = w.Serves
	}
	for w.credit = min(w.credit+rate*tick.Seconds(), 5); w.credit >= 1 && len(w.log) > 0; w.credit-- {
		c := w.log[0]
		w.log = w.log[1:]
		w.decided++
		w.took += w.now - c.began
		if !c.told && c.kind < 3 {
			w.desk.Took(w.time(c.began), w.at())
			if c.kind == 1 {
				w.desk.Leave()
				c.told = true
			}
		}
		switch p := c.of; {
		case c.kind < 3 && w.now-c.began > deadline:
			p.asked, p.next = false, w.now+again
			w.late++
		case c.kind == 1:
			p.asked, p.stage, p.next = false, 2, w.now+w.about(checkout)
		case c.kind == 2:
			w.due = append(w.due, p)
			w.begun++
		default:
			w.settled++
			p.asked, p.stage, p.next = false, 4, w.now
		}
	}
}

func (w *world) time(d time.Duration) time.Time { return time.Unix(0, 0).Add(d) }

// provider works on payments, and tells the log when one has ended.
func (w *world) provider() {
	takes := pays
	if w.trouble() {
		takes = w.Pays
	}
	for i := 0; i < len(w.paying); i++ {
		if w.now >= w.paying[i] {
			w.log = append(w.log, &command{of: w.of[i], kind: 3, began: w.now})
			last := len(w.paying) - 1
			w.paying[i], w.of[i] = w.paying[last], w.of[last]
			w.paying, w.of = w.paying[:last], w.of[:last]
			i--
		}
	}
	for len(w.due) > 0 && len(w.paying) < payers {
		w.paying, w.of = append(w.paying, w.now+takes/2+w.about(takes/2)), append(w.of, w.due[0])
		w.due = w.due[1:]
	}
}

// giveUp lets callers go who have waited for long: they look later what has become of it.
func (w *world) giveUp() {
	stay := w.calls[:0]
	for _, c := range w.calls {
		switch {
		case c.kind == 1 && c.told: // was decided
		case w.now-c.began >= wait || c.kind == 2 && c.of.stage == 4:
			if !c.told && c.of.stage == c.kind && !w.beyond(c) {
				w.late++
				w.desk.Took(w.time(c.began), w.at())
			}
			c.told = true
			w.desk.Leave()
		default:
			stay = append(stay, c)
		}
	}
	w.calls = stay
}

// beyond reports whether a payment has begun: that it takes long is the provider's, not the log's.
func (w *world) beyond(c *command) bool {
	return c.kind == 2 && (len(w.log) == 0 || w.log[0].began > c.began)
}
