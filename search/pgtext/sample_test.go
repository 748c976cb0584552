package pgtext

import (
	"slices"
	"testing"
	"time"

	"usher/search"
)

// drawnSample is a sample of a thousand events, one an hour: "concert" is said of all, "jazz" of every tenth, "jazzfest" of every hundredth; venue 1 has
// every fourth.
func drawnSample(begin time.Time) *sample {
	s := newSample()
	for i := range 1000 {
		d := drawn{start: begin.Add(time.Duration(i) * time.Hour), venue: int64(1 + i%4), from: 1000, to: 2000, forSale: i%2 == 0, category: "music"}
		d.date = *day(d.start)
		words := []string{"concert"}
		if i%10 == 0 {
			words = append(words, "jazz")
		}
		if i%100 == 5 {
			words = append(words, "jazzfest", "東", "京")
		}
		s.add(d, words, words[:1])
	}
	s.sort()
	return s
}

func TestTheSampleTellsHowDenseMatchesLie(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	s := drawnSample(begin)
	price := 2500
	f := func(why string, q search.Query, fixes []string, venues []int64, st stretch, seen, words, at, all float64) {
		t.Helper()
		r := &resolved{Query: q, venues: venues, text: terms(q.Text)}
		if fixes != nil {
			r.text[0].fixes = fixes
		}
		if q.Category != "" {
			r.category = &q.Category
		}
		if d := s.density(r, st); d.seen != seen || d.words != words || d.other != at || d.all != all {
			t.Errorf("%s: seen %v, words %v, along another index %v, all %v, want %v, %v, %v, %v", why, d.seen, d.words, d.other, d.all, seen, words, at, all)
		}
	}
	all := stretch{}
	f("a word as it is typed, or unfinished", search.Query{Text: "jazz"}, nil, nil, all, 1000, 110, 1000, 110)
	f("a word that another follows is finished", search.Query{Text: "jazz concert"}, nil, nil, all, 1000, 100, 1000, 100)
	f("both words", search.Query{Text: "concert jazzf"}, nil, nil, all, 1000, 10, 1000, 10)
	f("a word nobody has", search.Query{Text: "opera"}, nil, nil, all, 1000, 0, 1000, 0)
	f("a typo's known word", search.Query{Text: "jaz concert"}, []string{"jazz"}, nil, all, 1000, 100, 1000, 100)
	f("characters", search.Query{Text: "東京"}, nil, nil, all, 1000, 10, 1000, 10)
	f("venues", search.Query{Text: "concert"}, nil, []int64{1, 3}, all, 1000, 1000, 500, 500)
	f("no venue of the sample", search.Query{Text: "concert"}, nil, []int64{9}, all, 1000, 1000, 0, 0)
	f("available", search.Query{Text: "concert", Available: true}, nil, nil, all, 1000, 1000, 500, 500)
	f("too cheap", search.Query{Text: "concert", PriceMin: &price}, nil, nil, all, 1000, 1000, 1000, 0)
	f("another category", search.Query{Text: "concert", Category: "sport"}, nil, nil, all, 1000, 1000, 0, 0)
	f("to come", search.Query{Text: "concert"}, nil, nil, stretch{from: place{start: begin.Add(900 * time.Hour)}}, 100, 100, 100, 100)
	f("over", search.Query{Text: "concert"}, nil, nil, stretch{from: place{start: begin.Add(900 * time.Hour)}, past: true}, 901, 901, 901, 901)
	f("between", search.Query{Text: "concert"}, nil, nil, stretch{from: place{start: begin.Add(10 * time.Hour)}, upTo: place{start: begin.Add(20 * time.Hour)}}, 11, 11, 11, 11)
	f("one day", search.Query{Text: "concert", StartDate: *day(begin), EndDate: *day(begin)}, nil, nil, all, 24, 24, 24, 24)

	r := &resolved{text: terms("concert")}
	d := s.density(r, stretch{from: place{start: begin.Add(-15 * 24 * time.Hour)}})
	if d.gap != 2 || d.having != 1000 || !d.first.Equal(begin) || !d.last.Equal(begin.Add(999*time.Hour)) {
		t.Errorf("from two weeks before: %+v", d)
	}
	d = s.density(r, stretch{from: place{start: begin.Add(999 * time.Hour)}, past: true})
	if d.gap != 0 || !d.last.Equal(begin) || !d.first.Equal(begin.Add(999*time.Hour)) {
		t.Errorf("backwards: %+v", d)
	}
}

// A search waits for the first sample only: a later one is drawn by one search while others go on with that which there is.
func TestSamplesAreDrawnOneAtATime(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	ctx := t.Context()
	first, err := w.sampler.get(ctx, w.Pool())
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := w.sampler.get(ctx, w.Pool()); again != first {
		t.Error("a fresh sample was drawn again")
	}
	first.at = first.at.Add(-2 * sampleAge)
	w.sampler.drawing.Lock()
	if while, err := w.sampler.get(ctx, w.Pool()); while != first || err != nil {
		t.Errorf("while another was being drawn: %v, %v", while, err)
	}
	w.sampler.drawing.Unlock()
	if later, err := w.sampler.get(ctx, w.Pool()); later == first || err != nil {
		t.Errorf("an old sample stayed: %v, %v", later, err)
	}
	if !slices.IsSorted(first.words.sorted) || !slices.IsSorted(first.own.sorted) {
		t.Error("a sample's words are in no order")
	}
}
