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

// Engine finds events. Errors: ErrBadCursor, ErrBadQuery, ErrUnavailable. Package searchtest holds every engine to what follows.
//
// Words are compared without case and accents. All words of a text must be found in an event's name, performers, venue, city, country or
// category, in whatever order, the last one perhaps unfinished; connecting words ("the", "de") need not be found beside others. Events
// with the words as they are typed come before those that are found in spite of typos: one edit in a word of 4 to 7 letters, two in a longer
// one, an exchange of neighbours counting as one. Shorter words and words with digits are taken as they stand. A text without a word finds
// nothing. Location, venue and performer are taken as they stand, too.
//
// Pages follow each other without skips and repeats, in every order, while events are added: an event that was there at the first page
// comes exactly once. A page may be shorter than asked for; the last one has no cursor.
type Engine interface {
	Search(ctx context.Context, q Query) (Page, error)
	// Suggest completes what somebody is typing: at most limit (1 to 20) things whose names have all the words, the last one unfinished,
	// those that begin with the text first. Like a search it forgives typos where nothing else is found.
	Suggest(ctx context.Context, text string, limit int) (Suggestions, error)
}

// Sort is the order of a page's events. Ties end at the event's id, so every order is total.
type Sort string

// The orders.
const (
	ByDate      Sort = "date"      // start time
	ByRelevance Sort = "relevance" // how well the text fits, then the nearer in time; what is over comes last. Only with Text
	ByDistance  Sort = "distance"  // of the venue from the point, then start time. Only with HasPoint
)

// MaxTotal is where totals stop counting. An engine may stop earlier where counting is dear.
const MaxTotal = 10_000

// Query is a search as the contract words it. Zero members do not restrict.
type Query struct {
	Text               string // words; the first 16 count
	Location           string // free text, or empty when Latitude and Longitude count
	HasPoint           bool
	Latitude           float64
	Longitude          float64
	RadiusKM           float64   // 1 to 500
	StartDate, EndDate time.Time // venue-local dates, inclusive
	Venue, Performer   string    // id or name text
	Category           string    // the whole category, without case and accents
	PriceMin, PriceMax *int      // minor units; an event's range of prices overlaps
	Available          bool      // only events with a seat for sale
	Sort               Sort      // empty: ByDate
	Facets             bool      // count, on every page, what the query finds by the members of Facets
	PageSize           int       // 1 to 100
	Cursor             string
	Tickets            bool // include up to four tickets an event
}

// Page is one page of results in order.
type Page struct {
	Events      []Hit
	NextCursor  string // empty: the last page
	Total       int    // at most MaxTotal; events whose last seats are merely held may count as available
	TotalCapped bool   // there are more than Total
	Facets      *Facets
	Degraded    bool          // another engine answers than should
	LeftAge     time.Duration // how long ago seats could be counted last, when they cannot be now: then "many" means that there were some; 0: they are counted
}

// Facets counts what a query finds by what it could be narrowed to; when Capped, only some of the events count, so each value has at least its count. Each list
// has at most MaxFacet values, the most frequent first, months in order. Values are what the query's members take.
type Facets struct {
	Category  []Facet
	City      []Facet // Location
	Venue     []Facet // id, labelled with the name
	Month     []Facet // YYYY-MM, of the venue-local date
	Price     []Facet // "from-to" in minor units, to empty: no end. An event counts in every band that its range overlaps
	Available []Facet // "true"
	Capped    bool
}

// MaxFacet is how many values a facet has at most.
const MaxFacet = 20

// Facet is one value and how many events have it, at least one.
type Facet struct {
	Value, Label string
	Count        int
}

// Suggestions are what a text may become.
type Suggestions struct {
	List     []Suggestion
	Degraded bool // another engine answers than should
}

// Suggestion is a thing whose name somebody may be typing.
type Suggestion struct {
	Kind   string // event, performer, venue, city
	Text   string // the name
	Detail string // what tells it from another: "Toronto, Canada"; may be empty
	ID     string // of the event, performer or venue; a city has none
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
	Capacity           int    // seats
	OnSale             bool   // its sale has opened
	Availability       string // many, few, none; before the sale opens it is none
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
