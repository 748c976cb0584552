package generate

import (
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"

	"usher/catalog/data"
)

// city is one row of catalog/data/cities/cities.tsv.
type city struct {
	name, country, zone string
	latitude, longitude float64
	people              float64
	words               []string // languages of its names
	market              float64  // events a head beside other countries
}

// weight is the city's share of the events. The exponent 3/4 is a guess between people and the rank-size rule: a metropolis has more events
// than a town, but not for each of its people. Square roots are exact on every machine, powers are not.
func (c city) weight() float64 {
	return math.Sqrt(c.people) * math.Sqrt(math.Sqrt(c.people)) * c.market
}

func readCities() (out []city, err error) {
	markets := map[string]float64{}
	err = data.Rows("cities/countries.tsv", 3, func(cells []string) (err error) {
		markets[cells[0]], err = strconv.ParseFloat(cells[2], 64)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = data.Rows("cities/cities.tsv", 7, func(cells []string) error {
		c := city{name: cells[0], country: cells[1], zone: cells[4], words: strings.Fields(cells[6]), market: markets[cells[1]]}
		for i, into := range map[int]*float64{2: &c.latitude, 3: &c.longitude, 5: &c.people} {
			n, err := strconv.ParseFloat(cells[i], 64)
			if err != nil {
				return err
			}
			*into = n
		}
		out = append(out, c)
		return nil
	})
	return out, err
}

// wheel draws indexes by their weights.
type wheel []float64 // sums of the weights up to each

func newWheel[T any](list []T, weight func(T) float64) wheel {
	out, sum := make(wheel, len(list)), 0.0
	for i, x := range list {
		sum += weight(x)
		out[i] = sum
	}
	return out
}

func (w wheel) spin(rng *rand.Rand) int {
	return min(sort.SearchFloat64s(w, rng.Float64()*w[len(w)-1]), len(w)-1)
}

// share gives each of the weights its share of total, but none more than most; what is beyond goes to the others. All weights are above zero,
// and most for each of them is at least total.
func share(total, most float64, weights []float64) []float64 {
	out, full := make([]float64, len(weights)), make([]bool, len(weights))
	for again := true; again; {
		again = false
		rest, sum := total, 0.0
		for i, w := range weights {
			if full[i] {
				rest -= most
			} else {
				sum += w
			}
		}
		for i, w := range weights {
			if full[i] {
				continue
			}
			if out[i] = rest * w / sum; out[i] >= most {
				out[i], full[i], again = most, true, true
			}
		}
	}
	return out
}
