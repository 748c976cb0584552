// Package paymenttest holds every payment provider to what package payment promises of it.
package paymenttest

import (
	"context"
	"sync"
	"testing"

	"usher/booking/payment"
	"usher/internal/id"
)

// Subject is a provider under test, with the means of payment that make it behave.
type Subject struct {
	Provider             payment.Provider
	OK, Declined, Action string // tokens
	// Approve and Refuse act for the payer of a charge that asks for an action.
	Approve, Refuse func(ctx context.Context, attempt id.Key) error
}

// Run checks every promise on fresh charges of the subject that open returns.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.check(&bench{t: t, Subject: open(t)})
		})
	}
}

var promises = []struct {
	name  string
	check func(b *bench)
}{
	{"KnowsNothingBeforeItIsCalled", func(b *bench) {
		c := b.charge(b.OK)
		b.is(c, payment.None, "ask", "capture", "refund", "ask")
	}},
	{"AuthorisesThenCaptures", func(b *bench) {
		c := b.charge(b.OK)
		b.is(c, payment.Authorised, "authorise", "ask", "authorise", "refund")
		b.is(c, payment.Captured, "capture", "ask", "capture", "authorise")
	}},
	{"VoidDoesNotTouchWhatIsCaptured", func(b *bench) {
		c := b.charge(b.OK)
		b.is(c, payment.Authorised, "authorise")
		b.is(c, payment.Captured, "capture", "void", "ask")
	}},
	{"RefundGivesBackOnceAndForEver", func(b *bench) {
		c := b.charge(b.OK)
		b.is(c, payment.Authorised, "authorise")
		b.is(c, payment.Captured, "capture")
		b.is(c, payment.Refunded, "refund", "refund", "capture", "authorise", "void", "ask")
	}},
	{"VoidIsFinal", func(b *bench) {
		c := b.charge(b.OK)
		b.is(c, payment.Authorised, "authorise")
		b.is(c, payment.Voided, "void", "void", "authorise", "capture", "refund", "ask")
	}},
	{"VoidStopsAnAuthoriseThatComesLater", func(b *bench) {
		c := b.charge(b.OK)
		b.is(c, payment.Voided, "void", "authorise", "capture", "ask")
	}},
	{"DeclineIsFinal", func(b *bench) {
		c := b.charge(b.Declined)
		b.is(c, payment.Declined, "authorise", "ask", "authorise", "capture", "void", "refund", "ask")
		if said := b.do("ask", c); said.Reason == "" {
			b.t.Error("declined without a reason")
		}
	}},
	{"ActionWaitsForTheYes", func(b *bench) {
		c := b.charge(b.Action)
		b.is(c, payment.ActionRequired, "authorise", "ask", "capture", "authorise")
		if said := b.do("ask", c); said.ActionURL == "" {
			b.t.Error("an action without a place to act")
		}
		b.act(b.Approve, c)
		b.is(c, payment.Authorised, "ask", "authorise")
		b.is(c, payment.Captured, "capture")
	}},
	{"ActionRefusedIsDeclined", func(b *bench) {
		c := b.charge(b.Action)
		b.is(c, payment.ActionRequired, "authorise")
		b.act(b.Refuse, c)
		b.is(c, payment.Declined, "ask", "authorise", "capture")
	}},
	{"ActionAfterVoidIsInVain", func(b *bench) {
		c := b.charge(b.Action)
		b.is(c, payment.ActionRequired, "authorise")
		b.is(c, payment.Voided, "void")
		_ = b.Approve(b.t.Context(), c.Attempt) // may be an error, must not be a yes
		b.is(c, payment.Voided, "ask", "authorise", "capture")
	}},
	{"ManyAtOnceAreOne", func(b *bench) {
		c := b.charge(b.OK)
		b.together(c, "authorise", "authorise", "authorise", "authorise")
		b.together(c, "capture", "capture", "capture", "capture")
		b.is(c, payment.Captured, "ask")
	}},
	{"CaptureAndVoidExcludeEachOther", func(b *bench) {
		for range 20 {
			c := b.charge(b.OK)
			b.is(c, payment.Authorised, "authorise")
			said := b.together(c, "capture", "void")
			if end := b.do("ask", c); said[0].State != end.State || said[1].State != end.State || end.State == payment.Authorised {
				b.t.Errorf("capture answered %s, void %s, and it is %s", said[0].State, said[1].State, end.State)
			}
		}
	}},
}

type bench struct {
	t *testing.T
	Subject
}

func (b *bench) charge(token string) payment.Charge {
	return payment.Charge{Attempt: id.NewKey(), Booking: id.Booking{Event: 1 << 30, Key: id.NewKey()}, Amount: 1234, Currency: "EUR", Token: token}
}

func (b *bench) do(call string, c payment.Charge) payment.Answer {
	b.t.Helper()
	p := b.Provider
	said, err := map[string]func(context.Context, payment.Charge) (payment.Answer, error){
		"authorise": p.Authorise, "capture": p.Capture, "void": p.Void, "refund": p.Refund, "ask": p.Ask,
	}[call](b.t.Context(), c)
	if err != nil {
		b.t.Errorf("%s: %v", call, err)
	}
	return said
}

// is checks that each call in turn answers the state.
func (b *bench) is(c payment.Charge, want payment.State, calls ...string) {
	b.t.Helper()
	for i, call := range calls {
		if got := b.do(call, c); got.State != want {
			b.t.Errorf("%s (call %d) of %s: %s, want %s", call, i+1, c.Token, got.State, want)
		}
	}
}

func (b *bench) act(do func(context.Context, id.Key) error, c payment.Charge) {
	b.t.Helper()
	if err := do(b.t.Context(), c.Attempt); err != nil {
		b.t.Errorf("the payer acts: %v", err)
	}
}

func (b *bench) together(c payment.Charge, calls ...string) []payment.Answer {
	b.t.Helper()
	said := make([]payment.Answer, len(calls))
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() { said[i] = b.do(call, c) })
	}
	all.Wait()
	return said
}
