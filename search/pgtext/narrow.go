package pgtext

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// narrowing is when a query is left the venues where its words can be; tests narrow all.
type narrowing struct {
	dear float64 // microseconds that a search would take otherwise, at least
	own  int     // of the sample's events have a word of their own, at most: so few that all events that have it may be asked for their venues; more, where that costs a quarter of the search
	rest float64 // part of the events that a query might look at and that do not have the word, at least
}

var usual = narrowing{dear: 1000, own: 1, rest: 0.5} // to ask takes the database 1 ms or less

// narrow leaves a query the venues where its words can be found. Most words of a place or of a venue's name are never those of an event itself: "japan" in a circle around London is
// nowhere, "japan spain" where a Spanish night is given in Japan. Only words are asked for that hardly any event of the sample has of its own, and that rule out much. The search would cost so many microseconds otherwise. It reports whether it did.
func (g *Engine) narrow(ctx context.Context, r *resolved, s *sample, cost float64) (done bool, err error) {
	if r.Available || r.Category != "" { // an index of what is for sale, or of the category, leads to fewer events, and many venues would lead away from it
		return false, nil
	}
	there := s.there(r.venues)
	var batch pgx.Batch
	var having []map[int64]bool // by word
	for i, t := range r.text {
		open := i == len(r.text)-1
		without := float64(there.count() - s.words.term(t, open).and(there).count())
		own := s.own.term(t, open).count()
		asking := float64(own) / float64(len(s.events)) * s.stored * otherCost
		if own > g.narrowing.own && asking > cost/4 || without < g.narrowing.rest*float64(there.count()) {
			continue
		}
		at := map[int64]bool{}
		having = append(having, at)
		batch.Queue(query("venues_with"), spelling{open: open}.all([]term{t})).Query(func(rows pgx.Rows) error {
			var v int64
			_, err := pgx.ForEachRow(rows, []any{&v}, func() error { at[v] = true; return nil })
			return err
		})
	}
	if len(having) == 0 {
		return false, nil
	}
	if err := g.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return false, fmt.Errorf("find venues with words: %w", err)
	}
	if r.venues == nil { // all are allowed: those with the first word, then
		r.venues = []int64{}
		for v := range having[0] {
			r.venues, r.km = append(r.venues, v), append(r.km, 0)
		}
	}
	r.venues, r.km = among(r.venues, r.km, having)
	return true, nil
}

// among returns the venues that are in all of the sets, and how far they are.
func among(venues []int64, km []float64, sets []map[int64]bool) (left []int64, far []float64) {
	left = []int64{} // none is not all
next:
	for i, v := range venues {
		for _, set := range sets {
			if !set[v] {
				continue next
			}
		}
		left, far = append(left, v), append(far, km[i])
	}
	return left, far
}
