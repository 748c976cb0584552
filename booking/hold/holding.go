package hold

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"usher/booking"
	"usher/internal/guard"
	"usher/internal/id"
)

// ErrNone says that the visitor holds nothing on the event.
var ErrNone = errors.New("nothing is held")

// TakenError says which seats are somebody else's or sold.
type TakenError struct{ Seats []int }

func (e *TakenError) Error() string { return fmt.Sprintf("%d seats are taken", len(e.Seats)) }

// MissingError says which seats the visitor does not hold (any more).
type MissingError struct{ Seats []int }

func (e *MissingError) Error() string { return fmt.Sprintf("%d seats are not held", len(e.Seats)) }

var (
	grantedTotal = metrics.NewCounter(`usher_hold_asked_total{result="granted"}`)
	takenTotal   = metrics.NewCounter(`usher_hold_asked_total{result="taken"}`)
	limitTotal   = metrics.NewCounter(`usher_hold_asked_total{result="limit"}`)
	coolTotal    = metrics.NewCounter(`usher_hold_asked_total{result="cool"}`)
	aloneTotal   = metrics.NewCounter(`usher_hold_asked_total{result="alone"}`)
)

// AloneError says which free seats a claim would leave without a free neighbour.
type AloneError struct {
	Seats   []int
	New     int // seats of the claim that are not the visitor's yet
	Instead int // which of the claim's Instead was free and left no seat alone; -1: none was named
}

func (e *AloneError) Error() string { return fmt.Sprintf("%d seats would be left alone", len(e.Seats)) }

// Grant is what Hold gave.
type Grant struct {
	Seats []int // the block that was granted
	New   []int // those of it that were not the visitor's before
	Ends  time.Time
}

// Claim is what a visitor asks for.
type Claim struct {
	Blocks [][]int // of equal size, at least one seat, the best first
	// Beside returns what to look at, so that a block leaves no seat alone that was not before. nil: it may.
	Beside func(block []int) []Beside
	// Instead are blocks of equal size that leave no seat alone: with them a claim that does is refused only while one of them is free, and
	// Blocks has one block.
	Instead [][]int
	// Request names the request, for the case that its answer gets lost: repeated, it gets the same seats while they are held, and no others.
	// Zero: it has no name.
	Request id.Key
}

// Beside is a seat that a block may leave alone.
type Beside struct {
	Seat   int // of the block
	Next   int // the seat beside it, not of the block
	Beyond int // the seat on Next's other side; -1: there is none, or it is of the block
}

// Hold claims seats for the visitor: of blocks of equal size the first that is wholly free or his. A block is claimed whole or not
// at all. *TakenError names the taken seats of the first block; *booking.HoldLimitError, *booking.CoolDownError, booking.ErrTicketNotFound, ErrLost.
func (s *Store) Hold(ctx context.Context, e id.Event, owner id.Visitor, blocks ...[]int) (Grant, error) {
	return s.Claim(ctx, e, owner, Claim{Blocks: blocks})
}

// Claim is Hold with an eye on the seats beside. *AloneError when a block could have been had and would leave seats alone; else the errors
// of Hold.
func (s *Store) Claim(ctx context.Context, e id.Event, owner id.Visitor, c Claim) (Grant, error) {
	word, rest, err := s.run(ctx, s.hold, e, s.args(owner, c)...)
	switch {
	case err != nil:
		return Grant{}, err
	case word == "TAKEN":
		takenTotal.Inc()
		return Grant{}, &TakenError{Seats: ints(rest)}
	case word == "LIMIT":
		limitTotal.Inc()
		return Grant{}, &booking.HoldLimitError{Limit: s.Limit}
	case word == "NOSEAT":
		return Grant{}, booking.ErrTicketNotFound
	}
	got := ints(rest)
	switch word {
	case "DONE":
		return Grant{Seats: got[1:], Ends: moment(got[0])}, nil
	case "ALONE":
		aloneTotal.Inc()
		return Grant{}, &AloneError{New: got[0], Instead: got[1], Seats: got[2:]}
	case "COOL":
		coolTotal.Inc()
		return Grant{}, &booking.CoolDownError{Until: moment(got[0])}
	}
	grantedTotal.Inc()
	return Grant{Seats: c.Blocks[got[1]], New: got[2:], Ends: moment(got[0])}, nil
}

