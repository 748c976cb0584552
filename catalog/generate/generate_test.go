package generate

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

var monday = time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)

func small(seed uint64) Settings {
	return Settings{Seed: seed, Events: 3000, Venues: 150, From: monday, Days: 90, OnSale: 7}
}

func written(t *testing.T, s Settings) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, s, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The catalog of a seed is the same for ever: a change of it is a change for everybody who has measured with it.
func TestASeedMakesOneCatalog(t *testing.T) {
	t.Parallel()
	text := written(t, small(1))
	if text != written(t, small(1)) {
		t.Fatal("the same settings made two catalogs")
	}
	if text == written(t, small(2)) {
		t.Error("two seeds made one catalog")
	}
	sum := sha256.Sum256([]byte(text))
	if got := hex.EncodeToString(sum[:8]); got != golden {
		t.Errorf("the catalog of seed 1 is %s, was %s", got, golden)
	}
}

const golden = "24165f923e50c5ef"

type line struct {
	Type, ID, Name, City, Country, Venue, Currency, Category string
	Latitude, Longitude                                      float64
	TimeZone                                                 string `json:"time_zone"`
	StartTime                                                string `json:"start_time"`
	EndTime                                                  string `json:"end_time"`
	Performers                                               []string
	Prices                                                   map[string]int
	OnSale                                                   bool `json:"on_sale"`
}

func TestACatalogIsSound(t *testing.T) {
	t.Parallel()
	places, err := loadCities()
	if err != nil {
		t.Fatal(err)
	}
	cities := map[string][]city{}
	for _, c := range places {
		cities[c.name+c.country] = append(cities[c.name+c.country], c)
	}
	known, days, busy := map[string]string{}, map[string]bool{}, [7]int{}
	counts, onSale, names := map[string]int{}, 0, map[string]bool{}
	scanner := bufio.NewScanner(strings.NewReader(written(t, small(3))))
	for scanner.Scan() {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		if known[l.ID] != "" {
			t.Fatalf("%s stands twice", l.ID)
		}
		known[l.ID] = l.Type
		counts[l.Type]++
		switch l.Type {
		case "venue":
			checkVenue(t, l, cities[l.City+l.Country])
			if names[l.Name+l.City] {
				t.Errorf("two venues of %s are called %s", l.City, l.Name)
			}
			names[l.Name+l.City] = true
		case "performer":
			if names[l.Name] {
				t.Errorf("two acts are called %s", l.Name)
			}
			names[l.Name] = true
		case "event":
			start := checkEvent(t, l, known)
			day := l.Venue + l.StartTime[:10]
			if days[day] {
				t.Errorf("%s has two events on %s", l.Venue, l.StartTime[:10])
			}
			days[day] = true
			busy[start.Weekday()]++
			if l.OnSale {
				onSale++
			}
		}
	}
	if counts["venue"] != 150 || counts["event"] != 3000 || counts["performer"] != 100 || onSale != 7 {
		t.Errorf("%v, %d on sale", counts, onSale)
	}
	if busy[time.Saturday] < 2*busy[time.Monday] {
		t.Errorf("a Saturday is no busier than a Monday: %v", busy)
	}
}

func checkVenue(t *testing.T, l line, cities []city) {
	t.Helper()
	for _, c := range cities {
		if math.Abs(l.Latitude-c.latitude) < 0.2 && math.Abs(l.Longitude-c.longitude) < 0.2 && l.TimeZone == c.zone {
			if _, err := time.LoadLocation(l.TimeZone); err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Errorf("%s is not in %s", l.Name, l.City)
}

func checkEvent(t *testing.T, l line, known map[string]string) time.Time {
	t.Helper()
	if known[l.Venue] != "venue" {
		t.Errorf("%s names %q before it is there", l.ID, l.Venue)
	}
	for _, p := range l.Performers {
		if known[p] != "performer" {
			t.Errorf("%s names %q before it is there", l.ID, p)
		}
	}
	start, err1 := time.Parse(localTime, l.StartTime)
	end, err2 := time.Parse(localTime, l.EndTime)
	if err1 != nil || err2 != nil || !end.After(start) || start.Before(monday) || !start.Before(monday.AddDate(0, 0, 90)) || start.Hour() < 10 {
		t.Errorf("%s is from %s to %s", l.ID, l.StartTime, l.EndTime)
	}
	if l.Prices["A"] <= l.Prices["C"] || l.Prices["C"] <= 0 || len(l.Currency) != 3 || l.Category == "" || len(l.Performers) == 0 {
		t.Errorf("%+v", l)
	}
	return start
}

// Every city has a currency and a language: otherwise a larger catalog would fail where a small one does not.
func TestEveryCityCanHaveEvents(t *testing.T) {
	t.Parallel()
	w, err := newWorld(Settings{Seed: 1, Events: 1, Venues: 1, Days: 1, From: monday})
	if err != nil {
		t.Fatal(err)
	}
	places, _ := loadCities()
	speech, _ := loadLanguages()
	spoken := map[string]bool{}
	for _, l := range speech {
		for _, c := range l.Countries {
			spoken[c] = true
		}
		if len(l.First) == 0 || len(l.Last) == 0 || len(l.Adjective) == 0 || len(l.Noun) == 0 || len(l.Venues) == 0 || len(l.Titles) == 0 {
			t.Errorf("%s lacks words", l.tag)
		}
	}
	for _, c := range places {
		if _, _, err := w.money.Prices(c.country, map[string]int{"A": 1}); err != nil || !spoken[c.country] {
			t.Errorf("%s, %s: spoken %v, %v", c.name, c.country, spoken[c.country], err)
		}
	}
}

func TestSettingsThatCannotBeMet(t *testing.T) {
	t.Parallel()
	f := func(change func(*Settings), want string) {
		t.Helper()
		s := small(1)
		change(&s)
		var b bytes.Buffer
		if err := Write(&b, s, nil); err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
			t.Errorf("%+v: %v, %d bytes; want %q", s, err, b.Len(), want)
		}
	}
	f(func(s *Settings) { s.Events = 0 }, "events is 0, want 1 to 36500000")
	f(func(s *Settings) { s.Events = -1 }, "events is -1")
	f(func(s *Settings) { s.Events = MaxEvents + 1 }, "events is")
	f(func(s *Settings) { s.Venues = -1 }, "venues is -1")
	f(func(s *Settings) { s.Venues = MaxVenues + 1 }, "venues is 100001")
	f(func(s *Settings) { s.Days = 0 }, "days is 0")
	f(func(s *Settings) { s.Days = 10 }, "3000 events do not fit: 150 venues have 1500 days")
	f(func(s *Settings) { s.OnSale = 3001 }, "on-sale is 3001, want 0 to 3000")
	f(func(s *Settings) { s.From = time.Time{} }, "from is of the year 1")
	if s := (Settings{Events: 200, Days: 365, From: monday}); s.check() != nil || s.Venues != 10 {
		t.Errorf("venues are left open: %+v", s)
	}
}

// As many events as there are venue days: every venue is full, and nothing fails.
func TestAFullCatalog(t *testing.T) {
	t.Parallel()
	text := written(t, Settings{Seed: 9, Events: 100, Venues: 5, Days: 20, From: monday})
	if n := strings.Count(text, `"type":"event"`); n != 100 {
		t.Errorf("%d events, want 100", n)
	}
}
