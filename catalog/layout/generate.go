package layout

import (
	"fmt"
	"slices"
	"strconv"

	"usher/internal/id"
)

// ring is a part of a generated building: its share of the seats, in sections of about the given size.
type ring struct {
	share   int // of 100
	section int // seats, about
	width   int // seats a row
	number  int // of the first section; 0: the only section, named
	name    string
	levels  []string // from the best third of the sections to the worst
}

const hallMost = 5000 // seats; beyond it stands a stadium

// The shares of a hall are those of a theatre with stalls, circle and balcony; those of a stadium are rough means of real bowls.
var (
	hallRings = []ring{
		{share: 35, section: hallMost, width: 20, name: "Front Stalls", levels: []string{"A"}},
		{share: 35, section: hallMost, width: 20, name: "Rear Stalls", levels: []string{"B"}},
		{share: 30, section: hallMost, width: 24, name: "Balcony", levels: []string{"C"}},
	}
	stadiumRings = []ring{
		{share: 40, section: 600, width: 22, number: 101, levels: []string{"A", "B", "B"}},
		{share: 20, section: 400, width: 20, number: 201, levels: []string{"A", "B", "C"}},
		{share: 40, section: 700, width: 24, number: 301, levels: []string{"C", "D", "D"}},
	}
)

// Generate arranges exactly capacity seats, 1 to id.MaxSeats: a hall of three blocks with levels A to C, or beyond 5,000 seats a stadium
// of three rings with levels A to D. Equal capacities give equal layouts.
func Generate(capacity int) (*Layout, error) {
	if capacity < 1 || capacity > id.MaxSeats {
		return nil, fmt.Errorf("%d seats, want 1 to %d", capacity, id.MaxSeats)
	}
	rings := hallRings
	if capacity > hallMost {
		rings = stadiumRings
	}
	var sections []Section
	left := capacity
	for i, r := range rings {
		seats := capacity * r.share / 100
		if i == len(rings)-1 {
			seats = left
		}
		left -= seats
		sections = append(sections, r.sections(seats)...)
	}
	// The best first: by level, and within a level by ring.
	slices.SortStableFunc(sections, func(a, b Section) int { return int(a.Level[0]) - int(b.Level[0]) })
	return New(sections)
}

// sections spreads seats over as many sections as the ring needs, as evenly as can be.
func (r ring) sections(seats int) (out []Section) {
	n := min((seats+r.section-1)/r.section, 100) // a ring's numbers end where the next one's begin
	for i := range n {
		name := r.name
		if r.number > 0 {
			name = strconv.Itoa(r.number + i)
		}
		share := seats*(i+1)/n - seats*i/n
		out = append(out, Section{Name: name, Level: r.levels[i*len(r.levels)/n], Rows: rows(share, r.width)})
	}
	return out
}

// rows fills rows of the given width; the last, which takes what remains, has room for wheelchairs.
func rows(seats, width int) (out []Row) {
	for seats > 0 {
		n := min(seats, width)
		seats -= n
		out = append(out, Row{Name: rowName(len(out)), Seats: n, Accessible: seats == 0})
	}
	return out
}

// rowName counts A … Z, AA, AB …
func rowName(n int) string {
	name := string(rune('A' + n%26))
	if n >= 26 {
		name = rowName(n/26-1) + name
	}
	return name
}
