package search

import (
	"math"
	"strings"
	"unicode/utf8"
)

const (
	maxPage        = 100
	maxText        = 1000 // bytes
	maxSuggestions = 20
)

// Check refuses what no parser should let through, and fills in the defaults. ErrBadQuery.
func (q *Query) Check() error {
	if q.PageSize == 0 {
		q.PageSize = 20
	}
	if q.Sort == "" {
		q.Sort = ByDate
	}
	bad := q.PageSize < 0 || q.PageSize > maxPage || q.Sort == ByRelevance && q.Text == "" || q.Sort == ByDistance && !q.HasPoint ||
		q.Sort != ByDate && q.Sort != ByRelevance && q.Sort != ByDistance
	for _, text := range []string{q.Text, q.Location, q.Venue, q.Performer, q.Category} {
		bad = bad || !fit(text)
	}
	for _, price := range []*int{q.PriceMin, q.PriceMax} {
		bad = bad || price != nil && (*price < math.MinInt32 || *price > math.MaxInt32)
	}
	if q.HasPoint { // written so that NaN is out of range
		bad = bad || !(math.Abs(q.Latitude) <= 90) || !(math.Abs(q.Longitude) <= 180) || !(q.RadiusKM > 0 && q.RadiusKM <= 20_100)
	}
	if bad {
		return ErrBadQuery
	}
	return nil
}

// CheckSuggest refuses a text or a number of suggestions that no parser should let through. ErrBadQuery.
func CheckSuggest(text string, limit int) error {
	if limit < 1 || limit > maxSuggestions || !fit(text) {
		return ErrBadQuery
	}
	return nil
}

// fit reports whether a store can take a text.
func fit(text string) bool {
	return len(text) <= maxText && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}
