package catalog

import (
	"strconv"

	"usher/catalog/layout"
)

// layout renders what a seat map is drawn from: the price levels in the order of their first section, and the sections with the index of
// their first seat. Seats are not listed: a row's follow each other, and rows follow each other. A stadium of 94,000 seats is 190 KB, 2 KB when
// compressed.
func (p *picture) layout() []byte {
	f := p.facts
	sections := f.Sections()
	b := make([]byte, 0, 1024+64*len(sections))
	b = appendString(append(b, `{"event_id":`...), f.Event.String())
	b = appendString(append(b, `,"currency":`...), f.Currency)
	b = strconv.AppendInt(append(b, `,"capacity":`...), int64(f.Capacity()), 10)
	b = append(b, `,"levels":[`...)
	level := map[string]int{} // name → index
	for _, s := range sections {
		if _, known := level[s.Level]; known {
			continue
		}
		if len(level) > 0 {
			b = append(b, ',')
		}
		level[s.Level] = len(level)
		b = appendString(append(b, `{"name":`...), s.Level)
		b = append(strconv.AppendInt(append(b, `,"price":`...), int64(f.Prices[s.Level]), 10), '}')
	}
	b = append(b, `],"sections":[`...)
	first := 0
	for i, s := range sections {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSection(b, s, level[s.Level], first)
		for _, r := range s.Rows {
			first += r.Seats
		}
	}
	return append(b, "]}"...)
}

func appendSection(b []byte, s layout.Section, level, first int) []byte {
	b = appendString(append(b, `{"name":`...), s.Name)
	b = strconv.AppendInt(append(b, `,"level":`...), int64(level), 10)
	b = strconv.AppendInt(append(b, `,"first":`...), int64(first), 10)
	b = append(b, `,"rows":[`...)
	for i, r := range s.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"name":`...), r.Name)
		b = strconv.AppendInt(append(b, `,"seats":`...), int64(r.Seats), 10)
		b = append(strconv.AppendBool(append(b, `,"accessible":`...), r.Accessible), '}')
	}
	return append(b, "]}"...)
}
