package catalog

import (
	"errors"
	"sync"
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

	packed *packed // shared by all copies; nil: nothing is kept
}

// packed keeps the body in other encodings.
type packed struct {
	mu     sync.Mutex        // guards bodies, also while one is made: whoever comes meanwhile waits for it
	bodies map[string][]byte // by the name of the encoding
}

// Packed returns the body as pack encodes it. That is done once for everybody who asks for the encoding of that name.
func (v *View) Packed(name string, pack func([]byte) []byte) []byte {
	if v.packed == nil {
		return pack(v.Body)
	}
	v.packed.mu.Lock()
	defer v.packed.mu.Unlock()
	b, known := v.packed.bodies[name]
	if !known {
		b = pack(v.Body)
		if v.packed.bodies == nil {
			v.packed.bodies = map[string][]byte{}
		}
		v.packed.bodies[name] = b
	}
	return b
}

// Facts is what an event is, apart from its seats' state.
type Facts struct {
	*layout.Plan // its seats and their prices

	Name       string
	Details    string
	ImageURL   string // what the event keeps of its picture (package images), or an address elsewhere; empty: none
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
