package simulation

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"usher/booking"
	"usher/booking/command"
	"usher/booking/payment"
	"usher/booking/pgstore"
	"usher/booking/pgstore/pgtest"
	"usher/booking/sale"
	"usher/internal/id"
	"usher/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

const (
	agreeTopic     = "booking.commands"
	agreeTopicID   = "agree"
	agreePartition = 3
)

// pair is the books and Postgres, which are asked the same.
type pair struct {
	t       *testing.T
	rng     *rand.Rand
	e       id.Event
	books   *books
	store   *pgstore.Store
	old     []*pgstore.Batch // decided, and not committed or committed already: a zombie's
	known   []id.Booking
	asked   []command.Command
	answers []id.Key
	ends    map[string]int // how commits have ended
	differ  []string
}

// compared asks both the same, until they differ.
func compared(t *testing.T, seed uint64, without Checks) *pair {
	t.Helper()
	p := &pair{t: t, rng: rand.New(rand.NewPCG(seed, 3)), books: newBooks(time.Now), store: pgtest.Open(t, 2), ends: map[string]int{}}
	p.e = pgtest.Event(t, p.store, 8)
	p.books.without = without
	p.books.open(p.e, 8, pgtest.Price)
	p.books.offsets[agreePartition] = 0
	if _, err := p.store.Offset(ctx, agreeTopic, agreeTopicID, agreePartition, 0); err != nil {
		t.Fatal(err)
	}
	for range 400 {
		switch p.rng.IntN(8) {
		case 0:
			p.hold()
		case 1:
			p.cashier()
		default:
			p.commit()
		}
		if p.same(); len(p.differ) > 0 {
			break
		}
	}
	return p
}

// TestTheBooksAgreeWithPostgres: whatever is committed, also what was decided on old memory, ends in the books as it does in Postgres.
func TestTheBooksAgreeWithPostgres(t *testing.T) {
	t.Parallel()
	seed := all.Seed()
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	p := compared(t, seed, Checks{})
	if len(p.differ) > 0 {
		t.Errorf("%s\nonce more: -run '^%s$' -seed %d", strings.Join(p.differ, "\n"), t.Name(), seed)
	}
	for _, end := range []string{"", "fenced", "stale", "refused"} {
		if p.ends[end] == 0 {
			t.Errorf("no commit ended %q: %v", end, p.ends)
		}
	}
	t.Log(p.ends)
}

// The control: books that leave a check out are told from Postgres. Before Unique, Ended and Attempt another check stands, so that they are not.
func TestControlBooksWithoutACheckDiffer(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]Checks{
		"offset": {Offset: true}, "version": {Version: true}, "hold": {Hold: true}, "once": {Once: true}, "whole": {Whole: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= 20; seed++ {
				if len(compared(t, seed, without).differ) > 0 {
					return
				}
			}
			t.Error("not seen")
		})
	}
}

func (p *pair) say(format string, args ...any) {
	p.differ = append(p.differ, fmt.Sprintf(format, args...))
}

// fatal ends the test when either has failed.
func (p *pair) fatal(errs ...error) {
	p.t.Helper()
	if err := errors.Join(errs...); err != nil {
		p.t.Fatal(err)
	}
}

// commit commits the decisions on some commands, or what was decided before.
func (p *pair) commit() {
	b := p.decide()
	if len(p.old) > 0 && p.rng.IntN(3) == 0 {
		b = p.old[p.rng.IntN(len(p.old))]
		if p.rng.IntN(2) == 0 { // or else it would be fenced always
			b.Offsets[0].Was = p.books.offsets[agreePartition]
			b.Offsets[0].Next = b.Offsets[0].Was + 1
		}
	}
	p.old = append(p.old, b)
	switch p.rng.IntN(4) {
	case 0:
		return
	case 1: // somebody holds seats between the decision and the commit
		p.hold()
	}
	for _, r := range b.Results {
		p.answers = append(p.answers, r.Command)
		if k := (id.Booking{Event: p.e, Key: r.Booking}); !r.Booking.IsZero() && !slices.Contains(p.known, k) {
			p.known = append(p.known, k)
		}
	}
	inBooks, inPostgres := word(p.books.Commit(ctx, b)), word(p.store.Commit(ctx, b))
	if inBooks != inPostgres {
		p.say("the books say %q, and Postgres %q: %+v", inBooks, inPostgres, b)
	}
	p.ends[inPostgres]++
}

