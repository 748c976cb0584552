package generate

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"usher/catalog/data"
)

// city is a real one; see catalog/data/cities.
type city struct {
	name, country, zone string
	latitude, longitude float64
	people              float64
}

func loadCities() (out []city, err error) {
	b, err := data.Files.ReadFile("cities/cities.tsv")
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			return nil, fmt.Errorf("catalog/data/cities: %q has %d columns, want 6", line, len(f))
		}
		c := city{name: f[0], country: f[1], zone: f[4]}
		for i, n := range map[int]*float64{2: &c.latitude, 3: &c.longitude, 5: &c.people} {
			if *n, err = strconv.ParseFloat(f[i], 64); err != nil {
				return nil, fmt.Errorf("catalog/data/cities: %q: %w", line, err)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// language is what names are made of in some countries; see catalog/data/names.
type language struct {
	tag       string
	Countries []string `json:"countries"`
	First     []string `json:"first"`
	Last      []string `json:"last"`
	Adjective []string `json:"adjective"`
	Noun      []string `json:"noun"`
	Band      string   `json:"band"`
	Venues    []string `json:"venues"`
	Titles    []string `json:"titles"`
}

// loadLanguages returns the languages in the order of their tags.
func loadLanguages() (out []language, err error) {
	b, err := data.Files.ReadFile("names/names.json")
	if err != nil {
		return nil, err
	}
	byTag := map[string]language{}
	if err := json.Unmarshal(b, &byTag); err != nil {
		return nil, fmt.Errorf("catalog/data/names: %w", err)
	}
	for tag, l := range byTag {
		l.tag = tag
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b language) int { return strings.Compare(a.tag, b.tag) })
	return out, nil
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// words fills a pattern: {a} adjective, {n} noun, {c} city.
func (l *language) words(r *rand.Rand, pattern, city string) string {
	return strings.NewReplacer("{a}", pick(r, l.Adjective), "{n}", pick(r, l.Noun), "{c}", city).Replace(pattern)
}

// person is a first name and a last name, in the order of the language.
func (l *language) person(r *rand.Rand) string {
	first, last := pick(r, l.First), pick(r, l.Last)
	switch l.tag {
	case "zh", "ko":
		return last + first
	case "ja":
		return last + " " + first
	default:
		return first + " " + last
	}
}

type venue struct {
	record venueRecord
	speech *language
	draw   float64 // how much happens there
	events int
}

// venueRecord is a venue as the import reads it.
type venueRecord struct {
	Type      string  `json:"type"`
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	City      string  `json:"city"`
	Country   string  `json:"country"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	TimeZone  string  `json:"time_zone"`
	Capacity  int     `json:"capacity"`
}

// capacities are those of venues with their shares of 100: mostly halls of 500, as the brief has it.
var capacities = []struct{ share, seats int }{{60, 500}, {15, 300}, {10, 800}, {8, 1200}, {5, 2000}, {2, 5000}}

func capacity(r *rand.Rand) int {
	n := r.IntN(100)
	for _, c := range capacities {
		if n -= c.share; n < 0 {
			return c.seats
		}
	}
	return capacities[0].seats
}

// makeVenues puts venues into cities by the root of their population: a city of four million has twice as many as one of one million. Each
// stands within some kilometres of the centre.
func (w *world) makeVenues(places []city, speech []language) {
	const scatter = 0.04 // degrees, one standard deviation: 4 km
	ofCountry := map[string]*language{}
	for i := range speech {
		for _, c := range speech[i].Countries {
			ofCountry[c] = &speech[i]
		}
	}
	sums := make([]float64, len(places))
	total := 0.0
	for i, c := range places {
		total += math.Sqrt(c.people)
		sums[i] = total
	}
	named := map[string]int{}
	for i := range w.Venues {
		r := w.dice(diceVenues, uint64(i))
		at, _ := slices.BinarySearch(sums, r.Float64()*total)
		c := places[min(at, len(places)-1)]
		l := ofCountry[c.country]
		name := l.words(r, pick(r, l.Venues), c.name)
		if named[name+c.name]++; named[name+c.name] > 1 {
			name += " " + strconv.Itoa(named[name+c.name])
		}
		w.venues = append(w.venues, venue{speech: l, draw: math.Sqrt(c.people) * (0.2 + r.ExpFloat64()), record: venueRecord{
			Type: "venue", ID: fmt.Sprintf("gen-%d/venue-%d", w.Seed, i), Name: name, City: c.name, Country: c.country, TimeZone: c.zone, Capacity: capacity(r),
			Latitude: degrees(c.latitude+clamp(r.NormFloat64())*scatter, 90), Longitude: degrees(c.longitude+clamp(r.NormFloat64())*scatter, 180),
		}})
	}
}

func clamp(x float64) float64 { return max(-3, min(3, x)) }

// degrees rounds to about ten metres and keeps within what is a coordinate.
func degrees(x, most float64) float64 { return math.Round(max(-most, min(most, x))*1e4) / 1e4 }
