package sale

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/internal/id"
)

// ledger follows a sale from outside: by what it told and by what it asked to write.
type ledger struct {
	t        *testing.T
	versions map[id.Ticket]int32
	owners   map[id.Ticket]id.Key // live owner by the written rows
	status   map[id.Key]booking.Status
	charged  map[id.Key]int // captures that the sale accepted, by booking
	ends     map[id.Key]time.Time
	extended map[id.Key]int
}

// TestRandomCommandsKeepEveryPromise drives sales with random commands, in random ticks, and checks after each tick what must
// always be true. A failure prints its seed.
func TestRandomCommandsKeepEveryPromise(t *testing.T) {
	t.Parallel()
	base := uint64(time.Now().UnixNano())
	rounds := uint64(400)
	if testing.Short() {
		rounds = 50
	}
	for seed := base; seed < base+rounds && !t.Failed(); seed++ {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := hall(t)
		l := &ledger{t: t, versions: map[id.Ticket]int32{}, owners: map[id.Ticket]id.Key{}, status: map[id.Key]booking.Status{}, charged: map[id.Key]int{},
			ends: map[id.Key]time.Time{}, extended: map[id.Key]int{}}
		all := map[id.Key]*Record{} // what Postgres would hold
		for now := noon; now.Before(noon.Add(40 * time.Minute)); now = now.Add(30 * time.Second) {
			for range 1 + rng.IntN(6) {
				c := randomCommand(rng, all, now)
				if c.Kind != command.Book && s.Bookings[c.Booking] == nil && all[c.Booking] != nil {
					copied := *all[c.Booking]
					s.Remember(&copied)
				}
				l.decided(c, s.Decide(c, now))
			}
			w := s.Flush()
			for _, r := range w.Bookings {
				copied := *r
				all[r.Key] = &copied
			}
			l.check(s, w, all)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func randomCommand(rng *rand.Rand, all map[id.Key]*Record, now time.Time) command.Command {
	owner := id.Visitor{byte(1 + rng.IntN(3))}
	c := command.Command{Owner: owner, IssuedAt: now}
	binary.BigEndian.PutUint64(c.ID[:], rng.Uint64())
	var seats []int
	for i := range 6 {
		if rng.IntN(3) == 0 {
			seats = append(seats, i)
		}
	}
	if rng.IntN(3) == 0 || len(all) == 0 {
		c.Kind, c.Booking, c.Seats, c.Until = command.Book, c.ID, seats, now.Add(time.Duration(1+rng.IntN(8))*time.Minute)
		return c
	}
	var r *Record
	for _, r = range all {
		if rng.IntN(len(all)) == 0 {
			break
		}
	}
	c.Booking, c.Owner, c.Attempt = r.Key, r.Owner, r.Attempt
	if rng.IntN(10) == 0 {
		c.Owner = owner
	}
	switch rng.IntN(8) {
	case 0:
		c.Kind, c.Attempt, c.Until = command.BeginPayment, c.ID, now.Add(5*time.Minute)
	case 1, 2:
		c.Kind, c.Outcome = command.Settle, []command.Settlement{command.Captured, command.Declined, command.Failed}[rng.IntN(3)]
	case 3:
		c.Kind, c.Until = command.Expire, r.ExpirationTime
		if rng.IntN(3) == 0 { // a sweeper that looked before the end moved
			c.Until = c.Until.Add(-time.Duration(1+rng.IntN(4)) * time.Minute)
		}
	case 4:
		c.Kind = command.Cancel
	case 5:
		c.Kind, c.Seats = command.Block, seats
	case 6:
		c.Kind, c.Until = command.Extend, r.ExpirationTime.Add(time.Duration(rng.IntN(10)-2)*time.Minute)
	default:
		c.Kind, c.Seats = command.Unblock, seats
	}
	return c
}

func (l *ledger) decided(c command.Command, d Decision) {
	if d.Result.Outcome != command.Done && (d.Event != nil || d.Attempt != nil || d.Settled) {
		l.t.Errorf("%s was refused (%s) and had an effect: %+v", c.Kind, d.Result.Outcome, d)
	}
	if d.Event == nil {
		return
	}
	l.moved(c, d.Result)
	if c.Kind == command.Settle && c.Outcome == command.Captured {
		l.charged[c.Booking]++
	}
	stock := d.Event.Stock
	if sum := stock.Free + stock.Reserved + stock.Paying + stock.Booked + stock.Blocked; sum != stock.Capacity || stock.Free < 0 {
		l.t.Errorf("%s: the stock does not add up: %+v", c.Kind, stock)
	}
}

// moved follows the ends of reservations: they move forward only, by their owners at most once, and only the end that stands can come.
func (l *ledger) moved(c command.Command, r command.Result) {
	if r.Booking.IsZero() { // blocking is of no booking
		return
	}
	was, known := l.ends[c.Booking]
	if known && r.ExpirationTime.Before(was) {
		l.t.Errorf("%s moved the end of a reservation from %s back to %s", c.Kind, was, r.ExpirationTime)
	}
	if c.Kind == command.Expire && !c.Until.Equal(was) {
		l.t.Errorf("a reservation until %s expired by an end of %s", was, c.Until)
	}
	if c.Kind == command.Extend {
		if l.extended[c.Booking]++; l.extended[c.Booking] > 1 || !r.ExpirationTime.After(was) {
			l.t.Errorf("extension %d moved the end from %s to %s", l.extended[c.Booking], was, r.ExpirationTime)
		}
	}
	l.ends[c.Booking] = r.ExpirationTime
}

func (l *ledger) check(s *Sale, w Writes, all map[id.Key]*Record) {
	for _, seat := range w.Seats {
		if l.versions[seat.Ticket] != seat.From || seat.Version <= seat.From {
			l.t.Errorf("seat %s goes from version %d to %d, the row has %d", seat.Ticket, seat.From, seat.Version, l.versions[seat.Ticket])
		}
		l.versions[seat.Ticket] = seat.Version
	}
	for _, o := range w.Owners { // released rows are written first
		if !o.Live && l.owners[o.Ticket] == o.Booking {
			delete(l.owners, o.Ticket)
		}
	}
	for _, o := range w.Owners {
		if o.Live {
			if was, owned := l.owners[o.Ticket]; owned && was != o.Booking {
				l.t.Errorf("seat %s has two live owners", o.Ticket)
			}
			l.owners[o.Ticket] = o.Booking
		}
	}
	owned := 0
	for k, r := range all {
		if was := l.status[k]; was != "" && !was.Live() && r.Status != was || was == booking.Confirmed && r.Status != was {
			l.t.Errorf("a booking went from %s to %s", was, r.Status)
		}
		l.status[k] = r.Status
		if (r.Status == booking.Confirmed) != (l.charged[k] == 1) || l.charged[k] > 1 {
			l.t.Errorf("a booking that is %s was charged %d times", r.Status, l.charged[k])
		}
		for _, i := range r.Seats {
			if r.Status.Live() {
				owned++
				if s.Seats[i].Booking != k || l.owners[s.Event.Ticket(i)] != k {
					l.t.Errorf("a booking that is %s does not own its seat %d", r.Status, i)
				}
			}
		}
	}
	if owned != len(l.owners) {
		l.t.Errorf("%d seats of live bookings, %d owned rows", owned, len(l.owners))
	}
}
