package stripe_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"usher/booking/payment"
	"usher/booking/payment/stripe"
	"usher/booking/payment/stripe/stripetest"
	"usher/internal/id"
)

// actor does things to one charge, each request of his when it is his turn.
type actor struct {
	do   func(ctx context.Context, p *stripe.Provider, c payment.Charge) (payment.Answer, error)
	turn chan struct{} // a token is one request
	over chan struct{} // closed when he is done
	idle chan struct{} // a token is one request answered
	said payment.Answer
	err  error
}

// front is an actor's way to the server: a request waits for its turn.
func (a *actor) front(t *testing.T, server *stripetest.Server) string {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-a.turn
		server.ServeHTTP(w, r)
		a.idle <- struct{}{}
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// step lets an actor make one request; false when he is done.
func (a *actor) step() bool {
	select {
	case <-a.over:
		return false
	case a.turn <- struct{}{}:
		<-a.idle
		return true
	}
}

// schedules are all orders of so many turns of the first and of the second.
func schedules(first, second int) []string {
	if first == 0 || second == 0 {
		return []string{strings.Repeat("a", first) + strings.Repeat("b", second)}
	}
	var all []string
	for _, rest := range schedules(first-1, second) {
		all = append(all, "a"+rest)
	}
	for _, rest := range schedules(first, second-1) {
		all = append(all, "b"+rest)
	}
	return all
}

func pay(ctx context.Context, p *stripe.Provider, c payment.Charge) (payment.Answer, error) {
	said, err := p.Authorise(ctx, c)
	if err != nil || said.State != payment.Authorised {
		return said, err
	}
	c.Ref = said.Ref
	return p.Capture(ctx, c)
}

func take(ctx context.Context, p *stripe.Provider, c payment.Charge) (payment.Answer, error) {
	return p.Void(ctx, c)
}

// Two cashiers at one charge, in every order of their requests: one intent, money taken once or never, and whoever tells an end tells the
// one that is.
func TestEveryOrderOfTwoCashiersRequests(t *testing.T) {
	t.Parallel()
	const turns = 4 // of each; what an actor still wants then, he does afterwards
	ends := map[payment.State]int{}
	f := func(name, token string, first, second func(context.Context, *stripe.Provider, payment.Charge) (payment.Answer, error)) {
		for _, order := range schedules(turns, turns) {
			t.Run(name+" "+order, func(t *testing.T) { ends[together(t, order, token, first, second)]++ })
		}
	}
	f("pay and void", stripetest.OK, pay, take)
	f("pay twice", stripetest.OK, pay, pay)
	f("declined and void", stripetest.Declined, pay, take)
	f("declined twice", stripetest.Declined, pay, pay)
	f("action and void", stripetest.Action, pay, take)
	if ends[payment.Captured] == 0 || ends[payment.Voided] == 0 || ends[payment.Declined] == 0 {
		t.Errorf("ends %v: what can be has not been met", ends)
	}
	t.Logf("ends: %v", ends)
}

// together runs two actors in an order and returns how the charge ended.
func together(t *testing.T, order, token string, first, second func(context.Context, *stripe.Provider, payment.Charge) (payment.Answer, error)) payment.State {
	t.Helper()
	server := stripetest.New(t, stripetest.Config{})
	c := charge(token)
	actors := map[rune]*actor{}
	for name, do := range map[rune]func(context.Context, *stripe.Provider, payment.Charge) (payment.Answer, error){'a': first, 'b': second} {
		a := &actor{do: do, turn: make(chan struct{}), over: make(chan struct{}), idle: make(chan struct{})}
		actors[name] = a
		p, err := stripe.New(stripe.Config{Key: stripetest.Key, URL: a.front(t, server), Return: func(id.Booking) string { return "https://tickets.example/" }})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer close(a.over)
			a.said, a.err = a.do(t.Context(), p, c)
		}()
	}
	for _, name := range order {
		actors[name].step()
	}
	for _, a := range actors {
		for a.step() {
		}
	}
	end, err := open(t, server).Ask(t.Context(), c)
	found := server.Intents(c.Attempt.String())
	if err != nil || len(found) != 1 || found[0].Captured > found[0].Amount || (found[0].Captured > 0) != (end.State == payment.Captured) {
		t.Errorf("%s %s: %+v, %v, intents %+v", order, token, end, err, found)
	}
	for name, a := range actors {
		final := a.said.State == payment.Captured || a.said.State == payment.Voided || a.said.State == payment.Declined
		if a.err != nil || final && a.said.State != end.State {
			t.Errorf("%s %s: %c says %+v, %v, and it is %s", order, token, name, a.said, a.err, end.State)
		}
	}
	return end.State
}
