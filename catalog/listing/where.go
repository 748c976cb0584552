package listing

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"usher/catalog/data"
)

// Distances in km.
const (
	zoneNear     = 25.0  // how far a city may be whose zone is taken without looking at others
	zoneReach    = 300.0 // how far the nearest city may be for its zone to be taken
	countryReach = 50.0  // how far a city of the right name may be for its country to be taken
	cityReach    = 30.0  // how far a city may be whose name is taken
)

// city is a row of catalog/data/cities.
type city struct {
	name, country, zone string
	latitude, longitude float64
	people              int
}

// places are the cities that are known.
type places struct {
	byName    map[string][]*city // folded
	byCountry map[string][]*city
	mu        sync.Mutex // guards zones
	zones     map[string]*time.Location
}

func readPlaces() (*places, error) {
	p := &places{byName: map[string][]*city{}, byCountry: map[string][]*city{}, zones: map[string]*time.Location{}}
	err := data.Rows("cities/cities.tsv", 7, func(cells []string) (err error) {
		c := &city{name: cells[0], country: cells[1], zone: cells[4]}
		var wrong [3]error
		c.latitude, wrong[0] = strconv.ParseFloat(cells[2], 64)
		c.longitude, wrong[1] = strconv.ParseFloat(cells[3], 64)
		c.people, wrong[2] = strconv.Atoi(cells[5])
		p.byCountry[c.country] = append(p.byCountry[c.country], c)
		for _, name := range []string{fold(c.name), strings.TrimSuffix(fold(c.name), " city")} { // New York City
			if list := p.byName[name]; len(list) == 0 || list[len(list)-1] != c {
				p.byName[name] = append(list, c)
			}
		}
		return errors.Join(wrong[:]...)
	})
	return p, err
}

func checkZone(name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return fmt.Errorf("time zone %.60q is not known: give an IANA name such as Europe/Berlin", name)
	}
	return nil
}

// zone loads a zone once.
func (p *places) zone(name string) (*time.Location, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if z := p.zones[name]; z != nil {
		return z, nil
	}
	if err := checkZone(name); err != nil {
		return nil, err
	}
	z, err := time.LoadLocation(name)
	if err == nil && len(p.zones) < 1000 {
		p.zones[name] = z
	}
	return z, err
}

// tongues are the languages in which names of countries are understood.
var tongues = []language.Tag{
	language.English, language.German, language.French, language.Spanish, language.Italian, language.Dutch, language.Portuguese, language.Polish, language.Danish,
	language.Swedish, language.Norwegian, language.Finnish, language.Czech,
}

// countries are the codes of countries by their folded names.
var countries = sync.OnceValue(func() map[string]string {
	out := map[string]string{
		"usa": "US", "u s a": "US", "united states of america": "US", "uk": "GB", "u k": "GB", "great britain": "GB", "england": "GB", "scotland": "GB",
		"wales": "GB", "northern ireland": "GB", "holland": "NL", "the netherlands": "NL", "czech republic": "CZ", "turkey": "TR", "turkiye": "TR", "korea": "KR", "uae": "AE",
	}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			region, err := language.ParseRegion(code)
			if err != nil || region.Canonicalize().String() != code || !region.IsCountry() { // no countries of the past
				continue
			}
			for _, tag := range tongues {
				if name := fold(display.Regions(tag).Name(region)); name != "" && out[name] == "" {
					out[name] = code
				}
			}
		}
	}
	return out
})

// country reads a code of two or three letters, or a name.
func country(s string) (code string, ok bool) {
	s = line(clip(s, maxName))
	if len(s) == 2 || len(s) == 3 {
		if region, err := language.ParseRegion(strings.ToUpper(s)); err == nil {
			if region = region.Canonicalize(); region.IsCountry() {
				return region.String(), true
			}
		}
	}
	code, ok = countries()[fold(s)]
	return code, ok
}

// Parts of the United States and of Canada: in an address their codes stand where others have a country.
const (
	states = " al ak az ar ca co ct de dc fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or pa ri sc sd tn tx ut vt va" +
		" wa wv wi wy "
	provinces = " ab bc mb nb nl ns nt nu on pe qc sk yt "
)

// place is what a file says of where an event is.
type place struct {
	id, name, address    string // address: all of it, as one text
	street, city, region string
	country, zone        string
	latitude, longitude  string
	seats                string

	hasPoint    bool // set by readPoint
	north, east float64
}

