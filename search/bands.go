package search

import "math"

// Band is a value of the price facet, in minor units.
type Band struct {
	Value    string
	From, To int
}

// Bands are those of Facets.Price. The last has no end.
func Bands() []Band {
	return []Band{{"0-2499", 0, 2499}, {"2500-4999", 2500, 4999}, {"5000-9999", 5000, 9999}, {"10000-19999", 10000, 19999}, {"20000-", 20000, math.MaxInt32}}
}
