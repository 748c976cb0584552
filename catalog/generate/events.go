package generate

import (
	"fmt"
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
