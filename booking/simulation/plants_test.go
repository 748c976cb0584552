package simulation

import (
	"context"
	"errors"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/pgstore"
	"usher/booking/sale"
	"usher/booking/worker"
	"usher/internal/guard"
	"usher/internal/id"
	"usher/internal/virtual/virtualtest"
)

// plant is a bug, and what it breaks.
type plant struct {
	Plant
	breaks []Invariant // one of these is found to be broken first
}

// within is how many seeds may pass until a bug is found.
const within = 100

func TestEveryPlantedBugIsFound(t *testing.T) {
	t.Parallel()
	var bugs []virtualtest.Bug[Plant]
	for _, p := range plants() {
		bugs = append(bugs, virtualtest.Bug[Plant]{Name: p.Name, Plant: p.Plant, Breaks: p.breaks})
	}
	all.FindsEveryBug(t, bugs, 15, within)
}

// TestEachLayerAloneStopsADoubleSaleInEveryWorld: of the offset, the version and the index one stands. The control is the plant without any check.
func TestEachLayerAloneStopsADoubleSaleInEveryWorld(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]Checks{
		"offset":  {Version: true, Hold: true, Unique: true, Once: true, Attempt: true},
		"version": {Offset: true, Unique: true, Once: true, Attempt: true},
		"index":   {Offset: true, Version: true, Hold: true, Once: true, Attempt: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all.HoldsInEveryWorld(t, within/2, Plant{Name: name, Without: without, Wild: true, Only: []Invariant{OneOwner}})
		})
	}
}

// truth is the truth with a bug in one of its methods.
type truth struct {
	worker.Truth
	recall func(worker.Truth, []id.Key) (map[id.Key]command.Result, time.Time, error)
	sale   func(worker.Truth, id.Event) (*sale.Sale, error)
	commit func(worker.Truth, *pgstore.Batch) error
}

func (t truth) Recall(ctx context.Context, ids []id.Key) (map[id.Key]command.Result, time.Time, error) {
	if t.recall == nil {
		return t.Truth.Recall(ctx, ids)
	}
	return t.recall(t.Truth, ids)
}

func (t truth) Sale(ctx context.Context, e id.Event) (*sale.Sale, error) {
	if t.sale == nil {
		return t.Truth.Sale(ctx, e)
	}
	return t.sale(t.Truth, e)
}

func (t truth) Commit(ctx context.Context, b *pgstore.Batch) error {
	if t.commit == nil {
		return t.Truth.Commit(ctx, b)
	}
	return t.commit(t.Truth, b)
}

// written is a truth that writes something else.
func written(change func(b *pgstore.Batch)) func(worker.Truth) worker.Truth {
	return func(inner worker.Truth) worker.Truth {
		return truth{Truth: inner, commit: func(inner worker.Truth, b *pgstore.Batch) error {
			change(b)
			return inner.Commit(ctx, b)
		}}
	}
}

// before are rules that find the sale or the command changed. The booking that the command names may be nil.
func before(kind command.Kind, change func(s *sale.Sale, c *command.Command, r *sale.Record, now time.Time)) worker.Rules {
	return func(s *sale.Sale, c command.Command, now time.Time) sale.Decision {
		if r := s.Bookings[c.Booking]; c.Kind == kind && (r != nil || kind == command.Book || kind == command.Block) {
			change(s, &c, r, now)
		}
		return s.Decide(c, now)
	}
}

// after are rules that decide something else.
func after(kind command.Kind, change func(s *sale.Sale, d *sale.Decision)) worker.Rules {
	return func(s *sale.Sale, c command.Command, now time.Time) sale.Decision {
		d := s.Decide(c, now)
		if c.Kind == kind && d.Result.Outcome == command.Done {
			change(s, &d)
		}
		return d
	}
}

// teller is a bank with a bug in one of its methods.
type teller struct {
	payment.Provider
	capture, void func(payment.Provider, payment.Charge) (payment.Answer, error)
}

func (t teller) Capture(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	if t.capture == nil {
		return t.Provider.Capture(ctx, c)
	}
	return t.capture(t.Provider, c)
}

func (t teller) Void(ctx context.Context, c payment.Charge) (payment.Answer, error) {
	if t.void == nil {
		return t.Provider.Void(ctx, c)
	}
	return t.void(t.Provider, c)
}

