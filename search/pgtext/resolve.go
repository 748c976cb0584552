package pgtext

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/internal/id"
	"usher/search"
	"usher/search/words"
)

// resolved is a query in the database's terms.
type resolved struct {
	search.Query
	allowed  venues
	venues   []int64 // of those that it allows, such as may have its words, the nearest first; nil: all
	km       []float64
	text     []term
	act      []string // words of the performer's name, or the mark of one
	part     string   // of documents, in which the text must be; empty: anywhere
	category *string  // folded
	nothing  bool     // nothing can be found
	position position
	leads    []leading // words that an index is asked for; none: all
	now      time.Time // when words were first looked for; zero: not yet
	coming   density   // of matches from then on
	ranked   *tranched // what a first page by relevance has ranked of them
	ahead    []found   // the first of them, if they have been read
	near     []found   // by distance, the first that match, with words
	counted  int       // of them at most
	gathered bool      // whole is all that there is, in order of time
	whole    []found
}

// venues are some, the nearest first, with how far they are in km; nil: all.
type venues struct {
	ids []int64
	km  []float64
}

// resolve finds the venues that a query allows and folds its texts, in one round trip.
func (g *Engine) resolve(ctx context.Context, q search.Query, p position) (r *resolved, err error) {
	r = &resolved{Query: q, position: p}
	var batch pgx.Batch
	if q.Venue != "" || q.Location != "" || q.HasPoint {
		r.venues = []int64{}
		batch.Queue(query("venues"), venueArguments(q)...).Query(r.readVenues)
	}
	var folded []string
	if q.Text != "" || q.Performer != "" || q.Category != "" {
		batch.Queue(query("fold"), []string{q.Text, q.Performer, q.Category}).QueryRow(func(row pgx.Row) error { return row.Scan(&folded) })
	}
	if batch.Len() == 0 {
		return r, nil
	}
	if err := g.pool.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, fmt.Errorf("search venues: %w", err)
	}
	if folded != nil {
		r.readTexts(folded[0], folded[1], folded[2])
	}
	r.nothing = r.nothing || r.venues != nil && len(r.venues) == 0
	r.allowed = venues{r.venues, r.km}
	return r, nil
}

func (r *resolved) readVenues(rows pgx.Rows) error {
	var v int64
	var km float64
	_, err := pgx.ForEachRow(rows, []any{&v, &km}, func() error {
		r.venues, r.km = append(r.venues, v), append(r.km, km)
		return nil
	})
	return err
}

func (r *resolved) readTexts(text, performer, category string) {
	r.text = terms(text)
	r.nothing = r.Text != "" && len(r.text) == 0
	if p, err := id.ParsePerformer(r.Performer); err == nil {
		r.act = []string{fmt.Sprintf("#%d", int64(p))}
	} else if r.Performer != "" {
		r.act = words.Parts(performer)
		r.nothing = r.nothing || len(r.act) == 0
	}
	if r.Category != "" {
		r.category = &category
		r.nothing = r.nothing || category == ""
	}
}

// words writes what documents must have, text and performer, as a tsquery; marked with a week, unless that is empty.
func (r *resolved) words(week string) string {
	var all []string
	if len(r.text) > 0 {
		all = append(all, spelling{label: r.part, open: true, week: week}.all(r.text))
	}
	switch {
	case len(r.act) > 0 && strings.HasPrefix(r.act[0], "#"):
		all = append(all, spelling{week: week}.lexeme(r.act[0], false))
	case len(r.act) > 0:
		all = append(all, spelling{label: "A", week: week}.phrase(r.act))
	}
	return strings.Join(all, " & ")
}

func venueArguments(q search.Query) []any {
	var number *int64
	var name, place *string
	var more []string
	var latitude, longitude, radius *float64
	if v, err := id.ParseVenue(q.Venue); err == nil {
		n := int64(v)
		number = &n
	} else if q.Venue != "" {
		name = &q.Venue
	}
	if q.HasPoint {
		latitude, longitude, radius = &q.Latitude, &q.Longitude, &q.RadiusKM
	} else if q.Location != "" { // "Toronto, Canada": every part must be there
		parts := strings.Split(q.Location, ",")
		place = &parts[0]
		for _, part := range parts[1:] {
			if strings.TrimSpace(part) != "" {
				more = append(more, part)
			}
		}
	}
	return []any{number, name, place, more, latitude, longitude, radius}
}

// filter returns the arguments of the restrictions that all statements share.
func (r *resolved) filter() []any {
	var words *string
	if w := r.words(""); w != "" {
		words = &w
	}
	return []any{r.venues, words, day(r.StartDate), day(r.EndDate), r.PriceMin, r.PriceMax, r.Available, r.category}
}

// wordy reports whether documents have to be looked into.
func (r *resolved) wordy() bool { return len(r.text)+len(r.act) > 0 }
