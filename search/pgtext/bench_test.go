package pgtext

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"usher/catalog/pgcatalog"
	"usher/search"
)

//go:embed testdata/many_events.sql
var manyEvents string

var (
	benchEvents = flag.Int("events", 20_000, "how many events the benchmark searches in; venues are a twentieth")
	benchDSN    = flag.String("dsn", "", "a database that testdata/many_events.sql has filled, to spare making one")
	benchRate   = flag.Int("rate", 100, "searches a second")
)

// shape is one kind of query; the i-th of them differs from the others where people's do, so that nothing is answered from memory.
type shape struct {
	name string
	q    func(i int) search.Query
}

// syllables make the words of many_events.sql.
var syllables = strings.Fields("ka lor mi ten su var ne dol ri pam ho gel ta bir co wen da fis lu mar")

func benchWord(n int) string { return syllables[n%20] + syllables[n/20%20] + syllables[n/400%20] }

func shapes() []shape {
	from := func(i int) time.Time { return time.Now().AddDate(0, 0, i%300) }
	cents := func(i int) *int { n := 100 * (i % 200); return &n }
	near := func(i int) search.Query {
		return search.Query{HasPoint: true, Latitude: -60 + float64(i%300)*0.4, Longitude: -170 + float64(i%300)*1.1, RadiusKM: 200 + float64(i%100)}
	}
	with := func(q search.Query, change func(q *search.Query)) search.Query { change(&q); return q }
	return []shape{
		{"all from a day", func(i int) search.Query { return search.Query{StartDate: from(i)} }},
		{"60 days, price", func(i int) search.Query {
			return search.Query{StartDate: from(i), EndDate: from(i).AddDate(0, 0, 60), PriceMin: cents(i)}
		}},
		{"city, 60 days", func(i int) search.Query {
			return search.Query{Location: fmt.Sprintf("city %d, country %d", i%300, i%30), StartDate: from(i), EndDate: from(i).AddDate(0, 0, 60)}
		}},
		{"venue", func(i int) search.Query { return search.Query{Venue: fmt.Sprintf("hall %d", 1+i%900)} }},
		{"performer", func(i int) search.Query { return search.Query{Performer: benchWord(3 * (1 + i%400))} }},
		{"category", func(i int) search.Query { return search.Query{Category: "comedy", StartDate: from(i)} }},
		{"text, relevance", func(i int) search.Query { return search.Query{Text: benchWord(13 * i), Sort: search.ByRelevance} }},
		{"text, by date", func(i int) search.Query { return search.Query{Text: benchWord(13 * i)} }},
		{"common word, relevance", func(i int) search.Query {
			return search.Query{Text: []string{"night", "tour", "live", "hall"}[i%4], StartDate: from(i), Sort: search.ByRelevance}
		}},
		{"unfinished word, relevance", func(i int) search.Query {
			return search.Query{Text: benchWord(13 * i)[:3], StartDate: from(i), Sort: search.ByRelevance}
		}},
		{"typo, relevance", func(i int) search.Query {
			w := benchWord(13 * i)
			return search.Query{Text: w[:2] + "x" + w[2:] + " hall", Sort: search.ByRelevance}
		}},
		{"text and city", func(i int) search.Query {
			return search.Query{Text: "night", Location: fmt.Sprintf("city %d", i%300), StartDate: from(i % 60), Sort: search.ByRelevance}
		}},
		{"radius, by date", near},
		{"radius, by distance", func(i int) search.Query { return with(near(i), func(q *search.Query) { q.Sort = search.ByDistance }) }},
		{"text, radius, by distance", func(i int) search.Query {
			return with(near(i), func(q *search.Query) { q.Text, q.Sort = "tour", search.ByDistance })
		}},
		{"available", func(i int) search.Query { return search.Query{StartDate: from(i), Available: true} }},
		{"available, text", func(i int) search.Query {
			return search.Query{Text: "night", StartDate: from(i), Available: true, Sort: search.ByRelevance}
		}},
		{"tickets, 100 events", func(i int) search.Query {
			return search.Query{StartDate: from(i), Available: true, Tickets: true, PageSize: 100}
		}},
		{"facets of a text", func(i int) search.Query {
			return search.Query{Text: benchWord(13 * i), Facets: true, Sort: search.ByRelevance}
		}},
		{"facets of a city", func(i int) search.Query {
			return search.Query{Location: fmt.Sprintf("city %d", i%300), Facets: true, StartDate: from(i % 7)}
		}},
		{"facets of 10,000", func(i int) search.Query { return search.Query{StartDate: from(i), PriceMin: cents(i), Facets: true} }},
	}
}

// BenchmarkSearch measures every shape of query at a fixed rate of arrivals, ten seconds each or as long as -benchtime says; a search that has to wait counts
// from its arrival.
func BenchmarkSearch(b *testing.B) {
	w := benchTown(b)
	search := func(q search.Query) error { _, err := w.Search(context.Background(), q); return err }
	for _, s := range shapes() {
		b.Run(s.name, func(b *testing.B) { w.arrive(b, func(i int) error { return search(s.q(i)) }) })
	}
	w.deepPages(b)
	b.Run("suggestions", func(b *testing.B) {
		w.arrive(b, func(i int) error {
			text := benchWord(13 * i)
			_, err := w.Suggest(context.Background(), text[:1+i%len(text)], 8)
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
		return &town{Engine: New(store.Pool(), []byte("a key of the test's own")), t: b, catalog: store}
	}
	w := newTown(b)
	sql := strings.NewReplacer("{venues}", fmt.Sprint(*benchEvents/20), "{events}", fmt.Sprint(*benchEvents)).Replace(manyEvents)
	conn, err := w.pool().Acquire(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	_, err = conn.Conn().PgConn().Exec(context.Background(), sql).ReadAll()
	conn.Release()
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d events made and indexed in %s", *benchEvents, time.Since(began))
	return w
}

// deepPages measures pages far behind the first, in every order.
func (w *town) deepPages(b *testing.B) {
	for _, q := range []search.Query{
		{PageSize: 100}, {Text: "night", Sort: search.ByRelevance, PageSize: 100}, {HasPoint: true, Latitude: 0, Longitude: -5, RadiusKM: 500, Sort: search.ByDistance, PageSize: 100},
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
	rows, err := w.pool().Query(context.Background(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database()`)
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
