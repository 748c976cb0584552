package listing

import (
	"fmt"
	"time"

	"usher/catalog/money"
)

// Event is one event as it was understood.
type Event struct {
	Key        string // unique and stable: the same event has it in the next file, too; 1 to 180 bytes
	Name       string // 1 to 300 bytes, one line
	Details    string // up to 20,000 bytes
	Category   string
	Image      string // http or https address; may be empty
	Start      time.Time
	Length     time.Duration // 0 or more
	Performers []Named       // 1 to 50, distinct; the first is the headliner
	Venue      Venue
	Currency   string // ISO 4217
	Prices     []int  // minor units, distinct, the dearest first; one at least
	Seats      int    // 0: nobody has said
	OnSale     bool   // the file wants its tickets made
	Notes      []string
}

// Named is a performer.
type Named struct{ Key, Name string }

// Venue is the place of an event.
type Venue struct {
	Key, Name, City, Country string // country: ISO 3166-1 alpha-2
	Latitude, Longitude      *float64
	Zone                     string // IANA
}

// Defaults are what counts where a file does not say it.
type Defaults struct {
	Zone    string // IANA; empty: refused
	Country string // ISO 3166-1 alpha-2; empty: refused
	Price   string // in units of money, such as 25 or 25.50; empty: refused
}

// Found is one event, or why it is refused.
type Found struct {
	Line  int // where it begins, from 1
	Event *Event
	Err   error
}

// Reader reads listings. It is safe for concurrent use.
type Reader struct {
	defaults Defaults
	places   *places
	money    money.Table
}

// New returns a reader. An error names a default that is none.
func New(d Defaults) (*Reader, error) {
	p, err := readPlaces()
	if err != nil {
		return nil, err
	}
	table, err := money.Load()
	if err != nil {
		return nil, err
	}
	if d.Zone != "" {
		if err := checkZone(d.Zone); err != nil {
			return nil, err
		}
	}
	if d.Country != "" {
		code, ok := country(d.Country)
		if !ok {
			return nil, fmt.Errorf("country %.40q is not known: give its ISO 3166-1 code, such as DE", d.Country)
		}
		d.Country = code
	}
	if d.Price != "" {
		if _, _, err := parseAmounts(d.Price); err != nil {
			return nil, err
		}
	}
	return &Reader{defaults: d, places: p, money: table}, nil
}

const (
	maxName    = 300
	maxDetails = 20_000
	maxKey     = 180 // room for what the importer adds
	maxActs    = 50
	maxAddress = 2000 // bytes of an image's address
)
