package generate

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// monday is the first day in all tests.
var monday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// small has most of what a large catalog has: stadiums, matinées, runs that end and go on, full venues.
var small = Options{Seed: 7, Venues: 300, Stadiums: 4, Events: 15_000, From: monday, Days: 70, Tickets: 33}

func mustNew(t testing.TB, o Options) *Catalog {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// digest is over the first n records of each kind.
func digest(c *Catalog, n int) string {
	h := sha256.New()
	i := 0
	for v := range c.Venues() {
		if i++; i > n {
			break
		}
		fmt.Fprintln(h, v)
	}
	i = 0
	for a := range c.Acts() {
		if i++; i > n {
			break
		}
		fmt.Fprintln(h, a)
	}
	i = 0
	for e := range c.Events() {
		if i++; i > n {
			break
		}
		fmt.Fprintln(h, e)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

func TestEqualOptionsGiveEqualCatalogs(t *testing.T) {
	t.Parallel()
	const golden = "3c6cf4bf6ce10c73" // changes with the data and the algorithm: then every generated catalog is another one
	c := mustNew(t, small)
	if got := digest(c, 1000); got != golden {
		t.Errorf("the first thousand records are %s, want %s", got, golden)
	}
	if whole := digest(c, math.MaxInt); digest(c, math.MaxInt) != whole || digest(mustNew(t, small), math.MaxInt) != whole {
		t.Error("the same catalog differs when it is made again")
	}
	noon := small
	noon.From = monday.Add(12 * time.Hour)
	if digest(mustNew(t, noon), 1000) != golden {
		t.Error("the clock of the first day counts")
	}
}

func TestAnyOtherOptionGivesAnotherCatalog(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{digest(mustNew(t, small), 1000): true}
	keys := map[string]bool{small.prefix(): true}
	for name, change := range map[string]func(o *Options){
		"seed": func(o *Options) { o.Seed++ }, "venues": func(o *Options) { o.Venues++ }, "stadiums": func(o *Options) { o.Stadiums++ },
		"events": func(o *Options) { o.Events++ }, "from": func(o *Options) { o.From = o.From.AddDate(0, 0, 7) }, "days": func(o *Options) { o.Days++ },
	} {
		o := small
		change(&o)
		if d := digest(mustNew(t, o), 1000); seen[d] || keys[o.prefix()] {
			t.Errorf("another %s gives the same catalog", name)
		} else {
			seen[d], keys[o.prefix()] = true, true
		}
	}
	more := small
	more.Tickets = 100
	if more.prefix() != small.prefix() {
		t.Error("a catalog of which more is on sale has other keys, so the sale of an imported one cannot be opened")
	}
}

func TestVenuesStandInTheirCities(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Options{Seed: 1, Venues: 10_000, Stadiums: 10, Events: 1000, From: monday, Days: 30})
	keys, names, cities, halls, seats := map[string]bool{}, map[string]bool{}, map[string]int{}, 0, 0
	for i, v := range c.venues {
		in := c.cities[v.city]
		north := (v.Latitude - in.latitude) * kmADegree
		east := (v.Longitude - in.longitude) * kmADegree * math.Cos(in.latitude*math.Pi/180)
		if km := math.Hypot(north, east); !(km < 60) {
			t.Errorf("%v lies %.0f km from its city", v.Venue, km)
		}
		if _, err := time.LoadLocation(v.Zone); err != nil || v.Zone != in.zone || v.Country != in.country {
			t.Errorf("%v: %v", v.Venue, err)
		}
		if keys[v.Key] || names[fmt.Sprint(v.city, v.Name)] || !clean(v.Name) {
			t.Errorf("%v: key or name is not its own, or not clean", v.Venue)
		}
		if i < 10 != (v.Capacity >= 30_000) {
			t.Errorf("venue %d has %d seats", i, v.Capacity)
		}
		if v.Capacity >= 400 && v.Capacity <= 600 {
			halls++
		}
		if i >= 10 {
			seats += v.Capacity
		}
		keys[v.Key], names[fmt.Sprint(v.city, v.Name)] = true, true
		cities[v.City]++
	}
	if halls < 5500 || seats/9990 < 450 || seats/9990 > 650 {
		t.Errorf("%d of 10,000 venues have about 500 seats; all have %d in the mean", halls, seats/9990)
	}
	if len(cities) < 1000 || cities["London"] < 50 || cities["London"] > 500 {
		t.Errorf("%d cities, London with %d venues", len(cities), cities["London"])
	}
}

// clean reports a name without anything that a pattern left behind.
func clean(s string) bool {
	return s != "" && strings.TrimSpace(s) == s && !strings.ContainsAny(s, "{}|%") && !strings.Contains(s, "  ") &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar })
}

