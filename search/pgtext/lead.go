package pgtext

import (
	"cmp"
	"slices"
	"strings"
)

const (
	rareWord     = 20 // of the sample's events have it, or fewer: one more such word costs an index next to nothing
	rareBeginOf  = 4  // of the sample's events have a word that begins so: of such words an index reads all places before it looks at anything else
	worthReading = 5  // places of words that begin so, read for each event that they rule out
)

// leading is a word of a query that an index is asked for. An index pays for every word it is asked for (in weeks, for each of them), and for an unfinished one with all the places
// where words begin so. So it is asked for the words that rule out most; whether an event has all others is seen when it is looked into.
type leading struct {
	term
	open bool // it may be unfinished
	in   set  // events of the sample that have it
}

// leading returns the query's words that an index is asked for, the rarest first, and the events of the sample that have them.
func (s *sample) leading(r *resolved) (out []leading, found set) {
	var all []leading
	for i, t := range r.text {
		open := i == len(r.text)-1
		all = append(all, leading{t, open && len(t.Chars) == 0, s.words.term(t, open)})
	}
	for _, w := range r.act {
		t := term{}
		t.Text = w
		all = append(all, leading{t, false, s.words.word(w)})
	}
	slices.SortStableFunc(all, func(a, b leading) int {
		if n := cmp.Compare(a.in.count(), b.in.count()); n != 0 || a.open == b.open {
			return n
		}
		if a.open {
			return 1
		}
		return -1
	})
	found = everything
	for i, l := range all {
		both := found.and(l.in)
		rare, ruled := rareWord, found.count()-both.count()
		if l.open {
			rare = rareBeginOf
		}
		if i == 0 || l.in.count() <= rare || ruled*2 >= found.count() && ruled > 0 && (!l.open || ruled*worthReading >= l.in.count()) {
			out, found = append(out, l), both
		}
	}
	return out, found
}

// lead writes the words that an index is asked for as a tsquery without places and labels, marked with a week unless that is empty.
func (r *resolved) lead(week string) string {
	if len(r.leads) == 0 {
		return r.words(week)
	}
	var all []string
	for _, l := range r.leads {
		all = append(all, spelling{open: l.open, week: week, apart: true}.all([]term{l.term}))
	}
	return strings.Join(all, " & ")
}