// plants are the bugs. Each is a line that somebody could have written, or left out.
func plants() []plant {
	return []plant{
		{Plant{Name: "nothing is checked: a zombie writes", Wild: true, Only: []Invariant{OneOwner},
			Without: Checks{Offset: true, Version: true, Hold: true, Unique: true, Ended: true, Once: true, Attempt: true}},
			[]Invariant{OneOwner}},
		{Plant{Name: "no offset check", Without: Checks{Offset: true, Once: true}}, []Invariant{LogOrder, NeverBack}},
		{Plant{Name: "neither offset nor version check", Without: Checks{Offset: true, Once: true, Version: true, Ended: true}}, []Invariant{LogOrder, NeverBack, DeadOwnsNone, Whole}},
		{Plant{Name: "a hold is not looked at when a seat is written", Without: Checks{Hold: true}}, []Invariant{HoldKept}},
		{Plant{Name: "a partial update is kept", Without: Checks{Whole: true}}, []Invariant{NeverBack, NothingLost, Whole, DeadOwnsNone, LogOrder, SeatAgrees, VersionsRise, AllEnds, NotRefused}},
		{Plant{Name: "dedupe after deciding", Only: []Invariant{OneAnswer, OneEffect}, Without: Checks{Once: true}, Truth: func(inner worker.Truth) worker.Truth {
			return truth{Truth: inner, recall: func(inner worker.Truth, ids []id.Key) (map[id.Key]command.Result, time.Time, error) {
				_, now, err := inner.Recall(ctx, ids)
				return map[id.Key]command.Result{}, now, err
			}}
		}}, []Invariant{OneAnswer, OneEffect}},
		{Plant{Name: "a fence does not stop what comes late", Without: Checks{Once: true}, Truth: func(inner worker.Truth) worker.Truth {
			return truth{Truth: inner, recall: func(inner worker.Truth, ids []id.Key) (map[id.Key]command.Result, time.Time, error) {
				found, now, err := inner.Recall(ctx, ids)
				for k, r := range found {
					if r.Kind == "" {
						delete(found, k)
					}
				}
				return found, now, err
			}}
		}}, []Invariant{FenceHolds}},
		{Plant{Name: "results are not stored", Off: []guard.Guard{guard.Dedupe}}, []Invariant{NothingLost}},
		{Plant{Name: "results of repeats alone are stored", Truth: written(func(b *pgstore.Batch) { b.Results = nil })}, []Invariant{NothingLost}},
		{Plant{Name: "acknowledged before the commit", Off: []guard.Guard{guard.CommitFirst}}, []Invariant{NothingLost, ToldIsTrue}},
		{Plant{Name: "a lost acknowledgement is taken for a commit", Truth: func(inner worker.Truth) worker.Truth {
			return truth{Truth: inner, commit: func(inner worker.Truth, b *pgstore.Batch) error {
				if err := inner.Commit(ctx, b); !errors.Is(err, booking.ErrStoreUnavailable) {
					return err
				}
				return nil
			}}
		}}, []Invariant{ToldIsTrue}},
		{Plant{Name: "memory is believed after a rollback", Truth: func(inner worker.Truth) worker.Truth {
			kept := map[id.Event]*sale.Sale{}
			return truth{Truth: inner, sale: func(inner worker.Truth, e id.Event) (*sale.Sale, error) {
				if kept[e] != nil {
					return kept[e], nil
				}
				s, err := inner.Sale(ctx, e)
				kept[e] = s
				return s, err
			}}
		}}, []Invariant{NotRefused, StockAddsUp}},
		{Plant{Name: "a message is passed over", Truth: written(func(b *pgstore.Batch) { b.Offsets[0].Next++ })}, []Invariant{NothingLost, AllEnds}},
		{Plant{Name: "the world is told twice", Truth: written(func(b *pgstore.Batch) { b.Outbox = append(b.Outbox, b.Outbox...) })}, []Invariant{OneEffect}},
		{Plant{Name: "owners are not released", Truth: written(func(b *pgstore.Batch) {
			for i := range b.Sales {
				var came []sale.SeatOwner
				for _, o := range b.Sales[i].Owners {
					if o.Live {
						came = append(came, o)
					}
				}
				b.Sales[i].Owners = came
			}
		})}, []Invariant{DeadOwnsNone}},
		{Plant{Name: "paying is swept", Rules: before(command.Expire, func(_ *sale.Sale, c *command.Command, r *sale.Record, _ time.Time) {
			if r.Status == booking.Paying {
				r.Status, c.Until = booking.Reserved, r.ExpirationTime
			}
		})}, []Invariant{PayingStays}},
		{Plant{Name: "a reservation expires by whatever end", Rules: before(command.Expire, func(_ *sale.Sale, c *command.Command, r *sale.Record, _ time.Time) {
			c.Until = r.ExpirationTime
		})}, []Invariant{EndIsSeen}},
		{Plant{Name: "as many seats as there are", Rules: before(command.Book, func(s *sale.Sale, c *command.Command, _ *sale.Record, _ time.Time) {
			var free []int
			for _, i := range c.Seats {
				if s.Seats[i].State == booking.SeatFree {
					free = append(free, i)
				}
			}
			if len(free) > 0 {
				c.Seats = free
			}
		})}, []Invariant{AllOrNothing}},
		{Plant{Name: "seats are withheld from who has them", Rules: before(command.Block, func(s *sale.Sale, c *command.Command, _ *sale.Record, _ time.Time) {
			for _, i := range c.Seats {
				s.Seats[i].State = booking.SeatFree
			}
		})}, []Invariant{Whole, StockAddsUp}},
		{Plant{Name: "seats are not booked when they are paid", Rules: after(command.Settle, func(s *sale.Sale, d *sale.Decision) {
			for _, i := range d.Result.Seats {
				if s.Seats[i].State == booking.SeatBooked {
					s.Seats[i].State = booking.SeatPaying
				}
			}
		})}, []Invariant{SeatAgrees}},
		{Plant{Name: "who pays can cancel", Rules: before(command.Cancel, func(_ *sale.Sale, _ *command.Command, r *sale.Record, _ time.Time) {
			if r.Status == booking.Paying {
				r.Status = booking.Reserved
			}
		})}, []Invariant{LifeOfOne, MoneyFollows}},
		{Plant{Name: "anybody can cancel", Rules: before(command.Cancel, func(_ *sale.Sale, c *command.Command, r *sale.Record, _ time.Time) { c.Owner = r.Owner })}, []Invariant{OwnersOnly}},
		{Plant{Name: "extended without end", Rules: before(command.Extend, func(_ *sale.Sale, _ *command.Command, r *sale.Record, _ time.Time) { r.Extended = false })}, []Invariant{EndGoesOn}},
		{Plant{Name: "whoever pays twice is charged twice", Without: Checks{Attempt: true}, Rules: before(command.BeginPayment, func(_ *sale.Sale, _ *command.Command, r *sale.Record, _ time.Time) {
			if r.Status == booking.Paying {
				r.Status = booking.Reserved
			}
		})}, []Invariant{OneAttempt}},
		{Plant{Name: "whoever pays twice is charged twice, and the index refuses it", Rules: before(command.BeginPayment, func(_ *sale.Sale, _ *command.Command, r *sale.Record, _ time.Time) {
			if r.Status == booking.Paying {
				r.Status = booking.Reserved
			}
		})}, []Invariant{NotRefused}},
		{Plant{Name: "a seat keeps its version", Rules: after(command.Cancel, func(s *sale.Sale, d *sale.Decision) {
			for n := 0; d.Event != nil && n < len(d.Event.Seats); n++ {
				d.Event.Seats[n].Version--
				s.Seats[d.Event.Seats[n].Seat].Version--
			}
		})}, []Invariant{VersionsRise}},
		{Plant{Name: "a decline confirms", Rules: before(command.Settle, func(_ *sale.Sale, c *command.Command, _ *sale.Record, _ time.Time) { c.Outcome = command.Captured })}, []Invariant{MoneyFollows}},
		{Plant{Name: "the wrong amount", Rules: after(command.BeginPayment, func(_ *sale.Sale, d *sale.Decision) {
			if d.Attempt != nil {
				d.Attempt.Amount++
			}
		})}, []Invariant{RightAmount}},
		{Plant{Name: "held seats are no longer counted as free", Rules: after(command.Book, func(_ *sale.Sale, d *sale.Decision) {
			if d.Event != nil {
				d.Event.Stock.Free--
			}
		})}, []Invariant{StockAddsUp}},
		{Plant{Name: "a fence is no end", Truth: written(func(b *pgstore.Batch) {
			var kept []command.Result
			for _, r := range b.Results {
				if r.Kind != "" {
					kept = append(kept, r)
				}
			}
			b.Results = kept
		})}, []Invariant{ToldIsTrue}},
		{Plant{Name: "a hold is believed", Believe: true}, []Invariant{HoldKept}},
		{Plant{Name: "a retry under another id", Fresh: true}, []Invariant{OwnSeats}},
		{Plant{Name: "captured before it is", Bank: func(p payment.Provider) payment.Provider {
			return teller{Provider: p, capture: func(payment.Provider, payment.Charge) (payment.Answer, error) {
				return payment.Answer{State: payment.Captured}, nil
			}}
		}}, []Invariant{MoneyFollows}},
		{Plant{Name: "nothing is voided", Bank: func(p payment.Provider) payment.Provider {
			return teller{Provider: p, void: func(payment.Provider, payment.Charge) (payment.Answer, error) {
				return payment.Answer{State: payment.Voided}, nil
			}}
		}}, []Invariant{NoMoneyLeft}},
		{Plant{Name: "captured after it was voided", Bank: func(p payment.Provider) payment.Provider {
			return teller{Provider: p, void: func(p payment.Provider, c payment.Charge) (payment.Answer, error) {
				if said, err := p.Capture(ctx, c); err != nil || said.State != payment.Captured {
					return p.Void(ctx, c)
				}
				return payment.Answer{State: payment.Voided}, nil
			}}
		}}, []Invariant{MoneyFollows, NoMoneyLeft}},
		{Plant{Name: "nobody sweeps", Command: func(c *command.Command) bool { return c.Kind != command.Expire }}, []Invariant{AllEnds}},
	}
}