func word(err error) string {
	for name, is := range map[string]error{"fenced": pgstore.ErrFenced, "stale": pgstore.ErrStale, "refused": pgstore.ErrRefused} {
		if errors.Is(err, is) {
			return name
		}
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// decide decides a few commands on fresh memory.
func (p *pair) decide() *pgstore.Batch {
	s, err := p.books.Sale(ctx, p.e)
	p.fatal(err)
	records, err := p.books.Records(ctx, p.known)
	p.fatal(err)
	for _, r := range records {
		s.Remember(r)
	}
	was := p.books.offsets[agreePartition]
	b := &pgstore.Batch{Topic: agreeTopic, TopicID: agreeTopicID, Offsets: []pgstore.Offset{{Partition: agreePartition, Was: was, Next: was + 1}}}
	for range 1 + p.rng.IntN(3) {
		c := p.command()
		if slices.ContainsFunc(b.Results, func(r command.Result) bool { return r.Command == c.ID }) {
			continue
		}
		p.asked = append(p.asked, c)
		d := s.Decide(c, time.Now())
		b.Results = append(b.Results, d.Result)
		if d.Attempt != nil {
			b.Attempts = append(b.Attempts, pgstore.AttemptRow{Event: p.e, Currency: currency, Attempt: *d.Attempt})
		}
		if d.Settled {
			b.Settled = append(b.Settled, c.Attempt)
		}
	}
	b.Sales = []pgstore.SaleWrites{{Event: p.e, Currency: currency, Writes: s.Flush()}}
	return b
}

// command draws a command about a booking that there is, a new one, or one that was asked before.
func (p *pair) command() command.Command {
	if len(p.asked) > 0 && p.rng.IntN(12) == 0 {
		return p.asked[p.rng.IntN(len(p.asked))]
	}
	now := time.Now()
	c := command.Command{Event: p.e, Owner: id.Visitor{byte(1 + p.rng.IntN(3))}, IssuedAt: now, Until: now.Add(time.Duration(p.rng.IntN(4)-1) * time.Hour)}
	binary.BigEndian.PutUint64(c.ID[:], p.rng.Uint64())
	from := p.rng.IntN(8)
	for i := from; i < min(8, from+1+p.rng.IntN(3)); i++ {
		c.Seats = append(c.Seats, i)
	}
	if len(p.known) == 0 || p.rng.IntN(3) == 0 {
		c.Kind, c.Booking = command.Book, c.ID
		return c
	}
	k := p.known[p.rng.IntN(len(p.known))]
	r := p.books.bookings[k]
	c.Booking, c.Owner, c.Attempt = k.Key, r.Owner, r.Attempt
	switch p.rng.IntN(7) {
	case 0, 1:
		c.Kind, c.Attempt, c.Payment = command.BeginPayment, command.AttemptKey(c.ID), booking.Payment{Method: "sandbox", Token: "tok_ok"}
	case 2:
		c.Kind, c.Outcome = command.Settle, []command.Settlement{command.Captured, command.Declined}[p.rng.IntN(2)]
	case 3:
		c.Kind, c.Until = command.Expire, r.ExpirationTime
	case 4:
		c.Kind = command.Extend
	case 5:
		c.Kind = []command.Kind{command.Block, command.Unblock}[p.rng.IntN(2)]
	default:
		c.Kind = command.Cancel
	}
	return c
}

// hold takes seats or gives them back.
func (p *pair) hold() {
	var tickets []id.Ticket
	for i := range 8 {
		if p.rng.IntN(4) == 0 {
			tickets = append(tickets, p.e.Ticket(i))
		}
	}
	owner := id.Visitor{byte(1 + p.rng.IntN(3))}
	if len(tickets) == 0 {
		return
	}
	if p.rng.IntN(3) == 0 {
		p.books.ReleaseHolds(pgstore.HoldRelease{Owner: owner, Tickets: tickets})
		p.fatal(p.store.ReleaseHolds(ctx, []pgstore.HoldRelease{{Owner: owner, Tickets: tickets}}))
		return
	}
	r := pgstore.HoldRequest{Owner: owner, Tickets: tickets, Until: time.Now().Add(time.Duration(p.rng.IntN(3)-1) * time.Hour).Truncate(time.Microsecond)}
	granted, err := p.store.Hold(ctx, []pgstore.HoldRequest{r})
	p.fatal(err)
	if got := p.books.Hold(r); got != granted[0] {
		p.say("the books grant %+v: %v, and Postgres: %v", r, got, granted[0])
	}
}

// cashier claims what is due and saves what may have come of it, in time or not.
func (p *pair) cashier() {
	inBooks, err := p.books.ClaimAttempts(ctx, 100, time.Hour)
	p.fatal(err)
	inPostgres, err := p.store.ClaimAttempts(ctx, 100, time.Hour)
	p.fatal(err)
	claimed := map[id.Key]payment.Attempt{}
	for _, a := range inPostgres {
		a.Age = 0
		claimed[a.Attempt] = a
	}
	for _, a := range inBooks {
		if a.Age = 0; a != claimed[a.Attempt] {
			p.say("claimed in the books %+v, in Postgres %+v", a, claimed[a.Attempt])
		}
		c := payment.Change{Status: []payment.Status{payment.StatusAuthorised, payment.StatusDeclined, a.Status}[p.rng.IntN(3)], Settled: p.rng.IntN(6) == 0}
		a.Tries -= p.rng.IntN(2) // another has it
		paying, ok, err := p.books.SaveAttempt(ctx, a, c)
		paying2, ok2, err2 := p.store.SaveAttempt(ctx, a, c)
		if p.fatal(err, err2); paying != paying2 || ok != ok2 {
			p.say("saving %+v: %v, %v in the books, %v, %v in Postgres", c, paying, ok, paying2, ok2)
		}
	}
	if len(inBooks) != len(inPostgres) {
		p.say("%d attempts are due in the books, %d in Postgres", len(inBooks), len(inPostgres))
	}
}

// same holds what can be read of one to the other.
func (p *pair) same() {
	p.t.Helper()
	inBooks, err := p.books.Sale(ctx, p.e)
	p.fatal(err)
	inPostgres, err := p.store.Sale(ctx, p.e)
	p.fatal(err)
	if !slices.Equal(inBooks.Seats, inPostgres.Seats) {
		p.say("seats in the books\n%+v, in Postgres\n%+v", inBooks.Seats, inPostgres.Seats)
	}
	if !maps.EqualFunc(inBooks.Holds(), inPostgres.Holds(), func(a, b sale.Hold) bool { return a.Holder == b.Holder && a.Until.Equal(b.Until) }) {
		p.say("holds in the books\n%+v, in Postgres\n%+v", inBooks.Holds(), inPostgres.Holds())
	}
	records, err := p.books.Records(ctx, p.known)
	p.fatal(err)
	rows, err := p.store.Records(ctx, p.known)
	p.fatal(err)
	for _, k := range p.known {
		if a, b := text(p.t, records[k]), text(p.t, rows[k]); a != b {
			p.say("booking %s in the books\n%s, in Postgres\n%s", k, a, b)
		}
	}
	results, err := p.books.Results(ctx, p.answers)
	p.fatal(err)
	stored, err := p.store.Results(ctx, p.answers)
	if p.fatal(err); !reflect.DeepEqual(results, stored) {
		p.say("results in the books\n%+v, in Postgres\n%+v", results, stored)
	}
	if next, err := p.store.Offset(ctx, agreeTopic, agreeTopicID, agreePartition, 0); err != nil || next != p.books.offsets[agreePartition] {
		p.say("offset %d in the books, %d in Postgres, %v", p.books.offsets[agreePartition], next, err)
	}
}

// text is a record with its times as an instant.
func text(t *testing.T, r *sale.Record) string {
	t.Helper()
	if r == nil {
		return ""
	}
	c := *r
	c.ExpirationTime, c.CreatedAt, c.UpdatedAt = c.ExpirationTime.UTC(), c.CreatedAt.UTC(), c.UpdatedAt.UTC()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
