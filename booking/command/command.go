// Package command is the message from the desk to the worker: one JSON object on the Kafka topic "booking.commands",
// keyed by the event's id. Both ends import this package and never each other. Old messages must parse for ever:
// testdata holds golden files.
package command

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"usher/booking"
	"usher/internal/id"
)

// Topic is the Kafka topic of commands.
const Topic = "booking.commands"

// Partitions is the number of partitions of every topic. It is part of the data: another number would break
// "one event, one writer", so a running system never changes it.
const Partitions = 12

// MaxBytes bounds one encoded command.
const MaxBytes = 16 << 10

// MaxSeats bounds the seats of one command; a visitor's limit is far below it.
const MaxSeats = 500

// Kind says what a command asks for.
type Kind string

// The kinds of command.
const (
	Book         Kind = "book"          // reserve Seats for Owner until Until
	BeginPayment Kind = "begin_payment" // reserved → paying; creates the attempt
	Settle       Kind = "settle"        // the attempt's outcome: captured, declined or failed
	Expire       Kind = "expire"        // the reservation that ends at Until has run out
	Cancel       Kind = "cancel"        // by the owner
	Extend       Kind = "extend"        // by the owner: the reservation lasts until Until, once
	Block        Kind = "block"         // the organiser withholds Seats
	Unblock      Kind = "unblock"
	Fence        Kind = "fence" // command Fenced, if it comes later, must fail: its caller has given up waiting
)

// Command is one order to the worker. Which members count depends on Kind.
type Command struct {
	ID       id.Key          `json:"id"`
	Kind     Kind            `json:"kind"`
	Event    id.Event        `json:"event"`
	Booking  id.Key          `json:"booking,omitzero"` // for Book equal to ID
	Owner    id.Visitor      `json:"owner,omitzero"`
	Session  booking.Session `json:"session,omitzero"`
	Seats    []int           `json:"seats,omitempty"` // seat indexes, ascending
	IssuedAt time.Time       `json:"issued_at"`
	Deadline time.Time       `json:"deadline,omitzero"`  // after it the worker refuses a Book, BeginPayment, Extend or Cancel
	Until    time.Time       `json:"until,omitzero"`     // Book: end of the reservation; BeginPayment, Extend: its extended end; Expire: the end that the sweeper saw
	ReplyTo  string          `json:"reply_to,omitempty"` // the gateway that waits

	Attempt id.Key          `json:"attempt,omitzero"` // BeginPayment, Settle
	Payment booking.Payment `json:"payment,omitzero"` // BeginPayment
	Outcome Settlement      `json:"outcome,omitempty"`
	Reason  string          `json:"reason,omitempty"` // why it was declined or failed
	Fenced  id.Key          `json:"fenced,omitzero"`
}

// Settlement is how a payment attempt ended.
type Settlement string

// The three ends of an attempt.
const (
	Captured Settlement = "captured"
	Declined Settlement = "declined"
	Failed   Settlement = "failed"
)

// Encode writes the command as JSON.
func (c Command) Encode() ([]byte, error) {
	b, err := json.Marshal(c)
	if err == nil && len(b) > MaxBytes {
		return nil, fmt.Errorf("command of %d bytes, want at most %d", len(b), MaxBytes)
	}
	return b, err
}

// Decode reads and checks one message. Whatever it refuses is a poison message: nothing that Encode wrote.
func Decode(b []byte) (Command, error) {
	if len(b) > MaxBytes {
		return Command{}, fmt.Errorf("command of %d bytes, want at most %d", len(b), MaxBytes)
	}
	var c Command
	if err := json.Unmarshal(b, &c); err != nil {
		return Command{}, fmt.Errorf("command: %w", err)
	}
	return c, c.check()
}

func (c Command) check() error {
	switch c.Kind {
	case Book, BeginPayment, Settle, Expire, Cancel, Extend, Block, Unblock, Fence:
	default:
		return fmt.Errorf("command of unknown kind %q", c.Kind)
	}
	if c.ID.IsZero() || c.Event == 0 {
		return errors.New("command without id or event")
	}
	if len(c.Seats) > MaxSeats {
		return fmt.Errorf("command of %d seats, want at most %d", len(c.Seats), MaxSeats)
	}
	for i, s := range c.Seats {
		if s < 0 || s >= id.MaxSeats || i > 0 && s <= c.Seats[i-1] {
			return errors.New("command's seats do not ascend")
		}
	}
	return nil
}

// KeyOf derives a command's id from who asks, for what, under which idempotency key: a repeated request is the
// same command, and the worker answers it from the stored result.
func KeyOf(owner id.Visitor, route, idempotencyKey string) (k id.Key) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s", owner, route, idempotencyKey)
	copy(k[:], h.Sum(nil))
	return k
}
