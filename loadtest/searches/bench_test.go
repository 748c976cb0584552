package searches

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"

	"usher/search"
)

var (
	rate = flag.Int("rate", 200, "searches a second, 1 to 10,000")
	warm = flag.Int("warm", 40, "searches of each shape before any counts: an engine that serves has translated its code, at the expense of a processor for minutes")
)

// again is how many searches of a shape come right before those that count.
const again = 10

// BenchmarkSearch measures every shape of query at a fixed rate of arrivals, for as many searches as -benchtime says (2000x are ten seconds); a search that has to
// wait counts from its arrival. In the end it tells
// how many shapes meet the target of each engine, and names the slowest.
func BenchmarkSearch(b *testing.B) {
	if *rate < 1 || *rate > 10_000 || *warm < 0 || *warm > 10_000 {
		b.Fatalf("-rate %d, -warm %d: want 1 to 10,000, 0 to 10,000", *rate, *warm)
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
	kinds := w.kinds(b, e, v)
	warmed := sync.OnceFunc(func() {
		for i := range *warm {
			for _, k := range kinds {
				_, _ = k.do(i) // what is wrong is seen when it counts
			}
		}
	})
	run := func(shape string, do asking) {
		b.Run(e.name+"/"+shape, func(b *testing.B) {
			warmed()
			for i := range min(again, b.N) {
				_, _ = do(i)
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
	for _, k := range kinds {
		run(k.name, k.do)
	}
	if name != "" {
		b.Logf("%s: of %d shapes at %d searches a second %d are answered within %d ms, 99 of 100 times; the slowest takes %.0f ms (%s)",
			e.name, shapes, *rate, met, e.target.Milliseconds(), slowest.share(99), name)
	}
}

// kind is one kind of search.
type kind struct {
	name string
	do   asking
}

// kinds are all kinds of search that an engine is asked.
func (w *town) kinds(b *testing.B, e engine, v vocabulary) (out []kind) {
	for _, s := range v.shapes() {
		out = append(out, kind{s.name, func(i int) (int, error) {
			page, err := e.Search(context.Background(), s.q(i))
			return len(page.Events), err
		}})
	}
	for _, q := range w.deepPages(b, e) {
		out = append(out, kind{fmt.Sprintf("deep page by %s", q.Sort), func(int) (int, error) {
			page, err := e.Search(context.Background(), q)
			return len(page.Events), err
		}})
	}
	return append(out, kind{"suggestions", func(i int) (int, error) {
		text := []rune(of(v.performers, i))
		list, err := e.Suggest(context.Background(), string(text[:1+i%len(text)]), 8)
		return len(list.List), err
	}})
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
