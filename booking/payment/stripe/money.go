package stripe

import (
	"errors"
	"fmt"

	"usher/booking/payment"
)

var errAmount = errors.New("stripe cannot charge this amount")

// Currencies in which Stripe counts otherwise than ISO 4217: https://docs.stripe.com/currencies, "zero-decimal" and "special cases".
var (
	// hundredths: ISO has no minor unit, Stripe wants two zeros.
	hundredths = map[string]bool{"ISK": true, "UGX": true}
	// whole: ISO has hundredths, Stripe has none.
	whole = map[string]bool{"MGA": true}
	// tens: both have thousandths, Stripe wants the last to be zero.
	tens = map[string]bool{"BHD": true, "JOD": true, "KWD": true, "OMR": true, "TND": true}
)

const maxAmount = 99_999_999 // Stripe takes eight digits

// amountOf is a charge's amount as Stripe counts it. errAmount: less than one, too much, or a fraction that Stripe has no word for.
func amountOf(c payment.Charge) (int64, error) {
	amount, exact := c.Amount, true
	switch {
	case c.Amount < 1 || c.Amount > maxAmount:
		exact = false
	case hundredths[c.Currency]:
		amount *= 100
	case whole[c.Currency]:
		amount, exact = amount/100, amount%100 == 0
	case tens[c.Currency]:
		exact = amount%10 == 0
	}
	if !exact || amount > maxAmount {
		return 0, fmt.Errorf("%w: %d minor units of %q", errAmount, c.Amount, c.Currency)
	}
	return amount, nil
}

// minor is an amount that Stripe has counted in minor units of ISO 4217; -1 when amountOf cannot have made it.
func minor(amount int64, currency string) int64 {
	switch {
	case hundredths[currency] && amount%100 != 0 || tens[currency] && amount%10 != 0:
		return -1
	case hundredths[currency]:
		return amount / 100
	case whole[currency]:
		return amount * 100
	}
	return amount
}
