package searchtest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"usher/search"
)

// told words a query for a test's complaint.
func told(q search.Query) string {
	price := func(p *int) string {
		if p == nil {
			return ""
		}
		return fmt.Sprint(*p)
	}
	return fmt.Sprintf("{text %q, location %q, point %t %v,%v within %v, %s to %s, venue %q, performer %q, category %q, prices %s to %s, available %t, by %s}", q.Text, q.Location,
		q.HasPoint, q.Latitude, q.Longitude, q.RadiusKM, q.StartDate.Format(time.DateOnly), q.EndDate.Format(time.DateOnly), q.Venue, q.Performer, q.Category,
		price(q.PriceMin), price(q.PriceMax), q.Available, q.Sort)
}

// naive searches a catalog by looking at every event.
type naive struct {
	venues     map[string]Venue
	performers map[string]Performer
	events     []Event
	sold       map[string]bool
}

func newNaive(c Catalog) *naive {
	n := &naive{venues: map[string]Venue{}, performers: map[string]Performer{}, events: c.Events, sold: map[string]bool{}}
	for _, v := range c.Venues {
		n.venues[v.Key] = v
	}
	for _, p := range c.Performers {
		n.performers[p.Key] = p
	}
	return n
}

func (n *naive) date(e Event) time.Time {
	zone, err := time.LoadLocation(n.venues[e.Venue].Zone)
	if err != nil {
		panic(err)
	}
	l := e.Start.In(zone)
	return time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, time.UTC)
}

// matches reports whether an event is what the query asks for.
func (n *naive) matches(q search.Query, e Event) bool {
	v, d := n.venues[e.Venue], n.date(e)
	all := v.Name + " " + v.City + " " + v.Location + " " + e.Name + " " + e.Category
	played := q.Performer == ""
	for _, p := range e.Performers {
		all += " " + n.performers[p].Name
		played = played || has(folded(n.performers[p].Name), folded(q.Performer), false)
	}
	placed := true
	for part := range strings.SplitSeq(q.Location, ",") {
		placed = placed && has(folded(v.City+" "+v.Location+" "+v.Country), folded(part), false)
	}
	if q.HasPoint {
		placed = v.Latitude != nil && n.distance(q, e) <= q.RadiusKM
	}
	return played && placed && has(folded(all), folded(q.Text), true) && has(folded(v.Name), folded(q.Venue), false) &&
		(q.Category == "" || strings.EqualFold(q.Category, e.Category)) && (q.StartDate.IsZero() || !d.Before(q.StartDate)) && (q.EndDate.IsZero() || !d.After(q.EndDate)) &&
		(q.PriceMin == nil || e.High >= *q.PriceMin) && (q.PriceMax == nil || e.Low <= *q.PriceMax) && (!q.Available || e.OnSale && !n.sold[e.Key])
}

// has reports whether all the words are there; the last may be unfinished.
func has(text, words []string, open bool) bool {
	for i, w := range words {
		if !slices.ContainsFunc(text, func(t string) bool { return t == w || open && i == len(words)-1 && strings.HasPrefix(t, w) }) {
			return false
		}
	}
	return true
}

// distance is the chord's way round the sphere: another formula than an engine's.
func (n *naive) distance(q search.Query, e Event) float64 {
	xyz := func(lat, lon float64) [3]float64 {
		sinLat, cosLat := math.Sincos(lat * math.Pi / 180)
		sinLon, cosLon := math.Sincos(lon * math.Pi / 180)
		return [3]float64{cosLat * cosLon, cosLat * sinLon, sinLat}
	}
	v := n.venues[e.Venue]
	a, b := xyz(q.Latitude, q.Longitude), xyz(*v.Latitude, *v.Longitude)
	chord := math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
	return 2 * 6371.0 * math.Asin(math.Min(1, chord/2))
}

func (n *naive) find(q search.Query) (out []Event) {
	for _, e := range n.events {
		if n.matches(q, e) {
			out = append(out, e)
		}
	}
	return out
}

// facets counts events as search.Facets says; venues by name, as naive knows no ids.
func (n *naive) facets(events []Event) search.Facets {
	categories, cities, venues, months, prices := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	var free []search.Facet
	for _, e := range events {
		if e.Category != "" {
			categories[e.Category]++
		}
		cities[n.venues[e.Venue].Location]++
		venues[n.venues[e.Venue].Name]++
		months[n.date(e).Format("2006-01")]++
		for i, low := range []int{0, 2500, 5000, 10000, 20000} {
			high := []int{2500, 5000, 10000, 20000, math.MaxInt}[i] - 1
			if e.Low <= high && e.High >= low {
				prices[strings.TrimSuffix(fmt.Sprintf("%d-%d", low, high), fmt.Sprint(math.MaxInt-1))]++
			}
		}
		if e.OnSale && !n.sold[e.Key] {
			if free == nil {
				free = []search.Facet{{Value: "true"}}
			}
			free[0].Count++
		}
	}
	return search.Facets{Category: top(categories), City: top(cities), Venue: top(venues), Month: inOrder(months), Price: inOrder(prices), Available: free}
}

// inOrder lists counts by their values.
func inOrder(counts map[string]int) (out []search.Facet) {
	for _, v := range slices.SortedFunc(maps.Keys(counts), strings.Compare) {
		out = append(out, search.Facet{Value: v, Count: counts[v]})
	}
	return out[:min(len(out), search.MaxFacet)]
}

// top lists counts, the highest first.
func top(counts map[string]int) []search.Facet {
	out := inOrder(counts)
	slices.SortStableFunc(out, func(a, b search.Facet) int { return cmp.Compare(b.Count, a.Count) })
	return out
}
