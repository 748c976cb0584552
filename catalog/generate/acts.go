package generate

import (
	"fmt"
	"math/rand/v2"
)

// Act is a performer of the catalog.
type Act struct{ Key, Name string }

// act is an act with what the calendar needs of it.
type act struct {
	Act
	title  string  // of its tour
	fame   float64 // what its name adds to the price
	taken  int     // the last day that it is not to be had; see never
	source int     // rank among all acts of its category, from 0
}

const (
	leastActs = 300
	mostActs  = 60_000 // of a catalog whose venues need no more
	actsShare = 8      // events an act, about
	never     = 1 << 30
)

// casting says how many acts of 1,000 are of a category; there are more than the venues' choices need.
var casting = []choice{{"concert", 460}, {"comedy", 150}, {"classical", 120}, {"theatre", 100}, {"family", 70}, {"talk", 60}, {"dance", 50}, {"musical", 30}}

// pool is a list of acts, the famous first.
type pool []*act

// cast makes the acts. There are three for each venue at least, so that enough are free on the busiest day.
func (c *Catalog) cast(rng *rand.Rand) {
	n := max(leastActs, min(c.options.Events/actsShare, mostActs), 3*c.options.Venues)
	homes, taken := newWheel(c.cities, city.weight), map[string]bool{}
	for range n {
		home := c.cities[homes.spin(rng)]
		w, category := c.words(rng, home), pickCategory(rng, casting)
		if w[category] == nil {
			category = "concert"
		}
		known := map[string]string{"city": home.name}
		c.add(category, home.country, act{
			Act:   Act{Name: c.unused(taken, "", func() string { return w.fill(rng, category, known) })},
			title: w.fill(rng, "titles", known),
		})
	}
	for _, in := range c.cities { // one club each: every stadium has a home team, and guests from its country
		name := clubs[rng.IntN(len(clubs))]
		a := c.add("football", in.country, act{Act: Act{Name: c.unused(taken, "", func() string { return fmt.Sprintf(name, in.name) })}})
		c.teams = append(c.teams, a)
	}
}

var clubs = []string{"FC %s", "%s United", "SC %s", "Sporting %s", "%s 1904", "Racing %s", "%s Rovers", "Dynamo %s"}

func (c *Catalog) add(category, country string, a act) *act {
	a.Key, a.taken = fmt.Sprintf("%sact-%06d", c.prefix, len(c.acts)), -1
	world := c.pools[category]
	a.source = len(world)
	switch {
	case a.source < 20:
		a.fame = 2
	case a.source < 200:
		a.fame = 1.4
	default:
		a.fame = 1
	}
	c.acts = append(c.acts, &a)
	c.pools[category] = append(world, &a)
	c.pools[category+"/"+country] = append(c.pools[category+"/"+country], &a)
	return &a
}

// free draws an act that is to be had on a day, the famous more often: the first hundredth of a pool takes a fifth of the draws. Nil: there
// is none.
func (p pool) free(rng *rand.Rand, day int) *act {
	if len(p) == 0 {
		return nil
	}
	for try := range 24 {
		u := rng.Float64()
		if try < 8 {
			u = u * u * u
		}
		if a := p[int(u*float64(len(p)))]; a.taken < day {
			return a
		}
	}
	from := rng.IntN(len(p))
	for i := range p {
		if a := p[(from+i)%len(p)]; a.taken < day {
			return a
		}
	}
	return nil
}

// engage finds an act of a category for a venue: mostly one of its country, else one from anywhere, else one of another category.
func (c *Catalog) engage(rng *rand.Rand, category, country string, day int) (*act, string) {
	if rng.IntN(100) < 65 {
		if a := c.pools[category+"/"+country].free(rng, day); a != nil {
			return a, category
		}
	}
	if a := c.pools[category].free(rng, day); a != nil {
		return a, category
	}
	for _, other := range casting {
		if a := c.pools[other.category].free(rng, day); a != nil {
			return a, other.category
		}
	}
	return nil, "" // cannot be: there are three acts for each venue, and a venue takes three a day at most
}
