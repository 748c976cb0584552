package booking

import (
	"errors"
	"fmt"
	"time"

	"usher/internal/id"
)

// Answers that are not faults. The edge turns each into the problem of the same name.
var (
	ErrEventNotFound          = errors.New("no such event")
	ErrTicketNotFound         = errors.New("no such ticket")
	ErrBookingNotFound        = errors.New("no such booking of this visitor")
	ErrHoldNotFound           = errors.New("no such hold of this visitor")
	ErrHoldCapReached         = errors.New("the hold cannot be extended further")
	ErrTicketsSpanEvents      = errors.New("the tickets belong to different events")
	ErrBookingExpired         = errors.New("the booking has expired")
	ErrBookingNotPayable      = errors.New("the booking cannot be paid in its state")
	ErrBookingNotCancellable  = errors.New("the booking cannot be cancelled in its state")
	ErrPaymentDetailsInvalid  = errors.New("the payment details are not valid")
	ErrExtensionNotAllowed    = errors.New("the reservation cannot be extended, or not again")
	ErrStoreUnavailable       = errors.New("a store that this call needs is away")
	ErrOverloaded             = errors.New("too many calls are under way")
	ErrIdempotencyKeyReused   = errors.New("the idempotency key was used for another request")
	ErrIdempotencyKeyInFlight = errors.New("the first request with this idempotency key is still running")
)

// UnavailableError says which of the asked tickets cannot be had, and what is near and free instead.
type UnavailableError struct {
	Tickets      []id.Ticket
	Alternatives []Ticket // at most 4
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%d tickets are not available", len(e.Tickets))
}

// HoldRequiredError says which tickets of a booking its visitor does not hold (any more).
type HoldRequiredError struct{ Tickets []id.Ticket }

func (e *HoldRequiredError) Error() string {
	return fmt.Sprintf("%d tickets are not held", len(e.Tickets))
}

// HoldLimitError says that the visitor would hold more tickets of one event than Limit.
type HoldLimitError struct{ Limit int }

func (e *HoldLimitError) Error() string { return fmt.Sprintf("at most %d tickets a visitor", e.Limit) }

// CoolDownError says until when a visitor waits who has let several holds of an event go unpaid.
type CoolDownError struct{ Until time.Time }

func (e *CoolDownError) Error() string {
	return "several holds were not paid for: the next may be had at " + e.Until.UTC().Format(time.RFC3339)
}

// StrandedSeatError says which free seats a hold would have left without a free neighbour, and as many seats side by side that can be had
// instead. What was wanted may also be asked for together with the stranded seats.
type StrandedSeatError struct {
	Wanted       []Ticket
	Stranded     []Ticket
	Alternatives []Ticket
}

func (e *StrandedSeatError) Error() string {
	return fmt.Sprintf("%d seats would be left alone", len(e.Stranded))
}

// NoSeatsTogetherError says how many adjacent seats could be had at the most.
type NoSeatsTogetherError struct{ LargestBlock int }

func (e *NoSeatsTogetherError) Error() string {
	return fmt.Sprintf("the largest block has %d seats", e.LargestBlock)
}

// DeclinedError carries the provider's reason for a decline; the booking is reserved again until Until.
type DeclinedError struct {
	Reason string
	Until  time.Time
}

func (e *DeclinedError) Error() string { return "payment declined: " + e.Reason }
