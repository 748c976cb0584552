package simulation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/pgstore"
	"usher/booking/sale"
	"usher/internal/id"
	"usher/internal/virtual"
)

// fan is somebody who wants seats, and the desk that he is served by.
type fan struct {
	virtual.Process
	s         *scene
	v         id.Visitor
	organiser bool
	keys      int // idempotency keys used
}

// arrive begins what he came for.
func (f *fan) arrive() {
	f.s.Begin(&f.Process, func() {
		if f.organiser {
			f.organises()
		} else {
			for range 3 + f.s.IntN(8) {
				f.shops()
				f.s.Sleep(f.s.UpTo(0, 10*time.Second))
			}
		}
		f.s.left--
	}, nil)
}

// organises withholds seats and gives them back.
func (f *fan) organises() {
	for range 4 {
		e := f.event()
		c := command.Command{ID: f.s.key(), Kind: command.Block, Event: e, Seats: f.seats(e)}
		if f.s.IntN(2) == 0 {
			c.Kind = command.Unblock
		}
		f.call(c)
		f.s.Sleep(f.s.UpTo(0, 20*time.Second))
	}
}

func (f *fan) event() id.Event { return f.s.events[f.s.IntN(len(f.s.events))] }

// seats are one to four that lie together.
func (f *fan) seats(e id.Event) (out []int) {
	all := len(f.s.books.halls[e])
	from := f.s.IntN(all)
	for i := range 1 + f.s.IntN(4) {
		if from+i < all {
			out = append(out, from+i)
		}
	}
	return out
}

// shops goes for some seats, as far as he gets.
func (f *fan) shops() {
	s := f.s
	e := f.event()
	seats := f.seats(e)
	if s.IntN(8) > 0 && !s.plant.Wild { // otherwise somebody has found a way around the desk
		if !f.hold(e, seats) {
			return
		}
		s.Sleep(s.UpTo(0, s.weather.hold/(1+3*time.Duration(s.IntN(2)))*5/4))
		if s.IntN(8) == 0 {
			f.release(e, seats)
			return
		}
	}
	k := f.key("book")
	now := s.Time()
	c := command.Command{ID: k, Kind: command.Book, Event: e, Booking: k, Owner: f.v, Seats: seats, IssuedAt: now, Until: now.Add(s.checkout)}
	if s.IntN(4) == 0 {
		c.Deadline = now.Add(2 * wait)
	}
	r, decided := f.call(c)
	if !decided {
		f.fence(c)
		return
	}
	if r.Outcome != command.Done || r.Status != booking.Reserved {
		return
	}
	b := id.Booking{Event: e, Key: k}
	for range 1 + s.IntN(4) {
		if left := r.ExpirationTime.Sub(s.postgres()); left > 0 && s.IntN(3) == 0 {
			s.Sleep(left - s.UpTo(-50*time.Millisecond, 150*time.Millisecond)) // at the last moment
		} else {
			s.Sleep(s.UpTo(0, s.checkout*2/3))
		}
		if f.acts(b, r) {
			return
		}
	}
}

// acts does something about his booking, and reports whether he is done with it.
func (f *fan) acts(b id.Booking, r command.Result) (done bool) {
	s := f.s
	switch s.IntN(10) {
	case 0:
		return true // he goes away without a word
	case 1, 2:
		f.call(command.Command{ID: f.key("cancel"), Kind: command.Cancel, Event: b.Event, Booking: b.Key, Owner: f.v, IssuedAt: s.Time()})
		return s.IntN(2) == 0
	case 3, 4:
		f.call(command.Command{
			ID: f.key("extend"), Kind: command.Extend, Event: b.Event, Booking: b.Key, Owner: f.v, IssuedAt: s.Time(), Until: r.ExpirationTime.Add(s.checkout),
		})
		return false
	case 5:
		f.meddles()
		return false
	default:
		return f.pays(b, r)
	}
}

// meddles tries what only its owner may with a booking that may be somebody else's.
func (f *fan) meddles() {
	s := f.s
	all := slices.SortedFunc(maps.Keys(s.books.bookings), func(a, b id.Booking) int { return compare(a.Key, b.Key) })
	if len(all) == 0 {
		return
	}
	b := all[s.IntN(len(all))]
	c := command.Command{
		ID: s.key(), Event: b.Event, Booking: b.Key, Owner: f.v, IssuedAt: s.Time(), Until: s.Time().Add(s.checkout),
		Kind: []command.Kind{command.Cancel, command.Extend, command.BeginPayment}[s.IntN(3)],
	}
	if c.Kind == command.BeginPayment {
		c.Attempt, c.Payment = command.AttemptKey(c.ID), booking.Payment{Method: "bank", Token: good}
	}
	f.call(c)
}

