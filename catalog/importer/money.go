package importer

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// prices knows the currency of a country and about what a US dollar is there.
type prices map[string]struct {
	Currency  string  `json:"currency"`
	PerDollar float64 `json:"per_dollar"` // minor units
	Step      float64 `json:"step"`       // minor units; prices are rounded to it
}

// of returns prices in the currency of a country.
func (p prices) of(country string, dollars map[string]int) (local map[string]int, currency string, err error) {
	m, ok := p[country]
	if !ok || len(dollars) == 0 {
		return nil, "", fmt.Errorf("no prices for country %q in catalog/data", country)
	}
	local = make(map[string]int, len(dollars))
	for level, n := range dollars {
		local[level] = int(max(math.Round(float64(n)*m.PerDollar/m.Step), 1) * m.Step)
	}
	return local, m.Currency, nil
}

// slug turns a name into a part of a key: lower case, without accents, words apart by hyphens.
func slug(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= 0x300 && r < 0x370: // accents that NFKD has taken off
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
