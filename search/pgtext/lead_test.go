package pgtext

import (
	"testing"
	"time"

	"usher/search"
)

func TestAnIndexIsAskedForTheWordsThatRuleOutMost(t *testing.T) {
	t.Parallel()
	s := drawnSample(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	f := func(why, text, performer, want string, having float64) {
		t.Helper()
		r := &resolved{Query: search.Query{Text: text, Performer: performer}}
		r.readTexts(text, performer, "")
		d := s.density(r, stretch{})
		if got := r.lead(""); got != want || d.having != having {
			t.Errorf("%s: %s, which %v have, want %s and %v", why, got, d.having, want, having)
		}
	}
	f("one word", "concert", "", "('concert':*)", 1000)
	f("one that all have rules nothing out", "concert jazz", "", "('jazz':*)", 110)
	f("nor does an unfinished one", "jazz concert", "", "('jazz')", 100)
	f("a word nobody has is enough", "opera concert", "", "('opera')", 0)
	f("two that seldom meet", "jazz jazzf", "", "('jazzf':*) & ('jazz')", 0)
	f("characters need not follow each other", "東京 concert", "", "(('東' & '京'))", 10)
	f("a performer's words", "concert", "jazz", "('jazz')", 100)
	f("rare ones are all asked for", "opera jazzfest aria", "", "('opera') & ('aria':*) & ('jazzfest')", 0)

	r := &resolved{text: terms("concert jazz")}
	if got := r.lead("0a1b"); got != "('0a1bconcert') & ('0a1bjazz':*)" {
		t.Errorf("before the sample was asked: %s", got)
	}
	s.density(r, stretch{})
	if got := r.lead("0a1b"); got != "('0a1bjazz':*)" {
		t.Errorf("in a week: %s", got)
	}
}

// Of venues that have much of what is sought, few are looked through; of those that seem to have nothing, the usual many.
func TestTheNearestVenuesAreAsManyAsWillDo(t *testing.T) {
	t.Parallel()
	g := &Engine{}
	g.sampler.known.Store(drawnSample(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)))
	f := func(text string, venues []int64, n, want int) {
		t.Helper()
		got, err := g.handful(t.Context(), &resolved{venues: venues, text: terms(text)}, n)
		if err != nil || got != want {
			t.Errorf("%q at %v: %d, %v; want %d", text, venues, got, err, want)
		}
	}
	f("", []int64{1, 2, 3, 4}, 21, 1)
	f("jazz", []int64{1, 3}, 101, 5)
	f("opera", []int64{1, 3}, 21, nearestVenues)
	f("jazzfest", []int64{2, 4}, 10_000, nearestVenues)
}
