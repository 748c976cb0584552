package gateway

import (
	"strings"
	"time"

	"usher/booking"
	"usher/catalog"
	"usher/gateway/page"
	"usher/internal/id"
)

// checkoutWarning is how long before the end of a reservation its owner is warned: time enough to ask for more (WCAG 2.2.1 wants 20 s).
const checkoutWarning = 2 * time.Minute

// lookAgain is how soon a page without script looks again whether a payment is through.
const lookAgain = 2 * time.Second

// checkoutPage is a booking on its way from reserved to paid, as its owner sees it.
type checkoutPage struct {
	bookingView
	Status     booking.Status
	Form       bool          // whether it can be paid
	Until      time.Time     // in the zone of the event, or UTC
	Left       time.Duration // until then
	Warn       time.Duration
	Window     time.Duration // what an extension gives
	Short      bool          // little is left
	Extendable bool
	Refresh    int    // seconds; 0: nothing comes by itself
	Action     string // where the payer must go; empty: nowhere
	Message    string // key of a message about what happened last; empty: nothing
	Email      string
	Token      string // of the means that was chosen
	Methods    []string
	Card       CardForm
	Faults     []faultyField
	now        time.Time
}

// faultyField is a field that must be filled in again, and why.
type faultyField struct{ Field, Text string }

// Fault is what is wrong with a field, or "".
func (p checkoutPage) Fault(field string) string {
	for _, f := range p.Faults {
		if f.Field == field {
			return f.Text
		}
	}
	return ""
}

// UntilMillis and NowMillis are for the script, which counts by the server's clock.
func (p checkoutPage) UntilMillis() int64 { return p.Until.UnixMilli() }

// NowMillis is when the page was made.
func (p checkoutPage) NowMillis() int64 { return p.now.UnixMilli() }

// bookingView is what the checkout and the confirmation show of a booking alike.
type bookingView struct {
	ID       id.Booking
	Show     *catalog.Show // nil: the catalog is away; the booking is shown all the same
	Start    time.Time     // in the zone of the event
	Seats    []seatView
	Total    int64
	Currency string
	Name     string // of the buyer
}

// seatView is one seat in words.
type seatView struct {
	Section, Row, SeatNumber string
	Minor                    int64
	Currency                 string
}

func (s *Server) viewOf(c *call, b booking.Booking) bookingView {
	v := bookingView{ID: b.ID, Total: b.Total, Currency: b.Currency, Name: b.Buyer.Name}
	if show, err := s.Catalog.Show(c.context(), b.ID.Event); err == nil {
		v.Show, v.Start = show, show.Start.In(show.Venue.Zone)
	}
	for _, t := range b.Seats {
		v.Seats = append(v.Seats, seatOf(t))
	}
	return v
}

// zone is the event's, in which every time of a booking is shown.
func (v bookingView) zone() *time.Location {
	if v.Show == nil {
		return time.UTC
	}
	return v.Show.Venue.Zone
}

// getCheckout shows a booking until it is paid: what is bought and for how much first, then who buys and how it is paid.
func (s *Server) getCheckout(c *call) error {
	b, v, err := s.mine(c)
	if err != nil {
		return err
	}
	out, err := s.Desk.Purchase(c.context(), v, b)
	if err != nil {
		return err
	}
	s.remember(c, out)
	if out.Status == booking.Confirmed {
		return c.seeOther("/booking/" + b.String())
	}
	data := s.checkoutOf(c, out)
	if out.LastDecline != "" {
		data.Message = c.declineKey(out.LastDecline)
	}
	return c.checkout(200, data)
}

// declineKey is the message for a provider's reason; a reason that has no words of its own is told as a decline.
func (c *call) declineKey(reason string) string {
	const declined = "checkout.declined"
	if key := declined + "." + reason; c.language().Has(key) {
		return key
	}
	return declined
}

func (c *call) checkout(status int, data checkoutPage) error {
	l := c.language()
	title := l.T("checkout.title")
	if data.Message != "" || len(data.Faults) > 0 { // what a screen reader says first
		title = l.T("checkout.faults") + " · " + title
	}
	if data.Form && data.Card.Key != "" {
		c.set("Content-Security-Policy", c.server.cards)
	}
	return c.page(status, "checkout", page.Frame{Title: title, Data: data})
}

func (c *call) seeOther(path string) error {
	c.set("Location", path)
	return c.empty(303)
}

// checkoutOf is the page of a booking as it stands.
func (s *Server) checkoutOf(c *call, b booking.Booking) checkoutPage {
	now := time.Now()
	p := checkoutPage{
		bookingView: s.viewOf(c, b), Status: b.Status, Form: b.Status == booking.Reserved, Warn: checkoutWarning, Window: s.Checkout,
		Extendable: b.Extendable(), Email: b.Buyer.Email, now: now,
	}
	if p.Form && !b.ExpirationTime.After(now) { // the log has not said so yet, but it cannot be paid any more
		p.Form, p.Status, p.Extendable = false, booking.Expired, false
	}
	p.Until, p.Left = b.ExpirationTime.In(p.zone()), max(0, b.ExpirationTime.Sub(now))
	p.Short = p.Left < checkoutWarning
	if s.Sandbox != nil {
		p.Methods, p.Token = sandboxMethods, sandboxMethods[0]
	} else {
		p.Card = s.Card
	}
	if b.Status == booking.Pending || b.Status == booking.Paying {
		p.Refresh = seconds(lookAgain)
	}
	if b.Action != nil && b.Status == booking.Paying {
		p.Action = actionURL(b.Action.URL, b.ID)
	}
	return p
}

// actionURL is where the payer approves. The sandbox's page is told where to send him back; a provider's own page knows by itself.
func actionURL(url string, b id.Booking) string {
	if strings.HasPrefix(url, sandboxActions) {
		return url + "?return=/checkout/" + b.String()
	}
	return url
}

const sandboxActions = "/sandbox/actions/"

// sandboxMethods are the tokens that the form offers, the one that works first.
var sandboxMethods = []string{
	"tok_ok", "tok_action", "tok_slow", "tok_declined", "tok_insufficient_funds", "tok_error", "tok_timeout_after_capture", "tok_duplicate_webhook",
}