// pays tries to pay, and with another card when the first is declined.
func (f *fan) pays(b id.Booking, r command.Result) (done bool) {
	s := f.s
	for range 2 {
		begin := f.key("confirm")
		attempt := command.AttemptKey(begin)
		token := []string{good, good, good, declined, failed, asks}[s.IntN(6)]
		begun, decided := f.call(command.Command{
			ID: begin, Kind: command.BeginPayment, Event: b.Event, Booking: b.Key, Owner: f.v, Attempt: attempt,
			Payment: booking.Payment{Method: "bank", Token: token}, IssuedAt: s.Time(), Until: r.ExpirationTime.Add(sale.MaxExtension),
		})
		if !decided || begun.Outcome != command.Done {
			return s.IntN(2) == 0
		}
		if s.IntN(8) == 0 { // another tab
			if s.IntN(2) == 0 {
				f.call(command.Command{ID: f.key("cancel"), Kind: command.Cancel, Event: b.Event, Booking: b.Key, Owner: f.v, IssuedAt: s.Time()})
			} else {
				another := f.key("confirm")
				f.call(command.Command{
					ID: another, Kind: command.BeginPayment, Event: b.Event, Booking: b.Key, Owner: f.v, Attempt: command.AttemptKey(another),
					Payment: booking.Payment{Method: "bank", Token: good}, IssuedAt: s.Time(), Until: r.ExpirationTime.Add(sale.MaxExtension),
				})
			}
		}
		settled, ok := f.result(command.SettleKey(attempt), time.Minute)
		if !ok || settled.Settlement == command.Captured {
			return ok
		}
		s.count.Declined++
		s.Sleep(s.UpTo(0, 5*time.Second))
	}
	return false
}

// key is the id of a command under an idempotency key of his own.
func (f *fan) key(route string) id.Key {
	f.keys++
	return command.KeyOf(f.v, route, fmt.Sprint(f.keys))
}

// hold holds seats in Redis and in the books.
func (f *fan) hold(e id.Event, seats []int) bool {
	s := f.s
	s.Sleep(s.UpTo(time.Millisecond, 5*time.Millisecond))
	now := s.postgres()
	r := pgstore.HoldRequest{Owner: f.v, Until: now.Add(s.weather.hold)}
	for _, i := range seats {
		t := e.Ticket(i)
		if h, ok := s.redis[t]; ok && h.by != f.v && h.until.After(now) {
			return false
		}
		r.Tickets = append(r.Tickets, t)
	}
	for _, t := range r.Tickets {
		s.redis[t] = held{f.v, r.Until}
	}
	if !s.plant.Believe {
		s.Sleep(s.UpTo(time.Millisecond, 5*time.Millisecond))
		if s.away || !s.books.Hold(r) {
			for _, t := range r.Tickets {
				if s.redis[t].by == f.v {
					delete(s.redis, t)
				}
			}
			return false
		}
	}
	s.judge.holds(r)
	return true
}

// release gives held seats back.
func (f *fan) release(e id.Event, seats []int) {
	r := pgstore.HoldRelease{Owner: f.v}
	for _, i := range seats {
		r.Tickets = append(r.Tickets, e.Ticket(i))
	}
	f.s.judge.releases(r)
	if f.s.away {
		return
	}
	f.s.books.ReleaseHolds(r)
	for _, t := range r.Tickets {
		if f.s.redis[t].by == f.v {
			delete(f.s.redis, t)
		}
	}
}

// call sends a command and waits for its end; he tries again, with the same key, while he hears nothing.
func (f *fan) call(c command.Command) (r command.Result, decided bool) {
	s := f.s
	c.ReplyTo = "gateway"
	for range 1 + s.IntN(3) {
		s.judge.asks(c)
		s.count.Commands++
		_ = s.append(c) // after an error only waiting tells
		if s.IntN(10) == 0 {
			_ = s.append(c) // a second tab, or a balancer that tries again
		}
		if r, decided = f.result(c.ID, s.UpTo(wait/10, wait)); decided {
			if s.IntN(4) == 0 {
				f.again(c)
			}
			return r, true
		}
		if s.plant.Fresh {
			if c.ID = f.key("fresh"); c.Kind == command.Book {
				c.Booking = c.ID
			}
		}
	}
	return r, false
}

// again asks once more what he has been told already, and hears it once more.
func (f *fan) again(c command.Command) {
	delete(f.s.waiters, c.ID)
	_ = f.s.append(c)
	f.s.Sleep(f.s.UpTo(0, 3*time.Second))
	f.result(c.ID, wait)
}

// result waits for the end of a command: a hint brings it, or the table.
func (f *fan) result(k id.Key, most time.Duration) (r command.Result, ok bool) {
	s := f.s
	for until := s.Now + most; s.Now < until; s.Sleep(s.UpTo(50*time.Millisecond, 250*time.Millisecond)) {
		if r, ok = s.waiters[k]; !ok && !s.away && !s.troubled() {
			found, err := s.books.Results(ctx, []id.Key{k})
			if err != nil {
				panic(err) // the books are wrong
			}
			r, ok = found[k]
		}
		if ok {
			s.judge.hears(r)
			return r, true
		}
	}
	return r, false
}

// fence gives a command up that nobody has decided: it comes to an end, and he hears which.
func (f *fan) fence(c command.Command) {
	for range 20 {
		_ = f.s.append(command.Command{ID: f.s.key(), Kind: command.Fence, Event: c.Event, Booking: c.Booking, IssuedAt: f.s.Time(), Fenced: c.ID, ReplyTo: "gateway"})
		if _, ok := f.result(c.ID, 2*wait); ok {
			return
		}
	}
}
