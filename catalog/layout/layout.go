// Package layout says how a venue's seats are arranged. It is pure: catalog creates tickets from it, the booking desk
// finds neighbours in it, pages draw it.
//
// Seats are numbered 0, 1, 2 … in event seat order: section by section, row by row, seat by seat, the best
// sections first and in each section the row nearest the stage first. The index of a seat is part of its ticket's id.
package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"usher/internal/id"
)

// MaxName bounds the names of sections, rows and levels, in bytes.
const MaxName = 32

// Layout is an immutable arrangement of seats. Make it with New or Parse.
type Layout struct {
	sections []Section
	rows     []rowSpan // every row, in seat order
	capacity int
}

// Section is a block of rows of one price level.
type Section struct {
	Name  string `json:"name"`
	Level string `json:"level"` // price level, a key of the event's prices
	Rows  []Row  `json:"rows"`
}

// Row is one row of seats numbered 1 … Seats from the left.
type Row struct {
	Name       string `json:"name"`
	Seats      int    `json:"seats"`
	Accessible bool   `json:"accessible,omitempty"`
}

type rowSpan struct {
	first, section, row int
}

// Seat is one seat of a layout.
type Seat struct {
	Index      int
	Section    string
	Row        string
	Number     string // "section-row-seat": unique in the layout, the API's seat_number
	Level      string
	Accessible bool
}

// New checks the sections and returns their layout. Names are 1 to MaxName bytes, section names are distinct, as are
// the rows of one section, and there are 1 to id.MaxSeats seats.
func New(sections []Section) (*Layout, error) {
	l := &Layout{sections: slices.Clone(sections)}
	seen := map[string]bool{}
	for i, s := range l.sections {
		if err := checkSection(s); err != nil {
			return nil, err
		}
		if seen[s.Name] {
			return nil, fmt.Errorf("section %q stands twice", s.Name)
		}
		seen[s.Name] = true
		for j, r := range s.Rows {
			l.rows = append(l.rows, rowSpan{first: l.capacity, section: i, row: j})
			l.capacity += r.Seats
			if l.capacity > id.MaxSeats {
				return nil, fmt.Errorf("more than %d seats", id.MaxSeats)
			}
		}
	}
	if l.capacity == 0 {
		return nil, errors.New("no seats")
	}
	return l, nil
}

func checkSection(s Section) error {
	if err := checkName("section", s.Name); err != nil {
		return err
	}
	if err := checkName("level", s.Level); err != nil {
		return fmt.Errorf("section %q: %w", s.Name, err)
	}
	rows := map[string]bool{}
	for _, r := range s.Rows {
		if err := checkName("row", r.Name); err != nil {
			return fmt.Errorf("section %q: %w", s.Name, err)
		}
		if rows[r.Name] {
			return fmt.Errorf("section %q: row %q stands twice", s.Name, r.Name)
		}
		rows[r.Name] = true
		if r.Seats < 1 || r.Seats > 1000 {
			return fmt.Errorf("section %q row %q: %d seats, want 1 to 1000", s.Name, r.Name, r.Seats)
		}
	}
	return nil
}

func checkName(what, name string) error {
	if name == "" || len(name) > MaxName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return fmt.Errorf("%s name %q: want 1 to %d printable bytes", what, name, MaxName)
	}
	return nil
}

// Parse reads the JSON that MarshalJSON writes, and checks it as New does.
func Parse(spec []byte) (*Layout, error) {
	var sections []Section
	if err := json.Unmarshal(spec, &sections); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	return New(sections)
}

// MarshalJSON writes the sections; equal layouts write equal bytes.
func (l *Layout) MarshalJSON() ([]byte, error) { return json.Marshal(l.sections) }

// Capacity is the number of seats.
func (l *Layout) Capacity() int { return l.capacity }

// Sections returns the sections in seat order. Callers must not change them.
func (l *Layout) Sections() []Section { return l.sections }

// Seat returns the seat with the given index, which must lie in [0, Capacity).
func (l *Layout) Seat(index int) Seat {
	span := l.rows[l.rowOf(index)]
	s := l.sections[span.section]
	r := s.Rows[span.row]
	return Seat{
		Index: index, Section: s.Name, Row: r.Name, Level: s.Level, Accessible: r.Accessible,
		Number: s.Name + "-" + r.Name + "-" + strconv.Itoa(index-span.first+1),
	}
}

// RowOf returns the half-open range of seat indexes of the row that holds the seat: physical neighbours.
func (l *Layout) RowOf(index int) (from, to int) {
	n := l.rowOf(index)
	span := l.rows[n]
	return span.first, span.first + l.sections[span.section].Rows[span.row].Seats
}

func (l *Layout) rowOf(index int) int {
	return sort.Search(len(l.rows), func(i int) bool { return l.rows[i].first > index }) - 1
}

// Plan is a layout with an event's prices: what the sale of one event needs to know about its seats.
type Plan struct {
	Event    id.Event
	Currency string         // ISO 4217
	Prices   map[string]int // price level → minor units
	*Layout
}

// Price returns the price of the seat with the given index, in minor units.
func (p *Plan) Price(index int) int {
	return p.Prices[p.sections[p.rows[p.rowOf(index)].section].Level]
}

// Check reports a level of the layout that has no price, or a price below zero.
func (p *Plan) Check() error {
	for _, s := range p.sections {
		if price, ok := p.Prices[s.Level]; !ok || price < 0 {
			return fmt.Errorf("section %q: price level %q has no price", s.Name, s.Level)
		}
	}
	return nil
}
