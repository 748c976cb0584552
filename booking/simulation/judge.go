package simulation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/event"
	"usher/booking/payment"
	"usher/booking/pgstore"
	"usher/booking/sale"
	"usher/internal/id"
	"usher/internal/virtual"
)

// Invariant is something that must hold at every step.
type Invariant = virtual.Invariant

// Broken is one that did not hold.
type Broken = virtual.Broken

// The invariants.
const (
	OneOwner     Invariant = "a seat is of one live booking at most"
	Whole        Invariant = "a live booking has all its seats"
	AllOrNothing Invariant = "a booking has the seats that it asked for"
	DeadOwnsNone Invariant = "a booking that is over owns nothing"
	SeatAgrees   Invariant = "a seat is in the state that its booking gives it"
	LogOrder     Invariant = "each message is worked off once, in the order of the log"
	NeverBack    Invariant = "an offset never goes back"
	NothingLost  Invariant = "an offset passes no command that has no end"
	OneEffect    Invariant = "a command has one effect"
	OneAnswer    Invariant = "a command has one answer, however often and whoever asks"
	OwnSeats     Invariant = "nobody is refused what he has got himself, and has not heard of"
	ToldIsTrue   Invariant = "what people are told is in the books"
	NotRefused   Invariant = "no command that can be read is set aside"
	VersionsRise Invariant = "the world is told each state of a seat once, in order"
	StockAddsUp  Invariant = "the stock that the world is told is that of the seats"
	LifeOfOne    Invariant = "a booking goes from reserved to paying to confirmed, or ends, and an end is for ever"
	PayingStays  Invariant = "who is paying is not swept"
	EndIsSeen    Invariant = "a reservation expires at the end that stands, and not before it"
	EndGoesOn    Invariant = "the end of a reservation moves forward only, by its owner once"
	OwnersOnly   Invariant = "only its owner changes a booking"
	FenceHolds   Invariant = "what was given up has no effect later"
	HoldKept     Invariant = "an acknowledged hold keeps others off until it runs out"
	MoneyFollows Invariant = "money is taken only for a booking that waits for it, and no booking is confirmed without it"
	RightAmount  Invariant = "what is charged is what the seats cost"
	OneAttempt   Invariant = "a booking has one live attempt to pay"
	NoMoneyLeft  Invariant = "in the end there is a charge for each confirmed booking, and no other"
	AllEnds      Invariant = "everything that was begun comes to its end"
)

// judge sees every commit, every movement of money, and everything that people are told.
type judge struct {
	s      *scene
	seed   uint64
	broken *Broken

	asked    map[id.Key]command.Command // by people and by the log
	effects  map[id.Key]bool
	lives    map[id.Booking]*life
	versions map[id.Ticket]int
	held     map[id.Ticket]held
	answers  map[id.Key][]byte // that people were told
	fenced   map[id.Key]bool   // ended by a fence
}

// life is what is known of a booking by what the world was told.
type life struct {
	status   booking.Status
	end      time.Time
	extended bool
	attempt  id.Key
}

func newJudge(s *scene, seed uint64) *judge {
	return &judge{
		s: s, seed: seed, asked: map[id.Key]command.Command{}, effects: map[id.Key]bool{}, lives: map[id.Booking]*life{}, versions: map[id.Ticket]int{},
		held: map[id.Ticket]held{}, answers: map[id.Key][]byte{}, fenced: map[id.Key]bool{},
	}
}

func (j *judge) say(i Invariant, format string, args ...any) {
	if only := j.s.plant.Only; j.broken == nil && (only == nil || slices.Contains(only, i)) {
		j.broken = &Broken{Invariant: i, Seed: j.seed, At: j.s.Now, What: fmt.Sprintf(format, args...)}
	}
}

// commits judges what has been committed; was is where the log was before.
func (j *judge) commits(batch *pgstore.Batch, was map[int]int64) {
	for _, s := range batch.Sales {
		j.seats(s.Event)
	}
	j.attempts()
	j.log(batch, was)
	for _, r := range batch.Results {
		j.decided(r)
	}
	last := map[id.Event]event.Stock{}
	for _, m := range batch.Outbox {
		var e event.Event
		if err := json.Unmarshal(m.Payload, &e); err != nil {
			j.say(OneEffect, "the world is told %q: %v", m.Payload, err)
			return
		}
		j.happens(e)
		last[e.Event] = e.Stock
	}
	for _, s := range batch.Sales {
		if stock, told := last[s.Event]; told {
			j.stock(s.Event, stock)
		}
	}
}

