package payment

import (
	"fmt"
	"iter"

	"usher/booking"
	"usher/internal/id"
)

// Entry is one attempt as the three parties know it: the booking, the attempt, and the provider's own books. What a party does not
// know is zero.
type Entry struct {
	Booking  id.Booking
	Standing booking.Status // of the booking
	Current  bool           // the attempt is the booking's latest
	Due      int64          // the booking's total in minor units of Currency
	Currency string

	Attempt id.Key // zero: the booking has none
	Settled bool

	Provider        State // "": the provider does not know the attempt
	Charged         int64 // what it would take or took
	ChargedCurrency string
	Ref             string // its name for the charge
}

// Fault is one way in which money and tickets disagree.
type Fault string

// The faults that an audit finds.
const (
	ChargeWithoutTicket Fault = "charge_without_ticket"
	TicketWithoutCharge Fault = "ticket_without_charge"
	WrongAmount         Fault = "wrong_amount"
	ChargedTwice        Fault = "charged_twice" // the booking has its ticket, by another charge
	MoneyBlocked        Fault = "money_blocked" // authorised for an attempt that is over
)

// Finding is one disagreement.
type Finding struct {
	Fault Fault
	Entry Entry
}

func (f Finding) String() string {
	e := f.Entry
	text := fmt.Sprintf("%s: booking %s %q, attempt %s, provider %q", f.Fault, e.Booking, e.Standing, e.Attempt, e.Provider)
	if f.Fault == WrongAmount {
		text += fmt.Sprintf(", due %d %s, charged %d %s", e.Due, e.Currency, e.Charged, e.ChargedCurrency)
	}
	if e.Ref != "" {
		text += ", charge " + e.Ref
	}
	return text
}

const maxFindings = 100

// Report is what an audit found.
type Report struct {
	Attempts  int
	Charges   int              // that stand: captured and not given back
	Confirmed int              // bookings
	InFlight  int              // attempts that are not settled yet: captured ones among them are no fault
	Charged   map[string]int64 // by currency, in minor units
	Earned    map[string]int64 // what confirmed bookings cost: equal to Charged when nothing is in flight
	Faults    int
	Findings  []Finding // the first hundred
}

// Audit compares entries, which should be of one snapshot, and repairs nothing. Its error is that of reading.
func Audit(entries iter.Seq2[Entry, error]) (Report, error) {
	r := Report{Charged: map[string]int64{}, Earned: map[string]int64{}}
	for e, err := range entries {
		if err != nil {
			return r, fmt.Errorf("audit of payments: %w", err)
		}
		r.count(e)
		if f := e.fault(); f != "" {
			r.Faults++
			if len(r.Findings) < maxFindings {
				r.Findings = append(r.Findings, Finding{f, e})
			}
		}
	}
	return r, nil
}

func (r *Report) count(e Entry) {
	if !e.Attempt.IsZero() {
		r.Attempts++
		if !e.Settled {
			r.InFlight++
		}
	}
	if e.Provider == Captured {
		r.Charges++
		r.Charged[e.ChargedCurrency] += e.Charged
	}
	if e.ticket() {
		r.Confirmed++
		r.Earned[e.Currency] += e.Due
	}
}

// ticket reports whether the entry stands for a confirmed booking.
func (e Entry) ticket() bool { return e.Standing == booking.Confirmed && e.Current }

// fault judges one entry. While a booking is paying, the captured charge of its attempt is on its way to a ticket.
func (e Entry) fault() Fault {
	onTheWay := e.Standing == booking.Paying && e.Current && !e.Settled
	switch {
	case e.ticket() && e.Provider != Captured:
		return TicketWithoutCharge
	case e.Provider == Captured && e.Standing == booking.Confirmed && !e.Current:
		return ChargedTwice
	case e.Provider == Captured && !e.ticket() && !onTheWay:
		return ChargeWithoutTicket
	case e.Provider == Captured && (e.Charged != e.Due || e.ChargedCurrency != e.Currency):
		return WrongAmount
	case e.Provider == Authorised && e.Settled:
		return MoneyBlocked
	}
	return ""
}
