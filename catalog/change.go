package catalog

import (
	"time"

	"usher/internal/id"
)

// ChangesTopic is the Kafka topic of Change messages, keyed by the event's id.
const ChangesTopic = "catalog.events"

// Change says that an event's static facts have a new version. It carries no facts: readers take them from Postgres, and by the version
// a late or repeated message does no harm.
type Change struct {
	Kind    string    `json:"kind"` // "event.changed"
	Event   id.Event  `json:"event"`
	Version int64     `json:"version"`
	At      time.Time `json:"at"`
}

// EventChanged is the one kind of change that exists.
const EventChanged = "event.changed"
