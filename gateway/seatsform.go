package gateway

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"usher/booking"
	"usher/gateway/lang"
	"usher/internal/id"
	"usher/internal/problem"
	"usher/waitroom/pass"
)

// bestView is the form that asks for seats of our choice, with what was asked last.
type bestView struct {
	Quantity   int
	Section    string
	MaxPrice   int64 // minor units; 0: any
	Accessible bool
}

// refusalView says why something was not done, and what could be had instead.
type refusalView struct {
	Slug         string // chooses the words
	Limit        int
	Block        int       // the most seats together
	Until        time.Time // when the visitor may hold again
	Alternatives []heldSeat

	stranded *booking.StrandedSeatError // makes the two that follow, in the page's language
	Seats    string                     // that would be left alone
	Together []togetherView
}

// togetherView is a few seats of one button.
type togetherView struct {
	Value    string // of the form
	Name     string
	Minor    int64
	Currency string
}

// say words what must be said in a language. What can be had is the wanted seats with those that they would leave alone, or others.
func (r *refusalView) say(l *lang.Lang) {
	if r.stranded == nil {
		return
	}
	r.Seats = together(l, "; ", r.stranded.Stranded).Name
	for _, seats := range [][]booking.Ticket{slices.Concat(r.stranded.Wanted, r.stranded.Stranded), r.stranded.Alternatives} {
		if len(seats) > 0 && len(seats) <= maxTogether {
			r.Together = append(r.Together, together(l, " + ", seats))
		}
	}
}

func together(l *lang.Lang, and string, tickets []booking.Ticket) (v togetherView) {
	var values, seats []string
	for _, t := range tickets {
		s := seatOf(t)
		values, seats = append(values, t.ID.String()), append(seats, l.T("seats.name", "section", s.Section, "row", s.Row, "seat", s.SeatNumber))
		v.Minor, v.Currency = v.Minor+s.Minor, s.Currency
	}
	v.Value, v.Name = strings.Join(values, ","), strings.Join(seats, and)
	return v
}

// seatsForm reads a form of the seats page: the event, the part of the layout that is open, and who asks. With issue, somebody new becomes a
// visitor.
func (s *Server) seatsForm(c *call, issue bool, known ...string) (at where, o booking.Owner, p pass.Claims, f *fields, err error) {
	e, err := c.event()
	if err != nil {
		return at, o, p, nil, err
	}
	if f, err = c.form(append(known, "section", "from")...); err != nil {
		return at, o, p, nil, err
	}
	at = where{f.text("section", maxText), f.integer("from", 0, maxFrom, 0)}
	if err = f.err(); err != nil {
		return at, o, p, nil, err
	}
	o, p, err = s.buyer(c, e, issue)
	return at, o, p, f, err
}

// maxTogether bounds the seats of one button: the one that was asked for, and those on both sides that it would leave alone.
const maxTogether = 3

// postSeatHold holds the seat whose button was pressed, or a few together.
func (s *Server) postSeatHold(c *call) error {
	at, o, _, f, err := s.seatsForm(c, true, "ticket")
	if err != nil {
		return err
	}
	e, tickets, err := c.ticketsOf(f)
	if err == nil {
		_, _, err = s.Desk.Hold(c.context(), o, e, tickets)
	}
	return s.seatsAnswer(c, o, at, nil, err)
}

// ticketsOf reads the tickets of a form, one to maxTogether with commas between them; one of another event is not found at this one.
func (c *call) ticketsOf(f *fields) (e id.Event, tickets []id.Ticket, err error) {
	if e, err = c.event(); err != nil {
		return e, nil, err
	}
	names := strings.SplitN(f.values["ticket"], ",", maxTogether+1)
	for _, name := range names {
		t, err := id.ParseTicket(name)
		if err != nil || t.Event() != e || len(names) > maxTogether || slices.Contains(tickets, t) {
			return e, nil, booking.ErrTicketNotFound
		}
		tickets = append(tickets, t)
	}
	return e, tickets, nil
}

// ticketOf reads the ticket of a form; one of another event is not found at this one.
func (c *call) ticketOf(f *fields) (id.Event, id.Ticket, error) {
	e, err := c.event()
	if err != nil {
		return e, 0, err
	}
	t, err := id.ParseTicket(f.values["ticket"])
	if err != nil || t.Event() != e {
		return e, 0, booking.ErrTicketNotFound
	}
	return e, t, nil
}

// postSeatRelease gives a seat back. That needs no pass: who owns it may always let it go.
func (s *Server) postSeatRelease(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	f, err := c.form("ticket", "section", "from")
	if err != nil {
		return err
	}
	at := where{f.text("section", maxText), f.integer("from", 0, maxFrom, 0)}
	if err := f.err(); err != nil {
		return err
	}
	v, ok, err := s.owner(c, e)
	if err == nil && !ok {
		err = booking.ErrHoldNotFound
	}
	o := booking.Owner{Visitor: v}
	if err != nil {
		return s.seatsAnswer(c, o, at, nil, err)
	}
	_, t, err := c.ticketOf(f)
	if err == nil {
		err = s.Desk.Release(c.context(), o, e, []id.Ticket{t})
	}
	return s.seatsAnswer(c, o, at, nil, err)
}

