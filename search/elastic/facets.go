package elastic

import (
	"context"
	"fmt"
	"math"

	"github.com/olivere/elastic/v7"

	"usher/search"
)

const (
	sampled = 1000 // events that facets count, about, when more is found than is counted
	coarse  = 4    // halvings at least then: of 10,000 events 625
	probe   = 10   // halvings of the sample that tells how much is found
)

// facets counts what the query finds by what it could be narrowed to; a fair sample of it where there is much.
func (g *Engine) facets(ctx context.Context, w *wanted, typos, much bool) (*search.Facets, error) {
	q := w.all(typos, part{})
	if much {
		q.Filter(elastic.NewTermQuery("fair", oneIn(halve(w.about))))
	}
	terms := func(field string) *elastic.TermsAggregation {
		return elastic.NewTermsAggregation().Field(field).Size(search.MaxFacet)
	}
	answers, err := g.ask(ctx, elastic.NewSearchSource().Query(q).Size(0).TrackTotalHits(false).
		Aggregation("category", terms("category")).Aggregation("city", terms("venue.location")).Aggregation("venue", terms("venue.label")).
		Aggregation("month", terms("month").OrderByKeyAsc()).Aggregation("price", terms("bands")).Aggregation("available", terms("for_sale")))
	if err != nil {
		return nil, err
	}
	return read(answers[0].Aggregations, much)
}

// sample asks how much is found, about: by how much of a small sample.
func (w *wanted) sample(typos bool) *elastic.SearchSource {
	return elastic.NewSearchSource().Query(w.all(typos, part{}).Filter(elastic.NewTermQuery("fair", oneIn(probe)))).Size(0).TrackTotalHits(true)
}

// halve is how many halvings leave about as many of n as facets count.
func halve(n int) (halvings int) {
	return min(max(int(math.Round(math.Log2(float64(max(n, 1))/sampled))), coarse), finest)
}

// read reads counts. With several shards those of what is rare may be too low.
func read(counts elastic.Aggregations, much bool) (*search.Facets, error) {
	out := &search.Facets{Capped: much}
	for _, f := range []struct {
		name string
		to   *[]search.Facet
	}{{"category", &out.Category}, {"city", &out.City}, {"month", &out.Month}, {"venue", &out.Venue}} {
		values, ok := counts.Terms(f.name)
		if !ok {
			return nil, fmt.Errorf("facets: no counts by %s", f.name)
		}
		out.Capped = out.Capped || values.DocCountErrorUpperBound > 0
		for _, v := range values.Buckets {
			key, _ := v.Key.(string)
			facet := search.Facet{Value: key, Label: key, Count: int(v.DocCount)}
			if f.name == "venue" {
				names, err := parts(key, 3)
				if err != nil {
					return nil, fmt.Errorf("facets: %w", err)
				}
				facet.Value, facet.Label = names[0], names[1]
			}
			*f.to = add(*f.to, facet)
		}
	}
	prices, ok1 := counts.Terms("price")
	available, ok2 := counts.Terms("available")
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("facets: no counts by price or of what is available")
	}
	for _, b := range search.Bands() {
		if n := count(prices, b.Value); n > 0 {
			out.Price = append(out.Price, search.Facet{Value: b.Value, Label: b.Value, Count: n})
		}
	}
	if n := count(available, "true"); n > 0 {
		out.Available = []search.Facet{{Value: "true", Count: n}}
	}
	return out, nil
}

// count is how often a value was counted.
func count(values *elastic.AggregationBucketKeyItems, value string) int {
	for _, v := range values.Buckets {
		if v.Key == value || v.KeyAsString != nil && *v.KeyAsString == value {
			return int(v.DocCount)
		}
	}
	return 0
}

// add adds a facet; while a venue is being renamed, its documents have two names for one id.
func add(list []search.Facet, f search.Facet) []search.Facet {
	for i := range list {
		if list[i].Value == f.Value {
			list[i].Count += f.Count
			return list
		}
	}
	return append(list, f)
}
