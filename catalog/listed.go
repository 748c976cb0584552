package catalog

import (
	"time"

	"usher/internal/id"
)

// Month is a storage month that has events.
type Month struct {
	Month int // since 2000-01
	Last  int // the highest sequence number given in it
}

// Listed is an event as a list for search engines needs it.
type Listed struct {
	Event   id.Event
	Updated time.Time // when its facts changed last
}
