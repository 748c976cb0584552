package payment_test

import (
	"errors"
	"iter"
	"testing"

	"usher/booking"
	"usher/booking/payment"
	"usher/internal/id"
)

func entries(all ...payment.Entry) iter.Seq2[payment.Entry, error] {
	return func(yield func(payment.Entry, error) bool) {
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestAuditJudgesEveryEntry(t *testing.T) {
	t.Parallel()
	f := func(standing booking.Status, current, settled bool, provider payment.State, want payment.Fault) {
		t.Helper()
		e := payment.Entry{
			Attempt: id.Key{1}, Standing: standing, Current: current, Settled: settled, Provider: provider,
			Due: 5, Currency: "EUR", Charged: 5, ChargedCurrency: "EUR",
		}
		r, err := payment.Audit(entries(e))
		var got payment.Fault
		if len(r.Findings) > 0 {
			got = r.Findings[0].Fault
		}
		if err != nil || got != want || r.Faults != len(r.Findings) {
			t.Errorf("%s, current %v, settled %v, provider %q: %q, %v; want %q", standing, current, settled, provider, got, err, want)
		}
	}
	f(booking.Confirmed, true, true, payment.Captured, "")
	f(booking.Confirmed, true, true, payment.Refunded, payment.TicketWithoutCharge)
	f(booking.Confirmed, true, true, payment.Authorised, payment.TicketWithoutCharge)
	f(booking.Confirmed, true, true, "", payment.TicketWithoutCharge)
	f(booking.Confirmed, false, true, payment.Captured, payment.ChargedTwice) // by two attempts
	f(booking.Confirmed, false, true, payment.Declined, "")
	f(booking.Paying, true, false, payment.Captured, "")
	f(booking.Paying, true, false, payment.Authorised, "")
	f(booking.Paying, true, true, payment.Captured, payment.ChargeWithoutTicket)
	f(booking.Paying, false, false, payment.Captured, payment.ChargeWithoutTicket)
	f(booking.Reserved, true, true, payment.Declined, "")
	f(booking.Reserved, true, true, payment.Captured, payment.ChargeWithoutTicket)
	f(booking.Expired, true, true, payment.Captured, payment.ChargeWithoutTicket)
	f(booking.Expired, true, true, payment.Refunded, "")
	f(booking.Expired, true, true, payment.Voided, "")
	f(booking.Expired, true, true, payment.Authorised, payment.MoneyBlocked)
	f("", false, true, payment.Captured, payment.ChargeWithoutTicket) // a charge that nobody asked for
}

func TestAuditComparesAmounts(t *testing.T) {
	t.Parallel()
	good := payment.Entry{
		Attempt: id.Key{1}, Standing: booking.Confirmed, Current: true, Settled: true, Provider: payment.Captured,
		Due: 5, Currency: "EUR", Charged: 5, ChargedCurrency: "EUR",
	}
	less, other := good, good
	less.Charged, other.ChargedCurrency = 4, "USD"
	r, err := payment.Audit(entries(good, less, other))
	if err != nil || r.Faults != 2 || r.Charged["EUR"] != 9 || r.Charged["USD"] != 5 || r.Earned["EUR"] != 15 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, f := range r.Findings {
		if f.Fault != payment.WrongAmount {
			t.Error(f)
		}
	}
}

func TestAuditKeepsAHundredFindingsAndCountsAll(t *testing.T) {
	t.Parallel()
	r, err := payment.Audit(entries(make([]payment.Entry, 250)...))
	if err != nil || r.Faults != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	bad := make([]payment.Entry, 250)
	for i := range bad {
		bad[i].Provider = payment.Captured
	}
	if r, err = payment.Audit(entries(bad...)); err != nil || r.Faults != 250 || len(r.Findings) != 100 {
		t.Errorf("%d faults, %d findings, %v", r.Faults, len(r.Findings), err)
	}
}

func TestAuditSaysWhenItCannotRead(t *testing.T) {
	t.Parallel()
	broken := errors.New("the cable is out")
	_, err := payment.Audit(func(yield func(payment.Entry, error) bool) { yield(payment.Entry{}, broken) })
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
