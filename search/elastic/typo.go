package elastic

import (
	"context"
	"strconv"

	"github.com/olivere/elastic/v7"
)

const (
	always   = 1e9 // events that have a word: however many, another may have been meant
	shortest = 4   // letters of a word that may be mistyped; see words.Word.Edits
)

// forgive finds the known words that may have been meant by those of the text. They are found once and then asked for as they are: to let each part of a query find them took three times as long.
func (g *Engine) forgive(ctx context.Context, w *wanted) error {
	s := elastic.NewSearchSource().Size(0).TrackTotalHits(false)
	for i, t := range w.text {
		if edits := t.Edits(); edits > 0 {
			s.Suggester(elastic.NewTermSuggester(strconv.Itoa(i)).Field("words").Text(t.Text).Analyzer("keyword").
				SuggestMode("always").MaxEdits(edits).PrefixLength(0).MinWordLength(shortest).MaxTermFreq(always).Size(maxNear).ShardSize(maxNear))
		}
	}
	answers, err := g.ask(ctx, s)
	if err != nil {
		return err
	}
	w.near = map[string][]string{}
	for i, t := range w.text {
		for _, of := range answers[0].Suggest[strconv.Itoa(i)] {
			for _, word := range of.Options {
				w.near[t.Text] = append(w.near[t.Text], word.Text)
			}
		}
	}
	return nil
}
