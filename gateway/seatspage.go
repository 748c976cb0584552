package gateway

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"usher/booking"
	"usher/catalog"
	"usher/gateway/page"
	"usher/internal/id"
	"usher/internal/problem"
)

// seatsParameters are those of the seats page: the section that is open, and from which row (or, without one, from which section) on.
var seatsParameters = []string{"section", "from"}

// basketWarning is how long before its end a visitor is warned of losing what he holds.
const basketWarning = 2 * time.Minute

// seatsPage is an event's seats as one visitor sees them. Without script it is all there is; the script draws the map from the API.
type seatsPage struct {
	Event    id.Event
	Show     *catalog.Show
	Start    time.Time // in the zone of the event
	Closed   string    // why nothing can be chosen: "early", "over", "sold_out"; empty: choose
	Levels   []markedLevel
	Sections []sectionView
	Open     *openSection
	Missing  bool // the section that was asked for is not one of the layout
	From     int
	More     int // where the next part of the list begins; 0: nowhere
	Basket   basketView
	Booked   *checkoutPage // his booking that is still to be paid; nil: none
	Refusal  *refusalView
	Best     bestView
	Limit    int
	Room     string // of the waiting room in front; empty: none
	Known    bool   // whether the visitor has a credential: else he holds nothing
	Key      string // of the booking that this page can make
	now      time.Time
}

// basketView is what the visitor holds.
type basketView struct {
	Seats    []heldSeat
	Total    int64
	Currency string
	Until    time.Time // in the zone of the event; zero: nothing is held
	Left     time.Duration
	Short    bool // little is left
}

type heldSeat struct {
	ID id.Ticket
	seatView
}

// UntilMillis is the end of the holds for the script.
func (b basketView) UntilMillis() int64 { return b.Until.UnixMilli() }

// NowMillis is when the page was made, by the server's clock.
func (p seatsPage) NowMillis() int64 { return p.now.UnixMilli() }

// getSeatsPage shows the seats to everybody who may choose; who may not is sent to the waiting room, which says why.
func (s *Server) getSeatsPage(c *call) error {
	e, err := c.event()
	if err != nil {
		return err
	}
	from, err := c.from()
	if err != nil {
		return err
	}
	show, err := s.Catalog.Show(c.context(), e)
	if err != nil {
		return err
	}
	o, _, err := s.buyer(c, e, false)
	if room, guarded := s.Waitroom.RoomOf(e); guarded && room.Active && refusedPass(s.problemOf(err)) {
		return c.seeOther("/rooms/" + room.Room)
	}
	if p := s.problemOf(err); p != nil && p.Slug == "visitor-required" {
		o, err = booking.Owner{}, nil // he gets a credential with his first hold
	}
	if err != nil {
		return err
	}
	data, err := s.seatsOf(c, show, o, where{string(c.http.QueryArgs().Peek("section")), from})
	if err != nil {
		return err
	}
	status := 200
	if data.Missing {
		status = 404
	}
	return c.seats(status, data)
}

// refusedPass reports whether a problem says that the waiting room has not let the visitor in, or not any more.
func refusedPass(p *problem.Problem) bool { return p != nil && strings.HasPrefix(p.Slug, "pass-") }

// maxFrom bounds the rows and sections that can be paged to; no layout has more.
const maxFrom = id.MaxSeats

func (c *call) from() (int, error) {
	arg := c.http.QueryArgs().Peek("from")
	if len(arg) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(string(arg))
	if err != nil || n < 0 || n > maxFrom {
		return 0, problem.Invalid(problem.Field{Field: "from", Message: "want a whole number from 0 to " + strconv.Itoa(maxFrom)})
	}
	return n, nil
}

func (c *call) seats(status int, data *seatsPage) error {
	l := c.language()
	title := l.T("seats.title", "event", data.Show.Name)
	if data.Refusal != nil { // what a screen reader says first
		title = l.T("seats.refused") + " · " + title
		data.Refusal.say(l)
	}
	return c.page(status, "seats", page.Frame{Title: title, Data: data})
}

// seatsOf gathers what the page shows to the owner, who may be nobody yet.
func (s *Server) seatsOf(c *call, show *catalog.Show, o booking.Owner, at where) (*seatsPage, error) {
	e := show.Event
	p := &seatsPage{
		Event: e, Show: show, Start: show.Start.In(show.Venue.Zone), From: at.from, Limit: s.Limit, Key: id.NewKey().String(), now: time.Now(),
		Best: bestView{Quantity: 2},
	}
	if room, ok := s.Waitroom.RoomOf(e); ok {
		p.Room = room.Room
	}
	var held booking.Holds
	if p.Known = !o.Visitor.IsZero(); p.Known {
		var err error
		if held, err = s.Desk.Holds(c.context(), o, e); err != nil && !errors.Is(err, booking.ErrEventNotFound) {
			return nil, err
		}
		b, ok, err := s.underway(c, o.Visitor, e)
		if err != nil {
			return nil, err
		}
		if ok {
			booked := s.checkoutOf(c, b)
			p.Booked = &booked
		}
	}
	p.fill(held)
	p.Closed = p.closed()
	p.draw(at, held.Tickets)
	return p, nil
}

// fill shows what is held. The clock is the server's; the script is told how far its own is off.
func (p *seatsPage) fill(held booking.Holds) {
	b := basketView{Total: held.Total, Currency: held.Currency}
	for _, t := range held.Tickets {
		b.Seats = append(b.Seats, heldSeat{t.ID, seatOf(t)})
	}
	if len(b.Seats) > 0 {
		b.Until = held.ExpirationTime.In(p.Show.Venue.Zone)
		b.Left = max(0, held.ExpirationTime.Sub(p.now))
		b.Short = b.Left < basketWarning
	}
	if b.Currency == "" {
		b.Currency = p.Show.Currency
	}
	p.Basket = b
}

// closed is why nothing can be chosen, or "". Who holds seats goes on with them whatever the others do.
func (p *seatsPage) closed() string {
	switch {
	case !p.Show.OnSale || len(p.Show.Codes) == 0:
		return "early"
	case p.now.After(p.Show.End):
		return "over"
	case p.Show.Free() == 0 && p.Show.Count[1] == 0 && p.Show.Count[2] == 0 && len(p.Basket.Seats) == 0:
		return "sold_out" // held and unpaid seats may come back: then the plan is worth a look
	}
	return ""
}