// args are what hold.lua is called with.
func (s *Store) args(owner id.Visitor, c Claim) []any {
	strangers, instead := 1, 0
	if guard.Off(guard.HoldOwner) || s.off[guard.HoldOwner] {
		strangers = 0
	}
	if len(c.Instead) > 0 {
		instead = len(c.Instead[0])
	}
	cool := fmt.Sprintf("%d %d", s.Cool.Milliseconds(), 2*s.For.Milliseconds())
	var request string
	if c.Request != (id.Key{}) {
		request = c.Request.String()
	}
	args := []any{owner[:], s.For.Milliseconds(), s.Limit, strangers, s.Unpaid, cool, request, s.Cap.Milliseconds(), len(c.Blocks), len(c.Blocks[0]), instead}
	for _, blocks := range [][][]int{c.Blocks, c.Instead} {
		for _, block := range blocks {
			args = append(append(args, anys(block)...), beside(c, block))
		}
	}
	return args
}

// beside words what is to be looked at beside a block, as hold.lua reads it.
func beside(c Claim, block []int) string {
	if c.Beside == nil {
		return ""
	}
	var b strings.Builder
	for _, at := range c.Beside(block) {
		fmt.Fprintf(&b, "%d %d %d ", at.Seat, at.Next, at.Beyond)
	}
	return b.String()
}

// Mine returns the seats that the visitor holds and has not booked, in seat order, and when they run out.
func (s *Store) Mine(ctx context.Context, e id.Event, owner id.Visitor) (seats []int, ends time.Time, err error) {
	_, rest, err := s.run(ctx, s.mine, e, owner[:])
	if err != nil || len(rest) < 2 {
		return nil, ends, err
	}
	got := ints(rest)
	slices.Sort(got[1:])
	return got[1:], moment(got[0]), nil
}

// Release gives seats back and returns those that were the visitor's.
func (s *Store) Release(ctx context.Context, e id.Event, owner id.Visitor, seats []int) ([]int, error) {
	_, rest, err := s.run(ctx, s.release, e, append([]any{owner[:]}, anys(seats)...)...)
	return ints(rest), err
}

// Extend moves the end of all the visitor's holds and returns them. booking.ErrHoldCapReached, ErrNone, ErrLost.
func (s *Store) Extend(ctx context.Context, e id.Event, owner id.Visitor) (seats []int, ends time.Time, err error) {
	word, rest, err := s.run(ctx, s.extend, e, owner[:], s.For.Milliseconds(), s.Cap.Milliseconds())
	switch {
	case err != nil:
		return nil, ends, err
	case word == "CAP":
		return nil, ends, booking.ErrHoldCapReached
	case word == "NONE":
		return nil, ends, ErrNone
	}
	got := ints(rest)
	slices.Sort(got[1:])
	return got[1:], moment(got[0]), nil
}

// Checkout makes sure that the visitor holds all the seats, and keeps them for him for the given time from now.
// *MissingError, ErrLost.
func (s *Store) Checkout(ctx context.Context, e id.Event, owner id.Visitor, seats []int, lasts time.Duration) (now, until time.Time, err error) {
	word, rest, err := s.run(ctx, s.checkout, e, append([]any{owner[:], lasts.Milliseconds()}, anys(seats)...)...)
	switch {
	case err != nil:
		return now, until, err
	case word == "MISSING":
		return now, until, &MissingError{Seats: ints(rest)}
	}
	got := ints(rest)
	return moment(got[0]), moment(got[1]), nil
}

func anys(seats []int) []any {
	out := make([]any, len(seats))
	for i, s := range seats {
		out[i] = s
	}
	return out
}

// ints reads numbers that a script returned: integers, or the text of arguments that it passed on.
func ints(values []any) []int {
	out := make([]int, 0, len(values))
	for _, v := range values {
		switch v := v.(type) {
		case int64:
			out = append(out, int(v))
		case string:
			n, _ := strconv.Atoi(v)
			out = append(out, n)
		}
	}
	return out
}

func moment(ms int) time.Time { return time.UnixMilli(int64(ms)).UTC() }
