package pgtext

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/catalog/generate"
	"usher/catalog/importer"
	"usher/catalog/pgcatalog"
	"usher/search"
	"usher/search/searchtest/pgtown"
)

var (
	benchEvents = flag.Int("events", 20_000, "how many generated events the benchmark searches in, 100 a venue")
	benchDSN    = flag.String("dsn", "", "a database that `usher generate` has filled, to spare making one")
	benchRate   = flag.Int("rate", 100, "searches a second")
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

func (w *town) vocabulary(b *testing.B) (v vocabulary) {
	list := func(sql string) (out []string) {
		rows, err := w.Pool().Query(context.Background(), sql)
		if err == nil {
			out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil || len(out) == 0 {
			b.Fatalf("%s: %d, %v", sql, len(out), err)
		}
		return out
	}
	v.cities = list(`SELECT location FROM venues GROUP BY location ORDER BY hashtext(location) LIMIT 400`)
	v.venues = list(`SELECT name FROM venues ORDER BY hashtext(name) LIMIT 1000`)
	v.performers = list(`SELECT name FROM performers WHERE length(name) > 3 ORDER BY hashtext(name) LIMIT 1000`)
	words := `SELECT word FROM ts_stat('SELECT document FROM event_search WHERE hashint8(event_id) % 10 = 0') WHERE word ~ '^[a-z]{4,}$' AND ndoc `
	all := fmt.Sprint(*benchEvents / 10)
	v.rare = list(words + `BETWEEN 1 AND 2 ORDER BY hashtext(word) LIMIT 1000`)
	v.medium = list(words + `BETWEEN ` + all + ` * 0.005 AND ` + all + ` * 0.05 ORDER BY hashtext(word) LIMIT 100`)
	v.common = list(words + `> ` + all + ` * 0.05 ORDER BY hashtext(word) LIMIT 100`)
	rows, err := w.Pool().Query(context.Background(), `SELECT latitude, longitude FROM venues ORDER BY hashtext(name) LIMIT 1000`)
	if err != nil {
		b.Fatal(err)
	}
	var at [2]float64
	if _, err := pgx.ForEachRow(rows, []any{&at[0], &at[1]}, func() error { v.points = append(v.points, at); return nil }); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d rare words, %d of a medium frequency, %d common ones: %s", len(v.rare), len(v.medium), len(v.common), strings.Join(v.common, " "))
	return v
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

// BenchmarkSearch measures every shape of query at a fixed rate of arrivals, ten seconds each or as long as -benchtime says; a search that has to wait counts
// from its arrival.
func BenchmarkSearch(b *testing.B) {
	w := benchTown(b)
	search := func(q search.Query) error { _, err := w.Search(context.Background(), q); return err }
	v := w.vocabulary(b)
	for _, s := range v.shapes() {
		b.Run(s.name, func(b *testing.B) { w.arrive(b, func(i int) error { return search(s.q(i)) }) })
	}
	w.deepPages(b)
	b.Run("suggestions", func(b *testing.B) {
		w.arrive(b, func(i int) error {
			text := []rune(of(v.performers, i))
			_, err := w.Suggest(context.Background(), string(text[:1+i%len(text)]), 8)
			return err
		})
	})
}

// benchTown is a town of many events: of a database that has them already, or made anew, which takes some minutes for 200,000.
func benchTown(b *testing.B) *town {
	if *benchDSN != "" {
		store, err := pgcatalog.Open(context.Background(), *benchDSN, 4)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(store.Close)
		return &town{Engine: New(store.Pool(), []byte("a key of the test's own")), t: b, Town: pgtown.On(store)}
	}
	w := newTown(b)
	began := time.Now()
	made, err := generate.New(generate.Options{Seed: 1, Venues: max(*benchEvents/100, 10), Events: *benchEvents, Days: 182, Tickets: 200, From: importer.Monday(began)})
	if err == nil {
		err = importer.Run(context.Background(), importer.Options{Postgres: w.Pool().Config().ConnString(), Generated: made}, io.Discard)
	}
	if err == nil {
		_, err = w.Pool().Exec(context.Background(), "VACUUM ANALYZE")
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d events made and indexed in %s", *benchEvents, time.Since(began))
	return w
}

// deepPages measures pages far behind the first, in every order.
func (w *town) deepPages(b *testing.B) {
	for _, q := range []search.Query{
		{PageSize: 100}, {Text: "theatre", Sort: search.ByRelevance, PageSize: 100}, {HasPoint: true, Latitude: 51, Longitude: 1, RadiusKM: 500, Sort: search.ByDistance, PageSize: 100},
	} {
		for range 25 {
			_, page := w.find(q)
			if page.NextCursor == "" {
				break
			}
			q.Cursor = page.NextCursor
		}
		b.Run(fmt.Sprintf("deep page by %s", q.Sort), func(b *testing.B) {
			w.arrive(b, func(i int) error { _, err := w.Search(context.Background(), q); return err })
		})
	}
}

// arrive lets searches arrive at the rate, whether earlier ones have been answered or not, and reports how long they took, and
// what they cost the database: on a machine that others use, too, that is the number to go by.
func (w *town) arrive(b *testing.B, do func(i int) error) {
	var mu sync.Mutex // guards took, failed
	var took []time.Duration
	var failed error
	var wg sync.WaitGroup
	spent := w.spent(b)
	pause := time.Second / time.Duration(*benchRate)
	began := time.Now()
	i := 0
	for b.Loop() {
		due := began.Add(time.Duration(i) * pause)
		time.Sleep(time.Until(due))
		n := i
		wg.Go(func() {
			err := do(n)
			mu.Lock()
			defer mu.Unlock()
			if took = append(took, time.Since(due)); err != nil {
				failed = err
			}
		})
		i++
	}
	wg.Wait()
	if failed != nil {
		b.Fatal(failed)
	}
	slices.Sort(took)
	report := func(share int, name string) {
		b.ReportMetric(float64(took[min(len(took)*share/100, len(took)-1)].Microseconds())/1000, name)
	}
	report(50, "p50-ms")
	report(99, "p99-ms")
	report(100, "max-ms")
	b.ReportMetric(float64((w.spent(b)-spent).Microseconds())/1000/float64(i), "db-cpu-ms/op")
	b.ReportMetric(0, "ns/op")
}

// spent is the processor time of the sessions of the database, as Linux counts it, in hundredths of a second; 0 elsewhere.
func (w *town) spent(b *testing.B) (total time.Duration) {
	rows, err := w.Pool().Query(context.Background(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database()`)
	if err != nil {
		b.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		b.Fatal(err)
	}
	for _, pid := range pids {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, after, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(after); len(f) > 12 {
			user, _ := strconv.Atoi(f[11])
			system, _ := strconv.Atoi(f[12])
			total += time.Duration(user+system) * 10 * time.Millisecond
		}
	}
	return total
}
