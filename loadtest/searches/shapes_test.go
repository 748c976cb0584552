package searches

import (
	"strings"
	"time"

	"usher/search"
)

// shape is one kind of query; the i-th of them differs from the others where people's do, so that next to nothing is answered from memory.
type shape struct {
	name string
	q    func(i int) search.Query
}

// vocabulary is what people may ask for in a catalog, in an order that chance has made.
type vocabulary struct {
	cities, venues, performers []string
	rare, medium, common       []string // words: in about 20 events at most, in 0.5 to 5 % of them, in more
	points                     [][2]float64
}

func of[T any](list []T, i int) T { return list[i%len(list)] }

// typo exchanges two letters in the middle.
func typo(word string) string {
	n := len(word) / 2
	return word[:n-1] + word[n:n+1] + word[n-1:n] + word[n+1:]
}

func (v vocabulary) shapes() []shape {
	from := func(i int) time.Time { return time.Now().AddDate(0, 0, i%150) }
	cents := func(i int) *int { n := 100 * (i % 200); return &n }
	near := func(i int) search.Query {
		at := of(v.points, i)
		return search.Query{HasPoint: true, Latitude: at[0], Longitude: at[1], RadiusKM: 50 + float64(i%450)}
	}
	with := func(q search.Query, change func(q *search.Query)) search.Query { change(&q); return q }
	categories := strings.Fields("theatre concert comedy family classical musical dance talk")
	return []shape{
		{"all from a day", func(i int) search.Query { return search.Query{StartDate: from(i), PriceMin: cents(i % 7)} }},
		{"60 days, price", func(i int) search.Query {
			return search.Query{StartDate: from(i), EndDate: from(i).AddDate(0, 0, 60), PriceMin: cents(i)}
		}},
		{"city, 60 days", func(i int) search.Query {
			return search.Query{Location: of(v.cities, i), StartDate: from(i), EndDate: from(i).AddDate(0, 0, 60)}
		}},
		{"venue", func(i int) search.Query { return search.Query{Venue: of(v.venues, i)} }},
		{"performer", func(i int) search.Query { return search.Query{Performer: of(v.performers, i)} }},
		{"category", func(i int) search.Query { return search.Query{Category: of(categories, i), StartDate: from(i)} }},
		{"name, relevance", func(i int) search.Query { return search.Query{Text: of(v.performers, i), Sort: search.ByRelevance} }},
		{"rare word, relevance", func(i int) search.Query { return search.Query{Text: of(v.rare, i), Sort: search.ByRelevance} }},
		{"rare word, by date", func(i int) search.Query { return search.Query{Text: of(v.rare, i)} }},
		{"medium word, relevance", func(i int) search.Query {
			return search.Query{Text: of(v.medium, i), StartDate: from(i), Sort: search.ByRelevance}
		}},
		{"medium word, by date", func(i int) search.Query { return search.Query{Text: of(v.medium, i), StartDate: from(i)} }},
		{"common word, relevance", func(i int) search.Query {
			return search.Query{Text: of(v.common, i), StartDate: from(i), Sort: search.ByRelevance}
		}},
		{"common and medium word", func(i int) search.Query {
			return search.Query{Text: of(v.common, i) + " " + of(v.medium, i), StartDate: from(i), Sort: search.ByRelevance}
		}},
		{"unfinished word, relevance", func(i int) search.Query {
			return search.Query{Text: string([]rune(of(v.performers, i))[:3]), StartDate: from(i), Sort: search.ByRelevance}
		}},
		{"typo, relevance", func(i int) search.Query { return search.Query{Text: typo(of(v.rare, i)), Sort: search.ByRelevance} }},
		{"typo beside a common word", func(i int) search.Query {
			return search.Query{Text: typo(of(v.rare, i)) + " " + of(v.common, i), Sort: search.ByRelevance}
		}},
		{"common word and city", func(i int) search.Query {
			return search.Query{Text: of(v.common, i), Location: of(v.cities, i), StartDate: from(i % 60), Sort: search.ByRelevance}
		}},
		{"radius, by date", near},
		{"radius, by distance", func(i int) search.Query { return with(near(i), func(q *search.Query) { q.Sort = search.ByDistance }) }},
		{"common word, radius, by distance", func(i int) search.Query {
			return with(near(i), func(q *search.Query) { q.Text, q.Sort = of(v.common, i), search.ByDistance })
		}},
		{"medium word, radius, by relevance", func(i int) search.Query {
			return with(near(i), func(q *search.Query) { q.Text, q.Sort = of(v.medium, i), search.ByRelevance })
		}},
		{"available", func(i int) search.Query {
			return search.Query{StartDate: from(i), Available: true, PriceMin: cents(i % 7)}
		}},
		{"common word, available", func(i int) search.Query {
			return search.Query{Text: of(v.common, i), StartDate: from(i), Available: true, Sort: search.ByRelevance}
		}},
		{"tickets, 100 events", func(i int) search.Query {
			return search.Query{StartDate: from(i % 50), Available: true, Tickets: true, PageSize: 100, PriceMin: cents(i % 7)}
		}},
		{"facets of a rare word", func(i int) search.Query {
			return search.Query{Text: of(v.rare, i), Facets: true, Sort: search.ByRelevance}
		}},
		{"facets of a medium word", func(i int) search.Query {
			return search.Query{Text: of(v.medium, i), Facets: true, StartDate: from(i), Sort: search.ByRelevance}
		}},
		{"facets of a city", func(i int) search.Query {
			return search.Query{Location: of(v.cities, i), Facets: true, StartDate: from(i % 7)}
		}},
		{"facets of a category", func(i int) search.Query {
			return search.Query{Category: of(categories, i), StartDate: from(i), Facets: true}
		}},
		{"facets of all", func(i int) search.Query { return search.Query{StartDate: from(i), PriceMin: cents(i), Facets: true} }},
	}
}
