package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/booking"
	"usher/booking/event"
	"usher/internal/id"
)

// testKind is the kind of the message that an operator sends to try a receiver.
const testKind event.Kind = "webhook.test"

// testLetter is that message.
type testLetter struct {
	Type      event.Kind `json:"type"`
	Timestamp time.Time  `json:"timestamp"`
	Data      testData   `json:"data"`
}

type testData struct {
	WebhookID id.Key `json:"webhook_id"`
}

// Kinds are the kinds of event that can be asked for.
func Kinds() []event.Kind {
	return []event.Kind{
		event.BookingReserved, event.BookingPaying, event.BookingDeclined, event.BookingConfirmed, event.BookingExtended, event.BookingExpired, event.BookingCancelled,
		event.SeatsBlocked, event.SeatsUnblocked,
	}
}

// MessageID is what the header webhook-id says of a message: the same at every try and every replay.
func MessageID(seq int64) string {
	if seq < 0 {
		return "test_" + strconv.FormatInt(-seq, 10)
	}
	return "msg_" + strconv.FormatInt(seq, 10)
}

// ParseMessageID reads the number of a message that is no test.
func ParseMessageID(text string) (seq int64, ok bool) {
	digits, ours := strings.CutPrefix(text, "msg_")
	seq, err := strconv.ParseInt(digits, 10, 64)
	return seq, ours && err == nil && seq > 0 && MessageID(seq) == text
}

// parseAnyID reads the number of a message, of a test too.
func parseAnyID(text string) (seq int64, ok bool) {
	if seq, ok = ParseMessageID(text); ok {
		return seq, true
	}
	digits, test := strings.CutPrefix(text, "test_")
	seq, err := strconv.ParseInt("-"+digits, 10, 64)
	return seq, test && err == nil && seq < 0 && MessageID(seq) == text
}

// About is what a message tells of: "" when it cannot be read, no event of a test, and no booking of seats that belong to none.
func (m Message) About() (kind event.Kind, e id.Event, b *id.Booking) {
	var l letter
	if text, err := body(m); err != nil || json.Unmarshal(text, &l) != nil {
		return "", 0, nil
	}
	return l.Type, l.Data.EventID, l.Data.BookingID
}

// seatWords are the states of seats as receivers read them.
var seatWords = map[booking.SeatState]string{
	booking.SeatFree: "free", booking.SeatReserved: "reserved", booking.SeatPaying: "paying", booking.SeatBooked: "booked", booking.SeatBlocked: "blocked",
}

// letter is the body of a message, as the standard wants it. It tells what became of seats, and nothing of who has them: neither the visitor nor the
// session leave the house.
type letter struct {
	Type      event.Kind `json:"type"`
	Timestamp time.Time  `json:"timestamp"`
	Data      letterData `json:"data"`
}

type letterData struct {
	EventID        id.Event     `json:"event_id,omitzero"`
	BookingID      *id.Booking  `json:"booking_id,omitempty"`
	ExpirationTime time.Time    `json:"expiration_time,omitzero"`
	Seats          []letterSeat `json:"seats"`
	Stock          event.Stock  `json:"stock"`
}

type letterSeat struct {
	TicketID id.Ticket `json:"ticket_id"`
	Version  int       `json:"version"` // of two messages about a ticket the one with the higher version is the later
	Status   string    `json:"status"`
}

// body words a message for receivers. A test is worded already.
func body(m Message) ([]byte, error) {
	if m.Seq < 0 {
		return m.Payload, nil
	}
	var e event.Event
	if err := json.Unmarshal(m.Payload, &e); err != nil {
		return nil, fmt.Errorf("read message %s: %w", MessageID(m.Seq), err)
	}
	l := letter{Type: e.Kind, Timestamp: e.At.UTC(), Data: letterData{EventID: e.Event, ExpirationTime: e.ExpirationTime, Seats: []letterSeat{}, Stock: e.Stock}}
	if !e.Booking.IsZero() {
		l.Data.BookingID = &id.Booking{Event: e.Event, Key: e.Booking}
	}
	for _, s := range e.Seats {
		l.Data.Seats = append(l.Data.Seats, letterSeat{e.Event.Ticket(s.Seat), s.Version, seatWords[s.State]})
	}
	text, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("word %s: %w", e.Kind, err)
	}
	return text, nil
}

// keyOf is what is delivered in order: the messages of one booking, and those of an event that belong to none.
func keyOf(e *event.Event) string {
	if e.Booking.IsZero() {
		return e.Event.String()
	}
	return id.Booking{Event: e.Event, Key: e.Booking}.String()
}

// wants reports whether a webhook asked for an event.
func (w *Webhook) wants(e *event.Event) bool {
	return (len(w.Kinds) == 0 || slices.Contains(w.Kinds, e.Kind)) && (len(w.Events) == 0 || slices.Contains(w.Events, e.Event))
}
