// Package webhook tells organisers over HTTP what happens to their seats: at least once, signed, and in order for each booking.
//
// The log of what Kafka was told is read for each webhook from a number on, its cursor. A message that a receiver does not take is tried again later, with
// growing pauses, for three days; then it is set aside and counted. Whatever follows it of the same booking waits behind it. A receiver that takes nothing at
// all is left alone but for single tries, its cursor stays, and after three days it is switched off: nothing piles up but the log, which is kept for a week. One
// process delivers, as one relay leads; when it dies after a delivery and before it wrote that down, the next one delivers again, under the same id.
//
//	outbox ─▶ Kafka ─▶ webhook_events ─▶ turn ─▶ receiver
//	                     (the log)        │ ▲
//	                                      ▼ │ again, in order of a booking
//	                                 webhook_retries
//
// Signatures, headers and bodies follow Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks). What goes out is guarded against
// being used to reach what is private: see Client.
package webhook

import (
	"context"
	"errors"
	"time"

	"usher/booking/event"
	"usher/internal/id"
)

// Limits of what operators may ask for.
const (
	MaxWebhooks = 100
	MaxEvents   = 1000 // that one webhook names
	MaxURL      = 2000 // bytes
	MaxTests    = 5    // test messages that wait, a webhook
)

// Keep is how long the log can be replayed.
const Keep = 7 * 24 * time.Hour

// Overlap is how long the old secret signs beside a new one.
const Overlap = 24 * time.Hour

// What can be wrong with a call.
var (
	ErrNotFound  = errors.New("there is no such webhook")
	ErrNoMessage = errors.New("no such message is set aside")
	ErrBadCursor = errors.New("the cursor is none of this list")
	ErrTooMany   = errors.New("there are as many as there may be")
	// ErrMoved says that a webhook was changed, or is delivered by somebody else, since its turn began: nothing of the turn is written.
	ErrMoved = errors.New("the webhook has changed since")
)

// Webhook is one receiver, and how far it is.
type Webhook struct {
	ID          id.Key
	URL         string
	Kinds       []event.Kind // empty: all
	Events      []id.Event   // empty: all
	Secrets     [][]byte     // the newest first; all sign
	OldUntil    time.Time    // until when the second of the secrets signs
	Cursor      int64        // the log is delivered, or waits, up to here
	Version     int64
	Failures    int           // attempts since the last success
	FailingFor  time.Duration // since the first of them
	LastSuccess time.Time
	LastError   string
	DisabledAt  time.Time // zero: it delivers
	CreatedAt   time.Time
	Waiting     int64 // messages, and what of the log was not looked at
	SetAside    int64
	Due         bool // there is something to do now
}

// Message is one event for one receiver.
type Message struct {
	Seq     int64  // in the log; negative: a test
	Key     string // messages of one key are delivered in order
	Payload []byte // event.Event; of a test the body itself
	Waited  bool   // it is one that waits, not one of the log
	Tries   int
	Age     time.Duration // since it was tried for the first time; 0: it was not
}

// Again is a message that waits, or is given up.
type Again struct {
	Message
	After    time.Duration // until it is due
	Error    string
	SetAside bool
}

// Aside is a message that was given up.
type Aside struct {
	Message
	FirstAt, At time.Time // when it was tried first, and given up
	Error       string    // why it was not taken at last
}

// Turn is what came of one round for a webhook.
type Turn struct {
	Webhook  id.Key
	Version  int64 // that it had when the turn began
	Cursor   int64
	Failures int
	Pause    time.Duration // until it is asked again
	Success  bool          // something was taken
	Error    string        // the latest; empty: none
	Disable  bool
	Taken    []int64 // messages that waited before
	Again    []Again
}

// Store keeps webhooks, the log and what waits. Its clock decides what is due.
type Store interface {
	// Lead runs lead while this process holds the named lock; see pgstore.
	Lead(ctx context.Context, lock int64, lead func(ctx context.Context) error) error
	Webhooks(ctx context.Context) ([]Webhook, error)
	DueMessages(ctx context.Context, webhook id.Key, n int) ([]Message, error)
	// WaitingKeys counts the messages that wait, by key.
	WaitingKeys(ctx context.Context, webhook id.Key) (map[string]int, error)
	// Logged reads the log after a number: Seq and Payload.
	Logged(ctx context.Context, after int64, n int) ([]Message, error)
	SaveTurn(ctx context.Context, t Turn) error // ErrMoved
	// PurgeWebhooks forgets what is older than that of the log and of what is set aside, a bounded number of each, and returns how many.
	PurgeWebhooks(ctx context.Context, age time.Duration) (int64, error)

	AddWebhook(ctx context.Context, w Webhook) error                       // ErrTooMany
	DeleteWebhook(ctx context.Context, webhook id.Key) error               // ErrNotFound
	RotateSecret(ctx context.Context, webhook id.Key, secret []byte) error // ErrNotFound
	// Replay begins again after a number; with 0 or less, with the first message since a time. ErrNotFound
	Replay(ctx context.Context, webhook id.Key, after int64, since time.Time) error
	// SetAside returns messages that are set aside, in the order of their numbers, from behind a number, at most n.
	SetAside(ctx context.Context, webhook id.Key, after int64, n int) ([]Aside, error)
	TryAgain(ctx context.Context, webhook id.Key, seq int64) error  // ErrNoMessage
	DropAside(ctx context.Context, webhook id.Key, seq int64) error // ErrNoMessage
	// AddTest puts a message in line for one webhook. ErrNotFound: or too many wait.
	AddTest(ctx context.Context, webhook id.Key, payload []byte) error
}
