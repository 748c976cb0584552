package searches

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"usher/search"
)

var rate = flag.Int("rate", 200, "searches a second, 1 to 10,000")

// warming is how many searches of each shape come before those that count: an engine that serves is warm.
const warming = 40

// BenchmarkSearch measures every shape of query at a fixed rate of arrivals, for as many searches as -benchtime says (2000x are ten seconds); a search that has to
// wait counts from its arrival. In the end it tells
// how many shapes meet the target of each engine, and names the slowest.
func BenchmarkSearch(b *testing.B) {
	if *rate < 1 || *rate > 10_000 {
		b.Fatalf("-rate %d: want 1 to 10,000", *rate)
	}
	w := newTown(b)
	v := w.vocabulary(b)
	for _, e := range w.engines {
		w.measure(b, e, v)
		b.Logf("%s, when all is searched: %s", e.name, e.size())
	}
}

func (w *town) measure(b *testing.B, e engine, v vocabulary) {
	var slowest tally
	var name string
	var shapes, met int
	run := func(shape string, do asking) {
		b.Run(e.name+"/"+shape, func(b *testing.B) {
			for i := range min(warming, b.N) {
				_, _ = do(i) // what is wrong is seen when it counts
			}
			spent := e.spent()
			t := arrive(b, do)
			if err := t.verdict(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(t.share(50), "p50-ms")
			b.ReportMetric(t.share(99), "p99-ms")
			b.ReportMetric(t.share(100), "max-ms")
			b.ReportMetric(float64((e.spent()-spent).Microseconds())/1000/float64(len(t.took)), "engine-cpu-ms/op")
			b.ReportMetric(0, "ns/op")
			if t.failed > 0 {
				b.ReportMetric(float64(t.failed), "failed")
			}
			if shapes++; t.met(e.target) {
				met++
			}
			if name == "" || t.share(99) > slowest.share(99) {
				slowest, name = t, shape
			}
		})
	}
	for _, s := range v.shapes() {
		run(s.name, func(i int) (int, error) {
			page, err := e.Search(context.Background(), s.q(i))
			return len(page.Events), err
		})
	}
	for _, q := range w.deepPages(b, e) {
		run(fmt.Sprintf("deep page by %s", q.Sort), func(int) (int, error) {
			page, err := e.Search(context.Background(), q)
			return len(page.Events), err
		})
	}
	run("suggestions", func(i int) (int, error) {
		text := []rune(of(v.performers, i))
		list, err := e.Suggest(context.Background(), string(text[:1+i%len(text)]), 8)
		return len(list.List), err
	})
	if name != "" {
		b.Logf("%s: of %d shapes at %d searches a second %d are answered within %d ms, 99 of 100 times; the slowest takes %.0f ms (%s)",
			e.name, shapes, *rate, met, e.target.Milliseconds(), slowest.share(99), name)
	}
}

// deepPages are pages far behind the first, in every order.
func (w *town) deepPages(b *testing.B, e engine) (out []search.Query) {
	for _, q := range []search.Query{
		{PageSize: 100}, {Text: "theatre", Sort: search.ByRelevance, PageSize: 100}, {HasPoint: true, Latitude: 51, Longitude: 1, RadiusKM: 500, Sort: search.ByDistance, PageSize: 100},
	} {
		for range 25 {
			page, err := e.Search(b.Context(), q)
			if err != nil {
				b.Fatal(err)
			}
			if page.NextCursor == "" {
				break
			}
			q.Cursor = page.NextCursor
		}
		out = append(out, q)
	}
	return out
}