// postSeatsBest holds seats of our choice.
func (s *Server) postSeatsBest(c *call) error {
	at, o, _, f, err := s.seatsForm(c, true, "quantity", "in", "max_price", "accessible")
	if err != nil {
		return err
	}
	e, _ := c.event()
	best := bestView{
		Quantity: f.integer("quantity", 1, s.Limit, 1), Section: f.text("in", maxText), MaxPrice: int64(f.integer("max_price", 0, math.MaxInt32, 0)),
		Accessible: f.integer("accessible", 0, 1, 0) == 1,
	}
	if err := f.err(); err != nil {
		return err
	}
	h, err := s.Desk.HoldBest(c.context(), o, e, booking.BestAvailable{
		Quantity: best.Quantity, Section: best.Section, MaxPrice: int(best.MaxPrice), Accessible: best.Accessible,
	}, c.header(keyHeader))
	if err == nil && len(h.Tickets) > 0 && at.section != h.Tickets[0].Section && at.section != "" {
		at = where{section: h.Tickets[0].Section} // show what he has got
	}
	return s.seatsAnswer(c, o, at, &best, err)
}

// postSeatsExtend gives all that is held more time.
func (s *Server) postSeatsExtend(c *call) error {
	at, o, _, _, err := s.seatsForm(c, false)
	if err != nil {
		return err
	}
	e, _ := c.event()
	_, err = s.Desk.ExtendHolds(c.context(), o, e)
	return s.seatsAnswer(c, o, at, nil, err)
}

// postSeatsBook books all that is held, once for each page that was shown: the page's key is used as an Idempotency-Key header is, so that a
// second click is answered with the booking of the first.
func (s *Server) postSeatsBook(c *call) error {
	f, err := c.form("key", "section", "from")
	if err != nil {
		return err
	}
	key := f.text("key", maxKey)
	if err := f.err(); err != nil {
		return err
	}
	if key != "" && c.header(keyHeader) == "" {
		c.in.Set(keyHeader, key)
		return s.idempotent(c) // which comes back here, with the header
	}
	at, o, p, _, err := s.seatsForm(c, false, "key")
	if err != nil {
		return err
	}
	e, _ := c.event()
	held, err := s.Desk.Holds(c.context(), o, e)
	if err != nil {
		return err
	}
	var tickets []id.Ticket
	for _, t := range held.Tickets {
		tickets = append(tickets, t.ID)
	}
	if len(tickets) == 0 {
		b, ok, err := s.underway(c, o.Visitor, e)
		if err != nil {
			return err
		}
		if ok { // booked in another tab
			return c.seeOther("/checkout/" + b.ID.String())
		}
		return s.seatsAnswer(c, o, at, nil, &booking.HoldRequiredError{})
	}
	b, err := s.Desk.Book(c.context(), o, tickets, c.header(keyHeader))
	if err != nil {
		return s.seatsAnswer(c, o, at, nil, err)
	}
	if p.JTI != "" && b.Status == booking.Reserved {
		s.extend(c, p, b)
	}
	s.remember(c, b)
	return c.seeOther("/checkout/" + b.ID.String())
}

// seatsAnswer shows what has come of a form: by redirect when it was done, else on the page itself with the reason, the API's status and what
// could be had instead.
func (s *Server) seatsAnswer(c *call, o booking.Owner, at where, best *bestView, err error) error {
	e, _ := c.event()
	if err == nil {
		return c.seeOther(at.path(e) + "#basket")
	}
	p := s.problemOf(err)
	if !mendable(p) {
		return err
	}
	show, lookErr := s.Catalog.Show(c.context(), e)
	if lookErr != nil {
		return err
	}
	data, lookErr := s.seatsOf(c, show, o, at)
	if lookErr != nil {
		return err
	}
	if best != nil {
		data.Best = *best
	}
	data.Refusal = refusalOf(p, err)
	return c.seats(p.Status, data)
}

// mendable reports whether the visitor can do something about a refusal on the page.
func mendable(p *problem.Problem) bool {
	if p == nil {
		return false
	}
	switch p.Slug {
	case "ticket-unavailable", "hold-limit-reached", "no-seats-together", "stranded-seat", "hold-cool-down", "hold-cap-reached", "hold-required", "hold-not-found":
		return true
	}
	return false
}

func refusalOf(p *problem.Problem, err error) *refusalView {
	r := &refusalView{Slug: p.Slug}
	var unavailable *booking.UnavailableError
	var limit *booking.HoldLimitError
	var cool *booking.CoolDownError
	var together *booking.NoSeatsTogetherError
	switch {
	case errors.As(err, &unavailable):
		for _, t := range unavailable.Alternatives {
			r.Alternatives = append(r.Alternatives, heldSeat{t.ID, seatOf(t)})
		}
	case errors.As(err, &r.stranded):
	case errors.As(err, &cool):
		r.Until = cool.Until
	case errors.As(err, &limit):
		r.Limit = limit.Limit
	case errors.As(err, &together):
		r.Block = together.LargestBlock
	}
	return r
}
