package gateway

import (
	"net/url"
	"strconv"
	"strings"

	"usher/booking"
	"usher/catalog/layout"
	"usher/internal/id"
)

const (
	// What one page lists at most: a section of a generated stadium has 700 seats, and few venues have more sections than this.
	maxListedSeats    = 720
	maxListedSections = 400
)

// where is the part of the layout that a page shows: a section from a row on, or the sections from one on.
type where struct {
	section string
	from    int
}

// path is the address of that part.
func (w where) path(e id.Event) string {
	q := url.Values{}
	if w.section != "" {
		q.Set("section", w.section)
	}
	if w.from > 0 {
		q.Set("from", strconv.Itoa(w.from))
	}
	path := "/events/" + e.String() + "/seats"
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}

// markedLevel is a price level as the map marks it. Mark chooses its colour and Shape its shape, which the script draws alike.
type markedLevel struct {
	Name        string
	Price       int64
	Mark, Shape int
	Free        int
}

type sectionView struct {
	Index int
	Name  string
	Level markedLevel
	Free  int
	URL   string
}

// openSection is a section with its rows from one on.
type openSection struct {
	Index int
	sectionView
	Rows []rowView
	Back string // to all sections
	Next string // to the rows after these; empty: there are none
}

type rowView struct {
	Name       string
	Accessible bool
	Seats      []placeView
}

// placeView is one seat of a row.
type placeView struct {
	ID     id.Ticket
	Number int
	State  string // "free", "mine", "taken"
}

// marks is how many colours and shapes there are; beyond it colours come again with other shapes.
const marks = 6

// draw lists the part of the layout that is asked for.
func (p *seatsPage) draw(at where, held []booking.Ticket) {
	mine := map[int]bool{}
	for _, t := range held {
		mine[t.ID.Seat()] = true
	}
	level := map[string]int{}
	first := 0
	for i, sec := range p.Show.Sections() {
		n, known := level[sec.Level]
		if !known {
			n = len(p.Levels)
			level[sec.Level] = n
			p.Levels = append(p.Levels, markedLevel{Name: sec.Level, Price: int64(p.Show.Prices[sec.Level]), Mark: n % marks, Shape: (n + n/marks) % marks})
		}
		seats := 0
		for _, r := range sec.Rows {
			seats += r.Seats
		}
		v := sectionView{Index: i, Name: sec.Name, Level: p.Levels[n], URL: where{section: sec.Name}.path(p.Event), Free: p.free(first, seats)}
		p.Levels[n].Free += v.Free
		if sec.Name == at.section {
			p.open(at, v, sec, first, mine)
		}
		p.Sections = append(p.Sections, v)
		first += seats
	}
	p.Missing = at.section != "" && p.Open == nil
	if at.section != "" {
		at.from = 0
	}
	p.page(at.from)
}

// page keeps the sections from one on that fit into one page.
func (p *seatsPage) page(from int) {
	from = min(from, len(p.Sections))
	rest := p.Sections[from:]
	if len(rest) > maxListedSections {
		rest, p.More = rest[:maxListedSections], from+maxListedSections
	}
	p.Sections = rest
}

// Quantities are the sizes of a party.
func (p *seatsPage) Quantities() (out []int) {
	for n := range p.Limit {
		out = append(out, n+1)
	}
	return out
}

// MoreURL leads to the sections after those that are listed.
func (p *seatsPage) MoreURL() string { return where{from: p.More}.path(p.Event) }

// free counts the seats for sale among n from the first one on.
func (p *seatsPage) free(first, n int) int {
	codes := p.Show.Codes
	first = min(first, len(codes))
	return strings.Count(string(codes[first:min(first+n, len(codes))]), "0")
}

// open lists the rows of a section from one on, as many as fit into one page and at least one.
func (p *seatsPage) open(at where, v sectionView, sec layout.Section, first int, mine map[int]bool) {
	p.Open = &openSection{Index: v.Index, sectionView: v, Back: where{}.path(p.Event)}
	listed := 0
	for i, r := range sec.Rows {
		switch {
		case i < at.from:
		case listed > 0 && listed+r.Seats > maxListedSeats:
			p.Open.Next = where{sec.Name, i}.path(p.Event)
			return
		default:
			listed += r.Seats
			p.Open.Rows = append(p.Open.Rows, p.row(r, first, mine))
		}
		first += r.Seats
	}
}

func (p *seatsPage) row(r layout.Row, first int, mine map[int]bool) rowView {
	out := rowView{Name: r.Name, Accessible: r.Accessible, Seats: make([]placeView, r.Seats)}
	for i := range out.Seats {
		seat := first + i
		state := "taken"
		switch {
		case mine[seat]:
			state = "mine"
		case seat < len(p.Show.Codes) && p.Show.Codes[seat] == '0':
			state = "free"
		}
		out.Seats[i] = placeView{p.Event.Ticket(seat), i + 1, state}
	}
	return out
}

// seatOf is a ticket in words.
func seatOf(t booking.Ticket) seatView {
	return seatView{t.Section, t.Row, strings.TrimPrefix(t.SeatNumber, t.Section+"-"+t.Row+"-"), int64(t.Price), t.Currency}
}
