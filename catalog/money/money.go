// Package money turns prices in US dollars into those of a country, roughly: for demo and generated events, never for a sale.
package money

import (
	"encoding/json"
	"fmt"
	"math"

	"usher/catalog/data"
)

// Table knows the currency of a country (ISO 3166-1 alpha-2) and about what a US dollar is there.
type Table map[string]struct {
	Currency  string  `json:"currency"`
	PerDollar float64 `json:"per_dollar"` // minor units
	Step      float64 `json:"step"`       // minor units; prices are rounded to it
}

// Load reads the table that ships with Usher.
func Load() (t Table, err error) {
	b, err := data.Files.ReadFile("money.json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("catalog/data/money.json: %w", err)
	}
	return t, nil
}

// Prices returns prices by level in the currency of a country, in minor units. An error names a country that the table lacks.
func (t Table) Prices(country string, dollars map[string]int) (local map[string]int, currency string, err error) {
	m, ok := t[country]
	if !ok || len(dollars) == 0 {
		return nil, "", fmt.Errorf("no prices for country %q in catalog/data", country)
	}
	local = make(map[string]int, len(dollars))
	for level, n := range dollars {
		local[level] = int(max(math.Round(float64(n)*m.PerDollar/m.Step), 1) * m.Step)
	}
	return local, m.Currency, nil
}
