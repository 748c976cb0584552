package generate

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// eventRecord is an event as the import reads it. Times have no zone: they are clocks at the venue.
type eventRecord struct {
	Type       string         `json:"type"`
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Venue      string         `json:"venue"`
	Performers []string       `json:"performers"`
	StartTime  string         `json:"start_time"`
	EndTime    string         `json:"end_time"`
	Details    string         `json:"details"`
	Category   string         `json:"category"`
	Currency   string         `json:"currency"`
	Prices     map[string]int `json:"prices"`
	OnSale     bool           `json:"on_sale,omitempty"`
}

// shareEvents gives every venue its number of events, at most one a day, by how much it draws. What rounding leaves goes to the venues that
// still have days, in their order.
func (w *world) shareEvents() {
	total := 0.0
	for i := range w.venues {
		total += w.venues[i].draw
	}
	left := w.Events
	for i := range w.venues {
		v := &w.venues[i]
		v.events = min(int(float64(w.Events)*v.draw/total), w.Days)
		left -= v.events
	}
	order := w.dice(diceQuotas, 0).Perm(len(w.venues))
	for left > 0 {
		for _, i := range order {
			if v := &w.venues[i]; left > 0 && v.events < w.Days {
				v.events++
				left--
			}
		}
	}
}

// weekdays are how busy the days are, from Sunday on.
var weekdays = [7]float64{0.9, 0.4, 0.6, 0.8, 1.1, 1.8, 2}

// daysOf draws n distinct days, busier weekdays rather than others: the n smallest of exponential variates by weight (Efraimidis and
// Spirakis, Weighted random sampling with a reservoir, 2006).
func (w *world) daysOf(r *rand.Rand, n int) []int {
	type day struct {
		number int
		key    float64
	}
	days := make([]day, w.Days)
	first := w.From.Weekday()
	for i := range days {
		days[i] = day{i, r.ExpFloat64() / weekdays[(int(first)+i)%7]}
	}
	slices.SortFunc(days, func(a, b day) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.number, b.number)) })
	out := make([]int, n)
	for i := range out {
		out[i] = days[i].number
	}
	slices.Sort(out)
	return out
}

// eventsAt makes the events of one venue, one a day at most: none overlaps another.
func (w *world) eventsAt(n int) []eventRecord {
	v := &w.venues[n]
	r := w.dice(diceEvents, uint64(n))
	out := make([]eventRecord, 0, v.events)
	for i, day := range w.daysOf(r, v.events) {
		out = append(out, w.event(r, v, n, i, w.From.AddDate(0, 0, day)))
	}
	return out
}

const localTime = "2006-01-02T15:04:05"

func (w *world) event(r *rand.Rand, v *venue, venueNumber, n int, day time.Time) eventRecord {
	a := w.drawAct(r)
	clock, _ := time.Parse("15:04", a.kind.start) // the constants are well-formed
	start := time.Date(day.Year(), day.Month(), day.Day(), clock.Hour(), clock.Minute(), 0, 0, time.UTC)
	prices, code, err := w.money.Prices(v.record.Country, a.kind.dollars)
	if err != nil {
		panic("generate: " + err.Error()) // a test holds the cities to the countries that have prices
	}
	e := eventRecord{
		Type: "event", ID: "gen-" + strconv.FormatUint(w.Seed, 10) + "/" + strconv.Itoa(venueNumber) + "-" + strconv.Itoa(n), Name: a.name + ": " + a.title,
		Venue: v.record.ID, Performers: []string{a.key}, StartTime: start.Format(localTime), Category: a.kind.name, Currency: code, Prices: prices,
		EndTime: start.Add(time.Duration(a.kind.minutes) * time.Minute).Format(localTime),
		Details: fmt.Sprintf("%s live at %s in %s.", a.name, v.record.Name, v.record.City),
	}
	if a.kind.name == "concert" && r.IntN(4) == 0 {
		if support := w.drawAct(r); support.key != a.key && support.kind == a.kind {
			e.Performers = append(e.Performers, support.key)
			e.Details += " Support: " + support.name + "."
		}
	}
	return e
}

// drawAct draws an act by Zipf's law within a category that is drawn by its share: the best known plays in hundreds of places.
func (w *world) drawAct(r *rand.Rand) *act {
	list := w.byKind[kindOf(r, math.MaxInt).name]
	if len(list) == 1 {
		return &w.acts[list[0]]
	}
	return &w.acts[list[rand.NewZipf(r, 1.1, 8, uint64(len(list)-1)).Uint64()]]
}