func TestActsHaveNamesOfTheirOwnInManyScripts(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Options{Seed: 3, Venues: 2000, Events: 200_000, From: monday, Days: 182})
	names, scripts := map[string]bool{}, map[string]int{}
	wanted := []string{"Latin", "Cyrillic", "Han", "Hiragana", "Hangul", "Arabic", "Hebrew", "Greek", "Devanagari", "Bengali", "Thai"}
	for a := range c.Acts() {
		if names[a.Name] || !clean(a.Name) {
			t.Errorf("%q stands twice, or is not clean", a.Name)
		}
		names[a.Name] = true
		for _, script := range wanted {
			if strings.ContainsFunc(a.Name, func(r rune) bool { return unicode.Is(unicode.Scripts[script], r) }) {
				scripts[script]++
			}
		}
		if strings.ContainsAny(a.Name, "áéíóúäöüßçñøåęłšžăâ") {
			scripts["accents"]++
		}
	}
	if len(names) < 25_000 {
		t.Errorf("%d acts", len(names))
	}
	for _, script := range append(wanted, "accents") {
		if scripts[script] < 30 {
			t.Errorf("%d names in %s", scripts[script], script)
		}
	}
}

// faults are what must never be in a catalog, by a given list of events.
func faults(c *Catalog, events []Event) (out []string) {
	free := map[string]time.Time{} // by venue
	where := map[string]string{}   // city, by act and day
	keys := map[string]bool{}
	at := map[string]*venue{}
	for i := range c.venues {
		at[c.venues[i].Key] = &c.venues[i]
	}
	slices.SortFunc(events, func(a, b Event) int { return a.Start.Compare(b.Start) })
	for _, e := range events {
		v := at[e.Venue]
		if keys[e.Key] || v == nil {
			out = append(out, "key or venue of "+e.Key)
			continue
		}
		keys[e.Key] = true
		if e.Start.Before(free[e.Venue]) {
			out = append(out, "overlap at "+e.Venue)
		}
		free[e.Venue] = e.Start.Add(e.Length)
		for _, a := range e.Acts {
			day := a + e.Start.Format(" 2006-01-02")
			if city, plays := where[day]; plays && city != e.Venue {
				out = append(out, "two places on one day for "+day)
			}
			where[day] = e.Venue
		}
		from := e.Start.Hour()*60 + e.Start.Minute()
		to := from + int(e.Length.Minutes())
		if (from < matineeFrom || to > matineeTo) && (from < eveningFrom || to > eveningTo) || from%5 != 0 {
			out = append(out, "clock of "+e.Key)
		}
		if !clean(e.Name) || !clean(e.Details) || e.Category == "" || len(e.Acts) == 0 || e.Dollars["A"] <= e.Dollars["C"] || e.Dollars["C"] < 2 {
			out = append(out, fmt.Sprint("facts of ", e))
		}
	}
	return out
}

func TestNothingThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		small,
		{Seed: 1, Venues: 1, Events: 20, From: monday, Days: 10},                         // every slot is taken
		{Seed: 2, Venues: 500, Events: 30_000, From: monday, Days: 30},                   // every slot is taken
		{Seed: math.MaxUint64, Venues: 3, Stadiums: 3, Events: 1, From: monday, Days: 1}, // almost nothing
	} {
		c := mustNew(t, o)
		events := slices.Collect(c.Events())
		if got := faults(c, events); len(got) > 0 {
			t.Errorf("%+v: %d faults: %q", o, len(got), got[:min(5, len(got))])
		}
		last, sales := monday, 0
		for _, e := range events {
			if e.Start.After(last) {
				last = e.Start
			}
			if e.OnSale {
				sales++
			}
		}
		if len(events) != o.Events || sales != o.Tickets || last.After(monday.AddDate(0, 0, o.Days)) {
			t.Errorf("%+v: %d events, %d on sale, the last on %s", o, len(events), sales, last)
		}
	}
}

func TestPlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	c := mustNew(t, small)
	for name, plant := range map[string]func(events []Event){
		"overlap":  func(e []Event) { e[9].Venue, e[9].Start, e[9].Length = e[0].Venue, e[0].Start, e[0].Length },
		"two acts": func(e []Event) { e[9].Acts = e[0].Acts },
		"key":      func(e []Event) { e[9].Key = e[0].Key },
		"clock":    func(e []Event) { e[9].Start = e[9].Start.Truncate(24 * time.Hour).Add(3 * time.Hour) },
		"name":     func(e []Event) { e[9].Name = "The {adj}" },
	} {
		events := slices.Collect(c.Events())
		plant(events)
		if len(faults(c, events)) == 0 {
			t.Errorf("a planted fault is not found: %s", name)
		}
	}
}

