// Package virtual is virtual time, for simulations: things happen one after the other, at the times that they were planned for, and one seed draws
// whatever is left to chance. What takes time in the product, a message, a pause, the death of a process, is a sleep here, during which everything else may happen.
package virtual

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"time"
)

// Dawn is when every world begins.
var Dawn = time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)

// errGone is how a job ends whose process has died.
var errGone = errors.New("the process has died")

// World is virtual time and what happens in it, one thing after the other: the same seed gives the same world. Its jobs are coroutines, of which
// one runs at a time, until it ends or sleeps.
type World struct {
	*rand.Rand
	Now     time.Duration // since Dawn
	events  Heap[event]
	seq     int // of events: those of the same moment happen in the order in which they were planned
	current *job
	idle    []*job
	all     []*job
}

// job is a coroutine that does one thing after the other.
type job struct {
	next  func() (time.Duration, bool)
	stop  func()
	yield func(time.Duration) bool
	do    func()
	of    *Process
	life  int // of the process, when the job began
	over  bool
	gone  func() // what happens when the process has died; may be nil
}

// Process is something that dies with all its jobs.
type Process struct{ life int }

// Die ends all that the process does. Its jobs begin nothing more; it may live again.
func (p *Process) Die() { p.life++ }

const finished = time.Duration(-1)

// New returns the world of a seed, at its dawn.
func New(seed uint64) *World {
	return &World{Rand: rand.New(rand.NewPCG(seed, 9))}
}

// Time is what a right clock shows.
func (w *World) Time() time.Time { return Dawn.Add(w.Now) }

// After plans what happens after a time.
func (w *World) After(d time.Duration, do func()) { w.plan(event{do: do}, d) }

func (w *World) plan(e event, d time.Duration) {
	w.seq++
	e.at, e.seq = w.Now+max(d, 0), w.seq
	w.events.Push(e)
}

// UpTo draws a time.
func (w *World) UpTo(from, past time.Duration) time.Duration {
	return from + time.Duration(w.Int64N(int64(past-from)))
}

// Share draws a share of up to most, often none.
func (w *World) Share(most float64) float64 {
	if w.IntN(3) == 0 {
		return 0
	}
	return w.Float64() * most
}

// Run lets happen what is planned, until the given time or until over says so.
func (w *World) Run(until time.Duration, over func() bool) {
	for len(w.events) > 0 && w.events[0].at <= until && !over() {
		e := w.events.Pop()
		w.Now = e.at
		if e.job != nil {
			w.resume(e.job)
		} else {
			e.do()
		}
	}
}

// Begin begins a job of a process at once. gone is what happens when the process dies first; it may be nil.
func (w *World) Begin(of *Process, do, gone func()) {
	var j *job
	if n := len(w.idle); n > 0 {
		j, w.idle = w.idle[n-1], w.idle[:n-1]
	} else {
		j = &job{}
		j.next, j.stop = iter.Pull(func(yield func(time.Duration) bool) {
			j.yield = yield
			for j.work() && yield(finished) {
			}
		})
		w.all = append(w.all, j)
	}
	j.do, j.gone, j.of, j.life = do, gone, of, of.life
	w.resume(j)
}

// work does what the job is to do, and reports whether it can do something else.
func (j *job) work() bool {
	defer func() {
		if r := recover(); r != nil && r != errGone { //nolint:errorlint // it is what sleep panics with
			panic(r)
		} else if r != nil && !j.over && j.gone != nil {
			j.gone()
		}
	}()
	j.do()
	return true
}

func (w *World) resume(j *job) {
	before := w.current
	w.current = j
	d, alive := j.next()
	w.current = before
	switch {
	case !alive:
	case d == finished:
		w.idle = append(w.idle, j)
	default:
		w.plan(event{job: j}, d)
	}
}

// Sleep lets a job sleep. When its process has died in the meantime it does not come back.
func (w *World) Sleep(d time.Duration) {
	d = max(d, 0)
	if len(w.events) == 0 || w.events[0].at > w.Now+d {
		w.Now += d
		return
	}
	j := w.current
	if !j.yield(d) {
		j.over = true
	}
	if j.over || j.life != j.of.life {
		panic(errGone)
	}
}

// End ends all jobs.
func (w *World) End() {
	for _, j := range w.all {
		j.stop()
	}
}

// deadline is a context whose time is that of a world.
type deadline struct {
	context.Context
	w     *World
	until time.Duration
}

func (d *deadline) Deadline() (time.Time, bool) { return Dawn.Add(d.until), true }
func (*deadline) Done() <-chan struct{}         { return nil }
func (d *deadline) Err() error {
	if d.w.Now >= d.until {
		return context.DeadlineExceeded
	}
	return nil
}

// Within is context.WithTimeout in this world.
func (w *World) Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	until := w.Now + d
	if outer, ok := ctx.(*deadline); ok {
		until = min(until, outer.until)
	}
	return &deadline{context.Background(), w, until}, func() {}
}

// event is a thing that happens: a job goes on, or something is done.
type event struct {
	at  time.Duration
	seq int
	job *job
	do  func()
}

func (e event) Before(o event) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

// Heap is a binary heap: what comes before all others is in front.
type Heap[T interface{ Before(T) bool }] []T

func (h *Heap[T]) Push(x T) {
	*h = append(*h, x)
	all := *h
	for i := len(all) - 1; i > 0 && all[i].Before(all[(i-1)/2]); i = (i - 1) / 2 {
		all[i], all[(i-1)/2] = all[(i-1)/2], all[i]
	}
}

func (h *Heap[T]) Pop() T {
	all := *h
	first, last := all[0], len(all)-1
	var none T
	all[0], all[last] = all[last], none
	all = all[:last]
	for i := 0; ; {
		least := i
		for _, below := range [...]int{2*i + 1, 2*i + 2} {
			if below < last && all[below].Before(all[least]) {
				least = below
			}
		}
		if least == i {
			break
		}
		all[i], all[least] = all[least], all[i]
		i = least
	}
	*h = all
	return first
}
