package main

import (
	"encoding/json"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// tally is everything that fans saw.
type tally struct {
	mu      sync.Mutex                         // guards all below
	calls   map[string]*hdrhistogram.Histogram // µs, losers included
	answers map[string]int                     // kind, status and problem
	faults  int                                // 5xx other than 503, and no answer at all
	numbers map[int64]string
	twice   []int64
	lines   map[int64]*wait
	stays   []stay
	sales   map[string][]string // ticket → bookings that were confirmed with it
}

// wait is what one number was told.
type wait struct {
	from, to time.Time // in line: from the answer to the join until it left
	waiting  []span    // polls that were answered "waiting"
	called   time.Time // when the first answer "called" had come
}

// span is one exchange.
type span struct{ sent, got time.Time }

// stay is a session that provably existed all the while.
type stay struct{ from, to time.Time }

func newTally() *tally {
	return &tally{
		calls: map[string]*hdrhistogram.Histogram{}, answers: map[string]int{}, numbers: map[int64]string{}, lines: map[int64]*wait{}, sales: map[string][]string{},
	}
}

func (t *tally) count(kind string, a answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.calls[kind]
	if h == nil {
		h = hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)
		t.calls[kind] = h
	}
	_ = h.RecordValue(max(1, a.got.Sub(a.sent).Microseconds()))
	t.answers[kind+" "+outcome(a)]++
	if a.status == 0 || a.status >= 500 && a.status != 503 {
		t.faults++
	}
}

// outcome names an answer: its status, and the problem if it is one.
func outcome(a answer) string {
	text := "no answer"
	if a.status != 0 {
		text = itoa(a.status)
	}
	var p struct {
		Type string `json:"type"`
	}
	if a.status >= 400 && json.Unmarshal(a.body, &p) == nil && p.Type != "" {
		text += " " + p.Type[strings.LastIndex(p.Type, "/")+1:]
	}
	return text
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func (t *tally) errors() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.faults
}

// numbered notes who was given a number.
func (t *tally) numbered(n int64, visitor string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if other, known := t.numbers[n]; known && other != visitor {
		t.twice = append(t.twice, n)
	}
	t.numbers[n] = visitor
}

func (t *tally) arrived(n int64, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines[n] = &wait{from: at}
}

// told notes what a poll said.
func (t *tally) told(n int64, state string, a answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.lines[n]
	switch {
	case w == nil:
	case state == "called" && w.called.IsZero():
		w.called = a.got
	case state == "waiting":
		w.waiting = append(w.waiting, span{a.sent, a.got})
	}
}

func (t *tally) left(n int64, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w := t.lines[n]; w != nil && w.to.IsZero() {
		w.to = at
	}
}

func (t *tally) stayed(from, to time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if to.After(from) {
		t.stays = append(t.stays, stay{from, to})
	}
}

func (t *tally) sold(_ string, tickets []string, b booking) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range tickets {
		t.sales[id] = append(t.sales[id], b.ID)
	}
}

// inversions counts numbers that asked after a higher number had been told "called", and were told to wait. Gateways learn of a
// moved watermark within a second: two of them may differ so long, and an answer that is younger proves nothing.
func (t *tally) inversions(slack time.Duration) (count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	numbers := make([]int64, 0, len(t.lines))
	for n := range t.lines {
		numbers = append(numbers, n)
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] > numbers[j] })
	var earliest time.Time // when the first of all higher numbers was called
	for _, n := range numbers {
		w := t.lines[n]
		for _, poll := range w.waiting {
			if !earliest.IsZero() && poll.sent.After(earliest.Add(slack)) && poll.sent.After(w.from) {
				count++
				break
			}
		}
		if !w.called.IsZero() && (earliest.IsZero() || w.called.Before(earliest)) {
			earliest = w.called
		}
	}
	return count
}

// peak is the largest number of sessions that existed at one instant.
func (t *tally) peak() (peak int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	type edge struct {
		at   time.Time
		step int
	}
	edges := make([]edge, 0, 2*len(t.stays))
	for _, s := range t.stays {
		edges = append(edges, edge{s.from, 1}, edge{s.to, -1})
	}
	sort.Slice(edges, func(i, j int) bool {
		if edges[i].at.Equal(edges[j].at) {
			return edges[i].step < edges[j].step
		}
		return edges[i].at.Before(edges[j].at)
	})
	now := 0
	for _, e := range edges {
		now += e.step
		peak = max(peak, now)
	}
	return peak
}

// doubles counts tickets that two bookings were confirmed with, and those that the event's view does not show as booked.
func (t *tally) doubles(v eventView) (count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	status := map[string]string{}
	for _, x := range v.Tickets {
		status[x.ID] = x.Status
	}
	for ticket, bookings := range t.sales {
		if len(bookings) > 1 || status[ticket] != "booked" {
			count++
		}
	}
	return count
}
