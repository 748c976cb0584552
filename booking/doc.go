// Package booking is the truth about seats: the words and the rules, pure and without I/O.
//
// # How a booking lives
//
//	           book                begin_payment             settle(captured)
//	(held) ──────────▶ reserved ──────────────────▶ paying ──────────────────▶ confirmed
//	                      │  ▲                         │
//	                      │  └── settle(declined) ─────┘
//	         expire, cancel ▼
//	           expired, cancelled
//
// While it is reserved its owner may extend it once: the end moves, and a command that has seen the old end does nothing.
//
// Every arrow is a command on the log (package command), decided by the one worker that owns the event's
// partition, in log order, and committed to Postgres in one transaction with the log's offset.
//
// # Promises
//
// No seat is sold twice; no confirmed booking is lost; no charge without a ticket and no ticket without a charge;
// every accepted command reaches a definite end. Each has a test with a negative control.
//
// # When something fails
//
// Redis away or flushed: holding stops with 503 until the seat map is loaded from Postgres again; bookings go on.
// Kafka away: booking answers 503, nothing is lost. A worker dies: another takes its partitions after the lease runs out
// and goes on at the offset that Postgres holds. Postgres away: nothing is acknowledged.
package booking
