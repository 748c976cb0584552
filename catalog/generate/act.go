package generate

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// category is a kind of event.
type category struct {
	name    string
	share   int    // of 100 acts
	start   string // clock at the venue
	minutes int
	dollars map[string]int // by price level
}

// categories are those of the demo catalog. Prices are about those of clubs and theatres.
var categories = []category{
	{"concert", 40, "20:00", 150, map[string]int{"A": 48, "B": 36, "C": 24}},
	{"classical", 14, "19:30", 120, map[string]int{"A": 70, "B": 48, "C": 28}},
	{"theatre", 16, "19:30", 140, map[string]int{"A": 60, "B": 42, "C": 25}},
	{"comedy", 12, "20:30", 90, map[string]int{"A": 38, "B": 30, "C": 22}},
	{"dance", 8, "20:00", 100, map[string]int{"A": 55, "B": 40, "C": 25}},
	{"family", 10, "15:00", 75, map[string]int{"A": 24, "B": 18, "C": 14}},
}

type act struct {
	key, name, title string
	kind             *category
}

// actRecord is an act as the import reads it.
type actRecord struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name"`
}

const (
	eventsAnAct = 30
	maxActs     = 60_000
)

// makeActs makes acts of every language, each with a name of its own and a programme that it tours with.
func (w *world) makeActs(speech []language) {
	taken := map[string]bool{}
	for i := range min(max(w.Events/eventsAnAct, len(categories)), maxActs) {
		r := w.dice(diceActs, uint64(i))
		l := &speech[r.IntN(len(speech))]
		if r.IntN(3) == 0 { // a third of all acts speaks English
			for j := range speech {
				if speech[j].tag == "en" {
					l = &speech[j]
				}
			}
		}
		a := act{key: fmt.Sprintf("gen-%d/act-%d", w.Seed, i), kind: kindOf(r, i), title: pick(r, l.Titles)}
		for try := 0; a.name == "" || taken[a.name]; try++ {
			a.name = actName(r, l, try)
		}
		taken[a.name] = true
		w.byKind[a.kind.name] = append(w.byKind[a.kind.name], i)
		w.acts = append(w.acts, a)
	}
}

// kindOf draws a category; the first acts take one each, so that none is empty.
func kindOf(r *rand.Rand, i int) *category {
	if i < len(categories) {
		return &categories[i]
	}
	n := r.IntN(100)
	for j := range categories {
		if n -= categories[j].share; n < 0 {
			return &categories[j]
		}
	}
	return &categories[0]
}

// actName makes a name: a person, a band, or people together. The more tries a name has taken, the longer it becomes.
func actName(r *rand.Rand, l *language, try int) string {
	switch n := r.IntN(4); {
	case try > 20:
		return l.person(r) + " & " + l.person(r) + " " + strconv.Itoa(try)
	case try > 3:
		return l.person(r) + " & " + l.person(r)
	case n == 0:
		return l.person(r) + pick(r, []string{" Trio", " Quartet", " Quintet", " Ensemble", " Project"})
	case n == 1:
		return l.person(r)
	default:
		return l.words(r, l.Band, "")
	}
}
