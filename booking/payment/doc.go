// Package payment takes the money for bookings. Money follows the seat, never the other way round: an attempt to pay is
// committed by the worker together with the booking's turn to paying; only then the Cashier calls the provider, and what came of it
// goes to the log as one Settle command.
//
//	            authorise             capture              settle(captured)
//	created ──────────────▶ authorised ───────▶ captured ──────────────────▶ settled: confirmed
//	   │  ▲                     │                   │
//	   │  └─ action required    │                   └─ refused: refund ─────▶ voided
//	   ├─ declined, failed ─────┼──────────────────── settle(declined, failed) ▶ settled: reserved again
//	   └─ void ─────────────────┴─▶ failed, or voided when the booking does not wait for it
//
// # Promises
//
// Nothing is charged twice: every call carries the attempt's id, and providers do nothing twice under one id. Captured and
// declined, failed, voided exclude each other for ever: an end is recorded only when the provider can no longer change its mind. So
// whoever settles an attempt, and however often, settles it the same way. Every attempt ends as soon as its provider answers.
//
// # When something fails
//
// A cashier that dies leaves a lease that runs out; the next one asks the provider before it does anything. A provider that does
// not answer is asked again, less and less often. An attempt older than the cashier's patience is taken back, not completed: nobody is
// charged long after he paid. The log away: the outcome is recorded and appended later.
//
// Card data never exists here: an attempt carries the provider's token for the means of payment, and nothing else.
package payment
