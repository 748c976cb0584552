package search

import (
	"time"

	"usher/internal/id"
)

// Document is what an engine with an index of its own stores of an event: all that a query restricts by, orders by and counts, and all that a
// hit shows but for how many seats are left at this moment.
type Document struct {
	Event         id.Event
	Version       int64 // rises with each change of anything below: an older document never replaces a newer one. At least 1
	Name, Details string
	ImageURL      string
	Performers    []DocumentPerformer // the headliner first
	Start, End    time.Time
	Date          time.Time // venue-local
	Venue         Venue
	Category      string
	Currency      string
	Prices        []DocumentPrice
	PriceFrom     int // minor units
	PriceTo       int
	OnSale        bool // its sale has opened
	ForSale       bool // it is on sale and not booked out
	Capacity      int  // seats
}

// DocumentPerformer is one performer of a document.
type DocumentPerformer struct{ ID, Name string }

// DocumentPrice is the price of one level, in minor units.
type DocumentPrice struct {
	Level string
	Price int
}
