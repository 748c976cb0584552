package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking/command"
	"usher/internal/id"
)

// maxDeeds bounds one claim's calls: authorise, record, capture, record, and as many again for surprises.
const maxDeeds = 8

var (
	errNoProgress = errors.New("the provider's answers lead nowhere")
	errNoProvider = errors.New("no such provider is configured any more")
	errNotBack    = errors.New("the provider does not give the money back")
)

// work is one claimed attempt on its way.
type work struct {
	*Cashier
	a        Attempt // as last saved
	begun    time.Time
	provider Provider
}

// run brings the attempt as far as it goes now. An error means that it must be claimed again.
func (w *work) run(ctx context.Context) error {
	w.provider = w.Providers[w.a.Method]
	switch {
	case w.a.Status.Ended():
		return w.conclude(ctx)
	case w.provider == nil && (w.a.Ref != "" || w.a.Status == StatusAuthorised): // money may be under way: whoever took the provider away must bring it back
		return fmt.Errorf("%w: %q", errNoProvider, w.a.Method)
	case w.provider == nil:
		return w.end(ctx, Answer{State: Failed, Reason: ReasonUnknownMethod})
	}
	said := Answer{State: None}
	if w.a.Tries > 1 { // somebody may have called before and not lived to tell
		var err error
		if said, err = w.call(ctx, "ask", w.provider.Ask); err != nil {
			return err
		}
	}
	return w.advance(ctx, said)
}

func (w *work) advance(ctx context.Context, said Answer) (err error) {
	for range maxDeeds {
		switch next(w.a, said.State, w.a.Age > w.Patience) {
		case doAuthorise:
			said, err = w.call(ctx, "authorise", w.provider.Authorise)
		case doCapture:
			said, err = w.call(ctx, "capture", w.provider.Capture)
		case doVoid:
			said, err = w.call(ctx, "void", w.provider.Void)
		case doAwait:
			_, err := w.save(ctx, Change{Status: w.a.Status, Ref: said.Ref, ActionURL: said.ActionURL, After: await(w.a.Tries)})
			return err
		case doRecord:
			if said.State != Authorised {
				return w.end(ctx, said)
			}
			if ok, err := w.save(ctx, Change{Status: StatusAuthorised, Ref: said.Ref, Lease: w.Lease}); err != nil || !ok {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %s", errNoProgress, said.State)
}

// end records how the attempt ended at the provider, then tells the log.
func (w *work) end(ctx context.Context, said Answer) error {
	status, reason := recorded(w.a, said)
	endsTotal(status).Inc()
	ok, err := w.save(ctx, Change{Status: status, Reason: reason, Ref: said.Ref, After: settleWait, Settled: status == StatusVoided})
	if err != nil || !ok || status == StatusVoided {
		return err
	}
	w.a.Reason = reason
	return w.settle(ctx)
}

func endsTotal(s Status) *metrics.Counter {
	return metrics.GetOrCreateCounter(fmt.Sprintf(`usher_payment_ends_total{status=%q}`, s))
}

// conclude sees to an attempt whose end was recorded, but is not known to be settled.
func (w *work) conclude(ctx context.Context) error {
	read, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	key := command.SettleKey(w.a.Attempt)
	results, err := w.store.Results(read, []id.Key{key})
	if err != nil {
		return err
	}
	switch r, decided := results[key]; {
	case !decided:
		if ok, err := w.save(ctx, Change{Status: w.a.Status, After: settleWait + retry(w.a.Tries)}); err != nil || !ok {
			return err
		}
		return w.settle(ctx)
	case r.Outcome != command.Done && w.a.Status == StatusCaptured:
		w.Log.Error("the log refuses a captured payment: it is refunded", "attempt", w.a.Attempt, "booking", w.a.Booking, "outcome", r.Outcome)
		return w.refund(ctx)
	default:
		_, err := w.save(ctx, Change{Status: w.a.Status, Settled: true})
		return err
	}
}

// refund gives back the money for seats that the booking does not get. The log's refusal is final, so nothing races it.
func (w *work) refund(ctx context.Context) error {
	if w.provider == nil {
		return fmt.Errorf("%w: %w: %q", errNotBack, errNoProvider, w.a.Method)
	}
	said, err := w.call(ctx, "refund", w.provider.Refund)
	if err != nil {
		return err
	}
	if said.State != Refunded {
		return fmt.Errorf("%w: %s", errNotBack, said.State)
	}
	endsTotal(StatusVoided).Inc()
	_, err = w.save(ctx, Change{Status: StatusVoided, Reason: ReasonRefused, Settled: true})
	return err
}

// settle tells the log how the attempt ended. The command's id is derived, so repeats are one command.
func (w *work) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	err := w.Append(ctx, command.Command{
		ID: command.SettleKey(w.a.Attempt), Kind: command.Settle, Event: w.a.Booking.Event, Booking: w.a.Booking.Key, IssuedAt: time.Now().UTC(),
		Attempt: w.a.Attempt, Outcome: settlements[w.a.Status], Reason: w.a.Reason,
	})
	if err != nil {
		w.warn("a payment's end is not on the log yet", err, "attempt", w.a.Attempt)
		errorsTotal.Inc()
		return nil // it is due again by itself
	}
	settleSeconds.Update(w.a.Age.Seconds() + time.Since(w.begun).Seconds())
	return nil
}

var settlements = map[Status]command.Settlement{
	StatusCaptured: command.Captured, StatusDeclined: command.Declined, StatusFailed: command.Failed,
}

func (w *work) save(ctx context.Context, c Change) (ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	paying, ok, err := w.store.SaveAttempt(ctx, w.a, c)
	if err != nil {
		return false, err
	}
	if !ok {
		lostTotal.Inc() // another cashier has it, or the log has settled it
		return false, nil
	}
	w.a.Status, w.a.Paying = c.Status, paying
	return true, nil
}

// call calls the provider and remembers its name for the charge.
func (w *work) call(ctx context.Context, what string, do func(context.Context, Charge) (Answer, error)) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, w.CallTime)
	defer cancel()
	said, err := do(ctx, w.a.Charge)
	if said.Ref != "" { // an error may come with it: the charge is there, and what became of it is not known
		w.a.Ref = said.Ref
	}
	if err != nil {
		return said, fmt.Errorf("%s %s: %w", what, w.a.Attempt, err)
	}
	return said, nil
}
