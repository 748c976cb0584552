package gateway

import (
	"errors"
	"regexp"
	"slices"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/problem"
)

// checkoutForm reads a form of the checkout and whose booking it is about. Who asks is checked before what he sends.
func (s *Server) checkoutForm(c *call, known ...string) (b id.Booking, v id.Visitor, f *fields, err error) {
	if err = s.sameOrigin(c); err != nil {
		return b, v, nil, err
	}
	if b, v, err = s.mine(c); err != nil {
		return b, v, nil, err
	}
	f, err = c.form(known...)
	return b, v, f, err
}

// postPay takes who buys and pays. Whatever a person can mend is told on the page, which keeps what he typed.
func (s *Server) postPay(c *call) error {
	b, v, f, err := s.checkoutForm(c, "name", "email", "token")
	if err != nil {
		return err
	}
	now, err := s.Desk.Purchase(c.context(), v, b)
	if err != nil {
		return err
	}
	if now.Status != booking.Reserved { // paid in another tab, or over: the page says so
		return c.seeOther("/checkout/" + b.String())
	}
	buyer, faults := c.buyerOf(f)
	means, fault := s.meansOf(f.values["token"])
	if fault != "" {
		faults = append(faults, faultyField{"token", c.language().T(fault)})
	}
	if len(faults) > 0 {
		data := s.checkoutOf(c, now)
		data.keep(f)
		data.Faults = faults
		return c.checkout(422, data)
	}
	out := booking.Booking{}
	if err = s.Desk.SetBuyer(c.context(), v, b, buyer); err == nil { // durable before anything is paid
		out, err = s.Desk.Confirm(c.context(), v, b, means, "")
	}
	var declined *booking.DeclinedError
	if errors.As(err, &declined) || errors.Is(err, booking.ErrBookingExpired) || errors.Is(err, booking.ErrBookingNotPayable) {
		// The checkout tells it, and keeps who buys: a reload there does not try the same card again.
		return c.seeOther("/checkout/" + b.String())
	}
	if err != nil {
		return err
	}
	if out.Status == booking.Confirmed {
		return c.seeOther("/booking/" + b.String())
	}
	return c.seeOther("/checkout/" + b.String())
}

// meansOf is what a token of the form pays with, or the key of what is wrong with it. Whether Stripe knows it shows when it is charged.
func (s *Server) meansOf(token string) (p booking.Payment, fault string) {
	switch {
	case s.Sandbox != nil && slices.Contains(sandboxMethods, token):
		return booking.Payment{Method: "sandbox", Token: token}, ""
	case s.Sandbox == nil && s.Card.Key != "" && methodForm.MatchString(token):
		return booking.Payment{Method: "stripe", Token: token}, ""
	case s.Sandbox == nil && s.Card.Key != "":
		return p, "checkout.card.fault"
	}
	return p, "checkout.method.fault"
}

// methodForm is what Stripe's names of PaymentMethods look like.
var methodForm = regexp.MustCompile(`^pm_[A-Za-z0-9_]{1,120}$`)

// maxEmail bounds what the form takes at all; package booking says what an address is.
const maxEmail = 400

// buyerOf reads who buys.
func (c *call) buyerOf(f *fields) (buyer booking.Buyer, faults []faultyField) {
	buyer, err := booking.NewBuyer(f.values["name"], f.values["email"])
	if errors.Is(err, booking.ErrBuyerName) {
		faults = append(faults, faultyField{"name", c.language().T("checkout.name.fault")})
	}
	if errors.Is(err, booking.ErrBuyerEmail) {
		faults = append(faults, faultyField{"email", c.language().T("checkout.email.fault")})
	}
	return buyer, faults
}

// keep shows again what was typed.
func (p *checkoutPage) keep(f *fields) {
	p.Name, p.Email = clipped(f.values["name"]), clipped(f.values["email"])
	if token := f.values["token"]; slices.Contains(p.Methods, token) {
		p.Token = token
	}
}

// clipped bounds what is shown again of a field.
func clipped(s string) string {
	if len(s) > maxEmail {
		return ""
	}
	return s
}

// postExtendForm gives a reservation more time, once.
func (s *Server) postExtendForm(c *call) error {
	b, v, _, err := s.checkoutForm(c)
	if err != nil {
		return err
	}
	if _, err := s.extendBooking(c, v, b); err != nil {
		if p := s.problemOf(err); p == nil || p.Status != 409 && p.Status != 410 {
			return err
		}
		now, lookErr := s.Desk.Purchase(c.context(), v, b)
		if lookErr != nil || now.Status != booking.Reserved {
			return c.seeOther("/checkout/" + b.String())
		}
		data := s.checkoutOf(c, now)
		data.Message = "checkout.extend.refused"
		return c.checkout(409, data)
	}
	return c.seeOther("/checkout/" + b.String())
}

// postCancelForm gives the seats back.
func (s *Server) postCancelForm(c *call) error {
	b, v, _, err := s.checkoutForm(c)
	if err != nil {
		return err
	}
	_, err = s.Desk.Cancel(c.context(), v, b, "")
	if err != nil && !errors.Is(err, booking.ErrBookingNotCancellable) { // paid meanwhile: the page says so
		return err
	}
	return c.seeOther("/checkout/" + b.String())
}

// returnTo reads where the sandbox's page sends its payer afterwards; "" for nowhere.
func returnTo(path string) (string, error) {
	if path != "" && !ownPath(path) {
		return "", problem.Invalid(problem.Field{Field: "return", Message: "want a path of this site"})
	}
	return path, nil
}
