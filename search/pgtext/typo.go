package pgtext

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"usher/search/words"
)

const nearPrefix = 7 // letters that the keys of a word are made of, as in usher_near

// knownWord is a word of the catalog.
type knownWord struct {
	id   int64
	word string
}

// correct looks for known words that the terms may be typos of, and returns their ids; none: there are none.
func (g *Engine) correct(ctx context.Context, list []term) (fixes []int64, err error) {
	var batch pgx.Batch
	for i := range list {
		t, edits := &list[i], list[i].Edits()
		if edits == 0 {
			continue
		}
		n := len([]rune(t.Text))
		batch.Queue(query("near_words"), near(t.Text, edits), n-edits, n+edits).Query(func(rows pgx.Rows) error {
			words, err := pgx.CollectRows(rows, scanWord)
			for _, w := range t.choose(words) {
				fixes = append(fixes, w.id)
			}
			return err
		})
	}
	if batch.Len() == 0 {
		return nil, nil
	}
	if err := g.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("correct words: %w", err)
	}
	slices.Sort(fixes)
	return slices.Compact(fixes), nil
}

// recall gives the terms the corrections that a search began with.
func (g *Engine) recall(ctx context.Context, list []term, fixes []int64) error {
	rows, err := g.pool.Query(ctx, query("words"), fixes)
	if err != nil {
		return fmt.Errorf("words: %w", err)
	}
	words, err := pgx.CollectRows(rows, scanWord)
	if err != nil {
		return fmt.Errorf("words: %w", err)
	}
	for i := range list {
		list[i].fixes = nil
		for _, w := range list[i].choose(words) {
			list[i].fixes = append(list[i].fixes, w.word)
		}
	}
	return nil
}

func scanWord(r pgx.CollectableRow) (w knownWord, err error) { return w, r.Scan(&w.id, &w.word) }

// choose returns the words nearest to the term and within its edits, at most maxFixes.
func (t term) choose(known []knownWord) (out []knownWord) {
	edits, typed := t.Edits(), []rune(t.Text)
	if edits == 0 {
		return nil
	}
	away := map[int64]int{}
	for _, w := range known {
		if d := words.Distance(typed, []rune(w.word)); d > 0 && d <= edits {
			away[w.id] = d
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b knownWord) int { return cmp.Or(cmp.Compare(away[a.id], away[b.id]), cmp.Compare(a.id, b.id)) })
	return out[:min(len(out), maxFixes)]
}

// near returns the keys of a word with some letters left out; the schema's usher_near makes them for the words of the catalog.
func near(word string, edits int) (keys []string) {
	first := []rune(word)
	keys = []string{string(first[:min(len(first), nearPrefix)])}
	last := keys
	for range edits {
		var next []string
		for _, key := range last {
			r := []rune(key)
			for i := range r {
				next = append(next, string(r[:i])+string(r[i+1:]))
			}
		}
		keys, last = append(keys, next...), next
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
