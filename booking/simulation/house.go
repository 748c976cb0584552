package simulation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/pgstore"
	"usher/booking/sale"
	"usher/booking/worker"
	"usher/internal/id"
	"usher/internal/stream"
	"usher/internal/virtual"
)

// errAway is the answer of what does not answer.
var errAway = fmt.Errorf("%w: no answer", booking.ErrStoreUnavailable)

var (
	ctx   = context.Background()
	quiet = slog.New(slog.DiscardHandler)
)

// clerk is a process with a worker.
type clerk struct {
	virtual.Process
	s     *scene
	up    bool
	until time.Duration // it stands still
}

// start lets a worker work.
func (c *clerk) start() {
	c.up = true
	s := c.s
	var truth worker.Truth = link{c}
	if s.plant.Truth != nil {
		truth = s.plant.Truth(truth)
	}
	w := worker.NewDriven(worker.Drive{
		Config: worker.Config{Log: quiet, Notify: func(_ context.Context, results map[string][]command.Result) { s.notify(results) }},
		Rules:  s.plant.Rules, Off: s.plant.Off, Pause: func(_ context.Context, d time.Duration) { c.sleep(d) },
	}, truth)
	s.Begin(&c.Process, func() {
		for renewed := time.Duration(-lease); ; {
			if s.Now-renewed >= lease/3 {
				c.lease(w)
				renewed = s.Now
			}
			records := c.read(w)
			if len(records) == 0 {
				c.sleep(s.UpTo(10*time.Millisecond, 60*time.Millisecond))
			} else if !w.Tick(ctx, records) {
				renewed = -lease
			}
		}
	}, nil)
}

// die ends the process; it is started again after a time.
func (c *clerk) die(again time.Duration) {
	if !c.up {
		return
	}
	c.up = false
	c.s.count.Deaths++
	c.Die()
	c.s.After(again, c.start)
}

// stands lets the process stand still, as SIGSTOP does.
func (c *clerk) stands(d time.Duration) {
	c.s.count.Pauses++
	c.until = max(c.until, c.s.Now+d)
}

// sleep lets time pass for the process.
func (c *clerk) sleep(d time.Duration) {
	for {
		c.s.Sleep(d)
		if d = c.until - c.s.Now; d <= 0 {
			return
		}
	}
}

// lease brings the partitions of a worker in line with the leases, as worker.Worker does.
func (c *clerk) lease(w *worker.Driven) {
	s := c.s
	c.sleep(s.UpTo(time.Millisecond, 5*time.Millisecond))
	if s.away {
		return // it goes on as if they were its own
	}
	now := s.postgres()
	for _, p := range s.parts {
		l := s.leases[p]
		switch mine := l.owner == c && l.until.After(now); {
		case mine && s.IntN(20) == 0: // shared with others
			delete(s.leases, p)
		case mine || !l.until.After(now):
			s.leases[p] = leased{c, now.Add(lease)}
		}
		if s.leases[p].owner != c {
			w.Drop(p)
			continue
		}
		if _, has := w.Next(p); !has {
			w.Take(p, s.books.offsets[p])
		}
	}
}

// read takes what the log has for a worker, and now and then again what it had before.
func (c *clerk) read(w *worker.Driven) (out []stream.Record) {
	s := c.s
	if s.noLog {
		return nil
	}
	most := 1 + s.IntN(20)
	for _, p := range s.parts {
		next, has := w.Next(p)
		if !has {
			continue
		}
		if s.troubled() {
			next = max(0, next-int64(s.IntN(4)))
		}
		for at := next; at < int64(len(s.log[p])) && at < next+int64(most); at++ {
			out = append(out, stream.Record{Partition: p, Offset: at, Value: s.log[p][at]})
		}
	}
	return out
}

// link is what lies between a worker and the books.
type link struct{ c *clerk }

// ask lets a question reach the books and its answer come back, or neither.
func (l link) ask() error {
	s := l.c.s
	l.c.sleep(s.UpTo(500*time.Microsecond, 5*time.Millisecond))
	if s.away || s.troubled() && s.IntN(4) == 0 {
		return errAway
	}
	if s.Now < calm && s.Float64() < s.stalls {
		l.c.stands(s.UpTo(lease, 4*lease))
	}
	return nil
}

// Recall is the books', through the link.
func (l link) Recall(ctx context.Context, ids []id.Key) (map[id.Key]command.Result, time.Time, error) {
	if err := l.ask(); err != nil {
		return nil, time.Time{}, err
	}
	r, now, err := l.c.s.books.Recall(ctx, ids)
	l.c.sleep(time.Millisecond)
	return r, now, err
}

