// Package change is the message from the catalog to the world: one JSON object on the Kafka topic "catalog.events", keyed by the event's id,
// at least once. It carries no facts: readers take them from Postgres, where a late or repeated message finds what is true now.
package change

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"usher/internal/id"
)

// Topic is the Kafka topic of changes.
const Topic = "catalog.events"

// Kind says what has changed.
type Kind string

// The kinds of change.
const (
	Changed   Kind = "event.changed"   // its static facts have a new version
	Restocked Kind = "event.restocked" // its last seat was sold, or one was given back
)

// Change says that something about an event is not as it was.
type Change struct {
	Kind    Kind      `json:"kind"`
	Event   id.Event  `json:"event"`
	Version int64     `json:"version"` // of the static facts
	At      time.Time `json:"at"`
}

// maxSize is more than ten times what a change takes, in bytes.
const maxSize = 4096

// ErrUnreadable reports a message that is no change.
var ErrUnreadable = errors.New("no change of an event")

// Decode reads a message. Members that it does not know are left to later versions. ErrUnreadable.
func Decode(b []byte) (c Change, err error) {
	if len(b) > maxSize {
		return c, fmt.Errorf("%w: %d bytes", ErrUnreadable, len(b))
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return Change{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if c.Kind != Changed && c.Kind != Restocked {
		return Change{}, fmt.Errorf("%w: kind %.40q", ErrUnreadable, c.Kind)
	}
	if c.Event == 0 {
		return Change{}, fmt.Errorf("%w: no event", ErrUnreadable)
	}
	return c, nil
}
