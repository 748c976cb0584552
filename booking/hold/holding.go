package hold

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
)

// Grant is what Hold gave.
type Grant struct {
	Seats []int // the block that was granted
	New   []int // those of it that were not the visitor's before
	Ends  time.Time
}

// Hold claims seats for the visitor: of blocks of equal size the first that is wholly free or his. A block is claimed whole or not
// at all. *TakenError names the taken seats of the first block; *booking.HoldLimitError, booking.ErrTicketNotFound, ErrLost.
func (s *Store) Hold(ctx context.Context, e id.Event, owner id.Visitor, blocks ...[]int) (Grant, error) {
	strangers := 1
	if guard.Off(guard.HoldOwner) || s.off[guard.HoldOwner] {
		strangers = 0
	}
	args := []any{owner[:], s.For.Milliseconds(), s.Limit, len(blocks[0]), strangers}
	for _, block := range blocks {
		args = append(args, anys(block)...)
	}
	word, rest, err := s.run(ctx, s.hold, e, args...)
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
	grantedTotal.Inc()
	got := ints(rest)
	return Grant{Seats: blocks[got[1]], New: got[2:], Ends: moment(got[0])}, nil
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