// venue finds out what is missing. start tells the zones of a country apart.
func (r *Reader) venue(p place, start moment) (v Venue, zone *time.Location, err error) {
	p.readPoint()
	if err := p.split(r.places); err != nil {
		return v, nil, err
	}
	v = Venue{Name: p.name, City: p.city, Country: p.country}
	if v.Name == "" {
		return v, nil, errors.New("the place has no name: give location.name (in a table: venue)")
	}
	if p.hasPoint {
		v.Latitude, v.Longitude = &p.north, &p.east
	}
	if v.Country == "" {
		v.Country = r.countryOf(p)
	}
	if v.Country == "" {
		return v, nil, fmt.Errorf("the country of %.60q is not known: give addressCountry (in a table: country), or --country", v.Name)
	}
	if v.City == "" && p.hasPoint {
		if c, km := r.places.nearest(p.north, p.east, v.Country); c != nil && km <= cityReach {
			v.City = c.name
		}
	}
	if v.City == "" {
		return v, nil, fmt.Errorf("the city of %.60q is not known: give addressLocality (in a table: city)", v.Name)
	}
	if v.Zone, zone, err = r.zone(p, v, start); err != nil {
		return v, nil, err
	}
	if v.Key = short("place", p.id); v.Key == "" {
		v.Key = derive("place", v.Name, v.City, v.Country)
	}
	return v, zone, nil
}

// readPoint reads the coordinates. What is none is not there.
func (p *place) readPoint() {
	north, err1 := strconv.ParseFloat(strings.Replace(strings.TrimSpace(p.latitude), ",", ".", 1), 64)
	east, err2 := strconv.ParseFloat(strings.Replace(strings.TrimSpace(p.longitude), ",", ".", 1), 64)
	if err1 == nil && err2 == nil && math.Abs(north) <= 90 && math.Abs(east) <= 180 && (north != 0 || east != 0) {
		p.hasPoint, p.north, p.east = true, math.Round(north*1e6)/1e6, math.Round(east*1e6)/1e6
	}
}