// attempts judges the attempts to pay.
func (j *judge) attempts() {
	live := map[id.Booking]id.Key{}
	for k, a := range j.s.books.attempts {
		if other, two := live[a.Booking]; a.live && two {
			j.say(OneAttempt, "booking %s has attempts %s and %s", a.Booking, k, other)
		}
		if a.live {
			live[a.Booking] = k
		}
	}
}

// log judges how the offsets have moved.
func (j *judge) log(batch *pgstore.Batch, was map[int]int64) {
	for _, o := range batch.Offsets {
		next := j.s.books.offsets[o.Partition]
		switch {
		case next < was[o.Partition]:
			j.say(NeverBack, "partition %d goes from %d to %d", o.Partition, was[o.Partition], next)
		case o.Was != was[o.Partition]:
			j.say(LogOrder, "partition %d was at %d, and is worked off from %d", o.Partition, was[o.Partition], o.Was)
		}
		for at := was[o.Partition]; at < min(next, int64(len(j.s.log[o.Partition]))); at++ {
			c, err := command.Decode(j.s.log[o.Partition][at])
			if err != nil {
				if !j.s.books.poison[place{o.Partition, at}] {
					j.say(NothingLost, "message %d of partition %d cannot be read, and is not set aside", at, o.Partition)
				}
				continue
			}
			j.asks(c)
			if j.s.books.results[c.ID] == nil {
				j.say(NothingLost, "%s %s at %d of partition %d has no end", c.Kind, c.ID, at, o.Partition)
			}
		}
	}
}

// asks notes a command.
func (j *judge) asks(c command.Command) {
	if _, known := j.asked[c.ID]; !known {
		j.asked[c.ID] = c
	}
}

// decided judges a result that has been stored.
func (j *judge) decided(r command.Result) {
	c, known := j.asked[r.Command]
	if r.Outcome == command.Malformed && known {
		j.say(NotRefused, "%s %s", c.Kind, r.Command)
	}
	if r.Outcome == command.TooLate && r.Kind == "" {
		j.fenced[r.Command] = true
	}
	if r.Outcome != command.Done {
		return
	}
	switch c.Kind {
	case command.Cancel:
		j.s.count.Cancelled++
	case command.Book:
		j.s.count.Reserved++
	}
}

// happens judges what the world is told to have happened.
func (j *judge) happens(e event.Event) {
	k, err := id.ParseKey(e.ID)
	if err != nil {
		j.say(OneEffect, "the world is told of command %q", e.ID)
		return
	}
	c := j.asked[k]
	if j.effects[k] {
		j.say(OneEffect, "%s %s has another: %s", c.Kind, k, e.Kind)
	}
	if j.effects[k] = true; j.fenced[k] {
		j.say(FenceHolds, "%s %s was given up, and the world is told %s", c.Kind, k, e.Kind)
	}
	for _, change := range e.Seats {
		t := e.Event.Ticket(change.Seat)
		if change.Version <= j.versions[t] {
			j.say(VersionsRise, "%s tells version %d of seat %s after %d", e.Kind, change.Version, t, j.versions[t])
		}
		j.versions[t] = change.Version
		if h, ok := j.held[t]; ok && (c.Kind == command.Book || c.Kind == command.Block) {
			if h.by != c.Owner && h.until.After(j.s.postgres()) {
				j.say(HoldKept, "seat %s is %s by %s, and %s holds it until %s", t, e.Kind, c.Owner, h.by, h.until)
			}
			delete(j.held, t)
		}
	}
	if c.Kind == command.Book && len(e.Seats) != len(c.Seats) {
		j.say(AllOrNothing, "booking %s asked for seats %v, and has %d", k, c.Seats, len(e.Seats))
	}
	if !e.Booking.IsZero() {
		j.lived(id.Booking{Event: e.Event, Key: e.Booking}, c, e)
	}
}

