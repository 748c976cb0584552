package gateway

import (
	"mime"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/internal/id"
	"usher/internal/problem"
)

const maxToken = 200 // bytes of a provider's token

var forgedTotal = metrics.NewCounter("usher_payment_forged_webhooks_total")

// cardMembers are names under which forms send card data, without case, dashes and underscores.
var cardMembers = []string{"number", "card", "cardnumber", "pan", "cvc", "cvv", "cvv2", "cvc2", "securitycode", "exp", "expiry", "expmonth", "expyear", "expirydate"}

// tokenMember is the member that carries the token, by method.
var tokenMember = map[string]string{"sandbox": "token", "stripe": "payment_method"}

// paymentOf reads paymentDetails. Whatever looks like card data is refused before anything else sees it, and never repeated.
func paymentOf(body *members) (p booking.Payment, err error) {
	details := body.nested("paymentDetails")
	for name := range details.raw {
		if isCardMember(name) {
			return p, problem.New("payment-details-invalid", "card data is never accepted here: send a token of the payment provider")
		}
	}
	p.Method = details.text("method", maxText)
	carrier := tokenMember[p.Method]
	if carrier == "" {
		carrier = tokenMember["sandbox"]
	}
	p.Token = details.text(carrier, maxToken)
	details.only([]string{"method", carrier})
	if err := body.err(); err != nil {
		return p, err
	}
	switch {
	case tokenMember[p.Method] == "":
		err = problem.New("payment-details-invalid", "want paymentDetails with a method, sandbox or stripe, and its token")
	case p.Token == "":
		err = problem.New("payment-details-invalid", "paymentDetails."+carrier+" is missing")
	case looksLikeCard(p.Token):
		err = problem.New("payment-details-invalid", "that is a card number: send a token of the payment provider")
	}
	return p, err
}

// isCardMember reports whether a member's name is one that forms give to card data.
func isCardMember(name string) bool {
	return slices.Contains(cardMembers, strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name)))
}

// looksLikeCard reports whether text is a card number: 12 to 19 digits, blanks and dashes aside.
func looksLikeCard(s string) bool {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(s)
	return len(digits) >= 12 && len(digits) <= 19 && strings.Trim(digits, "0123456789") == ""
}

// postSandboxAction answers for the payer whom the sandbox asks to approve.
func (s *Server) postSandboxAction(c *call) error {
	body, err := c.object("approve")
	if err != nil {
		return err
	}
	if !body.has("approve") {
		body.fault("approve", "is missing")
	}
	approve := body.boolean("approve")
	if err := body.err(); err != nil {
		return err
	}
	if err := s.answerAction(c, approve); err != nil {
		return err
	}
	return c.empty(204)
}

// answerAction tells the sandbox what its payer said. Who knows the attempt's 128 bits is the payer: a bank would ask him more.
func (s *Server) answerAction(c *call, approve bool) error {
	attempt, err := id.ParseKey(c.params[0])
	if err != nil || s.Sandbox == nil {
		return problem.New("not-found", "no such action")
	}
	found, err := s.Sandbox.Answer(c.context(), attempt, approve)
	if err == nil && !found {
		err = problem.New("not-found", "no such action, or it is over")
	}
	return err
}

// postStripe hears a webhook of Stripe. What it says is not believed; it only makes the cashier ask at once.
func (s *Server) postStripe(c *call) error {
	if kind, _, err := mime.ParseMediaType(string(c.in.ContentType())); err != nil || kind != "application/json" {
		return problem.New("unsupported-media-type", "the body is not application/json")
	}
	if s.Webhook == nil {
		return problem.New("not-found", "no payments go through Stripe here")
	}
	genuine, err := s.Webhook.Hear(c.context(), c.http.PostBody(), c.header("Stripe-Signature"))
	switch {
	case err != nil:
		return err
	case !genuine:
		forgedTotal.Inc()
		return problem.Invalid(problem.Field{Field: "Stripe-Signature", Message: "not Stripe's for this body, or older than five minutes: check the endpoint's secret and this server's clock"})
	}
	return c.empty(200)
}