func TestTheCatalogIsSkewedAsLifeIs(t *testing.T) {
	t.Parallel()
	c := mustNew(t, Options{Seed: 5, Venues: 1000, Events: 60_000, From: monday, Days: 140})
	weekday, acts, cities, titles := map[time.Weekday]int{}, map[string]int{}, map[string]map[string]bool{}, 0
	city := map[string]string{}
	for v := range c.Venues() {
		city[v.Key] = v.City
	}
	categories := map[string]int{}
	for e := range c.Events() {
		weekday[e.Start.Weekday()]++
		categories[e.Category]++
		acts[e.Acts[0]]++
		if cities[e.Acts[0]] == nil {
			cities[e.Acts[0]] = map[string]bool{}
		}
		cities[e.Acts[0]][city[e.Venue]] = true
	}
	if weekday[time.Saturday] < 2*weekday[time.Monday] {
		t.Errorf("Saturdays have %d events, Mondays %d", weekday[time.Saturday], weekday[time.Monday])
	}
	counts := []int{}
	for a, n := range acts {
		counts = append(counts, n)
		if len(cities[a]) >= 5 {
			titles++
		}
	}
	slices.Sort(counts)
	slices.Reverse(counts)
	top := 0
	for _, n := range counts[:len(counts)/100] {
		top += n
	}
	if top < 60_000/20 || counts[0] > 150 || counts[len(counts)/2] > 12 {
		t.Errorf("the first hundredth of the acts has %d of 60,000 events; the first %d, the middle one %d", top, counts[0], counts[len(counts)/2])
	}
	if titles < 500 {
		t.Errorf("%d acts tour five cities or more", titles)
	}
	for _, choice := range casting {
		if categories[choice.category] < 600 {
			t.Errorf("%s has %d of 60,000 events", choice.category, categories[choice.category])
		}
	}
}

func TestOptionsOutOfBoundsAreTold(t *testing.T) {
	t.Parallel()
	f := func(change func(o *Options), want string) {
		t.Helper()
		o := small
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want …%s…", o, err, want)
		}
	}
	f(func(o *Options) { o.Venues = 0 }, "venues: 0 is not from 1 to 100000")
	f(func(o *Options) { o.Venues = -5 }, "venues: -5")
	f(func(o *Options) { o.Venues = 100_001 }, "venues")
	f(func(o *Options) { o.Stadiums = 51 }, "stadiums: 51 is not from 0 to 50")
	f(func(o *Options) { o.Venues, o.Stadiums = 3, 4 }, "stadiums: 4 is not from 0 to 3")
	f(func(o *Options) { o.Events = 0 }, "events: 0")
	f(func(o *Options) { o.Events = math.MaxInt }, "events")
	f(func(o *Options) { o.Events, o.Tickets = 300*70*2+1, 0 }, "do not fit")
	f(func(o *Options) { o.Days = 0 }, "days: 0")
	f(func(o *Options) { o.Days = 3661 }, "days: 3661")
	f(func(o *Options) { o.Tickets = -1 }, "tickets: -1")
	f(func(o *Options) { o.Tickets = o.Events + 1 }, "tickets: 15001 is not from 0 to 15000")
	f(func(o *Options) { o.From = time.Time{} }, "from: the year: 1")
}

func TestSharesAreWhole(t *testing.T) {
	t.Parallel()
	f := func(total, most float64, weights, want []float64) {
		t.Helper()
		got := share(total, most, weights)
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-9 {
				t.Errorf("share(%g, %g, %v) = %v, want %v", total, most, weights, got, want)
			}
		}
	}
	f(6, 10, []float64{1, 2, 3}, []float64{1, 2, 3})
	f(6, 2, []float64{1, 2, 3}, []float64{2, 2, 2})
	f(5, 2, []float64{1, 2, 9}, []float64{1, 2, 2})
	f(1, 1, []float64{5}, []float64{1})
}

func BenchmarkEvents(b *testing.B) {
	c := mustNew(b, Options{Seed: 1, Venues: 2000, Events: 200_000, From: monday, Days: 182})
	n := 0
	for b.Loop() {
		for range c.Events() {
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
