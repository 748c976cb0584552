package generate

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// Event is an event of the catalog.
type Event struct {
	Key, Name, Venue string
	Country          string    // of the venue, for its currency
	Acts             []string  // keys; the first is the headliner
	Start            time.Time // a reading of the clock at the venue
	Length           time.Duration
	Category         string
	Details          string
	Dollars          map[string]int // price level → about so many US dollars
	OnSale           bool
}

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

// event fills a slot.
func (c *Catalog) event(rng *rand.Rand, day int, s slot) Event {
	v := &c.venues[s/2]
	var plays []*act
	var category string
	var when hours
	if s%2 == 1 {
		a, of := c.engage(rng, pickCategory(rng, matinees), v.Country, day)
		plays, category, when = []*act{a}, of, afternoons
		a.taken = day
	} else {
		plays, category = c.evening(rng, v, day)
		when = evenings[category]
	}
	start, length := when.draw(rng)
	in := c.cities[v.city]
	name := plays[0].Name + ": " + plays[0].title
	switch category {
	case "football":
		name = plays[0].Name + " – " + plays[1].Name
	case "musical":
		name = plays[0].Name
	}
	e := Event{
		Name: name, Venue: v.Key, Country: v.Country, Category: category, Length: time.Duration(length) * time.Minute,
		Start: c.options.From.AddDate(0, 0, day).Add(time.Duration(start) * time.Minute), Dollars: v.price(category, plays[0], in.market),
		Details: c.details(rng, v, category, plays),
	}
	for _, a := range plays {
		e.Acts = append(e.Acts, a.Key)
	}
	return e
}

// evening goes on with what plays at a venue, or engages something new.
func (c *Catalog) evening(rng *rand.Rand, v *venue, day int) (plays []*act, category string) {
	if r := &v.runs; r.left > 0 {
		if day-r.last <= pause {
			r.left, r.last = r.left-1, day
			if r.left == 0 {
				r.act.taken = day
			}
			return []*act{r.act}, r.category
		}
		r.act.taken, r.left = r.last, 0
	}
	want := pickCategory(rng, v.kind.evenings)
	if want == "football" {
		home := c.teams[v.city]
		if home.taken < day {
			home.taken = day + 2
			if away := c.pools["football/"+v.Country].free(rng, day); away != nil {
				away.taken = day + 2
				return []*act{home, away}, want
			}
		}
		want = "concert"
	}
	a, category := c.engage(rng, want, v.Country, day)
	a.taken = day
	if n := 1 + rng.IntN(nights[category]); n > 1 {
		v.runs = run{a, category, n - 1, day}
		a.taken = never
	}
	plays = []*act{a}
	if category == "concert" && rng.IntN(5) == 0 {
		if support := c.pools["concert/"+v.Country].free(rng, day); support != nil {
			support.taken = day
			plays = append(plays, support)
		}
	}
	return plays, category
}

// details tells of an event in a language of its city.
func (c *Catalog) details(rng *rand.Rand, v *venue, category string, plays []*act) string {
	in := c.cities[v.city]
	if category == "football" {
		return fmt.Sprintf("%s – %s, %s, %s.", plays[0].Name, plays[1].Name, v.Name, v.City)
	}
	title := plays[0].title
	if category == "musical" {
		title = plays[0].Name
	}
	var b strings.Builder
	b.WriteString(c.words(rng, in).fill(rng, "details", map[string]string{"act": plays[0].Name, "title": title, "venue": v.Name, "city": v.City}))
	for _, support := range plays[1:] {
		b.WriteString(" + " + support.Name + ".")
	}
	return b.String()
}

// dollars is what the best seats of a category cost in a hall where events are common.
var dollars = map[string]float64{
	"concert": 48, "classical": 64, "theatre": 58, "musical": 75, "comedy": 38, "dance": 55, "family": 24, "talk": 26, "football": 34,
}

const mostDollars = 140 // prices have to fit where a dollar is a million and a half minor units

// price is what the levels cost: by what is played, where, and by whom, and less in countries where people have less to spend.
func (v *venue) price(category string, a *act, market float64) map[string]int {
	best := math.Min(dollars[category]*v.kind.dear*a.fame*math.Min(0.35+float64(0.15*market), 1.05), mostDollars)
	out := map[string]int{}
	for level, part := range map[string]float64{"A": 1, "B": 0.74, "C": 0.52, "D": 0.36} {
		if level != "D" || v.Capacity > 5000 {
			out[level] = max(2, int(math.Round(best*part)))
		}
	}
	return out
}