// lived judges what has become of a booking.
func (j *judge) lived(b id.Booking, c command.Command, e event.Event) {
	l := j.lives[b]
	if l == nil {
		l = &life{}
		j.lives[b] = l
	}
	to := map[event.Kind]booking.Status{
		event.BookingReserved: booking.Reserved, event.BookingPaying: booking.Paying, event.BookingDeclined: booking.Reserved,
		event.BookingConfirmed: booking.Confirmed, event.BookingExtended: booking.Reserved, event.BookingExpired: booking.Expired,
		event.BookingCancelled: booking.Cancelled,
	}[e.Kind]
	from := map[command.Kind][]booking.Status{
		command.Book: {""}, command.BeginPayment: {booking.Reserved}, command.Settle: {booking.Paying}, command.Extend: {booking.Reserved},
		command.Expire: {booking.Reserved}, command.Cancel: {booking.Reserved},
	}[c.Kind]
	now := j.s.postgres()
	switch {
	case c.Kind == command.Expire && l.status == booking.Paying:
		j.say(PayingStays, "booking %s", b)
	case !slices.Contains(from, l.status):
		j.say(LifeOfOne, "booking %s is %q, and %s makes it %s", b, l.status, c.Kind, to)
	case c.Kind == command.Expire && (!c.Until.Equal(l.end) || l.end.After(now)), e.Kind == event.BookingExpired && l.end.After(now):
		j.say(EndIsSeen, "booking %s ends at %s, and expires at %s by the end of %s", b, l.end, now, c.Until)
	case e.ExpirationTime.Before(l.end), c.Kind == command.Extend && (l.extended || !e.ExpirationTime.After(l.end)):
		j.say(EndGoesOn, "booking %s: %s moves its end from %s to %s", b, c.Kind, l.end, e.ExpirationTime)
	case (c.Kind == command.Cancel || c.Kind == command.Extend || c.Kind == command.BeginPayment) && c.Owner != e.Owner:
		j.say(OwnersOnly, "booking %s of %s: %s by %s", b, e.Owner, c.Kind, c.Owner)
	}
	if l.status, l.end, l.extended = to, e.ExpirationTime, l.extended || c.Kind == command.Extend; c.Kind == command.BeginPayment {
		l.attempt = c.Attempt
	}
	switch to {
	case booking.Expired:
		j.s.count.Expired++
	case booking.Confirmed:
		j.s.count.Confirmed++
		paid := j.s.bank.charges[l.attempt]
		if paid == nil || paid.state != payment.Captured || c.Attempt != l.attempt {
			j.say(MoneyFollows, "booking %s is confirmed by attempt %s, and there is no charge of its attempt %s", b, c.Attempt, l.attempt)
		}
	}
}

// seats judges all seats of an event.
func (j *judge) seats(e id.Event) {
	b := j.s.books
	owner := map[int]id.Key{}
	for k, r := range b.bookings {
		if k.Event != e || !r.Status.Live() {
			continue
		}
		want := map[booking.Status]booking.SeatState{
			booking.Reserved: booking.SeatReserved, booking.Paying: booking.SeatPaying, booking.Confirmed: booking.SeatBooked,
		}[r.Status]
		for _, i := range r.Seats {
			if other, two := owner[i]; two {
				j.say(OneOwner, "seat %s is of bookings %s and %s", e.Ticket(i), k.Key, other)
			}
			owner[i] = k.Key
		}
		for _, i := range r.Seats {
			row := b.halls[e][i]
			if row.booking != k.Key && j.broken == nil && !j.contested(e, i, k.Key) {
				j.say(Whole, "booking %s, %s, has not its seat %d, which is %d, of %s", k, r.Status, i, row.state(), row.booking)
			}
			if row.booking == k.Key && row.state() != want {
				j.say(SeatAgrees, "booking %s is %s, and its seat %d is %d", k, r.Status, i, row.state())
			}
		}
	}
	for i, row := range b.halls[e] {
		if !row.booking.IsZero() && owner[i] != row.booking {
			j.say(DeadOwnsNone, "seat %s is of booking %s, which is %s", e.Ticket(i), row.booking, b.bookings[id.Booking{Event: e, Key: row.booking}].Status)
		}
	}
	for o, live := range b.owners {
		if live && o.ticket.Event() == e && owner[o.ticket.Seat()] != o.booking {
			j.say(DeadOwnsNone, "booking %s owns seat %s", o.booking, o.ticket)
		}
	}
}

// contested reports whether another live booking names the seat: then that is what is wrong.
func (j *judge) contested(e id.Event, i int, not id.Key) bool {
	for k, r := range j.s.books.bookings {
		if k.Event == e && k.Key != not && r.Status.Live() && slices.Contains(r.Seats, i) {
			return true
		}
	}
	return false
}

