// Package stripetest is a Stripe for tests: the part of its API that charges cards, with the states of intents, idempotency keys,
// signed webhooks, and faults on demand. It is written from Stripe's documentation and shares no code with the client that it tests.
//
// What it holds to: an idempotency key remembers the answer of what was begun, an error too; another request under the key is refused,
// and one at the same time is a conflict. A declined intent takes another confirmation. Money of an intent is taken once and given
// back once. A webhook is told again, a bounded number of times, until its receiver answers with 2xx.
package stripetest
