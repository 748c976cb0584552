package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/olivere/elastic/v7"

	"usher/search"
	"usher/search/cursor"
)

const (
	deadline      = 2 * time.Second // of one search; whoever has another engine waits less
	rounds        = 5               // of reading on while a page is not full
	maxExpansions = 50              // known words in the place of a mistyped one
	leftWait      = 100 * time.Millisecond
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
	sealer cursor.Sealer
	left   *left
	wait   time.Duration
}

// New returns an engine. The key signs cursors; it is the same on every gateway, and for every engine.
func New(c *Client, key []byte, fill Left) *Engine {
	return &Engine{Client: c, sealer: cursor.New(key), left: newLeft(fill), wait: deadline}
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
	p := begin(q, false)
	if q.Cursor != "" {
		if p, err = open(g.sealer, q); err != nil {
			return page, err
		}
	}
	w := want(q)
	if w.nothing {
		if q.Facets {
			page.Facets = &search.Facets{}
		}
		return page, nil
	}
	if err := g.fill(ctx, &w, &p, &page); err != nil {
		return page, err
	}
	if q.Cursor == "" && len(page.Events) == 0 && page.NextCursor == "" && w.forgivable() { // nothing as it is typed: a typo?
		p, page = begin(q, true), search.Page{}
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

// found is a document in the order of the query.
type found struct {
	document
	end position // behind it
}

// next returns the next events, one more than a page holds. The first time it also tells how many there are.
func (g *Engine) next(ctx context.Context, w *wanted, p *position, page *search.Page, first bool) ([]found, error) {
	switch w.Sort {
	case search.ByRelevance:
		return g.byRelevance(ctx, w, p, page, first)
	case search.ByDate:
		return g.byDate(ctx, w, p, page, first)
	}
	answers, err := g.askFor(ctx, w, *p, w.PageSize+1, page, first)
	if err != nil {
		return nil, err
	}
	return p.readAll(w.Query, answers, w.PageSize+1)
}

// spans are how far ahead a search by date looks for its page at first, and then. An index has no order of time: to find the next events it looks at all of a span, so to look at the next
// days only is what makes a wide query cheap.
var spans = []time.Duration{3 * 24 * time.Hour, 60 * 24 * time.Hour}

// byDate looks for a page in the next days, then in the next weeks, then in all that follows.
func (g *Engine) byDate(ctx context.Context, w *wanted, p *position, page *search.Page, first bool) ([]found, error) {
	n, from := w.PageSize+1, w.from(*p)
	for i := 0; ; i++ {
		whole := from == 0 || i == len(spans) || first && i > 0 && !page.TotalCapped // what is little is looked at at once
		var within []elastic.Query
		if !whole {
			within = append(within, elastic.NewRangeQuery("start").Lt(from+spans[i].Microseconds()))
		}
		answers, err := g.askFor(ctx, w, *p, n, page, first && i == 0, within...)
		if err != nil {
			return nil, err
		}
		if out, err := p.readAll(w.Query, answers, n); err != nil || whole || len(out) == n {
			return out, err
		}
	}
}

// from is when what follows a position by date begins, in microseconds; 0: nothing tells.
func (w *wanted) from(p position) int64 {
	if p.event != 0 {
		return p.start
	}
	if w.StartDate.IsZero() {
		return 0
	}
	return w.StartDate.Add(-slack).UnixMicro()
}

// slack is between a venue's clock and UTC, at most.
const slack = 14 * time.Hour

// byRelevance looks for what is to come, and when that ends for what is over.
func (g *Engine) byRelevance(ctx context.Context, w *wanted, p *position, page *search.Page, first bool) (out []found, err error) {
	for {
		n, when := w.PageSize+1-len(out), elastic.NewRangeQuery("start")
		if p.past {
			when.Lt(p.now)
		} else {
			when.Gte(p.now)
		}
		answers, err := g.askFor(ctx, w, *p, n, page, first, when)
		if err != nil {
			return nil, err
		}
		more, err := p.readAll(w.Query, answers, n)
		if err != nil {
			return nil, err
		}
		if out, first = append(out, more...), false; len(out) > w.PageSize || p.past {
			return out, nil
		}
		*p = position{typos: p.typos, now: p.now, past: true}
	}
}

// askFor asks for the n events that follow a position, within some bounds. With counted it puts how many the query finds into the page: a count that stops where it is told costs little.
func (g *Engine) askFor(ctx context.Context, w *wanted, p position, n int, page *search.Page, counted bool, within ...elastic.Query) (*elastic.SearchResult, error) {
	s := elastic.NewSearchSource().Query(w.match(p.typos).Filter(within...)).Size(n).TrackTotalHits(false)
	p.order(w.Query, s)
	ask := []*elastic.SearchSource{s}
	if counted {
		ask = append(ask, elastic.NewSearchSource().Query(w.all(p.typos)).Size(0).TrackTotalHits(search.MaxTotal))
	}
	answers, err := g.ask(ctx, ask...)
	if err != nil {
		return nil, err
	}
	if counted {
		page.Total, page.TotalCapped, err = total(answers[1])
	}
	return answers[0], err
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
	if err := json.Unmarshal(h.Source, &f.document); err != nil {
		return f, fmt.Errorf("document %s: %w", h.Id, err)
	}
	var ok bool
	if f.end, ok = p.behind(q, f.document, h.Sort); !ok {
		return f, fmt.Errorf("document %s has no place in the order: %v", h.Id, h.Sort)
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
