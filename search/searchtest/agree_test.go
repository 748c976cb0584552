package searchtest

import (
	"testing"

	"usher/search"
)

// What engines are compared by sees an event that is missing, another order, and any difference in what is shown.
func TestDifferencesAreSeen(t *testing.T) {
	t.Parallel()
	km := 1.5
	hits := func() []search.Hit { return []search.Hit{{ID: 1, Name: "a"}, {ID: 2, Name: "b", DistanceKM: &km}} }
	if d := difference(hits(), hits()); d != "" {
		t.Errorf("of equal lists: %s", d)
	}
	for why, change := range map[string]func(h []search.Hit) []search.Hit{
		"one is missing": func(h []search.Hit) []search.Hit { return h[:1] },
		"one is more":    func(h []search.Hit) []search.Hit { return append(h, h[0]) },
		"the order":      func(h []search.Hit) []search.Hit { return []search.Hit{h[1], h[0]} },
		"a name":         func(h []search.Hit) []search.Hit { h[0].Name = "c"; return h },
		"what is left":   func(h []search.Hit) []search.Hit { h[1].Availability = "few"; return h },
		"no distance":    func(h []search.Hit) []search.Hit { h[1].DistanceKM = nil; return h },
	} {
		if difference(hits(), change(hits())) == "" {
			t.Errorf("%s: not seen", why)
		}
	}
}
