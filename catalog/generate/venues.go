package generate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
)

// Venue is a venue of the catalog.
type Venue struct {
	Key, Name, City, Country, Zone string
	Latitude, Longitude            float64
	Capacity                       int
}

// kind is a sort of venue: how many there are, how many seats they have, what plays there, and what that costs.
type kind struct {
	member      string // of words: patterns of names
	share       int    // of 1,000 venues
	least, most int    // seats
	step        int
	dear        float64
	evenings    []choice
}

// choice is a category and how often it is chosen beside others.
type choice struct {
	category string
	weight   int
}

// kinds are chosen so that half of the venues have about 500 seats, and the mean lies a little above: the size that Usher is planned for.
var kinds = []kind{
	{"hall", 600, 420, 580, 20, 1, []choice{{"concert", 45}, {"comedy", 15}, {"classical", 10}, {"theatre", 10}, {"family", 8}, {"talk", 7}, {"dance", 5}}},
	{"club", 230, 120, 380, 10, 0.75, []choice{{"concert", 57}, {"comedy", 30}, {"talk", 13}}},
	{"stage", 130, 440, 1200, 20, 1.1, []choice{{"theatre", 45}, {"musical", 20}, {"comedy", 12}, {"dance", 10}, {"family", 8}, {"concert", 5}}},
	{"house", 35, 900, 2200, 50, 1.3, []choice{{"classical", 62}, {"concert", 18}, {"dance", 10}, {"talk", 5}, {"family", 5}}},
	{"arena", 5, 6000, 14000, 500, 1.7, []choice{{"concert", 72}, {"comedy", 12}, {"family", 10}, {"musical", 6}}},
}

var stadium = kind{"stadium", 0, 30000, 70000, 1000, 1.9, []choice{{"football", 75}, {"concert", 25}}}

// matinees are played in venues of all kinds but clubs.
var matinees = []choice{{"family", 60}, {"classical", 15}, {"theatre", 15}, {"musical", 10}}

// venue is a venue with what the calendar needs of it.
type venue struct {
	Venue
	city int
	kind *kind
	busy float64 // how often it plays beside others
	runs run     // what plays in the evenings
}

const kmADegree = 111.2

// build makes the venues; the stadiums are the first.
func (c *Catalog) build(rng *rand.Rand) {
	places := newWheel(c.cities, city.weight)
	taken := map[string]bool{}
	for i := range c.options.Venues {
		k := pickKind(rng)
		if i < c.options.Stadiums {
			k = &stadium
		}
		at := places.spin(rng)
		in := c.cities[at]
		v := venue{city: at, kind: k, Venue: Venue{
			Key: fmt.Sprintf("%svenue-%05d", c.prefix, i), City: in.name, Country: in.country, Zone: in.zone,
			Capacity: k.least + rng.IntN((k.most-k.least)/k.step+1)*k.step,
		}}
		v.Name = c.unused(taken, strconv.Itoa(at)+"/", func() string {
			return c.words(rng, in).fill(rng, k.member, map[string]string{"city": in.name})
		})
		v.Latitude, v.Longitude = in.near(rng)
		u := rng.Float64()
		v.busy = 0.4 + float64(1.2*u*u)
		c.venues = append(c.venues, v)
	}
}

// unused makes names until one is new below the given prefix; when chance does not find one, names are counted.
func (c *Catalog) unused(taken map[string]bool, below string, make func() string) string {
	name := make()
	for try := 0; taken[below+name]; try++ {
		if name = make(); try >= 20 {
			for n := 2; ; n++ {
				if counted := name + " " + strconv.Itoa(n); !taken[below+counted] {
					name = counted
					break
				}
			}
		}
	}
	taken[below+name] = true
	return name
}

func pickKind(rng *rand.Rand) *kind {
	n := rng.IntN(1000)
	for i := range kinds {
		if n -= kinds[i].share; n < 0 {
			return &kinds[i]
		}
	}
	return &kinds[0]
}

// near is a position in the city: within 2 to 12 km of its centre, closer in smaller cities and closer as a rule.
func (c city) near(rng *rand.Rand) (latitude, longitude float64) {
	most := math.Min(2+math.Sqrt(c.people)/400, 12) / kmADegree
	u, angle := rng.Float64(), 2*math.Pi*rng.Float64()
	latitude = c.latitude + float64(most*u*math.Sin(angle))
	longitude = c.longitude + float64(most*u*math.Cos(angle))/math.Max(math.Cos(c.latitude*math.Pi/180), 0.2)
	return math.Round(latitude*1e5) / 1e5, math.Round(longitude*1e5) / 1e5
}

// words are those of one of the city's languages.
func (c *Catalog) words(rng *rand.Rand, in city) words {
	return c.vocabulary[in.words[rng.IntN(len(in.words))]]
}

// pickCategory draws by the weights.
func pickCategory(rng *rand.Rand, list []choice) string {
	sum := 0
	for _, c := range list {
		sum += c.weight
	}
	n := rng.IntN(sum)
	for _, c := range list {
		if n -= c.weight; n < 0 {
			return c.category
		}
	}
	return list[0].category
}