// stock judges what the world was told last of an event's seats.
func (j *judge) stock(e id.Event, told event.Stock) {
	var seats []sale.Seat
	for _, row := range j.s.books.halls[e] {
		seats = append(seats, sale.Seat{Version: row.version, State: row.state()})
	}
	if is := sale.New(e, currency, seats, nil).Stock(); told != is {
		j.say(StockAddsUp, "event %s: told %+v, is %+v", e, told, is)
	}
}

// told judges what a worker tells a gateway.
func (j *judge) told(r command.Result) {
	text, err := json.Marshal(r)
	if stored := j.s.books.results[r.Command]; err != nil || !bytes.Equal(text, stored) {
		j.say(ToldIsTrue, "%s %s is told to be %s, and the books have %q", r.Kind, r.Command, text, stored)
	}
}

// hears judges what a fan is told of a command.
func (j *judge) hears(r command.Result) {
	text, err := json.Marshal(r)
	if before, told := j.answers[r.Command]; err != nil || told && !bytes.Equal(before, text) {
		j.say(OneAnswer, "%s %s was answered %s, and is answered %s", r.Kind, r.Command, before, text)
	}
	j.answers[r.Command] = text
	for k, b := range j.s.books.bookings {
		if c := j.asked[r.Command]; r.Outcome == command.SeatsTaken && k.Event == c.Event && b.Owner == c.Owner && b.Status.Live() && j.answers[k.Key] == nil {
			if slices.ContainsFunc(r.Taken, func(i int) bool { return slices.Contains(b.Seats, i) }) {
				j.say(OwnSeats, "%s of seats %v, and nobody told him that booking %s has them", r.Outcome, r.Taken, k)
			}
		}
	}
}

// holds notes an acknowledged hold, releases that it is given back.
func (j *judge) holds(r pgstore.HoldRequest) {
	for _, t := range r.Tickets {
		if h, ok := j.held[t]; ok && h.by != r.Owner && h.until.After(j.s.postgres()) {
			j.say(HoldKept, "%s holds seat %s until %s, and it is given to %s", h.by, t, h.until, r.Owner)
		}
		j.held[t] = held{r.Owner, r.Until}
	}
}

func (j *judge) releases(r pgstore.HoldRelease) {
	for _, t := range r.Tickets {
		if j.held[t].by == r.Owner {
			delete(j.held, t)
		}
	}
}

// moves judges a charge whose state has changed.
func (j *judge) moves(c *charge) {
	r, known := j.s.books.bookings[c.Booking]
	if c.state == payment.Captured && (!known || r.Status != booking.Paying || r.Attempt != c.Attempt) {
		j.say(MoneyFollows, "attempt %s is captured, and booking %s is %s", c.Attempt, c.Booking, r.Status)
	}
	if known && c.Amount != r.Total {
		j.say(RightAmount, "booking %s costs %d, and %d are charged", c.Booking, r.Total, c.Amount)
	}
}

// ends judges how the world has come out.
func (j *judge) ends() {
	if j.broken != nil {
		return
	}
	if !j.s.over() {
		j.say(AllEnds, "%d fans, offsets %v", j.s.left, j.s.books.offsets)
	}
	paid := map[id.Booking]int{}
	for k, c := range j.s.bank.charges {
		r := j.s.books.bookings[c.Booking]
		switch c.state {
		case payment.Captured:
			if paid[c.Booking]++; r.Status != booking.Confirmed || r.Attempt != k || paid[c.Booking] > 1 {
				j.say(NoMoneyLeft, "attempt %s is captured, and booking %s is %s", k, c.Booking, r.Status)
			}
		case payment.Authorised:
			j.say(NoMoneyLeft, "the money of attempt %s of booking %s, %s, is kept back", k, c.Booking, r.Status)
		}
	}
	for k, r := range j.s.books.bookings {
		if r.Status == booking.Confirmed && paid[k] != 1 {
			j.say(NoMoneyLeft, "booking %s is confirmed, and charged %d times", k, paid[k])
		}
	}
	for p, messages := range j.s.log {
		for at, m := range messages {
			if c, err := command.Decode(m); err == nil && j.s.books.results[c.ID] == nil {
				j.say(AllEnds, "%s %s at %d of partition %d has no end", c.Kind, c.ID, at, p)
			}
		}
	}
}
