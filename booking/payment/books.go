package payment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"usher/internal/id"
)

// Record is one charge as its provider's books have it.
type Record struct {
	Attempt  id.Key
	Ref      string // the provider's name for it, if it gives one
	State    State
	Amount   int64 // taken, or to be taken, less what was given back of it, in minor units of Currency; -1: none that could be asked for
	Currency string
	Made     time.Time // by the provider's clock; zero: surely before the truth was told
}

// Books are what a provider has written down about our charges. Reading them changes nothing.
type Books interface {
	// Since yields the charges made at or after a time, each once, in any order. An error ends it.
	Since(ctx context.Context, from time.Time) iter.Seq2[Record, error]
	// Find returns the charge of an attempt by the provider's name for it; the zero Record: there is none.
	Find(ctx context.Context, attempt id.Key, ref string) (Record, error)
}

// Truth is what the bookings say of attempts, at one moment.
type Truth interface {
	// Begun yields the attempts of a method that were begun at or after a time, as far as the provider has no part in it. An error ends it.
	Begun(ctx context.Context, method string, from time.Time) iter.Seq2[Entry, error]
	// Attempts returns those of the attempts that there are.
	Attempts(ctx context.Context, ids []id.Key) ([]Entry, error)
}

const (
	maxRecords = 4_000_000   // of one comparison, 200 bytes of memory each
	askAtOnce  = 1000        // attempts
	clocks     = time.Minute // how far a provider's clock and Postgres' may be apart
)

var (
	errTooMany = fmt.Errorf("more than %d charges: compare a shorter time", maxRecords)
	errStopped = errors.New("nobody wants more")
)

// Compare yields what Audit judges: every attempt of a method that was begun at or after from, with every charge of it, then the charges of that time
// that belong to older attempts or to none. The truth is that of the moment at; the books are read after it, and what began after it is left out. A ticket
// whose charge is not among those of the time is looked for by its name.
func Compare(ctx context.Context, t Truth, method string, b Books, from, at time.Time) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		c := &comparison{truth: t, books: b, at: at, charges: map[id.Key][]Record{}, tell: func(e Entry) error {
			if !yield(e, nil) {
				return errStopped
			}
			return nil
		}}
		if err := c.run(ctx, method, from); err != nil && !errors.Is(err, errStopped) {
			yield(Entry{}, fmt.Errorf("compare with the books of %s: %w", method, err))
		}
	}
}

type comparison struct {
	truth   Truth
	books   Books
	at      time.Time
	charges map[id.Key][]Record // that no attempt was found for yet
	tell    func(Entry) error
}

func (c *comparison) run(ctx context.Context, method string, from time.Time) error {
	n := 0
	for r, err := range c.books.Since(ctx, earlier(from)) {
		if err != nil {
			return err
		}
		if n++; n > maxRecords {
			return errTooMany
		}
		c.charges[r.Attempt] = append(c.charges[r.Attempt], r)
	}
	var unseen []Entry // tickets
	for e, err := range c.truth.Begun(ctx, method, from) {
		if err != nil {
			return err
		}
		if e.ticket() && len(c.charges[e.Attempt]) == 0 {
			unseen = append(unseen, e)
			continue
		}
		if err := c.match(e); err != nil {
			return err
		}
	}
	for _, e := range unseen {
		r, err := c.books.Find(ctx, e.Attempt, e.Ref)
		if err != nil {
			return err
		}
		if r.Attempt == e.Attempt {
			c.charges[e.Attempt] = []Record{r}
		}
		if err := c.match(e); err != nil {
			return err
		}
	}
	return c.strays(ctx)
}

// strays tells of the charges that are left: those of older attempts, and those of none.
func (c *comparison) strays(ctx context.Context) error {
	var left []id.Key
	for attempt := range c.charges {
		left = append(left, attempt)
	}
	for ids := range slices.Chunk(left, askAtOnce) {
		found, err := c.truth.Attempts(ctx, ids)
		if err != nil {
			return err
		}
		for _, e := range found {
			if err := c.match(e); err != nil {
				return err
			}
		}
	}
	for attempt, records := range c.charges {
		old := slices.DeleteFunc(records, func(r Record) bool { return r.Made.After(earlier(c.at)) })
		if len(old) == 0 {
			continue
		}
		c.charges[attempt] = old
		if err := c.match(Entry{Attempt: attempt, Settled: true}); err != nil {
			return err
		}
	}
	return nil
}

// match tells of an attempt with its charge, and of each other charge of it that takes or blocks money: that one belongs to nothing.
func (c *comparison) match(e Entry) error {
	records := c.charges[e.Attempt]
	delete(c.charges, e.Attempt)
	if len(records) == 0 {
		return c.tell(e)
	}
	slices.SortStableFunc(records, func(a, b Record) int { return cmp.Compare(gravity(b.State), gravity(a.State)) })
	for n, r := range records {
		if n > 0 {
			if gravity(r.State) == 0 {
				break
			}
			e.Current, e.Settled = false, true
		}
		e.Ref, e.Provider, e.Charged, e.ChargedCurrency = r.Ref, r.State, r.Amount, r.Currency
		if err := c.tell(e); err != nil {
			return err
		}
	}
	return nil
}

// gravity is 0 for a charge that has no money.
func gravity(s State) int { return slices.Index([]State{Authorised, Captured}, s) + 1 }

// earlier is a time on whichever of two clocks is behind.
func earlier(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-clocks)
}
