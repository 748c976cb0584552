// Package stripe is a payment provider that charges cards through Stripe: one PaymentIntent an attempt, captured by hand.
//
//	create ──▶ requires_payment_method ── confirm ──▶ requires_capture ── capture ──▶ succeeded ── refund ──▶ refunded
//	   (none)            │        │                        ▲     │         (captured)
//	                     │        └─▶ requires_action ─────┘     │
//	                     │                   │ (the payer acts)  │
//	                     └── declined ───────┴────── cancel ─────┴──▶ canceled: abandoned = declined, anything else = voided
//
// # How it keeps what payment.Provider promises
//
// Nothing is charged twice: an attempt has one intent, and Stripe takes an intent's money once. It is created under an idempotency
// key that follows from the attempt's id, without a card, so that whoever has lost Stripe's answer gets the same intent again, and
// whoever must void a charge that may still come creates its intent and cancels it: a confirmation that arrives later finds it
// canceled. That is why creation and confirmation are two calls, where Stripe would do with one.
//
// Declined is final: a declined intent could be confirmed again with another card, so it is canceled before anybody hears of the
// decline. The reason of the cancellation tells it from a void, to everybody and for ever: the first cancel decides.
//
// Capture and void exclude each other: Stripe refuses either after the other, and then the intent is read again.
//
// Stripe keeps the answer to an idempotency key for a day at least, an error too, even a 500. An error that is only repeated decides
// nothing: the next key of the call is tried. That is safe since the intent's state guards every step; keys save work. An attempt that
// is older than a day less a margin, and whose intent's name was never saved, is looked for by its metadata, which by then are indexed.
//
// # What it does not promise
//
// A refund that the payer's bank refuses days later is Stripe's to tell, by mail and on its dashboard: here it counts as given back.
//
// No card data comes here: a token pm_… names a PaymentMethod that the payer's browser made at Stripe.
package stripe
