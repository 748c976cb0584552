package catalog

import (
	"errors"
	"time"

	"usher/booking"
	"usher/catalog/layout"
	"usher/internal/id"
)

// ErrBadCursor reports a tickets cursor that is not one of ours.
var ErrBadCursor = errors.New("the cursor is not valid")

// View is a rendered answer: rendered once per version and served to everybody.
type View struct {
	Body  []byte        // JSON; callers must not change it
	ETag  string        // strong, with quotes
	Stale time.Duration // above zero: a store is away and the view may be so old
}

// Facts is what an event is, apart from its seats' state.
type Facts struct {
	*layout.Plan // its seats and their prices

	Name       string
	Details    string
	ImageURL   string // empty: none
	Performer  string // the headliner's name
	Performers []Performer
	Start, End time.Time
	Venue      Venue
	OnSale     bool  // whether its tickets exist
	Version    int64 // rises with each change
}

// Performer is somebody who plays.
type Performer struct {
	ID   id.Performer
	Name string
}

// Venue is where an event takes place.
type Venue struct {
	ID                            id.Venue
	Name, Location, City, Country string   // Location is "City, Country" for people; Country is ISO 3166-1 alpha-2
	Latitude, Longitude           *float64 // degrees; nil: not known
	Zone                          *time.Location
}

// Seats is how an event's seats stand at one instant.
type Seats struct {
	Version int64 // rises with every change but the end of a hold, which comes by itself
	Now     time.Time
	States  []booking.SeatState
	Holds   map[int]time.Time // seat → when the hold runs out, where it is known
	Same    bool              // the caller's version is current: States and Holds are empty

	onMap int64 // the version by the seat map's own count; 0: not from there
}

// RoomInfo is what a view says of the waiting room that guards its event.
type RoomInfo struct {
	ID      string
	Active  bool   // whether the event needs a pass
	State   string // of package waitroom
	JoinURL string
}
