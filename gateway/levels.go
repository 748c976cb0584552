package gateway

import (
	"bytes"
	"slices"

	"usher/catalog"
	"usher/gateway/lang"
)

// stock is how much is left in a word, with the style that goes with it: never told by colour alone.
type stock string

const (
	stockMany stock = "many"
	stockFew  stock = "few"
	stockNone stock = "none"
)

// fewAtMost is where "few" ends at a large event, as the search has it; at a small one it ends at a tenth of the seats.
const fewAtMost = 50

func stockOf(free, total int) stock {
	switch {
	case free == 0:
		return stockNone
	case free < min(max(total/10, 1), fewAtMost):
		return stockFew
	}
	return stockMany
}

// Key is the key of its words.
func (s stock) Key() string { return "stock." + string(s) }

// Mark is its style.
func (s stock) Mark() string {
	switch s {
	case stockMany:
		return "good"
	case stockFew:
		return "warn"
	}
	return "none"
}

// eventLevel is one price level of an event.
type eventLevel struct {
	Name        string
	Price       string
	Free, Total int
	Share       int // of the seats that are free, in hundredths, rounded up
	Sections    []string
	Stock       stock
	minor       int
}

// levelsOf are the price levels in the order of the plan, with what is free in each. Before the sale opens nothing is.
func levelsOf(l *lang.Lang, show *catalog.Show) (levels []eventLevel) {
	seat := 0
	for _, section := range show.Layout.Sections() {
		i := slices.IndexFunc(levels, func(v eventLevel) bool { return v.Name == section.Level })
		if i < 0 {
			i = len(levels)
			minor := show.Prices[section.Level]
			levels = append(levels, eventLevel{Name: section.Level, Price: l.Money(int64(minor), show.Currency), minor: minor})
		}
		v := &levels[i]
		v.Sections = append(v.Sections, section.Name)
		first := seat
		for _, row := range section.Rows {
			seat += row.Seats
		}
		v.Total += seat - first
		if seat <= len(show.Codes) {
			v.Free += bytes.Count(show.Codes[first:seat], []byte{'0'})
		}
	}
	for i := range levels {
		v := &levels[i]
		v.Stock, v.Share = stockOf(v.Free, v.Total), (100*v.Free+v.Total-1)/v.Total
	}
	return levels
}

// priceRange is the lowest and the highest price of the levels, in minor units; zeros when there are none.
func priceRange(levels []eventLevel) (from, to int) {
	for i, v := range levels {
		if i == 0 || v.minor < from {
			from = v.minor
		}
		to = max(to, v.minor)
	}
	return from, to
}

// prices words a range of prices; "" when none is known.
func prices(l *lang.Lang, from, to int, currency string) string {
	switch {
	case to == 0:
		return ""
	case from == to:
		return l.Money(int64(to), currency)
	}
	return l.T("price.range", "a", l.Money(int64(from), currency), "b", l.Money(int64(to), currency))
}
