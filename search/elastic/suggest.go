package elastic

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/olivere/elastic/v7"

	"usher/search"
	"usher/search/words"
)

const (
	maxTyped  = 16     // words
	maxNames  = 100    // of each kind that are looked at: those with most events
	maxEvents = 30     // the next ones
	maxLook   = 10_000 // events of a shard that names are taken from: what has been typed so far may be a single letter
)

// kinds of suggestions, in the order in which they take turns.
var kinds = []string{"performer", "event", "city", "venue"}

// Suggest completes a text. See search.Engine.
func (g *Engine) Suggest(ctx context.Context, text string, limit int) (search.Suggestions, error) {
	defer suggestSeconds.UpdateDuration(time.Now())
	if err := search.CheckSuggest(text, limit); err != nil {
		return search.Suggestions{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	t := typed{all: strings.Fields(words.Fold(text))}
	if t.all = t.all[:min(len(t.all), maxTyped)]; len(t.all) == 0 {
		return search.Suggestions{}, nil
	}
	t.words = words.Split(strings.Join(t.all, " "))
	out, err := g.complete(ctx, t)
	if err == nil && len(out) == 0 {
		t.typos = true
		out, err = g.complete(ctx, t)
	}
	if err != nil {
		failuresTotal.Inc()
		return search.Suggestions{}, fmt.Errorf("%w: %w", search.ErrUnavailable, err)
	}
	return search.Suggestions{List: ranked(out, limit)}, nil
}

// typed is what somebody has typed so far.
type typed struct {
	all   []string     // words, folded
	words []words.Word // those that must be found
	typos bool         // are forgiven
}

// completion is a suggestion that may be shown.
type completion struct {
	search.Suggestion
	begins bool // with the text
}

// complete asks for names that have the words.
func (g *Engine) complete(ctx context.Context, t typed) ([]completion, error) {
	named := func(field, label string) *elastic.SearchSource {
		return elastic.NewSearchSource().Query(t.in(field)).Size(0).TrackTotalHits(false).TerminateAfter(maxLook).
			Aggregation("names", elastic.NewTermsAggregation().Field(label).Size(maxNames))
	}
	next := t.in("name").Filter(elastic.NewRangeQuery("start").Gte(time.Now().UnixMicro()))
	answers, err := g.ask(ctx, named("performers.name", "performers.label"), named("venue.place", "venue.town"), named("venue.name", "venue.label"),
		shows(elastic.NewSearchSource().Query(next).Size(maxEvents).TrackTotalHits(false).Sort("start", true).Sort("id", true)))
	if err != nil {
		return nil, err
	}
	var out []completion
	for i, kind := range []string{"performer", "city", "venue"} {
		names, ok := answers[i].Aggregations.Terms("names")
		if !ok {
			return nil, fmt.Errorf("no names of kind %s", kind)
		}
		for _, n := range names.Buckets {
			s, name, err := suggestion(kind, n.Key)
			if err != nil {
				return nil, err
			}
			out = t.add(out, s, name)
		}
	}
	for _, h := range answers[3].Hits.Hits {
		s, err := show(h)
		if err != nil {
			return nil, err
		}
		out = t.add(out, search.Suggestion{Kind: "event", Text: s.name, Detail: s.venue.Location, ID: s.id}, s.name)
	}
	return out, nil
}

// suggestion reads a label, and the name that the words must be in.
func suggestion(kind string, key any) (s search.Suggestion, name string, err error) {
	text, _ := key.(string)
	n := map[string]int{"performer": 2, "city": 3, "venue": 3}[kind]
	p, err := parts(text, n)
	if err != nil {
		return s, "", err
	}
	switch kind {
	case "performer":
		return search.Suggestion{Kind: kind, Text: p[1], ID: p[0]}, p[1], nil
	case "venue":
		return search.Suggestion{Kind: kind, Text: p[1], Detail: p[2], ID: p[0]}, p[1], nil
	default: // a city has no id
		return search.Suggestion{Kind: kind, Text: p[0], Detail: p[1]}, strings.Join(p, " "), nil
	}
}

// in finds the words in a field. A place's characters are not apart, so its words are those that were typed.
func (t typed) in(field string) *elastic.BoolQuery {
	q := elastic.NewBoolQuery()
	if field == "venue.place" {
		for i, w := range t.all {
			q.Filter(t.having(field, words.Word{Text: w}, i == len(t.all)-1, t.typos && !apart(w)))
		}
		return q
	}
	for i, w := range t.words {
		q.Filter(t.having(field, w, i == len(t.words)-1, t.typos))
	}
	return q
}

func (t typed) having(field string, w words.Word, open, typos bool) elastic.Query {
	q := having(field, w, open)
	if typos && w.Edits() > 0 {
		return elastic.NewBoolQuery().Should(q, elastic.NewFuzzyQuery(field, w.Text).Fuzziness(w.Edits()).MaxExpansions(maxNear))
	}
	return q
}

// apart reports whether a word has characters that are words of their own.
func apart(word string) bool {
	return slices.ContainsFunc(words.Split(word), func(w words.Word) bool { return len(w.Chars) > 0 })
}

// add adds a suggestion whose name has the words, once: what counts names does not tell which of an event's performers has them.
func (t typed) add(list []completion, s search.Suggestion, name string) []completion {
	name = words.Fold(name)
	same := func(c completion) bool {
		return c.Kind == s.Kind && (s.ID != "" && c.ID == s.ID || c.Text == s.Text && c.Detail == s.Detail && s.Kind != "performer" && s.Kind != "venue")
	}
	if !t.fits(name) || slices.ContainsFunc(list, same) {
		return list
	}
	return append(list, completion{s, strings.HasPrefix(name, strings.Join(t.all, " "))})
}

// fits reports whether a folded name has all the words, the last one perhaps unfinished.
func (t typed) fits(name string) bool {
	there := strings.Fields(name)
	for i, w := range t.all {
		alone, edits := apart(w), 0
		if t.typos && !alone {
			edits = words.Word{Text: w}.Edits()
		}
		if !slices.ContainsFunc(there, func(n string) bool {
			return n == w || i == len(t.all)-1 && strings.HasPrefix(n, w) || alone && strings.Contains(n, w) ||
				edits > 0 && words.Distance([]rune(w), []rune(n)) <= edits
		}) {
			return false
		}
	}
	return true
}

// ranked are those that begin with the text first, kinds in turn, short names before long.
func ranked(all []completion, limit int) (out []search.Suggestion) {
	begins := func(c completion) int {
		if c.begins {
			return 0
		}
		return 1
	}
	slices.SortFunc(all, func(a, b completion) int {
		return cmp.Or(cmp.Compare(begins(a), begins(b)), cmp.Compare(utf8.RuneCountInString(a.Text), utf8.RuneCountInString(b.Text)), cmp.Compare(a.Text, b.Text), cmp.Compare(a.ID, b.ID))
	})
	turn, seen := make(map[int]int, len(all)), map[string]int{}
	for i, c := range all {
		turn[i] = seen[c.Kind]
		seen[c.Kind]++
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		a, b := all[i], all[j]
		return cmp.Or(cmp.Compare(begins(a), begins(b)), cmp.Compare(turn[i], turn[j]), cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)))
	})
	for _, i := range order[:min(len(order), limit)] {
		out = append(out, all[i].Suggestion)
	}
	return out
}
