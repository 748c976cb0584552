// Package search finds events. It holds the words; an engine of its own package does the work, and booking never needs one.
package search

import (
	"context"
	"errors"
	"time"

	"usher/internal/id"
)

// ErrBadCursor reports a cursor that is not one of ours, or of another query.
var ErrBadCursor = errors.New("the cursor is not valid for this query")

// ErrUnavailable reports that the engine, or the store below it, is away or took too long.
var ErrUnavailable = errors.New("search is away")

// ErrBadQuery reports a query with a value that no parser should have let through.
var ErrBadQuery = errors.New("the query is out of range")

// Engine finds events. Errors: ErrBadCursor, ErrBadQuery, ErrUnavailable. Pages follow each other without skips and repeats while events
// are added.
type Engine interface {
	Search(ctx context.Context, q Query) (Page, error)
}

// Query is a search as the contract words it. Zero members do not restrict.
type Query struct {
	Location           string // free text, or empty when Latitude and Longitude count
	HasPoint           bool
	Latitude           float64
	Longitude          float64
	RadiusKM           float64   // 1 to 500
	StartDate, EndDate time.Time // venue-local dates, inclusive
	Venue, Performer   string    // id or name text
	PriceMin, PriceMax *int      // minor units
	PageSize           int       // 1 to 100
	Cursor             string
	Tickets            bool // include up to four tickets an event
}

// Page is one page of results in order.
type Page struct {
	Events     []Hit
	NextCursor string // empty: the last page
	Total      int
	Degraded   bool
}

// Hit is one event found.
type Hit struct {
	ID                 id.Event
	Name, Details      string
	ImageURL           string
	Performer          string
	Start, End         time.Time
	Date               time.Time // venue-local
	Venue              Venue
	PriceFrom, PriceTo int
	Currency           string
	Availability       string // many, few, none
	DistanceKM         *float64
	Tickets            []SampleTicket
}

// Venue is the venue of a hit.
type Venue struct {
	ID                            string
	Name, Location, City, Country string
	Latitude, Longitude           *float64
	TimeZone                      string
}

// SampleTicket is one of the cheapest tickets of a hit.
type SampleTicket struct {
	ID         id.Ticket
	SeatNumber string
	Price      int
	Currency   string
}
