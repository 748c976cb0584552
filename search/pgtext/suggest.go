package pgtext

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/id"
	"usher/search"
)

const (
	maxTyped    = 16 // words
	namedEvents = 30 // that come next and have the words in their names
)

// Suggest completes a text. See search.Engine.
func (g *Engine) Suggest(ctx context.Context, text string, limit int) (search.Suggestions, error) {
	defer suggestSeconds.UpdateDuration(time.Now())
	if err := search.CheckSuggest(text, limit); err != nil {
		return search.Suggestions{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	out, err := g.suggest(ctx, text, limit)
	if err != nil {
		failuresTotal.Inc()
		return search.Suggestions{}, fmt.Errorf("%w: %w", search.ErrUnavailable, err)
	}
	return search.Suggestions{List: out}, nil
}

func (g *Engine) suggest(ctx context.Context, text string, limit int) ([]search.Suggestion, error) {
	var folded []string
	if err := g.pool.QueryRow(ctx, query("fold"), []string{text}).Scan(&folded); err != nil {
		return nil, fmt.Errorf("fold: %w", err)
	}
	words := strings.Fields(folded[0])
	if len(words) == 0 {
		return nil, nil
	}
	words = words[:min(len(words), maxTyped)]
	list := terms(strings.Join(words, " "))
	out, err := g.complete(ctx, words, list, limit)
	if err != nil || len(out) > 0 {
		return out, err
	}
	fixes, err := g.correct(ctx, list)
	if err != nil || len(fixes) == 0 {
		return nil, err
	}
	if err := g.recall(ctx, list, fixes); err != nil {
		return nil, err
	}
	return g.complete(ctx, corrected(words, list), list, limit)
}

// corrected puts the nearest known word in the place of each that may be a typo.
func corrected(words []string, list []term) []string {
	out := slices.Clone(words)
	for _, t := range list {
		if at := slices.Index(out, t.Text); at >= 0 && len(t.fixes) > 0 {
			out[at] = t.fixes[0]
		}
	}
	return out
}

// complete asks for names with the words, the last one unfinished.
func (g *Engine) complete(ctx context.Context, words []string, list []term, limit int) ([]search.Suggestion, error) {
	patterns, last := []string{}, "% "+words[len(words)-1]+"%" // folded words are letters and digits: nothing to escape
	for _, w := range words[:len(words)-1] {
		patterns = append(patterns, "% "+w+" %")
	}
	next, err := g.nearest(ctx, &resolved{text: list, part: "B"}, stretch{from: place{start: time.Now()}}, namedEvents)
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	events := make([]int64, len(next))
	for i, f := range next {
		events[i] = f.event
	}
	rows, err := g.pool.Query(ctx, query("suggest"), patterns, " "+strings.Join(words, " ")+"%", events, limit, last)
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s search.Suggestion, err error) {
		var row int64
		err = r.Scan(&s.Kind, &s.Text, &s.Detail, &row)
		switch s.Kind {
		case "event":
			s.ID = id.Event(row).String()
		case "performer":
			s.ID = id.Performer(row).String()
		case "venue":
			s.ID = id.Venue(row).String()
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("suggest: %w", err)
	}
	return out, nil
}
