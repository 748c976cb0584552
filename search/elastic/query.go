package elastic

import (
	"slices"
	"strings"
	"time"

	"github.com/olivere/elastic/v7"

	"usher/internal/id"
	"usher/search"
	"usher/search/words"
)

// What words weigh. All are whole numbers that a float of 32 bits holds exactly in sum, and none depends on other documents: a score is a function of
// the document and the query alone, so a page that follows begins where the last one ended, whatever is added, and on whichever replica.
const (
	asTyped      = 20_000 // all words as they are typed
	unfinished   = 10_000 // the last one unfinished; below it are those found in spite of typos
	inARow       = 300    // the words follow each other
	inPerformers = 100    // each word
	inName       = 80
	inVenue      = 40
	anywhere     = 20
)

// earthMetres is the radius of Elasticsearch's sphere. Ours is a little smaller, so a circle of ours is a little larger there.
const earthMetres = 6_371_008.7714

// wanted is a query in the index's terms.
type wanted struct {
	search.Query
	text    []words.Word
	filters []elastic.Query     // what restricts but for the text
	near    map[string][]string // known words that may have been meant, by mistyped ones
	nothing bool                // nothing can be found
	about   int                 // how much is found, if facets are wanted and it is more than is counted
}

// want reads a query, which has been checked.
func want(q search.Query) (w wanted) {
	w = wanted{Query: q, text: words.Split(words.Fold(q.Text))}
	w.nothing = q.Text != "" && len(w.text) == 0
	w.named("venue", q.Venue)
	w.placed()
	w.played()
	if q.Category != "" {
		key := words.Fold(q.Category)
		w.nothing = w.nothing || key == ""
		w.filter(elastic.NewTermQuery("category_key", key))
	}
	if q.PriceMin != nil {
		w.filter(elastic.NewRangeQuery("price_to").Gte(*q.PriceMin))
	}
	if q.PriceMax != nil {
		w.filter(elastic.NewRangeQuery("price_from").Lte(*q.PriceMax))
	}
	if q.Available {
		w.filter(elastic.NewTermQuery("for_sale", true))
	}
	return w
}

func (w *wanted) filter(q elastic.Query) { w.filters = append(w.filters, q) }

// phrase adds whole words that follow each other.
func (w *wanted) phrase(field, text string) {
	folded := words.Fold(text)
	w.nothing = w.nothing || folded == ""
	w.filter(elastic.NewMatchPhraseQuery(field, folded))
}

// named restricts to a venue, by its id or words of its name.
func (w *wanted) named(field, text string) {
	if v, err := id.ParseVenue(text); err == nil {
		w.filter(elastic.NewTermQuery(field+".id", v.String()))
	} else if text != "" {
		w.phrase(field+".name.whole", text)
	}
}

// placed restricts to words of the place, unless there is a circle: of "Toronto, Canada" every part must be there.
func (w *wanted) placed() {
	if w.HasPoint {
		return
	}
	for i, part := range strings.Split(w.Location, ",") {
		if w.Location != "" && (i == 0 || strings.TrimSpace(part) != "") {
			w.phrase("venue.place", part)
		}
	}
}

// played restricts to a performer, by the id or words of the name.
func (w *wanted) played() {
	if p, err := id.ParsePerformer(w.Performer); err == nil {
		w.filter(elastic.NewTermQuery("performers.id", p.String()))
	} else if w.Performer != "" {
		w.phrase("performers.name", w.Performer)
	}
}

// forgivable reports whether typos may be at fault when nothing is found.
func (w *wanted) forgivable() bool {
	return slices.ContainsFunc(w.text, func(t words.Word) bool { return t.Edits() > 0 })
}

// match is a part of the query as the index takes it, with what scores if that is the order.
func (w *wanted) match(typos bool, of part) *elastic.BoolQuery {
	q := w.all(typos, of)
	if w.Sort == search.ByRelevance {
		q.Should(w.scores(typos)...)
	}
	return q
}

// all is a part of the query without its order: all words of the text must be there.
func (w *wanted) all(typos bool, of part) *elastic.BoolQuery {
	q := elastic.NewBoolQuery().Filter(w.filters...)
	w.during(q, of.window)
	switch {
	case of.km > 0: // it lies in the query's: each circle costs Elasticsearch a grid of 4,096 boxes, twice
		q.Filter(w.circle(of.km))
	case w.HasPoint:
		q.Filter(w.circle(w.RadiusKM))
	}
	for i := range w.text {
		q.Filter(w.having("words", i, true, typos))
	}
	return q
}

// during restricts to a part of time, and to the query's days as the venues count them. The index has its events in order of time, so a part of time is found at once; only where days begin
// and end in some zones already and in others not yet, each event is looked at.
func (w *wanted) during(q *elastic.BoolQuery, t window) {
	days := w.times()
	t = t.and(days)
	q.Filter(t.queries()...)
	const wide = int64(2 * slack / time.Microsecond)
	except := func(edge window, wrong *elastic.RangeQuery) {
		if edge = edge.and(t); edge.from < edge.to {
			q.MustNot(elastic.NewBoolQuery().Filter(edge.queries()...).Filter(wrong))
		}
	}
	if days.from != 0 {
		except(window{days.from, days.from + wide}, elastic.NewRangeQuery("date").Lt(w.StartDate.Format(time.DateOnly)))
	}
	if days.to != 0 {
		except(window{days.to - wide, days.to}, elastic.NewRangeQuery("date").Gt(w.EndDate.Format(time.DateOnly)))
	}
}

// having finds a word of the text in a field, the last one perhaps unfinished, each perhaps mistyped.
func (w *wanted) having(field string, i int, open, typos bool) elastic.Query {
	t := w.text[i]
	q := having(field, t, open && i == len(w.text)-1)
	if near := w.near[t.Text]; typos && len(near) > 0 {
		return elastic.NewBoolQuery().Should(q, elastic.NewTermsQueryFromStrings(field, near...))
	}
	return q
}

// having finds a word, perhaps unfinished.
func having(field string, t words.Word, open bool) elastic.Query {
	switch {
	case len(t.Chars) > 0:
		return elastic.NewMatchPhraseQuery(field, strings.Join(t.Chars, " "))
	case open:
		return elastic.NewPrefixQuery(field, t.Text)
	default:
		return elastic.NewTermQuery(field, t.Text)
	}
}

func (w *wanted) scores(typos bool) (out []elastic.Query) {
	weigh := func(q elastic.Query, weight float64) {
		out = append(out, elastic.NewConstantScoreQuery(q).Boost(weight))
	}
	all := func(open bool) elastic.Query {
		q := elastic.NewBoolQuery()
		for i := range w.text {
			q.Filter(w.having("words", i, open, false))
		}
		return q
	}
	weigh(all(false), asTyped-unfinished)
	fields := map[string]float64{"performers.name": inPerformers, "name": inName, "venue.name": inVenue}
	if typos {
		weigh(all(true), unfinished)
		fields["words"] = anywhere
	} else { // so all that is found has them
		weigh(elastic.NewMatchAllQuery(), unfinished+anywhere*float64(len(w.text)))
	}
	if len(w.text) > 1 {
		var row []string
		for _, t := range w.text {
			row = append(row, t.Text)
		}
		weigh(elastic.NewMatchPhraseQuery("words", strings.Join(row, " ")), inARow)
	}
	for i := range w.text {
		for field, weight := range fields {
			weigh(w.having(field, i, true, typos), weight)
		}
	}
	return out
}
