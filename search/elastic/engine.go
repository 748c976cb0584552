package elastic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/olivere/elastic/v7"

	"usher/search"
	"usher/search/cursor"
)

const (
	deadline = 2 * time.Second // of one search; whoever has another engine waits less
	rounds   = 5               // of reading on while a page is not full
	maxNear  = 50              // known words in the place of a mistyped one
	leftWait = 100 * time.Millisecond
)

var (
	searchSeconds  = metrics.NewHistogram(`usher_search_seconds{engine="elasticsearch"}`)
	suggestSeconds = metrics.NewHistogram(`usher_suggest_seconds{engine="elasticsearch"}`)
	failuresTotal  = metrics.NewCounter(`usher_search_failures_total{engine="elasticsearch"}`)
	unstockedTotal = metrics.NewCounter("usher_search_unstocked_pages_total")
)

// Left fills in what is left of some hits, and some tickets if asked.
type Left func(ctx context.Context, hits []search.Hit, tickets bool) error

// Engine is a search.Engine.
type Engine struct {
	*Client
	bounds
	sealer cursor.Sealer
	left   *left
	wait   time.Duration
}

// New returns an engine. The key signs cursors; it is the same on every gateway, and for every engine.
func New(c *Client, key []byte, fill Left) *Engine {
	return &Engine{Client: c, bounds: usual, sealer: cursor.New(key), left: newLeft(fill), wait: deadline}
}

// Search answers one page. See search.Engine.
func (g *Engine) Search(ctx context.Context, q search.Query) (page search.Page, err error) {
	defer searchSeconds.UpdateDuration(time.Now())
	ctx, cancel := context.WithTimeout(ctx, g.wait)
	defer cancel()
	page, err = g.search(ctx, q)
	if err == nil || errors.Is(err, search.ErrBadCursor) || errors.Is(err, search.ErrBadQuery) {
		return page, err
	}
	failuresTotal.Inc()
	return search.Page{}, fmt.Errorf("%w: %w", search.ErrUnavailable, err)
}

func (g *Engine) search(ctx context.Context, q search.Query) (page search.Page, err error) {
	if err := q.Check(); err != nil {
		return page, err
	}
	w := want(q)
	p := w.begin(false)
	if q.Cursor != "" {
		if p, err = open(g.sealer, q); err != nil {
			return page, err
		}
	}
	if w.nothing {
		if q.Facets {
			page.Facets = &search.Facets{}
		}
		return page, nil
	}
	if p.typos { // so the pages before were
		if err := g.forgive(ctx, &w); err != nil {
			return page, err
		}
	}
	if err := g.fill(ctx, &w, &p, &page); err != nil {
		return page, err
	}
	if q.Cursor == "" && len(page.Events) == 0 && page.NextCursor == "" && w.forgivable() { // nothing as it is typed: a typo?
		if err := g.forgive(ctx, &w); err != nil || len(w.near) == 0 {
			return page, err
		}
		p, page = w.begin(true), search.Page{}
		if err := g.fill(ctx, &w, &p, &page); err != nil {
			return page, err
		}
	}
	if q.Facets {
		page.Facets, err = g.facets(ctx, &w, p.typos, page.TotalCapped)
	}
	return page, err
}

// fill looks for as many events as the page holds and one more, which tells that there is another page. With Available, events whose last seats
// are held are passed over, but only so many: then the page is short.
func (g *Engine) fill(ctx context.Context, w *wanted, p *position, page *search.Page) error {
	var ends []position // behind each event of the page
	for round := range rounds {
		list, err := g.next(ctx, w, p, page, round == 0)
		if err != nil {
			return err
		}
		hits := make([]search.Hit, len(list))
		for i, f := range list {
			if hits[i], err = f.hit(w.Query); err != nil {
				return err
			}
		}
		if page.LeftAge, err = g.left.fill(ctx, hits, w.Tickets, list); err != nil {
			return err
		}
		for i, hit := range hits {
			if w.Available && hit.Availability == "none" {
				continue
			}
			if len(page.Events) == w.PageSize {
				page.NextCursor = ends[w.PageSize-1].seal(g.sealer, w.Query)
				return nil
			}
			page.Events, ends = append(page.Events, hit), append(ends, list[i].end)
		}
		if len(list) <= w.PageSize {
			return nil
		}
		*p = list[len(list)-1].end
	}
	page.NextCursor = p.seal(g.sealer, w.Query)
	return nil
}

// found is an event in the order of the query.
type found struct {
	shown
	end position // behind it
}

// next returns the next events, one more than a page holds. The first time it also tells how many there are.
func (g *Engine) next(ctx context.Context, w *wanted, p *position, page *search.Page, first bool) ([]found, error) {
	n, r := w.PageSize+1, g.byDate(w, *p)
	switch w.Sort {
	case search.ByRelevance:
		return g.rank(ctx, w, p, n, page, first)
	case search.ByDistance:
		r = w.byDistance(*p)
	}
	answer, _, err := g.narrow(ctx, w, *p, n, page, first, r, nil)
	if err != nil {
		return nil, err
	}
	return p.readAll(w.Query, answer, n)
}

// readAll reads at most n hits, which follow the position.
func (p position) readAll(q search.Query, r *elastic.SearchResult, n int) (out []found, err error) {
	if len(r.Hits.Hits) > n {
		return nil, fmt.Errorf("search in elasticsearch: %d hits, %d were asked for", len(r.Hits.Hits), n)
	}
	for _, h := range r.Hits.Hits {
		f, err := p.read(q, h)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (p position) read(q search.Query, h *elastic.SearchHit) (f found, err error) {
	if f.shown, err = show(h); err != nil {
		return f, err
	}
	var ok bool
	if f.end, ok = p.behind(q, f.shown, h.Sort); !ok {
		return f, fmt.Errorf("event %q has no place in the order: %v", f.id, h.Sort)
	}
	return f, nil
}

// total is how many documents an answer is about, at most search.MaxTotal.
func total(r *elastic.SearchResult) (n int, capped bool, err error) {
	t := r.Hits.TotalHits
	if t == nil || t.Value < 0 {
		return 0, false, errors.New("search in elasticsearch: the answer has no total")
	}
	return int(min(t.Value, search.MaxTotal)), t.Relation == "gte" || t.Value > search.MaxTotal, nil
}
