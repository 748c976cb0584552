package booking

// SeatState is the state of a seat in one digit, as the worker decides it and the seat map in Redis carries it.
// A visitor's hold is not a state: holds come and go in Redis and lie over SeatFree.
type SeatState uint8

// The states of a seat. Only a decision of the worker moves a seat from one to another.
const (
	SeatFree     SeatState = 0 // for sale, or held by a visitor
	SeatReserved SeatState = 1 // owned by a reserved booking
	SeatPaying   SeatState = 2 // owned by a booking that is being paid
	SeatBooked   SeatState = 3 // sold
	SeatBlocked  SeatState = 4 // withheld by the organiser
)

// Status is what the ticket's status column says in this state.
func (s SeatState) Status() TicketStatus {
	switch s {
	case SeatPaying:
		return PaymentProcessing
	case SeatBooked:
		return Booked
	default:
		return Available
	}
}

// StateOf is the state that a ticket's columns mean.
func StateOf(status TicketStatus, hasBooking, blocked bool) SeatState {
	switch {
	case status == Booked:
		return SeatBooked
	case status == PaymentProcessing:
		return SeatPaying
	case blocked:
		return SeatBlocked
	case hasBooking:
		return SeatReserved
	default:
		return SeatFree
	}
}
