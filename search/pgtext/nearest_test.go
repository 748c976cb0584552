package pgtext

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Windows follow each other without a gap, also where a stretch ends in the very moment in which a week begins.
func TestWindowsLeaveNoMomentOut(t *testing.T) {
	t.Parallel()
	thursday := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC) // when weeks begin, as 1970 did
	at := func(d time.Duration, event int64) place { return place{thursday.Add(d), event} }
	r := &resolved{text: terms("owls")}
	f := func(why string, s stretch, weeks int, upTo place, done bool, marks ...int) {
		t.Helper()
		gotTo, gotDone, words := s.window(r, weeks)
		if gotTo.compare(upTo) != 0 || gotDone != done {
			t.Errorf("%s: up to %v, done %t, want %v and %t", why, gotTo, gotDone, upTo, done)
		}
		for _, week := range marks {
			if mark := fmt.Sprintf("%04xowls", weekOf(thursday)+week); !strings.Contains(*words, mark) {
				t.Errorf("%s: %s does not look for %s", why, *words, mark)
			}
		}
		if n := strings.Count(*words, "owls"); n != len(marks) {
			t.Errorf("%s: %s looks through %d weeks, want %d", why, *words, n, len(marks))
		}
	}
	f("to the end of the week", stretch{from: at(-time.Hour, 7)}, 1, at(0, 0), false, -1)
	f("a stretch that ends in the week", stretch{from: at(-2*time.Hour, 7), upTo: at(-time.Hour, 9)}, 1, at(-time.Hour, 9), true, -1)
	f("a stretch that ends as the next week begins", stretch{from: at(-time.Hour, 7), upTo: at(0, 9)}, 1, at(0, 0), false, -1)
	f("and goes on there", stretch{from: at(0, 0), upTo: at(0, 9)}, 1, at(0, 9), true, 0)
	f("back to the beginning of the week", stretch{from: at(time.Hour, 7), past: true}, 1, at(0, 0), false, 0)
	f("and on before it", stretch{from: at(0, 0), past: true}, 2, at(-2*week, 0), false, -1, -2)
	f("back, from among those that start as the week begins", stretch{from: at(0, 7), past: true}, 1, at(0, 0), false, 0)
	f("back, to one of those", stretch{from: at(time.Hour, 7), upTo: at(0, 3), past: true}, 1, at(0, 3), true, 0)
}

func TestWordsAreFoundInTheCheapestWay(t *testing.T) {
	t.Parallel()
	first, last := time.Unix(1, 0), time.Unix(1, 0).Add(26*week)
	f := func(why string, words, other, all float64, want way) {
		t.Helper()
		d := density{drawn: sampleSize, having: words, seen: sampleSize, words: words, other: other, all: all, first: first, last: last, stored: 200_000}
		w, weeks := plan(d, 500)
		if w != want || (w == byWeeks) != (weeks > 0) || weeks > maxWeeks {
			t.Errorf("%s: way %d through %d weeks, want way %d", why, w, weeks, want)
		}
	}
	f("every other event has it", sampleSize/2, sampleSize, sampleSize/2, walk)
	f("one in 25", sampleSize/25, sampleSize, sampleSize/25, byWeeks)
	f("none of the sample", 0, sampleSize, 0, byWords)
	f("every other event has it, but few are at the venues", sampleSize/2, 1, 0, byOther)
	few := density{drawn: sampleSize, having: sampleSize / 4, seen: sampleSize / 200, words: sampleSize / 800, other: sampleSize / 200, all: sampleSize / 800, first: first, last: first.Add(week / 7), stored: 200_000}
	if w, _ := plan(few, 10_000); w != walk {
		t.Errorf("a word that all of a year has, sought in a day: way %d", w)
	}
	small := density{drawn: 20, having: 1, seen: 20, words: 1, other: 20, all: 1, first: first, last: last, stored: 20}
	if w, _ := plan(small, 500); w != walk {
		t.Errorf("a small catalog: way %d", w)
	}
	if w, _ := plan(density{drawn: sampleSize, stored: 200_000, first: first}, 500); w != walk {
		t.Errorf("a stretch with next to nothing in it: way %d", w)
	}
}

// What a query's dates exclude is neither walked through nor taken for a gap.
func TestAStretchBeginsWhereTheDatesDo(t *testing.T) {
	t.Parallel()
	june := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	r := &resolved{text: terms("concert")}
	r.StartDate, r.EndDate = june.AddDate(0, 0, 30), june.AddDate(0, 0, 35)
	if s := (stretch{from: place{june, 7}}).within(r); !s.from.start.Equal(r.StartDate.Add(-slack)) || s.from.event != 0 {
		t.Errorf("forwards it begins at %v", s.from)
	}
	if s := (stretch{from: place{june.AddDate(0, 0, 90), 7}, past: true}).within(r); !s.from.start.Equal(r.EndDate.Add(36 * time.Hour)) {
		t.Errorf("backwards it begins at %v", s.from)
	}
	within := place{june.AddDate(0, 0, 32), 7}
	for _, past := range []bool{false, true} {
		if s := (stretch{from: within, past: past}).within(r); s.from != within {
			t.Errorf("a beginning between the dates was moved to %v", s.from)
		}
	}
	g := &Engine{}
	g.sampler.known.Store(drawnSample(june))
	if d, err := g.density(t.Context(), r, stretch{from: place{start: june}}); err != nil || d.gap != 0 || d.seen == 0 {
		t.Errorf("%+v, %v: a gap that no event lies in", d, err)
	}
}

// Where the next matches lie far apart fewer of them are ranked together; not where fewer cost as much.
func TestFewerAreRankedWhereTheyLieFarApart(t *testing.T) {
	t.Parallel()
	first, last := time.Unix(1, 0), time.Unix(1, 0).Add(52*week)
	f := func(why string, stored, words, other, all float64, want int) {
		t.Helper()
		d := density{drawn: sampleSize, having: words, seen: sampleSize, words: words, other: other, all: all, first: first, last: last, stored: stored, keys: 1}
		if got := affordable(d, 500, 100); got != want {
			_, _, cost := reckon(d, 500)
			t.Errorf("%s: %d of 500, which would take %.0f µs; want %d", why, got, cost, want)
		}
	}
	f("every other event", 3_650_000, sampleSize/2, sampleSize, sampleSize/2, 500)
	f("one in a hundred has the word, one in a hundred of those is in the circle", 3_650_000, sampleSize/100, sampleSize/100, 0.2, 125)
	f("a rare word: all are read in any case", 3_650_000, 0, sampleSize, 0, 500)
	f("the same in a smaller catalog", 20_000, sampleSize/100, sampleSize/100, 0.2, 500)
}
