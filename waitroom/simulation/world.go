package simulation

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"time"
)

// dawn is when every world begins.
var dawn = time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)

// errGone is how a job ends whose process has died.
var errGone = errors.New("the process has died")

// world is virtual time and what happens in it, one thing after the other: the same seed gives the same world. Its jobs are coroutines, of which
// one runs at a time, until it ends or sleeps.
type world struct {
	*rand.Rand
	now     time.Duration // since dawn
	events  heap[event]
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
	of    *process
	life  int // of the process, when the job began
	over  bool
	gone  func() // what happens when the process has died; may be nil
}

// process is something that dies with all its jobs.
type process struct{ life int }

const finished = time.Duration(-1)

func newWorld(seed uint64) *world {
	return &world{Rand: rand.New(rand.NewPCG(seed, 9))}
}

func (w *world) time() time.Time { return dawn.Add(w.now) }

// after plans what happens after a time.
func (w *world) after(d time.Duration, do func()) { w.plan(event{do: do}, d) }

func (w *world) plan(e event, d time.Duration) {
	w.seq++
	e.at, e.seq = w.now+max(d, 0), w.seq
	w.events.push(e)
}

// run lets happen what is planned, until the given time or until over says so.
func (w *world) run(until time.Duration, over func() bool) {
	for len(w.events) > 0 && w.events[0].at <= until && !over() {
		e := w.events.pop()
		w.now = e.at
		if e.job != nil {
			w.resume(e.job)
		} else {
			e.do()
		}
	}
}

// begin begins a job of a process at once. gone is what happens when the process dies first; it may be nil.
func (w *world) begin(of *process, do, gone func()) {
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

func (w *world) resume(j *job) {
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

// sleep lets a job sleep. When its process has died in the meantime it does not come back.
func (w *world) sleep(d time.Duration) {
	d = max(d, 0)
	if len(w.events) == 0 || w.events[0].at > w.now+d {
		w.now += d
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

// end ends all jobs.
func (w *world) end() {
	for _, j := range w.all {
		j.stop()
	}
}

// deadline is a context whose time is that of a world.
type deadline struct {
	context.Context
	w     *world
	until time.Duration
}

func (d *deadline) Deadline() (time.Time, bool) { return dawn.Add(d.until), true }
func (*deadline) Done() <-chan struct{}         { return nil }
func (d *deadline) Err() error {
	if d.w.now >= d.until {
		return context.DeadlineExceeded
	}
	return nil
}

// within is context.WithTimeout in this world.
func (w *world) within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	until := w.now + d
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

// heap is a binary heap: what comes before all others is in front.
type heap[T interface{ Before(T) bool }] []T

func (h *heap[T]) push(x T) {
	*h = append(*h, x)
	all := *h
	for i := len(all) - 1; i > 0 && all[i].Before(all[(i-1)/2]); i = (i - 1) / 2 {
		all[i], all[(i-1)/2] = all[(i-1)/2], all[i]
	}
}

func (h *heap[T]) pop() T {
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
