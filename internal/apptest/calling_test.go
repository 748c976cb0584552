package apptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"usher/internal/guard"
)

const (
	callingBin = 10 * time.Second
	unsteady   = 1.3 // calls of the fullest bin to those of the mean
)

// callingSize is how large a proof is.
type callingSize struct {
	waiting, perMinute int // people, calls
	session            time.Duration
	bins               int
	capacity           int // sessions
}

func sizeOfCalling() callingSize {
	c := callingSize{waiting: 2200, perMinute: 1200, session: 20 * time.Second, bins: 4}
	if os.Getenv("USHER_PROVE") != "" {
		c = callingSize{waiting: 12_000, perMinute: 3000, session: time.Minute, bins: 18}
	}
	// enough for all who are called, until their slots are free: the bucket sets the pace
	c.capacity = int(c.perSecond() * 1.4 * ((outageStay + 4500*time.Millisecond).Seconds() + 0.08*(c.session+5*time.Second).Seconds()))
	return c
}

func (c callingSize) perSecond() float64 { return float64(c.perMinute) / 60 }

// steadiness is the calls of the fullest bin, by those of the mean.
func steadiness(bins []int64) float64 {
	sum := int64(0)
	for _, n := range bins {
		sum += n
	}
	return float64(slices.Max(bins)) * float64(len(bins)) / float64(max(sum, 1))
}

func TestBinsThatAreUnevenAreSeen(t *testing.T) {
	t.Parallel()
	f := func(want bool, bins ...int64) {
		t.Helper()
		if got := steadiness(bins) < unsteady; got != want {
			t.Errorf("%v: steady %t (%.2f), want %t", bins, got, steadiness(bins), want)
		}
	}
	f(true, 200, 200, 200, 200)
	f(true, 190, 210, 200, 220)
	f(false, 100, 100, 100, 200)
	f(false, 0, 1000, 0, 1000)
	f(false, 100, 200, 200, 270)
}

// watermark is the highest that a gateway tells of the room.
func (p *lineProof) watermark() (highest int64) {
	for i, g := range p.gates {
		if !g.up.Load() {
			continue
		}
		answer, err := http.Get(p.s.Public[i] + linePath)
		if err != nil {
			continue
		}
		var room struct {
			Watermark int64 `json:"watermark"`
		}
		if json.NewDecoder(answer.Body).Decode(&room) == nil {
			highest = max(highest, room.Watermark)
		}
		_ = answer.Body.Close()
	}
	return highest
}

// people is how many stood in the line with numbers from from to below past, and have not left it.
func (l *lineLedger) people(from, past int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stand.between(from, past) - l.leavers.between(from, past)
}

// startCalling lets a crowd wait at three gateways whose clocks are up to 5 s wrong, before an event of which some buy.
func startCalling(t *testing.T, size callingSize, off ...guard.Guard) *lineProof {
	t.Helper()
	const seats = 2000
	rooms := fmt.Sprintf(`{"rooms": [{"room": %q, "name": "The Line", "method": "fifo", "events": ["concert"], "capacity": %d, "calls_per_minute": %d, "session_seconds": %g,
		"grace_seconds": 300, "poll_floor_seconds": 1, "poll_cap_seconds": 8}]}`, lineRoom, size.capacity, size.perMinute, size.session.Seconds())
	s := Start(t, Options{
		Gateways: 3, Catalog: eventOf(seats), Rooms: rooms, Own: true, Off: off, Skew: []time.Duration{-5 * time.Second, 0, 5 * time.Second},
	})
	p := &lineProof{lineCrowd: newLineCrowd(s.Public, size.capacity, outageStay), t: t, s: s}
	p.event, p.tickets = s.EventID(), make(chan string, seats)
	tickets, _ := NewFan(t, client, s.Public[1]).Tickets(p.event)
	for _, ticket := range tickets {
		p.tickets <- ticket
	}
	t.Cleanup(sync.OnceFunc(p.end))
	p.arrive(size.waiting)
	within(t, 2*time.Minute, "everybody has his number", func() bool { return p.have() >= size.waiting })
	p.stream(size.perSecond())
	return p
}

// They run alone: calls are held to times.
func TestCallingIsSmooth(t *testing.T) {
	size := sizeOfCalling()
	p := startCalling(t, size)
	p.size.patience = time.Minute
	p.goesOn(int(size.perSecond() * 5)) // the first have come, and some are inside
	marks := []int64{p.watermark()}
	began := time.Now()
	for bin := range size.bins {
		if bin == size.bins/2 {
			p.gates[1].up.Store(false)
			p.s.Kill("gateway", 1)
			p.supervise(1)
		}
		time.Sleep(time.Until(began.Add(time.Duration(bin+1) * callingBin))) // it is the measurement
		marks = append(marks, p.watermark())
	}
	var bins []int64
	for i, past := range marks[1:] {
		bins = append(bins, p.people(marks[i], past))
	}
	then := p.now()
	p.judge(then, p.s.admissions())
	t.Logf("%d calls a minute: %v in bins of %v, the fullest %.2f of the mean; %d entered, %d inside at most of %d, %d were done", size.perMinute, bins, callingBin, steadiness(bins), p.entered(),
		p.fullest, p.capacity, p.done.Load())
	if s := steadiness(bins); s >= unsteady {
		t.Errorf("the fullest bin has %.2f of the mean, want less than %g: %v", s, unsteady, bins)
	}
	if p.done.Load() == 0 {
		t.Error("nobody's session ended because he had bought")
	}
	p.report(t)
}

// The room is full all the time, the clocks of its gateways are wrong, and one of them is killed: that no more are inside than the room holds goes by the
// clock of the line alone.
func TestAFullRoomHoldsWhateverTheClocksSay(t *testing.T) {
	t.Parallel()
	size := callingSize{waiting: 800, perMinute: 6000, session: 8 * time.Second, capacity: 60}
	p := startCalling(t, size)
	p.size.patience = 2 * time.Minute
	p.goesOn(80)
	p.gates[0].up.Store(false)
	p.s.Kill("gateway", 0)
	p.supervise(0)
	p.goesOn(80)
	then := p.now()
	p.judge(then, p.s.admissions())
	if p.fullest < size.capacity/2 {
		t.Errorf("%d were inside at most, of %d: the room was never full, and nothing is proved", p.fullest, size.capacity)
	}
	t.Logf("%d inside at most, of %d; %d entered", p.fullest, p.capacity, p.entered())
	p.report(t)
}