// split cleans what there is, and takes city and country out of an address that is one text.
func (p *place) split(known *places) error {
	p.name, p.city, p.region = line(p.name), line(p.city), line(p.region)
	if p.country != "" {
		code, ok := country(p.country)
		if !ok {
			return fmt.Errorf("country %.40q is not known: give its ISO 3166-1 code, such as DE", p.country)
		}
		p.country = code
	}
	var parts []string
	for part := range strings.SplitSeq(strings.ReplaceAll(paragraphs(clip(p.address, maxName)), "\n", ","), ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	if p.name == "" && len(parts) > 0 {
		p.name = parts[0]
	}
	if p.name == "" {
		p.name = line(p.street)
	}
	if p.country != "" && p.city != "" {
		return nil
	}
	if p.city != "" {
		parts = append(parts, p.city)
	}
	if p.region != "" {
		parts = append(parts, p.region)
	}
	known.read(p, parts)
	return nil
}

// read finds the city and the country in the parts of an address, the last ones first.
func (k *places) read(p *place, parts []string) {
	last := ""
	if len(parts) > 0 {
		last = unnumbered(parts[len(parts)-1])
	}
	words := strings.Fields(fold(last))
	short := ""
	if len(words) > 0 && len(words[len(words)-1]) == 2 {
		short = " " + words[len(words)-1] + " "
	}
	try := func(code string) bool {
		for i := len(parts) - 1; i >= 0; i-- {
			if c := k.find(unnumbered(parts[i]), code); c != nil && (p.city == "" || fold(p.city) == fold(c.name)) {
				if p.city == "" {
					p.city = c.name
				}
				p.country = code
				return true
			}
		}
		return false
	}
	switch code, ok := country(last); {
	case p.country != "":
		try(p.country)
	case short != "" && strings.Contains(states, short) && try("US"):
	case short != "" && strings.Contains(provinces, short) && try("CA"):
	case ok:
		p.country = code
		try(code)
	default:
		k.readCity(p, parts)
	}
	for i := len(parts) - 1; i > 0 && p.city == "" && p.country != ""; i-- {
		if m := postal.FindStringSubmatch(parts[i]); m != nil {
			p.city = m[1]
		}
	}
}

// postal is a town behind its postal code, as most of Europe writes it.
var postal = regexp.MustCompile(`^(?:[A-Z]{1,2}-)?[0-9]{4,5}\s+(\pL[^0-9]*)$`)

// readCity takes the first part from behind that is a city's name; the country only when no other has a city of that name.
func (k *places) readCity(p *place, parts []string) {
	for i := len(parts) - 1; i >= 0; i-- {
		list := k.byName[fold(unnumbered(parts[i]))]
		if len(list) == 0 {
			continue
		}
		if p.city == "" && i > 0 {
			p.city = list[0].name
		}
		return
	}
}

// find is the largest city of a country with the name, which may be followed by the code of a state.
func (k *places) find(name, code string) *city {
	text := fold(name)
	for {
		for _, c := range k.byName[text] {
			if c.country == code {
				return c
			}
		}
		head, tail, ok := cutLast(text)
		if !ok || len(tail) > 2 {
			return nil
		}
		text = head
	}
}

func cutLast(s string) (head, tail string, ok bool) {
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// unnumbered drops words with digits: postal codes and house numbers.
func unnumbered(s string) string {
	words := slices.DeleteFunc(strings.Fields(s), func(w string) bool { return strings.ContainsAny(w, "0123456789") })
	return strings.Join(words, " ")
}

// countryOf is the country that nobody has named: of the city with the name near the point, the default, or of the only cities with the name. A point
// alone does not tell: near a border the nearest city that is known may be of the other country.
func (r *Reader) countryOf(p place) string {
	code := ""
	for _, c := range r.places.byName[fold(p.city)] {
		switch {
		case p.hasPoint && distance(p.north, p.east, c) <= countryReach:
			return c.country
		case code == "":
			code = c.country
		case code != c.country:
			code = "several"
		}
	}
	if r.defaults.Country != "" {
		return r.defaults.Country
	}
	if code == "several" || p.hasPoint {
		return ""
	}
	return code
}

// zone is the zone of a venue.
func (r *Reader) zone(p place, v Venue, start moment) (string, *time.Location, error) {
	name := strings.TrimSpace(p.zone)
	for _, list := range [][]*city{r.places.around(p, v), r.places.named(v), r.places.byCountry[v.Country]} {
		if name == "" && len(list) > 0 {
			name = r.places.only(list, start)
		}
	}
	if name == "" {
		name = r.defaults.Zone
	}
	if name == "" {
		return "", nil, fmt.Errorf("the time zone of %.60q, %s is not known: give geo (in a table: latitude and longitude, or time_zone), or --time-zone", v.City, v.Country)
	}
	zone, err := r.places.zone(name)
	return name, zone, err
}

// around are the cities of the country whose zone the point could have: one that is near, else the nearest and those not twice as far.
func (k *places) around(p place, v Venue) (near []*city) {
	if !p.hasPoint {
		return nil
	}
	nearest, km := k.nearest(p.north, p.east, v.Country)
	switch {
	case nearest == nil || km > zoneReach:
		return nil
	case km <= zoneNear:
		return []*city{nearest}
	}
	for _, c := range k.byCountry[v.Country] {
		if distance(p.north, p.east, c) <= 2*km {
			near = append(near, c)
		}
	}
	return near
}

// named are the cities of the country with the venue's city's name.
func (k *places) named(v Venue) (out []*city) {
	for _, c := range k.byName[fold(v.City)] {
		if c.country == v.Country {
			out = append(out, c)
		}
	}
	return out
}

// only is the zone that all of the cities have, or all whose clocks agree with the start; of zones with the same clocks in January and July of that
// year, the one with the most people. "" when there are several.
func (k *places) only(list []*city, start moment) (name string) {
	people := map[string]int{}
	for _, c := range list {
		people[c.zone] += c.people
	}
	if agreed := maps.Clone(people); start.offset && len(people) > 1 {
		maps.DeleteFunc(agreed, func(zone string, _ int) bool { return !k.agrees(zone, start) })
		if len(agreed) > 0 {
			people = agreed
		}
	}
	var clocks [2]int
	for zone, n := range people {
		z, err := k.zone(zone)
		if err != nil {
			return ""
		}
		mine := [2]int{offset(z, time.Date(start.t.Year(), 1, 15, 0, 0, 0, 0, time.UTC)), offset(z, time.Date(start.t.Year(), 7, 15, 0, 0, 0, 0, time.UTC))}
		if name != "" && mine != clocks {
			return ""
		}
		if clocks = mine; name == "" || n > people[name] || n == people[name] && zone < name {
			name = zone
		}
	}
	return name
}

// agrees reports whether a zone has the offset of a moment at that moment. One without an offset agrees with all.
func (k *places) agrees(zone string, m moment) bool {
	z, err := k.zone(zone)
	_, wanted := m.t.Zone()
	return err == nil && (!m.offset || offset(z, m.t) == wanted)
}

func offset(z *time.Location, t time.Time) int {
	_, seconds := t.In(z).Zone()
	return seconds
}

// nearest is the nearest city of a country.
func (k *places) nearest(north, east float64, code string) (best *city, km float64) {
	for _, c := range k.byCountry[code] {
		if d := distance(north, east, c); best == nil || d < km {
			best, km = c, d
		}
	}
	return best, km
}

// distance is that along a great circle, in km (haversine).
func distance(north, east float64, c *city) float64 {
	const radius, degree = 6371, math.Pi / 180
	a, b := math.Sin((north-c.latitude)*degree/2), math.Sin((east-c.longitude)*degree/2)
	return 2 * radius * math.Asin(math.Min(1, math.Sqrt(a*a+math.Cos(north*degree)*math.Cos(c.latitude*degree)*b*b)))
}
