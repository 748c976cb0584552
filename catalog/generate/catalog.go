package generate

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// Catalog is a catalog that is made from its options.
type Catalog struct {
	options    Options
	prefix     string
	cities     []city
	vocabulary map[string]words
	venues     []venue
	acts       []*act
	teams      []*act          // the club of each city
	pools      map[string]pool // by category, and by category/country
}

// The streams of chance: another number of venues leaves the acts alone.
const (
	chanceOfVenues = iota
	chanceOfActs
	chanceOfEvents
)

// New makes the venues and acts of a catalog. Its error tells of every option that is out of bounds.
func New(o Options) (*Catalog, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.From = time.Date(o.From.Year(), o.From.Month(), o.From.Day(), 0, 0, 0, 0, time.UTC)
	c := &Catalog{options: o, prefix: o.prefix(), pools: map[string]pool{}}
	var err error
	if c.cities, err = readCities(); err != nil {
		return nil, err
	}
	if c.vocabulary, err = vocabularies(c.cities); err != nil {
		return nil, err
	}
	c.build(rand.New(rand.NewPCG(o.Seed, chanceOfVenues)))
	c.cast(rand.New(rand.NewPCG(o.Seed, chanceOfActs)))
	return c, nil
}

// Venues are all venues.
func (c *Catalog) Venues() iter.Seq[Venue] {
	return func(yield func(Venue) bool) {
		for i := range c.venues {
			if !yield(c.venues[i].Venue) {
				return
			}
		}
	}
}

// Acts are all performers.
func (c *Catalog) Acts() iter.Seq[Act] {
	return func(yield func(Act) bool) {
		for _, a := range c.acts {
			if !yield(a.Act) {
				return
			}
		}
	}
}

// Events makes the events, day by day. It may be called again, and gives the same, but not while another call goes on.
func (c *Catalog) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		c.rewind()
		rng := rand.New(rand.NewPCG(c.options.Seed, chanceOfEvents))
		n := 0
		for day, count := range c.options.perDay() {
			weekday := c.options.From.AddDate(0, 0, day).Weekday()
			for _, s := range c.drawSlots(rng, count, weekday) {
				e := c.event(rng, day, s)
				e.Key = fmt.Sprintf("%sevent-%07d", c.prefix, n)
				// The sale of n of all events is open, as evenly as can be.
				e.OnSale = int64(n+1)*int64(c.options.Tickets)/int64(c.options.Events) > int64(n)*int64(c.options.Tickets)/int64(c.options.Events)
				if n++; !yield(e) {
					return
				}
			}
		}
	}
}

// rewind forgets who is engaged.
func (c *Catalog) rewind() {
	for _, a := range c.acts {
		a.taken = -1
	}
	for i := range c.venues {
		c.venues[i].runs = run{}
	}
}