// Sale is the books', through the link.
func (l link) Sale(ctx context.Context, e id.Event) (*sale.Sale, error) {
	if err := l.ask(); err != nil {
		return nil, err
	}
	out, err := l.c.s.books.Sale(ctx, e)
	l.c.sleep(time.Millisecond)
	return out, err
}

// Records are the books', through the link.
func (l link) Records(ctx context.Context, ids []id.Booking) (map[id.Booking]*sale.Record, error) {
	if err := l.ask(); err != nil {
		return nil, err
	}
	out, err := l.c.s.books.Records(ctx, ids)
	l.c.sleep(time.Millisecond)
	return out, err
}

// Commit is the books', through the link: it is cut off before, after, or while the server is about it.
func (l link) Commit(ctx context.Context, b *pgstore.Batch) error {
	s := l.c.s
	if err := l.ask(); err != nil {
		s.count.Cut++
		return err
	}
	cut := s.troubled()
	if cut && s.IntN(2) == 0 {
		s.count.Cut++
		s.After(s.UpTo(0, 200*time.Millisecond), func() { _ = s.books.Commit(ctx, b) })
		return errAway
	}
	err := s.books.Commit(ctx, b)
	switch {
	case err == nil:
		s.count.Commits++
	case errors.Is(err, pgstore.ErrFenced):
		s.count.Fenced++
	case errors.Is(err, pgstore.ErrStale):
		s.count.Stale++
	default:
		s.count.Refused++
	}
	if cut {
		s.count.Cut++
		return errAway
	}
	l.c.sleep(time.Millisecond)
	return err
}

// relay is a process with a cashier and a sweeper.
type relay struct {
	virtual.Process
	s  *scene
	up bool
}

// die ends the process; it is started again after a time. What it has claimed is nobody's until its lease runs out.
func (r *relay) die(again time.Duration) {
	if !r.up {
		return
	}
	r.up = false
	r.s.count.Deaths++
	r.Die()
	r.s.After(again, r.start)
}

func (r *relay) start() {
	s := r.s
	r.up = true
	var provider payment.Provider = s.bank
	if s.plant.Bank != nil {
		provider = s.plant.Bank(provider)
	}
	cashier := payment.NewCashier(payment.Config{
		Providers: map[string]payment.Provider{"bank": provider}, Patience: s.patience, Log: quiet,
		Append: func(_ context.Context, c command.Command) error { return s.append(c) },
	}, drawer{r})
	s.Begin(&r.Process, func() {
		for {
			_ = cashier.Step(ctx, 4)
			s.Sleep(s.UpTo(50*time.Millisecond, 400*time.Millisecond))
		}
	}, nil)
	s.Begin(&r.Process, func() {
		for {
			s.Sleep(s.UpTo(400*time.Millisecond, 2*time.Second))
			r.sweep()
		}
	}, nil)
}

// sweep appends the ends of reservations that have run out, as relay.Relay does.
func (r *relay) sweep() {
	s := r.s
	if s.away {
		return
	}
	for _, o := range s.books.Overdue() {
		_ = s.append(command.Command{
			ID: s.key(), Kind: command.Expire, Event: o.Booking.Event, Booking: o.Booking.Key, Until: o.Until, IssuedAt: s.Time(),
		})
	}
}

// drawer is what lies between a cashier and the books.
type drawer struct{ r *relay }

func (d drawer) ask() error {
	s := d.r.s
	s.Sleep(s.UpTo(time.Millisecond, 5*time.Millisecond))
	if s.away || s.troubled() && s.IntN(2) == 0 {
		return errAway
	}
	return nil
}

// ClaimAttempts is the books', through the link.
func (d drawer) ClaimAttempts(ctx context.Context, n int, lease time.Duration) ([]payment.Attempt, error) {
	if err := d.ask(); err != nil {
		return nil, err
	}
	out, err := d.r.s.books.ClaimAttempts(ctx, n, lease)
	if d.r.s.troubled() { // nobody has it until its lease runs out
		return nil, errAway
	}
	return out, err
}

// SaveAttempt is the books', through the link. How long a cashier wants to wait is drawn anew: he draws it where no seed decides.
func (d drawer) SaveAttempt(ctx context.Context, a payment.Attempt, c payment.Change) (paying, ok bool, err error) {
	if err := d.ask(); err != nil {
		return false, false, err
	}
	if c.After > 0 {
		c.After = d.r.s.UpTo(100*time.Millisecond, 3*time.Second)
	}
	paying, ok, err = d.r.s.books.SaveAttempt(ctx, a, c)
	if d.r.s.troubled() {
		return false, false, errAway
	}
	return paying, ok, err
}

// Results are the books', through the link.
func (d drawer) Results(ctx context.Context, ids []id.Key) (map[id.Key]command.Result, error) {
	if err := d.ask(); err != nil {
		return nil, err
	}
	return d.r.s.books.Results(ctx, ids)
}
