package catalog

import (
	"strconv"
	"time"
)

// The bodies are appended by hand: a full view of 500 seats is 110 KB, and encoding/json takes many times as long for it
// (BenchmarkRender against BenchmarkRenderWithEncodingJSON).

// event renders the event view whose tickets begin with the given seat; next is the cursor to the following page, or empty.
func (p *picture) event(first int, next string) []byte {
	f := p.facts
	n := max(min(len(p.codes)-first, PageSeats), 0)
	b := make([]byte, 0, 2048+240*n)
	b = p.appendEvent(append(b, `{"event":`...))
	b = appendVenue(append(b, `,"venue":`...), f.Venue)
	b = append(b, `,"performer":`...)
	if len(f.Performers) > 0 {
		b = appendPerformer(b, f.Performers[0])
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"performers":[`...)
	for i, performer := range f.Performers {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPerformer(b, performer)
	}
	b = append(f.Start.In(f.Venue.Zone).AppendFormat(append(b, `],"date":"`...), time.DateOnly), '"')
	b = p.appendTickets(append(b, `,"tickets":[`...), first, n)
	b = appendOptional(append(b, `],"tickets_next_cursor":`...), next)
	b = p.appendAvailability(append(b, `,"availability":`...))
	b = p.appendRoom(append(b, `,"room":`...))
	return append(b, '}')
}

func (p *picture) appendEvent(b []byte) []byte {
	f := p.facts
	b = appendString(append(b, `{"id":`...), f.Event.String())
	b = appendString(append(b, `,"name":`...), f.Name)
	b = appendString(append(b, `,"venue_id":`...), f.Venue.ID.String())
	b = appendOptional(append(b, `,"s3_image_url":`...), p.image)
	b = appendString(append(b, `,"details":`...), f.Details)
	b = appendString(append(b, `,"performer":`...), f.Performer)
	b = appendTime(append(b, `,"start_time":`...), f.Start.UTC())
	b = appendTime(append(b, `,"end_time":`...), f.End.UTC())
	return append(b, '}')
}

func appendVenue(b []byte, v Venue) []byte {
	b = appendString(append(b, `{"id":`...), v.ID.String())
	b = appendString(append(b, `,"name":`...), v.Name)
	b = appendString(append(b, `,"location":`...), v.Location)
	b = appendString(append(b, `,"city":`...), v.City)
	b = appendString(append(b, `,"country":`...), v.Country)
	b = appendNumber(append(b, `,"latitude":`...), v.Latitude)
	b = appendNumber(append(b, `,"longitude":`...), v.Longitude)
	b = appendString(append(b, `,"time_zone":`...), v.Zone.String())
	return append(b, '}')
}

func appendPerformer(b []byte, p Performer) []byte {
	b = appendString(append(b, `{"id":`...), p.ID.String())
	b = appendString(append(b, `,"name":`...), p.Name)
	return append(b, '}')
}

// appendTickets writes n tickets from the given seat on. What all tickets of a row share is escaped once a row.
func (p *picture) appendTickets(b []byte, first, n int) []byte {
	event := p.facts.Event.String()
	var number, shared []byte // the seat number up to its last part; section, row, price and currency
	from, to := 0, 0          // the row that they are of
	for seat := first; seat < first+n; seat++ {
		if seat >= to {
			from, to = p.facts.RowOf(seat)
			number, shared = p.rowParts(seat, number[:0], shared[:0])
		}
		if seat > first {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"id":"`...), event...), '-')
		b = strconv.AppendInt(b, int64(seat), 10)
		b = append(append(append(b, `","event_id":"`...), event...), `","seat_number":`...)
		b = strconv.AppendInt(append(b, number...), int64(seat-from+1), 10)
		b = p.appendState(append(b, shared...), seat)
	}
	return b
}

// rowParts appends what the tickets of the seat's row share.
func (p *picture) rowParts(seat int, number, shared []byte) (_, _ []byte) {
	s := p.facts.Seat(seat)
	number = appendString(number, s.Section+"-"+s.Row+"-")
	number = number[:len(number)-1] // the closing quote comes after the seat
	shared = appendString(append(shared, `","section":`...), s.Section)
	shared = appendString(append(shared, `,"row":`...), s.Row)
	shared = strconv.AppendInt(append(shared, `,"price":`...), int64(p.facts.Price(seat)), 10)
	shared = appendString(append(shared, `,"currency":`...), p.facts.Currency)
	return number, shared
}

// ticketEnds are the last members of a ticket by code; those of a held one stop where the expiry of the hold comes.
var ticketEnds = [...]string{
	`,"status":"available","held":false,"hold_expiry":null,"blocked":false}`,
	`,"status":"available","held":true,"hold_expiry":`,
	`,"status":"payment_processing","held":false,"hold_expiry":null,"blocked":false}`,
	`,"status":"booked","held":false,"hold_expiry":null,"blocked":false}`,
	`,"status":"available","held":false,"hold_expiry":null,"blocked":true}`,
}

func (p *picture) appendState(b []byte, seat int) []byte {
	code := p.codes[seat]
	b = append(b, ticketEnds[code-codeFree]...)
	if code != codeHeld {
		return b
	}
	if end := p.seats.Holds[seat]; end.IsZero() {
		b = append(b, "null"...)
	} else {
		b = appendTime(b, end.UTC())
	}
	return append(b, `,"blocked":false}`...)
}

// counters are the members of availability by code.
var counters = [...]string{`,"free":`, `,"held":`, `,"paying":`, `,"booked":`, `,"blocked":`}

func (p *picture) appendAvailability(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"capacity":`...), int64(p.facts.Capacity()), 10)
	for i, name := range counters {
		b = strconv.AppendInt(append(b, name...), int64(p.count[i]), 10)
	}
	b = strconv.AppendInt(append(b, `,"version":`...), p.seats.Version, 10)
	b = appendTime(append(b, `,"as_of":`...), p.seats.Now.UTC())
	return append(b, '}')
}

func (p *picture) appendRoom(b []byte) []byte {
	if p.room == nil {
		return append(b, "null"...)
	}
	b = appendString(append(b, `{"id":`...), p.room.ID)
	b = strconv.AppendBool(append(b, `,"active":`...), p.room.Active)
	b = appendString(append(b, `,"state":`...), p.room.State)
	b = appendString(append(b, `,"join_url":`...), p.room.JoinURL)
	return append(b, '}')
}

// seatMap renders all seats as one digit each. It carries no time, so that equal seats are equal bytes.
func (p *picture) seatMap() []byte {
	b := make([]byte, 0, 200+len(p.codes))
	b = appendString(append(b, `{"event_id":`...), p.facts.Event.String())
	b = strconv.AppendInt(append(b, `,"version":`...), p.seats.Version, 10)
	b = append(append(b, `,`+legend+`,"seats":"`...), p.codes...)
	return append(b, `"}`...)
}
